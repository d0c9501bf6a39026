"""The installer, compiled and run under Wine: `python -m pytest tests/packaging/installed.py`.

It is no part of the ordinary suite: it needs NSIS, 7z, MinGW-w64 and Wine (Debian: nsis p7zip-full
gcc-mingw-w64-x86-64 wine64 wine), and fails without them. `stand_in.c` is installed in the real program's place;
the installer is the 64-bit one, as Wine without its 32-bit half runs no other. Where Wine has that half (Debian:
wine32:i386), ALCOVE_TARGET=x86-unicode tries the one that people are given.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import icons
import installer
import product
import pytest

PATIENCE_S = 120.0
TARGET = os.environ.get("ALCOVE_TARGET", "amd64-unicode")  # or x86-unicode, as it is shipped
UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\Alcove"


@dataclass(frozen=True, slots=True)
class Windows:
    """One Wine, as empty as Windows comes."""

    prefix: Path
    says: Path

    @property
    def environment(self) -> dict[str, str]:
        says = "Z:" + str(self.says).replace("/", "\\")
        return {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.prefix.parent),  # Wine takes a person's desktop and documents from there
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "ALCOVE_SAYS": says,
        }

    def run(self, *command: str | Path) -> int:
        line = ["wine", *map(str, command)]
        return subprocess.run(line, env=self.environment, timeout=PATIENCE_S, capture_output=True).returncode

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["wine", *map(str, command)], env=self.environment, stdout=subprocess.DEVNULL)

    def become(self, version: str) -> None:
        assert self.run("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", version, "/f") == 0

    def value(self, key: str, name: str = "") -> str | None:
        """Of the registry; None where there is none."""
        which = ["/v", name] if name else ["/ve"]
        line = ["wine", "reg", "query", key, *which, "/reg:64"]
        asked = subprocess.run(line, env=self.environment, timeout=PATIENCE_S, capture_output=True)
        rows = [row.strip() for row in asked.stdout.decode("utf-8", "replace").splitlines() if "REG_" in row]
        return rows[0].split("REG_SZ", 1)[-1].strip() if asked.returncode == 0 and rows else None

    @property
    def home(self) -> Path:
        (home,) = (p for p in (self.prefix / "drive_c" / "users").iterdir() if p.name != "Public")
        return home

    @property
    def folder(self) -> Path:
        return self.home / "AppData" / "Local" / "Programs" / "Alcove"

    @property
    def data(self) -> Path:
        return self.home / "AppData" / "Local" / "Alcove"

    def said(self) -> list[str]:
        return self.says.read_text("utf-8-sig").split() if self.says.exists() else []

    def until_said(self, *words: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.said() != list(words):
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("program") / "alcove.exe"
    source = Path(__file__).with_name("stand_in.c")
    command = ["x86_64-w64-mingw32-gcc", "-municode", "-mwindows", "-Wall", "-Werror", "-O1", "-o", made, source]
    subprocess.run(command, check=True)
    return made


def version(stand_in: Path, folder: Path, *files: str) -> Path:
    """An installer that brings the stand-in and these files."""
    staged = folder / "staged"
    for name in ("alcove.exe", "alcove-cli.exe"):
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).write_bytes(stand_in.read_bytes())
    for name in files:
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).write_text(name)
    if not (product.ICONS / "alcove.ico").exists():
        icons.make()
    return installer.compiled(staged, folder / f"alcove-{folder.name}.exe", target=TARGET)


@pytest.fixture(scope="module")
def older(stand_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = ("_internal/old.pyd", "_internal/left out/한글.dat", "_internal/both.txt")
    return version(stand_in, tmp_path_factory.mktemp("older"), *files)


@pytest.fixture(scope="module")
def newer(stand_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return version(stand_in, tmp_path_factory.mktemp("newer"), "_internal/new.pyd", "_internal/both.txt")


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    windows = Windows(tmp_path_factory.mktemp("wine") / "prefix", tmp_path_factory.mktemp("said") / "words.txt")
    assert windows.run("wineboot", "-i") == 0
    windows.become("win10")
    yield windows
    subprocess.run(["wineserver", "-k"], env=windows.environment, timeout=PATIENCE_S)


@pytest.fixture
def windows(wine: Windows) -> Iterator[Windows]:
    """As it was: nothing of Alcove is on it."""
    yield wine
    for verb in ("quit", "release"):
        wine.run(wine.folder / "alcove.exe", verb)
    for uninstaller in [*wine.prefix.glob("drive_c/**/uninstall.exe")]:
        wine.run(uninstaller, "/S", "/PURGE", *unquoted("_?=", on_windows(wine, uninstaller.parent)))
        shutil.rmtree(uninstaller.parent, ignore_errors=True)
    wine.says.unlink(missing_ok=True)


def on_windows(windows: Windows, path: Path) -> str:
    return "C:\\" + str(path.relative_to(windows.prefix / "drive_c")).replace("/", "\\")


def unquoted(option: str, path: str) -> list[str]:
    """As NSIS wants a path that may have spaces; Wine would quote the whole."""
    return (option + path).split(" ")


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} if folder.exists() else set()


OLD = {"alcove.exe", "alcove-cli.exe", "uninstall.exe", "_internal/old.pyd", "_internal/left out/한글.dat"} | {
    "_internal/both.txt"
}
NEW = {"alcove.exe", "alcove-cli.exe", "uninstall.exe", "_internal/new.pyd", "_internal/both.txt"}


def test_the_installer_holds_what_is_staged_and_nothing_else(stand_in: Path, tmp_path: Path) -> None:
    """The one that people are given: of 32 bits, as installers are."""
    staged = tmp_path / "staged"
    for name in (*installer.PROGRAMS, "_internal/a.pyd", "_internal/한글/b.dat"):
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).write_bytes(stand_in.read_bytes())
    if not (product.ICONS / "alcove.ico").exists():
        icons.make()
    made = installer.compiled(staged, tmp_path / "Alcove-windows-x64.exe")
    listed = subprocess.run(["7z", "l", "-slt", made], capture_output=True, text=True, check=True).stdout
    assert "SubType = NSIS-3 Unicode" in listed
    names = {
        line.removeprefix("Path = ") for line in listed.split("----------\n", 1)[1].splitlines() if line[:4] == "Path"
    }
    plugins = {name for name in names if name.startswith("$PLUGINSDIR")}
    assert names - plugins == files(staged) | {"uninstall.exe"}
    tools = {"modern-wizard.bmp", "nsDialogs.dll", "System.dll", "LangDLL.dll", "UserInfo.dll"}
    assert {Path(name).name for name in plugins} == tools


def test_it_installs_silently_for_one_person(windows: Windows, older: Path) -> None:
    assert windows.run(older, "/S") == 0
    assert files(windows.folder) == OLD
    assert (windows.folder / "_internal" / "left out" / "한글.dat").read_text() == "_internal/left out/한글.dat"
    menu = windows.home / "AppData" / "Roaming" / "Microsoft" / "Windows" / "Start Menu" / "Programs"
    assert (menu / "Alcove.lnk").exists()
    assert not (windows.home / "Desktop" / "Alcove.lnk").exists()
    assert windows.value("HKCU\\" + UNINSTALL, "DisplayVersion") == product.VERSION
    assert windows.value("HKCU\\" + UNINSTALL, "InstallLocation") == on_windows(windows, windows.folder)
    assert windows.value("HKLM\\" + UNINSTALL, "InstallLocation") is None


def test_a_double_click_on_a_model_starts_the_program_with_it(windows: Windows, older: Path) -> None:
    """Explorer's part is played here: Wine's needs a screen."""
    assert windows.run(older, "/S") == 0
    kind = windows.value(r"HKCU\Software\Classes\.gguf")
    command = windows.value(rf"HKCU\Software\Classes\{kind}\shell\open\command")
    assert command == f'"{on_windows(windows, windows.folder)}\\alcove.exe" "%1"'
    program = windows.start(windows.folder / "alcove.exe", "C:\\모델.gguf")
    windows.until_said("C:\\모델.gguf")
    assert windows.run(windows.folder / "alcove.exe", "quit") == 0
    assert program.wait(PATIENCE_S) == 0


def test_a_program_that_was_chosen_for_models_stays(windows: Windows, older: Path) -> None:
    windows.run("reg", "add", r"HKCU\Software\Classes\.gguf", "/ve", "/d", "Another.gguf", "/f")
    assert windows.run(older, "/S") == 0
    assert windows.value(r"HKCU\Software\Classes\.gguf") == "Another.gguf"
    assert windows.value(r"HKCU\Software\Classes\.gguf\OpenWithProgids", "Alcove.gguf") is not None
    assert windows.run(windows.folder / "uninstall.exe", "/S", "_?=" + on_windows(windows, windows.folder)) == 0
    assert windows.value(r"HKCU\Software\Classes\.gguf") == "Another.gguf"
    assert windows.value(r"HKCU\Software\Classes\.gguf\OpenWithProgids", "Alcove.gguf") is None
    windows.run("reg", "delete", r"HKCU\Software\Classes\.gguf", "/f")


def test_a_newer_version_takes_away_what_it_does_not_bring_and_nothing_else(
    windows: Windows, older: Path, newer: Path
) -> None:
    assert windows.run(older, "/S", "/DESKTOP") == 0
    (windows.folder / "mine.txt").write_text("a person's")
    windows.data.mkdir()
    (windows.data / "alcove.db").write_text("chats")
    assert windows.run(newer, "/S") == 0
    assert files(windows.folder) == NEW | {"mine.txt"}
    assert not (windows.folder / "_internal" / "left out").exists()
    assert (windows.home / "Desktop" / "Alcove.lnk").exists()  # as it was chosen
    assert (windows.data / "alcove.db").read_text() == "chats"


def test_a_running_program_is_asked_to_end_and_waited_for(windows: Windows, older: Path, newer: Path) -> None:
    assert windows.run(older, "/S") == 0
    program = windows.start(windows.folder / "alcove.exe")
    windows.until_said("open")
    assert windows.run(newer, "/S") == 0
    assert program.wait(PATIENCE_S) == 0
    assert windows.said() == ["open", "written"]
    assert files(windows.folder) == NEW


@pytest.mark.parametrize("what", ["install", "uninstall"])
def test_a_program_that_does_not_end_stays_whole(windows: Windows, older: Path, newer: Path, what: str) -> None:
    assert windows.run(older, "/S") == 0
    program = windows.start(windows.folder / "alcove.exe", "stuck")
    windows.until_said("stuck")
    remover = [windows.folder / "uninstall.exe", "/S", "_?=" + on_windows(windows, windows.folder)]
    assert windows.run(*([newer, "/S"] if what == "install" else remover)) == 3
    assert files(windows.folder) == OLD
    assert windows.run(windows.folder / "alcove.exe", "release") == 0
    assert program.wait(PATIENCE_S) == 0


def test_the_uninstaller_leaves_what_people_made(windows: Windows, older: Path) -> None:
    assert windows.run(older, "/S") == 0
    (windows.data / "models").mkdir(parents=True)
    (windows.data / "models" / "mine.gguf").write_text("GGUF")
    assert windows.run(windows.folder / "uninstall.exe", "/S", "_?=" + on_windows(windows, windows.folder)) == 0
    assert files(windows.folder) <= {"uninstall.exe"}  # as it runs in place, it cannot take itself away
    assert (windows.data / "models" / "mine.gguf").exists()
    for key in (UNINSTALL, r"Software\Classes\Alcove.gguf", r"Software\Alcove", r"Software\Classes\.gguf"):
        assert windows.value("HKCU\\" + key) is None
    menu = windows.home / "AppData" / "Roaming" / "Microsoft" / "Windows" / "Start Menu" / "Programs"
    assert not (menu / "Alcove.lnk").exists()


def test_the_uninstaller_takes_itself_away(windows: Windows, older: Path) -> None:
    assert windows.run(older, "/S") == 0
    assert windows.run(windows.folder / "uninstall.exe", "/S") == 0
    end = time.monotonic() + PATIENCE_S
    while windows.folder.exists():
        assert time.monotonic() < end, files(windows.folder)
        time.sleep(0.1)


def test_it_deletes_what_people_made_when_told_so(windows: Windows, older: Path) -> None:
    assert windows.run(older, "/S") == 0
    (windows.data / "models").mkdir(parents=True)
    elsewhere = windows.home / "Documents" / "mine.gguf"
    elsewhere.parent.mkdir(exist_ok=True)
    elsewhere.write_text("GGUF")
    here = on_windows(windows, windows.folder)
    assert windows.run(windows.folder / "uninstall.exe", "/S", "/PURGE", f"_?={here}") == 0
    assert not windows.data.exists()
    assert elsewhere.exists()


def test_it_installs_for_everyone_and_goes_on_so(windows: Windows, older: Path, newer: Path) -> None:
    everyone = windows.prefix / "drive_c" / "Program Files" / "Alcove"
    assert windows.run(older, "/S", "/AllUsers") == 0
    assert (files(everyone), files(windows.folder)) == (OLD, set())
    assert windows.value("HKLM\\" + UNINSTALL, "InstallLocation") == on_windows(windows, everyone)
    assert windows.value("HKCU\\" + UNINSTALL, "InstallLocation") is None
    assert windows.run(newer, "/S") == 0  # as it is installed
    assert (files(everyone), files(windows.folder)) == (NEW, set())
    assert windows.run(newer, "/S", "/CurrentUser") == 0
    assert files(windows.folder) == NEW


def test_it_goes_where_a_person_wants_it(windows: Windows, older: Path, newer: Path) -> None:
    folder = windows.prefix / "drive_c" / "내 프로그램" / "한글 폴더"
    here = on_windows(windows, folder)
    assert windows.run(older, "/S", *unquoted("/D=", here)) == 0
    assert files(folder) == OLD
    menu = windows.home / "AppData" / "Roaming" / "Microsoft" / "Windows" / "Start Menu" / "Programs"
    assert here.encode("utf-16-le") in (menu / "Alcove.lnk").read_bytes()
    assert windows.run(newer, "/S") == 0  # it stays there
    assert (files(folder), files(windows.folder)) == (NEW, set())
    assert windows.run(folder / "uninstall.exe", "/S", *unquoted("_?=", here)) == 0
    assert files(folder) <= {"uninstall.exe"}


def test_another_folder_moves_what_is_installed(windows: Windows, older: Path, newer: Path) -> None:
    elsewhere = windows.prefix / "drive_c" / "another folder" / "Alcove"
    assert windows.run(older, "/S") == 0
    (windows.folder / "mine.txt").write_text("a person's")
    program = windows.start(windows.folder / "alcove.exe")
    windows.until_said("open")
    assert windows.run(newer, "/S", *unquoted("/D=", on_windows(windows, elsewhere))) == 0
    assert program.wait(PATIENCE_S) == 0
    assert windows.said() == ["open", "written"]
    assert (files(windows.folder), files(elsewhere)) == ({"mine.txt"}, NEW)
    assert windows.value("HKCU\\" + UNINSTALL, "InstallLocation") == on_windows(windows, elsewhere)
    (windows.folder / "mine.txt").unlink()
    windows.folder.rmdir()
    assert windows.run(older, "/S", "/D=" + on_windows(windows, windows.folder)) == 0  # and back
    assert (files(windows.folder), elsewhere.exists()) == (OLD, False)


def test_a_folder_that_cannot_be_made_moves_nothing(windows: Windows, older: Path, newer: Path) -> None:
    assert windows.run(older, "/S") == 0
    assert windows.run(newer, "/S", "/D=C:\\" + "x" * 256) == 2
    assert files(windows.folder) == OLD
    assert windows.value("HKCU\\" + UNINSTALL, "InstallLocation") == on_windows(windows, windows.folder)


def test_an_old_windows_is_told_so(windows: Windows, older: Path) -> None:
    windows.become("win81")
    assert windows.run(older, "/S") == 10
    windows.become("win10")
    assert files(windows.folder) == set()


def test_two_installations_do_not_meet(windows: Windows, older: Path, newer: Path) -> None:
    assert windows.run(older, "/S") == 0
    program = windows.start(windows.folder / "alcove.exe", "stuck")
    windows.until_said("stuck")
    both = [windows.start(newer, "/S") for _ in range(2)]  # one waits for the program
    assert {process.wait(PATIENCE_S) for process in both} == {3, 1618 % 256}  # here a status has eight bits
    assert windows.run(windows.folder / "alcove.exe", "release") == 0
    assert program.wait(PATIENCE_S) == 0
    assert files(windows.folder) == OLD
