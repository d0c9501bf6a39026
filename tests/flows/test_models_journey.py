"""A model is found, judged, fetched in two sittings and talked to, by mouse and keys, against the Hub of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QSlider, QTabBar

from desktop.services.paths import Paths
from tests.flows.conftest import REPLY
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import Program
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository

FILE = "mistral-7b-instruct-v0.1.Q4_K_M.gguf"
SOME = 4_000_000  # bytes that arrive before the server falls silent: less than the file, more than its header


async def turn_to(person: Person, page: str) -> None:
    """A page of the models pane."""
    await person.press("Models")
    (tabs,) = await until(lambda: person.all(QTabBar))
    at = next(at for at in range(tabs.count()) if tabs.tabText(at).startswith(page))
    QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(at).center())


def variant(person: Person, label: str) -> QAbstractButton | None:
    """A variant's row."""
    rows = (button for button in person.all(QAbstractButton) if button.accessibleName().startswith(f"{label}, "))
    return next(rows, None)


def words(person: Person) -> str:
    return "\n".join(label.text() for label in person.all(QLabel))


async def first_sitting(person: Person) -> None:
    """Searches, opens, slides the context, begins the download, pauses, and leaves."""
    await turn_to(person, "Find")
    (field,) = await until(lambda: person.all(QLineEdit, "Search for models"))
    person.type("mistral instruct", field)
    await person.pick_row("Mistral-7B-Instruct", "Models found")
    row = await until(lambda: variant(person, "Q4_K_M"), lambda: words(person))
    before = row.accessibleName()
    (slider,) = person.all(QSlider, "Context")
    slider.setFocus()
    person.key(Qt.Key.Key_Home, field=slider)
    await until(lambda: "1,024 tokens" in words(person))
    await until(lambda: row.accessibleName() != before, lambda: before)
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    await until(lambda: "Exact: the engine itself was asked" in words(person), lambda: words(person))
    await person.press("Download")
    await until(lambda: " MB of 20" in words(person), lambda: words(person))
    await person.press("Pause")
    await until(lambda: person.sees("Resume"), lambda: words(person))


async def second_sitting(person: Person) -> None:
    """The next day: goes on, and chats with what has arrived."""
    await turn_to(person, "Downloads")
    await person.press("Resume")
    await person.press("Chat with it")
    await person.ask("안녕 hello")
    await until(
        lambda: person.conversation == ["안녕 hello", REPLY.strip()], lambda: (person.conversation, words(person))
    )
    await turn_to(person, "Find")
    (field,) = await until(lambda: person.all(QLineEdit, "Search for models"))
    person.type(MISTRAL_REPO, field)
    person.key(Qt.Key.Key_Return, field=field)
    row = await until(lambda: variant(person, "Q4_K_M"), lambda: words(person))
    tell(row.accessibleName())
    person.key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: field.hasFocus() and field.isVisible())  # here models are looked for, and not chats
    await person.press("Models")  # again: back to the chats
    person.key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: any(box.hasFocus() for box in person.all(QLineEdit, "Search")))


def test_found_fetched_in_two_sittings_and_talked_to(
    alcove: Program, brief: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = bloke_repository(tmp_path / "hub", model=brief, only=("Q2_K", "Q4_K_M"))
    source = tmp_path / "hub" / MISTRAL_REPO / FILE
    with HubServer({MISTRAL_REPO: held}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        silence = hub.misbehave(FILE, on="cdn", stall_after=SOME)
        alcove.live(first_sitting)
        part = next(Paths(alcove.home).models.rglob("*.part"))
        there = part.stat().st_size
        assert 0 < there < source.stat().st_size
        hub.behave(silence)
        hub.received["cdn"].clear()
        assert "in your library" in alcove.live(second_sitting)
        fetched = sum(asked.sent for asked in hub.received["cdn"] if FILE in asked.path)
    whole = Paths(alcove.home).models / MISTRAL_REPO / FILE
    assert whole.read_bytes() == source.read_bytes()
    assert fetched <= source.stat().st_size - there + SOME  # it went on, and the header was looked at again
    assert not list(Paths(alcove.home).models.rglob("*.part*"))
