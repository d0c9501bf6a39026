"""What the macOS application says of itself, and the way from PyInstaller's folder to a disk image.

Invariant: the bundle asks for no permission, and for one exception from the hardened runtime (`entitlements.plist`).
Models opened elsewhere stay with the program that opens them: Alcove offers itself. Signing and notarising are the
scripts' beside this one; without an identity they say what they leave out. Used by `alcove.spec` and `build.py`.
"""

from __future__ import annotations

import plistlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import product

HERE = Path(__file__).resolve().parent
APPLICATION = product.DIST / f"{product.NAME}.app"
OLDEST = "14.0"  # of numpy's wheels; Qt 6.11 runs from 13 on
GGUF = "org.ggml.gguf"  # declared as somebody else's: the format is llama.cpp's
KIND = "GGUF model"
KINDS = {"en": KIND, "ko": "GGUF 모델", "it": "Modello GGUF"}
_MACHO = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # 64 bits, and several architectures in one


def information() -> dict[str, object]:
    """What goes into Info.plist beside PyInstaller's own."""
    return {
        "CFBundleDisplayName": product.NAME,
        "CFBundleName": product.NAME,
        "CFBundleVersion": product.VERSION,
        "CFBundleDevelopmentRegion": "en",
        "CFBundleLocalizations": list(KINDS),  # macOS' own menus and dialogues follow the person's language, too
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": KIND,
                "CFBundleTypeRole": "Viewer",
                "LSHandlerRank": "Alternate",
                "LSItemContentTypes": [GGUF],
            }
        ],
        "UTImportedTypeDeclarations": [
            {
                "UTTypeIdentifier": GGUF,
                "UTTypeDescription": KIND,
                "UTTypeConformsTo": ["public.data"],
                "UTTypeTagSpecification": {"public.filename-extension": ["gguf"]},
            }
        ],
        "LSApplicationCategoryType": "public.app-category.productivity",
        "LSMinimumSystemVersion": OLDEST,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT",
        "NSSupportsAutomaticGraphicsSwitching": True,  # two graphics cards: the quick one only while it is asked for
    }


def bundle(make: Callable[..., Any], staged: Any) -> Any:
    """The application, by PyInstaller's `BUNDLE`."""
    return make(
        staged,
        [(f"{language}.lproj/InfoPlist.strings", str(path), "DATA") for language, path in _strings().items()],
        name=APPLICATION.name,
        icon=str(product.ICONS / "alcove.icns"),
        bundle_identifier=product.IDENTIFIER,
        version=product.VERSION,
        info_plist=information(),
    )


def _strings() -> dict[str, Path]:
    """What the Finder calls a model, in each language; a property list is a form of these files that Apple reads."""
    made = {}
    for language, kind in KINDS.items():
        made[language] = product.BUILD / "macos" / f"{language}.strings"
        made[language].parent.mkdir(parents=True, exist_ok=True)
        made[language].write_bytes(plistlib.dumps({KIND: kind}))
    return made


def finish(application: Path = APPLICATION) -> None:
    """Checks what PyInstaller made, signs and notarises it as far as there are identities, and makes the image."""
    found = list(faults(application))
    if found:
        raise SystemExit("\n".join(["The application is not as macOS wants it:", *found]))
    image = product.DIST / f"{product.NAME}-{product.VERSION}-macos-{_architecture(application)}.dmg"
    for script, *arguments in (
        ("sign.sh", application),
        ("notarize.sh", application),
        ("dmg.sh", application, image),
        ("sign.sh", image),
        ("notarize.sh", image),
    ):
        subprocess.run([str(HERE / script), *map(str, arguments)], check=True)


def faults(application: Path) -> Iterator[str]:
    """What is against the layout that PyInstaller documents (`building/osx.py`) and code signing asks for."""
    contents = application / "Contents"
    told = plistlib.loads((contents / "Info.plist").read_bytes())
    for key, value in information().items():
        if told.get(key) != value:
            yield f"Info.plist says {told.get(key)!r} for {key}"
    if told.get("CFBundleIdentifier") != product.IDENTIFIER:
        yield "Info.plist has another identifier"
    program = contents / "MacOS" / product.EXECUTABLE
    for path in sorted(contents.rglob("*")):
        inside = path.relative_to(contents)
        if path.is_symlink():
            if not path.exists() or not path.resolve().is_relative_to(contents.resolve()):
                yield f"{inside} leads nowhere, or out of the application"
        elif path.is_file():
            yield from _fault(path, inside, program)
    for needed in (program, contents / "Resources" / "alcove.icns", contents / "Frameworks" / "base_library.zip"):
        if not needed.exists():
            yield f"{needed.relative_to(contents)} is missing"


def _fault(path: Path, inside: Path, program: Path) -> Iterator[str]:
    """Of one file: code belongs into MacOS and Frameworks, data into Resources."""
    code = path.read_bytes()[:4] in _MACHO
    framework = any(part.endswith(".framework") for part in inside.parts)  # has a layout of its own
    if inside.parts[0] == "MacOS" and path != program:
        yield f"{inside} is beside the program"
    elif inside.parts[0] == "Frameworks" and not code and not framework:
        yield f"{inside} is data among code"
    elif inside.parts[0] == "Resources" and code:
        yield f"{inside} is code among data"
    if inside.parts[0] == "Frameworks" and not framework and any("." in part for part in inside.parts[:-1]):
        yield f"{inside} lies in a folder that is taken for a framework"


def _architecture(application: Path) -> str:
    """Of the program itself, as the system names it: bytes 4 to 8 of a Mach-O file (mach/machine.h)."""
    kind = (application / "Contents" / "MacOS" / product.EXECUTABLE).read_bytes()[4:8]
    return {b"\x0c\x00\x00\x01": "arm64", b"\x07\x00\x00\x01": "x86_64"}.get(kind, "universal")
