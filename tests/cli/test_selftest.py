"""The self-test: each part is damaged in turn, and is told by its name; the person's own files stay as they were."""

from __future__ import annotations

import asyncio
import gettext
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.cli import _parser, checks, main, selftest
from desktop.cli.doctor import Finding
from desktop.services.paths import Paths, resources
from desktop.ui.translation import use

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"Program files", "Translations", "Chats", "Guide (en)", "Guide (ko)", "Guide (it)"}


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    use("en", resources() / "locale")
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "data"))
    return Paths(tmp_path / "data")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the resources as a package carries them, which the services use, too."""
    copy = tmp_path / "shipped"
    shutil.copytree(resources(), copy, ignore=shutil.ignore_patterns("*.po"))
    korean, italian = (copy / "locale" / language / "LC_MESSAGES" / "alcove.mo" for language in ("ko", "it"))
    shutil.copy(korean, italian)  # whether both have every sentence is another test's affair
    subprocess.run([sys.executable, ROOT / "packaging" / "checksums.py", copy], check=True, capture_output=True)
    monkeypatch.setattr("desktop.assembly.resources", lambda: copy)
    return copy


def found_in(paths: Paths, shipped: Path) -> dict[str, Finding]:
    async def all_of_them() -> dict[str, Finding]:
        return {finding.topic: finding async for finding in selftest.findings_of(paths, shipped)}

    return asyncio.run(all_of_them())


def test_a_sound_installation(person: Paths, shipped: Path, qapp: object) -> None:
    findings = found_in(person, shipped)
    assert not [f for f in findings.values() if not f.well and f.topic not in ("Certificates", "Window system")]
    assert set(findings) > GOOD
    assert any("가" <= letter <= "힣" for letter in findings["Guide (ko)"].seen)
    assert not person.home.exists(), "a person who has not started Alcove yet still has no folder"


def test_the_verb_and_its_status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(_paths: Paths, _shipped: Path):  # type: ignore[no-untyped-def]
        yield Finding("One", "good")
        yield Finding("Two", "bad", well=False)

    monkeypatch.setattr(selftest, "findings_of", two)
    for options, seen in (([], "✓ One: good\n✗ Two: bad\n"), (["--json"], None)):
        parsed = _parser().parse_args(["self-test", *options])
        assert asyncio.run(parsed.run(parsed)) == 1
        out = capsys.readouterr().out
        assert out == seen or json.loads(out)["well"] is False


def test_it_is_an_option_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def one(_paths: Paths, _shipped: Path):  # type: ignore[no-untyped-def]
        yield Finding("One", "good")

    monkeypatch.setattr(selftest, "findings_of", one)
    assert main(["--self-test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "well": True,
        "findings": [{"topic": "One", "seen": "good", "well": True}],
    }


def test_a_guide_that_was_cut_short_is_told_twice(person: Paths, shipped: Path, qapp: object) -> None:
    guide = shipped / "guide" / "guide.gguf"
    guide.write_bytes(guide.read_bytes()[: guide.stat().st_size // 2])
    findings = found_in(person, shipped)
    assert "guide/guide.gguf" in findings["Program files"].seen
    assert not findings["Program files"].well
    assert not findings["Guide (en)"].well
    assert findings["Chats"].well, "the rest is tried all the same"


@pytest.mark.parametrize("damage", ["gone", "changed", "added to the list"])
def test_files_of_the_program(shipped: Path, damage: str) -> None:
    page = shipped / "help" / "ko" / "gguf.md"
    if damage == "gone":
        page.unlink()
    elif damage == "changed":
        page.write_text("# another")
    else:
        with (shipped / checks.SUMS).open("a") as file:
            file.write(f"{'0' * 64}  help/ko/gguf.md\n")
    found = checks.files(shipped)
    assert not found.well
    assert "help/ko/gguf.md" in found.seen


def test_files_of_a_source_tree_have_no_checksums(shipped: Path) -> None:
    (shipped / checks.SUMS).unlink()
    assert checks.files(shipped).well
    (shipped / "help" / "it" / "gguf.md").unlink()
    assert "help/it/gguf.md" in checks.files(shipped).seen
    shutil.rmtree(shipped / "help")
    assert not checks.files(shipped).well


def test_translations_of_this_tree_load() -> None:
    for language in ("ko", "it"):
        file = resources() / "locale" / language / "LC_MESSAGES" / "alcove.mo"
        with file.open("rb") as opened:
            assert b"Chats" in checks._messages(file.read_bytes())
            assert gettext.GNUTranslations(opened).gettext("Chats") != "Chats"


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "noise", "short", "both empty"])
def test_a_catalogue(shipped: Path, damage: str) -> None:
    assert checks.translations(shipped / "locale").well
    file = shipped / "locale" / "it" / "LC_MESSAGES" / "alcove.mo"
    data = file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "noise":
        file.write_bytes(bytes(range(256)) * 8)
    else:
        for language in ("it",) if damage == "short" else ("it", "ko"):
            count = 40 if damage == "short" else 0
            other = shipped / "locale" / language / "LC_MESSAGES" / "alcove.mo"
            other.write_bytes(data[:8] + count.to_bytes(4, "little") + data[12:])
    found = checks.translations(shipped / "locale")
    assert not found.well
    assert "it" in found.seen


def test_chats_are_read_and_nothing_else(person: Paths) -> None:
    assert checks.chats(person).seen == "none yet"

    async def made() -> None:
        async with Assembly.opened(person) as alcove:
            await alcove.chats.create(title="하나")

    asyncio.run(made())
    before = {p: p.stat().st_mtime_ns for p in person.home.rglob("*")}
    assert checks.chats(person).seen == "1, readable"
    assert {p: p.stat().st_mtime_ns for p in person.home.rglob("*")} == before


def test_chats_while_alcove_runs(person: Paths) -> None:
    async def looked_at() -> Finding:
        async with Assembly.opened(person) as alcove:
            await alcove.chats.create(title="하나")
            return checks.chats(person)

    assert asyncio.run(looked_at()).seen == "1, readable"


@pytest.mark.parametrize("damage", ["noise", "cut", "foreign"])
def test_a_database_that_is_broken(person: Paths, damage: str) -> None:
    person.home.mkdir()
    with closing(sqlite3.connect(person.database)) as database:
        database.execute("CREATE TABLE chat (id TEXT)" if damage != "foreign" else "CREATE TABLE other (id TEXT)")
        database.executemany(
            "INSERT INTO chat VALUES (?)" if damage != "foreign" else "INSERT INTO other VALUES (?)",
            [("x" * 900,)] * 50,
        )
        database.commit()
    data = person.database.read_bytes()
    if damage == "noise":
        person.database.write_bytes(data[:100] + bytes(len(data) - 100))
    elif damage == "cut":
        person.database.write_bytes(data[:5000])
    found = checks.chats(person)
    assert not found.well
    assert str(person.database) in found.seen


def test_a_folder_that_cannot_be_written(person: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [f.well for f in checks.folder(person)] == [True, True]

    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # who runs the tests may be allowed everything
    (found,) = checks.folder(person)
    assert not found.well
    assert "Permission denied" in found.seen


def test_a_full_disk(person: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.cli.doctor.LITTLE_DISK", 10**18)
    assert not checks.folder(person)[1].well


def test_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "none.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert not checks.certificates().well or sys.platform in ("darwin", "win32")


def test_a_keyring_that_is_missing_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends import fail, null

    for backend, words in ((fail.Keyring(), "until Alcove closes"), (null.Keyring(), null.Keyring().name)):
        monkeypatch.setattr(keyring, "get_keyring", lambda found=backend: found)
        found = checks.keyring()
        assert found.well
        assert words in found.seen


def test_a_part_of_the_program_that_is_not_there() -> None:
    def lacking() -> Finding:
        raise ImportError("No module named 'PySide6.QtSvg'")

    (found,) = selftest._looked(lacking)
    assert not found.well
    assert "QtSvg" in found.seen


def test_a_window_system_whose_libraries_are_missing(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_PLATFORMS", {sys.platform: ("libqnothing.so",)})
    drawing, windows = checks.display()
    assert drawing.well
    assert not windows.well
    assert "libqnothing" in windows.seen
