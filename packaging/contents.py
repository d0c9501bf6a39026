"""What goes into the packaged program, and what of Qt and Python is left out.

Invariant: of Qt's plugins only those named here come along; of the operating system's own libraries only those that
other systems may lack. A plugin or a library that nothing needs is not shipped. Used by `alcove.spec`.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import checksums
import licences
import product

Entry = tuple[str, str, str]  # PyInstaller's: name in the bundle, path here, kind

QT_PLUGINS = (
    "platforms/*xcb*",
    "platforms/*wayland*",
    "platforms/*offscreen*",  # the self-test, and verbs where there is no screen
    "platforms/*windows*",
    "platforms/*cocoa*",
    "platforminputcontexts/*compose*",  # dead keys
    "platforminputcontexts/*ibus*",  # Hangul; fcitx 5 speaks ibus, too
    "platformthemes/*gtk3*",  # fonts, colours and file dialogues of GNOME, where it has them; brings no GTK itself
    "platformthemes/*xdgdesktopportal*",
    "styles/*",  # of Windows and macOS
    "wayland-shell-integration/*xdg-shell*",
    "wayland-decoration-client/*",
    "imageformats/*ico*",  # the icon of the window on Windows
)
QT_TRANSLATIONS = ("qtbase_ko.qm", "qtbase_it.qm")
EXCLUDED = [
    *("tkinter", "turtle", "test", "idlelib", "lib2to3", "ensurepip", "pydoc_data", "doctest", "unittest", "curses"),
    *(
        "pip",
        "setuptools",
        "pkg_resources",
        "wheel",
        "distutils",
        "PyInstaller",
        "PIL",
        "babel",
        "hypothesis",
        "pytest",
    ),
    "hf_xet",  # our transfers are our own, and huggingface_hub does without
    *("numpy.f2py", "numpy.testing", "numpy.distutils", "numpy.random", "numpy.fft", "numpy.polynomial"),
    *("llama_cpp.server", "llama_cpp.mtmd_cpp"),
    *("PySide6.QtDBus", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtOpenGL", "PySide6.QtPrintSupport"),
    *("PySide6.QtTest", "numpy._core._multiarray_tests"),
]
_RESOURCES = "desktop/resources"
_SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
_BROUGHT = re.compile(  # system libraries that not every desktop has, and that go with what is bundled
    r"lib(xcb-(cursor|icccm|image|keysyms|render-util|util|xkb)|xkbcommon-x11|ssl|crypto|sqlite3|ffi|bz2|lzma|"
    r"uuid|z|gomp|python3)\b"
)

_OF_WINDOWS = re.compile(  # Windows 10 has the first two itself; the others draw what no widget is drawn with
    r"(api-ms-win-|ucrtbase\.dll|opengl32sw\.dll|d3dcompiler_)", re.IGNORECASE
)


def resources() -> list[tuple[str, str]]:
    """Files of Alcove's own, beside the package as in a wheel, and the names and versions of what is asked for."""
    from PyInstaller.utils.hooks import copy_metadata

    shutil.rmtree(product.RESOURCES, ignore_errors=True)
    shutil.copytree(product.ROOT / "resources", product.RESOURCES, ignore=shutil.ignore_patterns("*.po", "*.pot"))
    return [(str(product.RESOURCES), _RESOURCES), *copy_metadata("llama-cpp-python")]


def told(analysis: Any) -> None:
    """Adds what the resources tell of the whole: every licence, and their own checksums."""
    product.LICENCES.write_text(licences.gathered(files(analysis)), "utf-8")
    sums = checksums.written(product.RESOURCES)
    analysis.datas += [(f"{_RESOURCES}/{path.name}", str(path), "DATA") for path in (product.LICENCES, sums)]


def engine_libraries() -> list[tuple[str, str]]:
    """llama.cpp's libraries: the one that is asked for, and the processors' and cards' which it looks for itself.

    What those need comes along by itself, under the name by which it is needed.
    """
    spec = find_spec("llama_cpp")
    assert spec is not None
    assert spec.origin is not None, "llama-cpp-python is not installed"
    folder = Path(spec.origin).parent / "lib"
    wanted = ("libllama.so", "libggml-*.so", "libllama.dylib", "libggml-*.dylib", "*.dll", "*.metal")
    found = [path for path in folder.iterdir() if any(fnmatch(path.name, pattern) for pattern in wanted)]
    twins = {path.name for path in found if path.suffix == ".so" and list(folder.glob(f"{path.name}.*"))}
    return [(str(p), "llama_cpp/lib") for p in sorted(found) if p.name not in twins or p.name == "libllama.so"]


def hidden_imports() -> list[str]:
    """Modules that are only named in strings."""
    sys.path.insert(0, str(product.ROOT))
    from PyInstaller.utils.hooks import collect_submodules

    from desktop.cli import HIDDEN

    return [*HIDDEN.values(), *collect_submodules("huggingface_hub", filter=_of_the_hub)]


def _of_the_hub(name: str) -> bool:
    """It loads its parts by name; its command line and its clients for inference are not used."""
    return not re.match(r"huggingface_hub\.(cli|commands|inference\._mcp|templates|_oauth)", name)


def prune(analysis: Any) -> None:
    """Takes out of PyInstaller's findings what Alcove does not use."""
    analysis.binaries = type(analysis.binaries)(_kept(analysis.binaries))
    analysis.datas = type(analysis.datas)(_kept(analysis.datas))
    needed = _needed(analysis.binaries)
    analysis.binaries = type(analysis.binaries)(e for e in analysis.binaries if not _is_qt_library(e) or e[0] in needed)
    there = {entry[0] for entry in (*analysis.binaries, *analysis.datas)}
    for name in ("binaries", "datas"):  # links at the top that lead to what is gone
        entries = getattr(analysis, name)
        setattr(analysis, name, type(entries)(e for e in entries if e[2] != "SYMLINK" or e[1] in there or "/" in e[0]))


def files(analysis: Any) -> set[Path]:
    """Every file here that goes into the program, Python's modules included."""
    entries = (*analysis.pure, *analysis.binaries, *analysis.datas, *analysis.scripts)
    return {Path(entry[1]) for entry in entries if entry[2] != "SYMLINK" and entry[1] not in ("", "-", None)}


def _kept(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if _stays(Path(entry[0]).as_posix(), entry[1], entry[2])]


def _stays(name: str, source: str, kind: str) -> bool:
    plugin = re.search(r"/plugins/(.+)$", name)
    if plugin and name.startswith("PySide6/"):
        return any(fnmatch(plugin[1], pattern) for pattern in QT_PLUGINS)
    if name.startswith("PySide6/") and "/translations/" in name:
        return name.endswith(QT_TRANSLATIONS)
    of_the_system = source.startswith(_SYSTEM) and kind == "BINARY"  # no module of its Python, which lies there, too
    if sys.platform == "linux" and of_the_system:
        return bool(_BROUGHT.match(Path(name).name))
    return "/qml/" not in name and not _OF_WINDOWS.match(Path(name).name)


def _is_qt_library(entry: Entry) -> bool:
    """Qt's own, which come along only if something kept asks for them; on macOS they are frameworks, and stay."""
    library = re.match(r"PySide6/(Qt/lib/|Qt6[^/]+\.dll$)", Path(entry[0]).as_posix())
    return bool(library) and entry[2] != "SYMLINK" and sys.platform != "darwin"


def _needed(entries: Iterable[Entry]) -> set[str]:
    """Names of those Qt libraries that something else of the bundle needs, directly or through another one."""
    from PyInstaller.depend.bindepend import get_imports

    entries = list(entries)
    libraries = {os.path.basename(e[0]).lower(): e for e in entries if _is_qt_library(e)}
    waiting = [e for e in entries if not _is_qt_library(e) and e[2] in ("BINARY", "EXTENSION")]
    needed: set[str] = set()
    while waiting:
        for name, _path in get_imports(waiting.pop()[1]):
            found = libraries.get(os.path.basename(name).lower())
            if found is not None and found[0] not in needed:
                needed.add(found[0])
                waiting.append(found)
    return needed
