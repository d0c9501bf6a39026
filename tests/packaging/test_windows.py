"""The Windows package, as far as it can be told without compiling it; `installed.py` does that, and runs it."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from xml.etree import ElementTree

import installer
import product
import pytest
from windows import executable

STRINGS = installer.SOURCE / "strings"
LANGUAGES = ("english", "korean", "italian")
SCRIPT = "".join(path.read_text("utf-8") for path in sorted(installer.SOURCE.glob("*.ns[ih]")))


def said(language: str) -> dict[str, str]:
    """By key, what the installer says."""
    text = (STRINGS / f"{language}.nsh").read_text("utf-8")
    return dict(re.findall(rf'^LangString (\w+) \${{LANG_{language.upper()}}} "(.*)"$', text, re.MULTILINE))


def test_every_language_says_everything_and_nothing_else() -> None:
    asked = set(re.findall(r"\$\((\w+)\)", SCRIPT))
    for language in LANGUAGES:
        sentences = said(language)
        assert set(sentences) == asked
        assert all(sentence.strip() for sentence in sentences.values())
        text = (STRINGS / f"{language}.nsh").read_text("utf-8")
        assert text.count("LangString") == len(sentences)  # no row of another form


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_is_one_and_keeps_what_is_filled_in(language: str) -> None:
    english, sentences = said("english"), said(language)
    for key, sentence in english.items():
        assert sentences[key] != sentence
        assert sorted(set(re.findall(r"[$%]LOCALAPPDATA%?|&", sentence))) == sorted(
            set(re.findall(r"[$%]LOCALAPPDATA%?|&", sentences[key]))
        ), key


def test_no_two_controls_of_a_page_share_a_key() -> None:
    pages = (("ForMe", "ForEveryone", "DesktopIcon"), ("DeleteAll", "RemoveButton"))
    for language in LANGUAGES:
        for page in pages:
            keys = [re.search(r"&(\w)", said(language)[name])[1].lower() for name in page]  # type: ignore[index]
            assert len(set(keys)) == len(keys), (language, keys)


def staged(folder: Path, *more: str) -> Path:
    for name in (*installer.PROGRAMS, *more):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_what_is_brought_is_what_is_removed(tmp_path: Path) -> None:
    folder = staged(tmp_path, "_internal/PySide6/한글 a.dll", "_internal/b.pyd")
    text = installer.lists(folder, installer.staged_files(folder))
    brought, removed = text.split("!macro RemoveFiles")
    assert [Path(name).relative_to(folder).as_posix() for name in re.findall(r'^File "(.*)"$', brought, re.M)] == [
        "alcove-cli.exe",
        "alcove.exe",
        "_internal/b.pyd",
        "_internal/PySide6/한글 a.dll",
    ]
    inside = r"$INSTDIR\_internal"
    assert set(re.findall(r'^Delete "(.*)"$', removed, re.M)) == {
        r"$INSTDIR\alcove-cli.exe",
        r"$INSTDIR\alcove.exe",
        inside + r"\b.pyd",
        inside + r"\PySide6\한글 a.dll",
    }
    assert re.findall(r'^RMDir "(.*)"$', removed, re.M) == [inside + r"\PySide6", inside]  # never the chosen folder


def test_only_the_persons_own_data_is_ever_deleted_with_all_in_it() -> None:
    assert re.findall(r"RMDir /r .*", SCRIPT) == [r'RMDir /r "$LOCALAPPDATA\${NAME}"']


def test_whoever_removes_it_for_everyone_deletes_nobodys_chats() -> None:
    """Windows may have asked another person for the administrator; and for everyone, `$LOCALAPPDATA` is nobody's."""
    page = SCRIPT.split("Function un.AskWhat\n")[1].split("FunctionEnd")[0]
    everyone, one = page.split("${If} $Everyone = 1")[1].split("${Else}")
    assert re.findall(r"\$\(\w+\)|CheckBox", everyone) == ["$(WhoseItIs)"]
    assert "$(DeleteAllText)" in one
    assert all(r"%LOCALAPPDATA%\${NAME}" in said(language)["WhoseItIs"] for language in LANGUAGES)


def test_the_folder_that_is_picked_gets_one_of_our_name() -> None:
    """NSIS puts the last part of `InstallDir` behind it; the rest is never used."""
    name = re.search(r'^InstallDir "\$\{(\w+)\}"', SCRIPT, re.M)
    assert name
    assert re.search(rf'^!define {name[1]} "\w+\\\$\{{NAME\}}"$', SCRIPT, re.M)
    assert f'${{If}} $INSTDIR != "${{{name[1]}}}"\n    StrCpy $Given $INSTDIR' in SCRIPT


def test_a_name_with_a_dollar_is_not_taken_for_a_variable() -> None:
    assert installer._installed(PurePosixPath("_internal/a$INSTDIR.txt")) == r"$INSTDIR\_internal\a$$INSTDIR.txt"


def test_a_build_without_a_program_or_with_too_long_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"alcove\.exe"):
        installer.staged_files(tmp_path)
    with pytest.raises(SystemExit, match="Too long"):
        installer.staged_files(staged(tmp_path, "_internal/" + "/".join(["x" * 50] * 3)))


@pytest.mark.parametrize(
    ("version", "four"), [("0.1.0", "0.1.0.0"), ("1.2", "1.2.0.0"), ("1.2.3.dev4", "1.2.3.0"), ("1.2.3.4.5", "1.2.3.4")]
)
def test_a_version_has_four_numbers_on_windows(version: str, four: str) -> None:
    assert installer.version_of_four(version) == four


def test_signing_is_told_only_where_there_is_a_command(tmp_path: Path) -> None:
    assert "SIGN" not in installer.definitions(tmp_path, tmp_path, "")
    assert installer.definitions(tmp_path, tmp_path, "sign /tr x")["SIGN"] == "sign /tr x"


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("nt", '"C:\\Kits (x86)\\sign.exe" /n "A B" "a b.exe"'),
        ("posix", ["C:\\Kits (x86)\\sign.exe", "/n", "A B", "a b.exe"]),
    ],
)
def test_a_command_that_signs_may_have_quotes(
    system: str, command: str | list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str | list[str]] = []
    monkeypatch.setattr(installer, "os", SimpleNamespace(name=system))
    monkeypatch.setattr(installer.subprocess, "run", lambda command, check: ran.append(command))
    installer.signed(Path("a b.exe"), '"C:\\Kits (x86)\\sign.exe" /n "A B"')
    assert ran == [command]


def test_a_command_that_nsis_would_cut_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_SIGN", "sign -pass 'a b'")
    with pytest.raises(SystemExit, match="double quotes"):
        installer.make(staged(tmp_path), tmp_path / "made.exe")


def test_the_window_has_no_console_and_the_command_line_has_one() -> None:
    made = executable.executables(
        lambda *parts, **named: SimpleNamespace(**named), 1, 2, 3, {"name": "x", "upx": False}
    )
    assert [(program.name, program.console, program.upx) for program in made] == [
        ("alcove", False, False),
        ("alcove-cli", True, False),
    ]
    assert [Path(program.version).name for program in made] == ["alcove.version", "alcove-cli.version"]


def test_the_version_among_the_properties_is_the_projects() -> None:
    """Read as PyInstaller does: an expression of these names."""
    names = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct")
    found: dict[str, str] = {}

    def note(key: str, value: str) -> None:
        found[key] = value

    take = {name: lambda *_parts, **_named: None for name in (*names, "VarFileInfo", "VarStruct")}
    eval(executable.version_text("alcove"), {**take, "StringStruct": note})
    assert (found["FileVersion"], found["OriginalFilename"]) == (product.VERSION, "alcove.exe")


def test_the_manifest_asks_for_no_rights_and_knows_long_paths_and_scaling() -> None:
    tree = ElementTree.parse(executable.MANIFEST)
    found = {element.tag.split("}")[1]: element for element in tree.iter()}
    assert found["requestedExecutionLevel"].get("level") == "asInvoker"
    assert found["longPathAware"].text == "true"
    assert (found["dpiAwareness"].text or "").startswith("PerMonitorV2")
