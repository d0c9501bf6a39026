"""What the Linux packages are made of, without making them: their pictures, texts, and what is left out."""

from __future__ import annotations

import configparser
import os
import re
import runpy
import struct
import sys
from pathlib import Path
from xml.etree import ElementTree

import contents
import icons
import licences
import product
import pytest
import sizes
from PySide6.QtGui import QImage

import desktop

LINUX = product.ROOT / "packaging" / "linux"
LANGUAGES = {"", "[ko]", "[it]"}


def test_there_is_one_version() -> None:
    assert desktop.__version__ == product.VERSION


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icons")
    icons.make(folder)
    return folder


def test_every_size_is_drawn(drawn: Path) -> None:
    for size in icons.SIZES:
        image = QImage(str(drawn / f"alcove-{size}.png"))
        assert (image.width(), image.height()) == (size, size)
        assert image.pixelColor(0, 0).alpha() == 0
        assert image.pixelColor(size // 2, size // 2).alpha() == 255


def test_the_container_for_windows_holds_the_pictures(drawn: Path) -> None:
    made = (drawn / "alcove.ico").read_bytes()
    assert struct.unpack_from("<HHH", made) == (0, 1, len(icons.IN_ICO))
    for number, size in enumerate(icons.IN_ICO):
        width, height, *_rest, length, at = struct.unpack_from("<BBBBHHII", made, 6 + 16 * number)
        assert (width or 256, height or 256) == (size, size)
        assert made[at : at + length] == (drawn / f"alcove-{size}.png").read_bytes()


def test_the_container_for_macos_holds_the_pictures(drawn: Path) -> None:
    made = (drawn / "alcove.icns").read_bytes()
    assert made[:4] == b"icns"
    assert struct.unpack_from(">I", made, 4) == (len(made),)
    at, found = 8, {}
    while at < len(made):
        (length,) = struct.unpack_from(">I", made, at + 4)
        found[made[at : at + 4]] = made[at + 8 : at + length]
        at += length
    assert found == {kind: (drawn / f"alcove-{size}.png").read_bytes() for kind, size in icons.IN_ICNS}


def test_the_desktop_entry_speaks_three_languages() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(LINUX / f"{product.IDENTIFIER}.desktop", "utf-8")
    told = entry["Desktop Entry"]
    for key in ("GenericName", "Comment", "Keywords"):
        assert {name.removeprefix(key) for name in told if name.startswith(key)} == LANGUAGES
    assert told["Exec"] == f"{product.EXECUTABLE} %F"
    assert told["Icon"] == product.IDENTIFIER
    assert told["StartupWMClass"] == product.NAME  # what Qt makes of the application's name


def test_the_desktop_is_told_the_same_name_by_the_program() -> None:
    assert f'setDesktopFileName("{product.IDENTIFIER}")' in (product.ROOT / "desktop" / "launch.py").read_text("utf-8")


def test_every_paragraph_of_the_store_is_translated() -> None:
    root = ElementTree.parse(LINUX / f"{product.IDENTIFIER}.metainfo.xml").getroot()
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    for tag in ("summary", "description/p", "description/ul/li"):
        said = [element.get(language, "en") for element in root.findall(tag)]
        assert said == ["en", "ko", "it"] * (len(said) // 3)
        assert said
    assert root.findtext("id") == product.IDENTIFIER


def test_models_are_known_by_their_first_bytes() -> None:
    root = ElementTree.parse(LINUX / f"{product.IDENTIFIER}.mime.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    (kind,) = root.findall(f"{space}mime-type")
    (match,) = kind.iter(f"{space}match")
    assert (match.get("value"), match.get("offset")) == ("GGUF", "0")
    entry = (LINUX / f"{product.IDENTIFIER}.desktop").read_text("utf-8")
    assert f"MimeType={kind.get('type')};" in entry


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platforms/libqwayland.so", True),
        ("PySide6/Qt/plugins/platforms/libqoffscreen.so", True),
        ("PySide6/Qt/plugins/platforms/libqeglfs.so", False),
        ("PySide6/Qt/plugins/platforminputcontexts/libibusplatforminputcontextplugin.so", True),
        ("PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.so", False),
        ("PySide6/Qt/plugins/tls/libqopensslbackend.so", False),
        ("PySide6/plugins/platforms/qwindows.dll", True),
        ("PySide6/opengl32sw.dll", False),
        ("api-ms-win-crt-heap-l1-1-0.dll", False),
        ("PySide6/Qt/translations/qtbase_ko.qm", True),
        ("PySide6/Qt/translations/qtbase_de.qm", False),
        ("PySide6/Qt/qml/QtQuick/qmldir", False),
        ("PySide6/QtCore.abi3.so", True),
    ],
)
def test_of_qt_only_what_is_used_comes_along(name: str, stays: bool) -> None:
    assert contents._stays(name, f"/somewhere/{name}", "BINARY") is stays


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere systems bring nothing of the kind")
@pytest.mark.parametrize(
    ("name", "stays"), [("libssl.so.3", True), ("libxcb-cursor.so.0", True), ("libgtk-3.so.0", False)]
)
def test_of_the_system_only_what_others_may_lack(name: str, stays: bool) -> None:
    assert contents._stays(name, f"/usr/lib/x86_64-linux-gnu/{name}", "BINARY") is stays


def test_modules_of_the_systems_own_python_come_along() -> None:
    name = "lib-dynload/_ctypes.cpython-311-x86_64-linux-gnu.so"
    assert contents._stays(f"python3.11/{name}", f"/usr/lib/python3.11/{name}", "EXTENSION")


def test_every_licence_is_gathered() -> None:
    import numpy
    from PySide6 import QtCore

    text = licences.gathered(
        [Path(numpy.__file__), Path(str(QtCore.__file__)), product.ROOT / "desktop" / "__main__.py"]
    )
    named = re.findall(r"^  (\S.*)$", text.split("=" * 100)[0], re.MULTILINE)
    assert [name.split()[0] for name in named] == ["Alcove", "Lucide,", "Python", "numpy", "PySide6_Essentials"]
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text


def test_a_file_of_nobody_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "libnobody.so").write_bytes(b"")
    with pytest.raises(licences.Unlicensed, match="libnobody"):
        licences.gathered([tmp_path / "libnobody.so"])


def test_a_part_without_a_licence_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "bare-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bare\nVersion: 1.0\n")
    (about / "RECORD").write_text("bare.py,,\nbare-1.0.dist-info/METADATA,,\n")
    (tmp_path / "bare.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(licences.Unlicensed, match=r"bare 1\.0"):
        licences.gathered([tmp_path / "bare.py"])


@pytest.mark.parametrize(("own", "left"), [(None, None), ("/opt/lib", "/opt/lib")])
def test_programs_it_opens_get_the_persons_own_libraries(
    own: str | None, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle/_internal")
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    if own is not None:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", own)
    runpy.run_path(str(LINUX / "surroundings.py"))
    assert os.environ.get("LD_LIBRARY_PATH") == left
    assert "LD_LIBRARY_PATH_ORIG" not in os.environ


@pytest.mark.parametrize(
    ("method", "methods", "left"),
    [("fcitx", None, "fcitx;ibus"), ("fcitx5", "xim", "xim"), ("ibus", None, None), (None, None, None)],
)
def test_who_types_by_fcitx_types_here_too(
    method: str | None, methods: str | None, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("QT_IM_MODULE", method), ("QT_IM_MODULES", methods)):
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    monkeypatch.setenv("LD_LIBRARY_PATH", "")
    runpy.run_path(str(LINUX / "surroundings.py"))
    assert os.environ.get("QT_IM_MODULES") == left


def test_every_byte_is_counted_once(tmp_path: Path) -> None:
    for name, size in (("PySide6/Qt/lib/libicudata.so.73", 5), ("yaml/_yaml.so", 3), ("libz.so.1", 2)):
        path = tmp_path / "_internal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    (tmp_path / "_internal" / "libicudata.so.73").symlink_to("PySide6/Qt/lib/libicudata.so.73")
    found = sizes.measured(tmp_path)
    assert found.total() == 10
    assert sorted(found.values()) == [2, 3, 5]
