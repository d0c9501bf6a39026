"""Bad input at the window itself: it says so, does not freeze, and loses nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit

from desktop.services.paths import Paths
from tests.flows.driver import tell
from tests.flows.person import SOON_S, Person, until
from tests.flows.program import Program

CONTROL = Qt.KeyboardModifier.ControlModifier
LONG = "a few words and a line\n" * 220_000  # five megabytes
FREEZE_S = 1.0


class Pulse:
    """The longest time for which the window's thread worked without letting anything else happen."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            begun, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.005)
            # a processor that others have taken is no fault of ours
            self.longest_s = max(self.longest_s, min(time.monotonic() - begun, time.thread_time() - worked))


async def paste_five_megabytes(person: Person, model: str) -> None:
    """Pasted, sent, refused in a sentence; and a short question afterwards is answered."""
    await person.with_model(model)
    (field,) = person.all(QPlainTextEdit, "Message")
    QApplication.clipboard().setText(LONG)
    pulse = Pulse()
    person.key(Qt.Key.Key_V, CONTROL, field)
    await until(lambda: not field.document().isEmpty())
    person.key(Qt.Key.Key_Return, field=field)
    await until(lambda: any("too long" in s or "context" in s for s in person.sentences), lambda: person.sentences)
    await person.answered()
    await asyncio.sleep(SOON_S)
    tell(str(pulse.longest_s))
    await person.active()
    person.key(Qt.Key.Key_N, CONTROL)
    await until(lambda: person.conversation == [])
    await person.ask("short")
    await until(lambda: len(person.conversation) == 2, lambda: (person.conversation, person.sentences))
    await person.answered()


async def read_sentences(person: Person) -> None:
    await until(lambda: person.sentences)
    for sentence in person.sentences:
        tell(sentence)


async def look(_person: Person) -> None:
    tell("looked")


async def drop_what_is_no_model(person: Person, *files: str) -> None:
    """Each is refused in a sentence of its own, and nothing is listed."""
    for file in files:
        before = person.sentences
        person.drop([Path(file)])
        await person.press("Copy")
        await person.press("Import")
        await until(lambda before=before: person.sentences and person.sentences != before, lambda: person.sentences)
    assert person.rows("Models on this computer") == ["Guide"]


def test_five_megabytes_pasted(alcove: Program, brief: Path) -> None:
    alcove.run("models", "import", brief, "--link")
    (longest,) = alcove.live(paste_five_megabytes, brief.stem).splitlines()
    assert float(longest) < FREEZE_S


def test_files_that_are_no_models(alcove: Program, brief: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("l'empty.gguf", "잘린.gguf", "noise.gguf")]
    files[0].touch()
    files[1].write_bytes(brief.read_bytes()[:-70_000])
    files[2].write_bytes(b"\x89PNG" * 900)
    alcove.live(drop_what_is_no_model, *files)


def test_a_damaged_database_is_said_in_the_window(alcove: Program) -> None:
    alcove.live(look)
    Paths(alcove.home).database.write_bytes(b"damaged" * 3000)
    (said,) = alcove.live(read_sentences).splitlines()
    (kept,) = alcove.home.glob("alcove-damaged-*.db")
    assert str(kept) in said
    assert kept.read_bytes() == b"damaged" * 3000


def test_a_newer_database_is_said_in_a_box_and_left_alone(alcove: Program) -> None:
    alcove.live(look)
    path = Paths(alcove.home).database
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=9999")
    db.close()
    before = path.read_bytes()
    assert "newer Alcove" in alcove.refused()
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["below a file", "a file itself"])
def test_a_data_folder_that_cannot_be_is_said_in_a_box(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not to be lost")
    home = tmp_path / "file" / "home" if place == "below a file" else tmp_path / "file"
    assert "file" in Program(home).refused()
    assert (tmp_path / "file").read_text() == "not to be lost"
