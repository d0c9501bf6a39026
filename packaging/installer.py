"""Compiles the Windows installer of what the build has staged: `python packaging/installer.py`.

Invariant: what the installer brings and what its uninstaller removes are one list, that of the staged files; nothing
else is ever deleted in the folder a person chose. Needs NSIS 3.08 or newer (`makensis`), on any system. `ALCOVE_SIGN`
is a command, in the words of the system's own command line, that signs the file named after it: the programs, the
installer and the uninstaller; without it nothing is signed, and that is said.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import product

SOURCE = product.ROOT / "packaging" / "windows"
MADE = product.BUILD / "windows"
LONGEST = 150  # of a path in the folder: with C:\Users\NAME\AppData\Local\Programs\Alcove less than Windows' 260
OUTPUT = product.DIST / f"{product.NAME}-{product.VERSION}-windows-x64.exe"
PROGRAMS = (f"{product.EXECUTABLE}.exe", f"{product.EXECUTABLE}-cli.exe")


def staged_files(staged: Path) -> list[PurePosixPath]:
    """Every file of the program, by its path in the folder. Ends the build where the program is not there, or a path is
    too long for a Windows without long paths."""
    files = sorted(PurePosixPath(p.relative_to(staged).as_posix()) for p in staged.rglob("*") if p.is_file())
    for program in PROGRAMS:
        if PurePosixPath(program) not in files:
            raise SystemExit(f"{staged} holds no {program}: build the program first.")
    long = [str(file) for file in files if len(str(file)) > LONGEST]
    if long:
        raise SystemExit(f"Too long a path for Windows: {long[0]}")
    return files


def lists(staged: Path, files: list[PurePosixPath]) -> str:
    """The two macros that `alcove.nsi` wants: what it brings, and the same taken away again, folders last."""
    folders = sorted({parent for file in files for parent in file.parents}, key=str)
    return "\n".join(["!macro InstallFiles", *_brought(staged, files, folders), "!macroend", ""]) + "\n".join(
        ["!macro RemoveFiles", *_removed(files, folders), "!macroend", ""]
    )


def _brought(staged: Path, files: list[PurePosixPath], folders: list[PurePosixPath]) -> Iterator[str]:
    for folder in folders:
        yield f'SetOutPath "{_installed(folder)}"'
        for file in files:
            if file.parent == folder:
                yield f'File "{staged / file}"'


def _removed(files: list[PurePosixPath], folders: list[PurePosixPath]) -> Iterator[str]:
    for file in files:
        yield f'Delete "{_installed(file)}"'
    for folder in reversed(folders):
        if folder.parts:
            yield f'RMDir "{_installed(folder)}"'


def _installed(path: PurePosixPath) -> str:
    return "\\".join(("$INSTDIR", *(_escaped(part) for part in path.parts)))


def _escaped(text: str) -> str:
    """NSIS' own sign is `$`."""
    return text.replace("$", "$$")


def draw_picture(file: Path) -> Path:
    """What stands beside the last page, in NSIS' size: our icon on the ground of our own window's side."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtGui import QImage, QPainter

    from desktop.ui.tokens import LIGHT

    smooth = Qt.TransformationMode.SmoothTransformation
    image = QImage(164, 314, QImage.Format.Format_RGB888)
    image.fill(LIGHT.side)
    painter = QPainter(image)
    painter.drawImage(QPoint(34, 48), QImage(str(product.ICONS / "alcove-256.png")).scaledToWidth(96, smooth))
    painter.end()
    image.save(str(file))
    return file


def version_of_four(version: str) -> str:
    """Windows counts versions in four numbers; what comes after numbers is left out."""
    numbers = [part for part in version.split(".")[:4] if part.isdigit()]
    return ".".join([*numbers, *["0"] * (4 - len(numbers))])


def definitions(output: Path, listed: Path, sign: str) -> dict[str, str]:
    """What `alcove.nsi` is told."""
    told = {
        "NAME": product.NAME,
        "EXECUTABLE": product.EXECUTABLE,
        "VERSION": product.VERSION,
        "VERSION_OF_FOUR": version_of_four(product.VERSION),
        "SUMMARY": product.SUMMARY,
        "ICON": str(product.ICONS / "alcove.ico"),
        "PICTURE": str(MADE / "side.bmp"),
        "SOURCE": str(SOURCE),
        "FILES": str(listed),
        "OUTPUT": str(output),
    }
    return {**told, "SIGN": sign} if sign else told


def compiled(staged: Path, output: Path, sign: str = "", target: str = "") -> Path:
    """The installer; `target` as NSIS names it, where it is not the usual one."""
    MADE.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw_picture(MADE / "side.bmp")
    listed = MADE / "files.nsh"
    listed.write_text(lists(staged, staged_files(staged)), "utf-8")
    told = definitions(output, listed, sign) | ({"TARGET": target} if target else {})
    command = ["makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8", *(f"-D{key}={value}" for key, value in told.items())]
    subprocess.run([*command, str(SOURCE / "alcove.nsi")], check=True)
    return output


def signed(file: Path, sign: str) -> None:
    """By the command, with the file behind it; on Windows as one line, whose quotes are for the program to read."""
    subprocess.run(f'{sign} "{file}"' if os.name == "nt" else [*shlex.split(sign), str(file)], check=True)


def make(staged: Path = product.STAGED, output: Path = OUTPUT, target: str = "") -> Path:
    """The installer, signed with all that is in it, if there is a command for that."""
    sign = os.environ.get("ALCOVE_SIGN", "")
    if "'" in sign:  # for NSIS the end of the command
        raise SystemExit("ALCOVE_SIGN cannot hold a single quote (') in it: write double quotes.")
    if sign:
        for program in PROGRAMS:
            signed(staged / program, sign)
    else:
        print("ALCOVE_SIGN is not set: nothing is signed, and Windows will warn whoever starts the installer.")
    return compiled(staged.resolve(), output.resolve(), sign, target)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compiles the Windows installer of what is staged.")
    parser.add_argument("--staged", type=Path, default=product.STAGED, help="the folder of the program")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--target", default="", help="amd64-unicode makes a 64-bit installer, where NSIS has that")
    given = parser.parse_args()
    print(make(given.staged, given.output, given.target))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
