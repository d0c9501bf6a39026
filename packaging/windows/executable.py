"""The two programs of the Windows package, for `alcove.spec`: one for the window, one for command windows.

`alcove.exe` has no console of its own: a double-click shows the window only, and the engine's processes show nothing.
`alcove-cli.exe` is the same program in a console, where the verbs print. Both share one folder. Paths may have more
than 260 characters, and Windows scales nothing by itself (`alcove.manifest`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import installer
import product

MANIFEST = Path(__file__).with_name("alcove.manifest")
_VERSION = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={four}, prodvers={four}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0),
  kids=[
    StringFileInfo([StringTable('040904B0', [{strings}])]),
    VarFileInfo([VarStruct('Translation', [0x0409, 1200])]),
  ],
)
"""


def executables(make: Callable[..., Any], archive: Any, scripts: Any, options: Any, about: dict[str, Any]) -> list[Any]:
    """Made by PyInstaller's `EXE`, with what they have in common in `about`."""
    common = {"icon": str(product.ICONS / "alcove.ico"), "manifest": MANIFEST.read_text("utf-8")}
    return [
        make(archive, scripts, options, console=console, version=_written(name), **{**about, **common, "name": name})
        for name, console in ((product.EXECUTABLE, False), (f"{product.EXECUTABLE}-cli", True))
    ]


def version_text(name: str) -> str:
    """What Windows shows of a program among its properties, as PyInstaller reads it."""
    told = {
        "CompanyName": product.NAME,
        "FileDescription": product.NAME,  # what the task manager shows
        "FileVersion": product.VERSION,
        "InternalName": name,
        "LegalCopyright": "MIT",
        "OriginalFilename": f"{name}.exe",
        "ProductName": product.NAME,
        "ProductVersion": product.VERSION,
    }
    four = tuple(int(number) for number in installer.version_of_four(product.VERSION).split("."))
    strings = ", ".join(f"StringStruct({key!r}, {value!r})" for key, value in told.items())
    return _VERSION.format(four=four, strings=strings)


def _written(name: str) -> str:
    file = product.BUILD / "windows" / f"{name}.version"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(version_text(name), "utf-8")
    return str(file)
