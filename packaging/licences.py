"""Gathers the licences of everything that is in the packaged program into one file that people can read.

Invariant: every bundled file belongs to a part, and every part has the text of its licence, from what is installed or
from `packaging/licences`; otherwise the build fails. What a licence allows is not judged here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import product

Texts = list[tuple[str, str]]  # the name of a part with its version, and its licence

_NAMES = ("LICEN", "COPYING", "NOTICE", "AUTHORS")
_HEAD = (
    "{name} {version} stands on the work of many people. This file names every part that is in the program, and "
    "holds the licence under which it is used. {name} itself comes first.\n\n"
)
_BESIDE = {  # what distributions bring along and do not tell of
    "llama_cpp_python": ("llama.cpp.txt",),
    "pyside6_essentials": ("Qt.txt", "LGPL-3.txt", "GPL-3.txt", "Qt-third-party.txt"),
    "shiboken6": ("Qt.txt",),  # the rest stands under PySide6
}
_RULE = "=" * 100


class Unlicensed(Exception):
    """A bundled file belongs to nothing that is known, or a part has no text of its licence."""


def gathered(files: Iterable[Path]) -> str:
    """The whole file, for a program made of these files."""
    owners = _owners()
    parts: dict[str, metadata.Distribution] = {}
    packages: set[str] = set()
    for file in sorted({file.resolve() for file in files}):
        owner = owners.get(file)
        if owner is not None:
            parts[_plain(owner)] = owner
        elif not _pythons(file) and not _ours(file):
            packages.add(_system_package(file))
    texts = [*_own(), *(_of_distribution(parts[name]) for name in sorted(parts)), *map(_of_package, sorted(packages))]
    contents = "".join(f"  {name}\n" for name, _text in texts)
    body = "".join(f"\n\n{_RULE}\n{name}\n{_RULE}\n\n{text.strip()}\n" for name, text in texts)
    return _HEAD.format(name=product.NAME, version=product.VERSION) + contents + body


def _own() -> Texts:
    """Alcove, what is copied into its sources, and what makes a program of it."""
    return [
        (f"{product.NAME} {product.VERSION}", (product.ROOT / "LICENSE").read_text("utf-8")),
        ("Lucide, the icons", (product.ROOT / "resources" / "icons" / "LICENSE-lucide").read_text("utf-8")),
        (f"Python {sys.version.split()[0]}", _python_licence().read_text("utf-8", "replace")),
    ]


def _python_licence() -> Path:
    places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix), Path(sys.base_prefix) / "Resources")
    found = [path / "LICENSE.txt" for path in places if (path / "LICENSE.txt").exists()]
    if not found:
        raise Unlicensed("Python's own LICENSE.txt is not installed")
    return found[0]


def _owners() -> Mapping[Path, metadata.Distribution]:
    found = {}
    for distribution in metadata.distributions():
        for file in distribution.files or ():
            found[Path(str(distribution.locate_file(file))).resolve()] = distribution
    return found


def _plain(distribution: metadata.Distribution) -> str:
    return distribution.metadata["Name"].lower().replace("-", "_")


def _pythons(file: Path) -> bool:
    """Whether it came with Python itself."""
    bases = (Path(sys.base_prefix), Path(sysconfig.get_path("stdlib")))
    return any(file.is_relative_to(base.resolve()) for base in bases) and "site-packages" not in file.parts


def _ours(file: Path) -> bool:
    return file.is_relative_to(product.ROOT) and "site-packages" not in file.parts


def _of_distribution(distribution: metadata.Distribution) -> tuple[str, str]:
    name = f"{distribution.metadata['Name']} {distribution.version}"
    beside = _BESIDE.get(_plain(distribution), ())
    texts = [(product.ROOT / "packaging" / "licences" / text).read_text("utf-8") for text in beside]
    for file in sorted(distribution.files or (), key=str):
        told = file.name.upper().startswith((*_NAMES, "LICENCE"))
        if told and any(part.endswith((".dist-info", ".egg-info")) for part in file.parts):
            texts.append(f"[{file.name}]\n\n{file.read_text('utf-8')}")
    if not texts:
        raise Unlicensed(f"{name} has no licence text: put one into packaging/licences and name it in {__name__}.py")
    return name, "\n\n".join(texts)


def _system_package(file: Path) -> str:
    """The package of a Debian system that brought a library."""
    if shutil.which("dpkg-query") is None:
        raise Unlicensed(f"{file} belongs to no installed part that is known")
    for known in (file, Path("/", *file.parts[2:])):  # /lib is a link to /usr/lib, and dpkg knows either name
        done = subprocess.run(["dpkg-query", "-S", str(known)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise Unlicensed(f"{file} belongs to no installed part that is known")


def _of_package(package: str) -> tuple[str, str]:
    text = Path("/usr/share/doc") / package / "copyright"
    if not text.exists():
        raise Unlicensed(f"{package} has no {text}")
    return f"{package}, as Debian records it", text.read_text("utf-8")
