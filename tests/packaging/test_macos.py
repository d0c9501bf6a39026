"""The macOS package, as far as it can be told without a Mac: what it says of itself, its layout, and its scripts.

The scripts run with stand-ins for Apple's tools, which write down how they were called.
"""

from __future__ import annotations

import os
import plistlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import product
import pytest
from macos import bundle

ARM = b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"
SCRIPTS = sorted(bundle.HERE.glob("*.sh"))
TOOLS = ("codesign", "xcrun", "ditto", "hdiutil")


def application(folder: Path, **other: object) -> Path:
    """Laid out as PyInstaller documents it."""
    made = folder / "Alcove.app"
    contents = made / "Contents"
    for name, data in {
        "MacOS/alcove": ARM,
        "Frameworks/llama_cpp/lib/libllama.dylib": ARM,
        "Frameworks/python3__dot__11/lib-dynload/_ssl.so": ARM,
        "Frameworks/PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore": ARM,
        "Frameworks/PySide6/Qt/lib/QtCore.framework/Versions/A/Resources/Info.plist": b"<plist/>",
        "Resources/base_library.zip": b"PK",
        "Resources/alcove.icns": b"icns",
        "Resources/ko.lproj/InfoPlist.strings": b"",
    }.items():
        (contents / name).parent.mkdir(parents=True, exist_ok=True)
        (contents / name).write_bytes(data)
    (contents / "Frameworks" / "base_library.zip").symlink_to("../Resources/base_library.zip")
    (contents / "Frameworks" / "ko.lproj").symlink_to("../Resources/ko.lproj")
    (contents / "Resources" / "llama_cpp").symlink_to("../Frameworks/llama_cpp")
    told = {"CFBundleIdentifier": product.IDENTIFIER, **bundle.information(), **other}
    (contents / "Info.plist").write_bytes(plistlib.dumps(told))
    return made


def test_what_it_says_of_itself_is_a_property_list() -> None:
    told = plistlib.loads(plistlib.dumps(bundle.information()))
    assert told["LSMinimumSystemVersion"] == bundle.OLDEST == "14.0"
    assert told["CFBundleLocalizations"] == ["en", "ko", "it"]
    assert told["NSHighResolutionCapable"] is True
    (opened,) = told["CFBundleDocumentTypes"]
    (declared,) = told["UTImportedTypeDeclarations"]
    assert opened["LSItemContentTypes"] == [declared["UTTypeIdentifier"]]
    assert declared["UTTypeTagSpecification"] == {"public.filename-extension": ["gguf"]}
    assert opened["LSHandlerRank"] == "Alternate"  # who opens models already goes on doing so


def test_it_asks_for_nothing_a_person_would_have_to_allow() -> None:
    assert not [key for key in bundle.information() if key.endswith("UsageDescription")]


def test_the_one_exception_from_the_hardened_runtime() -> None:
    data = (bundle.HERE / "entitlements.plist").read_bytes()
    assert plistlib.loads(data) == {"com.apple.security.cs.allow-unsigned-executable-memory": True}
    assert b"<!--" not in data  # macOS' kernel reads no comments there


def test_the_kind_of_a_model_is_said_in_every_language() -> None:
    made = bundle.bundle(lambda *parts, **named: SimpleNamespace(parts=parts, **named), "staged")
    files = {name: plistlib.loads(Path(path).read_bytes()) for name, path, _kind in made.parts[1]}
    assert files == {
        "en.lproj/InfoPlist.strings": {"GGUF model": "GGUF model"},
        "ko.lproj/InfoPlist.strings": {"GGUF model": "GGUF 모델"},
        "it.lproj/InfoPlist.strings": {"GGUF model": "Modello GGUF"},
    }
    assert (made.name, made.bundle_identifier, made.version) == ("Alcove.app", product.IDENTIFIER, product.VERSION)


def test_a_good_layout_has_no_faults(tmp_path: Path) -> None:
    made = application(tmp_path)
    assert list(bundle.faults(made)) == []
    assert bundle._architecture(made) == "arm64"


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("MacOS/notes.txt", b"", "MacOS/notes.txt is beside the program"),
        ("Frameworks/llama_cpp/notes.txt", b"x", "Frameworks/llama_cpp/notes.txt is data among code"),
        ("Resources/desktop/libx.dylib", ARM, "Resources/desktop/libx.dylib is code among data"),
        ("Frameworks/a.b/libx.so", ARM, "Frameworks/a.b/libx.so lies in a folder that is taken for a framework"),
    ],
)
def test_a_file_in_the_wrong_place_is_a_fault(tmp_path: Path, name: str, data: bytes, fault: str) -> None:
    made = application(tmp_path)
    (made / "Contents" / name).parent.mkdir(parents=True, exist_ok=True)
    (made / "Contents" / name).write_bytes(data)
    assert list(bundle.faults(made)) == [fault]


def test_links_out_of_it_missing_files_and_another_plist_are_faults(tmp_path: Path) -> None:
    made = application(tmp_path, LSMinimumSystemVersion="10.13")
    (made / "Contents" / "Resources" / "out").symlink_to(tmp_path)
    (made / "Contents" / "Resources" / "nowhere").symlink_to("none")
    (made / "Contents" / "Resources" / "alcove.icns").unlink()
    assert list(bundle.faults(made)) == [
        "Info.plist says '10.13' for LSMinimumSystemVersion",
        "Resources/nowhere leads nowhere, or out of the application",
        "Resources/out leads nowhere, or out of the application",
        "Resources/alcove.icns is missing",
    ]
    with pytest.raises(SystemExit, match="not as macOS wants it"):
        bundle.finish(made)


# -- the scripts ------------------------------------------------------------------------------------------------------


class Mac:
    """Apple's tools, as far as the scripts see them."""

    def __init__(self, folder: Path) -> None:
        self._tools, self._calls = folder / "tools", folder / "calls.txt"
        self._tools.mkdir()
        for name in TOOLS:
            self.tool(name, "")
        self.tool("sleep", "")
        self.tool("file", '[[ $(head -c 4 "$2" | od -An -tx1) == " cf fa ed fe" ]] && echo Mach-O || echo data')
        self.apple("Accepted", stapled=False)

    def tool(self, name: str, script: str) -> None:
        noted = f"echo {name} \"$*\" >> '{self._calls}'\n" if name in TOOLS else ""
        (self._tools / name).write_text(f"#!/usr/bin/env bash\n{noted}{script}\n")
        (self._tools / name).chmod(0o755)

    def apple(self, status: str, stapled: bool) -> None:
        answer = f"if [[ $2 == submit ]]; then echo '  id: 12-34'; echo '  status: {status}'; fi"
        self.tool("xcrun", f"{answer}\n[[ $2 != validate ]] || exit {0 if stapled else 65}")

    def run(self, script: str, *arguments: Path, **told: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ALCOVE_")}
        surroundings = {**kept, "PATH": f"{self._tools}:{kept['PATH']}", **told}
        command = [str(bundle.HERE / script), *map(str, arguments)]
        return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def mac(tmp_path: Path) -> Mac:
    return Mac(tmp_path)


IDENTITY = "Developer ID Application: Somebody (ABCDE12345)"
KEY = {"ALCOVE_NOTARY_KEY": "k.p8", "ALCOVE_NOTARY_KEY_ID": "K", "ALCOVE_NOTARY_ISSUER": "I"}


def test_without_an_identity_it_signs_ad_hoc_and_says_so(mac: Mac, tmp_path: Path) -> None:
    ran = mac.run("sign.sh", application(tmp_path))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "signed ad hoc" in ran.stdout
    signed = [call for call in mac.calls if "--sign - " in call]
    assert len(signed) == 5  # three libraries, one framework, the application
    assert not [call for call in mac.calls if "runtime" in call or "--timestamp" in call]


def test_with_an_identity_it_signs_from_the_inside_outwards(mac: Mac, tmp_path: Path) -> None:
    made = application(tmp_path)
    ran = mac.run("sign.sh", made, ALCOVE_MAC_IDENTITY=IDENTITY)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    *within, framework, whole, verified = mac.calls
    assert sorted(call.rpartition("/")[2] for call in within) == ["QtCore", "_ssl.so", "libllama.dylib"]
    assert framework.endswith("QtCore.framework")
    assert whole.endswith(f"entitlements.plist {made}")
    assert verified.startswith("codesign --verify")
    for call in (*within, framework, whole):
        assert f"--force --sign {IDENTITY} --timestamp --options runtime" in call
    assert not [call for call in (*within, framework) if "--entitlements" in call]  # executables only have them


@pytest.mark.parametrize("identity", ["", IDENTITY])
def test_an_image_is_signed_only_by_somebody(mac: Mac, tmp_path: Path, identity: str) -> None:
    image = tmp_path / "Alcove.dmg"
    image.touch()
    assert mac.run("sign.sh", image, **({"ALCOVE_MAC_IDENTITY": identity} if identity else {})).returncode == 0
    assert mac.calls == ([f"codesign --force --sign {identity} --timestamp {image}"] if identity else [])


def test_a_failing_tool_ends_the_build(mac: Mac, tmp_path: Path) -> None:
    made = application(tmp_path)
    mac.tool("codesign", "exit 1")
    assert mac.run("sign.sh", made, ALCOVE_MAC_IDENTITY=IDENTITY).returncode == 1
    mac.tool("hdiutil", "exit 1")
    assert mac.run("dmg.sh", made, tmp_path / "Alcove.dmg").returncode == 1
    assert len([call for call in mac.calls if call.startswith("hdiutil")]) == 5


def test_without_an_account_nothing_is_sent_to_apple_and_that_is_said(mac: Mac, tmp_path: Path) -> None:
    ran = mac.run("notarize.sh", application(tmp_path), ALCOVE_MAC_IDENTITY=IDENTITY)
    assert (ran.returncode, mac.calls) == (0, [])
    assert "is not notarised" in ran.stdout


def test_what_nobody_signed_is_not_sent(mac: Mac, tmp_path: Path) -> None:
    ran = mac.run("notarize.sh", application(tmp_path), **KEY)
    assert (ran.returncode, mac.calls) == (1, [])
    assert "ALCOVE_MAC_IDENTITY" in ran.stderr


def test_an_application_is_sent_in_an_archive_and_stapled(mac: Mac, tmp_path: Path) -> None:
    made = application(tmp_path)
    ran = mac.run("notarize.sh", made, ALCOVE_MAC_IDENTITY=IDENTITY, **KEY)
    assert ran.returncode == 0, ran.stderr
    validated, archived, sent, stapled = mac.calls
    assert validated.startswith("xcrun stapler validate")
    assert archived.startswith("ditto -c -k")
    assert "Alcove.app.zip --key k.p8 --key-id K --issuer I --wait" in sent
    assert stapled == f"xcrun stapler staple {made}"


def test_what_apple_refuses_ends_the_build_with_its_reasons(mac: Mac, tmp_path: Path) -> None:
    mac.apple("Invalid", stapled=False)
    ran = mac.run("notarize.sh", application(tmp_path), ALCOVE_MAC_IDENTITY=IDENTITY, **KEY)
    assert ran.returncode == 1
    assert mac.calls[-1].startswith("xcrun notarytool log 12-34")


def test_what_is_stapled_already_is_not_sent_again(mac: Mac, tmp_path: Path) -> None:
    mac.apple("Accepted", stapled=True)
    told = {"ALCOVE_MAC_IDENTITY": IDENTITY, "ALCOVE_NOTARY_PROFILE": "alcove"}
    ran = mac.run("notarize.sh", application(tmp_path), **told)
    assert (ran.returncode, len(mac.calls)) == (0, 1)


def test_the_image_holds_the_application_and_the_way_to_its_folder(mac: Mac, tmp_path: Path) -> None:
    seen = tmp_path / "seen.txt"
    mac.tool("ditto", 'mkdir -p "$2"')
    mac.tool("hdiutil", f"ls \"$5\" > '{seen}'")
    ran = mac.run("dmg.sh", application(tmp_path), tmp_path / "Alcove.dmg")
    assert ran.returncode == 0, ran.stderr
    assert seen.read_text().split() == ["Alcove.app", "Applications"]


def test_an_image_that_is_busy_is_tried_again(mac: Mac, tmp_path: Path) -> None:
    mac.tool("hdiutil", f"mkdir '{tmp_path}/once' 2> /dev/null && exit 1 || exit 0")
    assert mac.run("dmg.sh", application(tmp_path), tmp_path / "Alcove.dmg").returncode == 0
    assert len([call for call in mac.calls if call.startswith("hdiutil")]) == 2


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_clean(script: Path, shellcheck: Callable[[str], str]) -> None:
    text = script.read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert shellcheck(text) == ""
    assert os.access(script, os.X_OK)
