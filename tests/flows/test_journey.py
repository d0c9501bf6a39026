"""An afternoon at the window, over the real engine, by mouse and keys; then it is closed and opened again."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QPlainTextEdit

from tests.flows.conftest import REPLY
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import Program

ANSWER = REPLY.strip()
CONTROL = Qt.KeyboardModifier.ControlModifier
SMALL = (790, 600)  # fits the screen there is off screen
FIRST, SECOND = "안녕 hello", "tell me more"


async def ask_edit_and_go_back(person: Person) -> None:
    """A first chat: asked, answered again, asked otherwise, and back to the first version."""
    await person.pick_row("brief-chat", "Models on this computer")
    await person.press("Chat with it")
    await person.ask(FIRST)
    await until(lambda: person.conversation == [FIRST, ANSWER], lambda: person.conversation)
    await person.press("Regenerate")
    await until(lambda: person.versions == ["Version 2 of 2"], lambda: person.versions)
    await person.answered()
    await person.press("Edit", 0)
    (field,) = await until(lambda: person.all(QPlainTextEdit, "Edit message"))
    field.selectAll()
    person.type("goodbye", field)
    person.key(Qt.Key.Key_Return, CONTROL)
    await until(lambda: person.conversation == ["goodbye", ANSWER], lambda: person.conversation)
    await person.answered()
    await person.press("Earlier version", 0)
    await until(lambda: person.conversation == [FIRST, ANSWER], lambda: person.conversation)
    assert person.versions == ["Version 1 of 2", "Version 2 of 2"]


async def stop_and_continue(person: Person) -> str:
    """A second chat: a reply that would not end is stopped, and goes on from there; what it has come to."""
    await person.active()
    person.key(Qt.Key.Key_N, CONTROL)
    await until(lambda: person.conversation == [])
    await person.with_model("endless-chat")
    await person.ask(SECOND)
    begun = await stopped(person)
    await person.press("Continue")
    await until(lambda: person.all(QPlainTextEdit, "Message") and len(person.conversation[-1]) > len(begun))
    grown = await stopped(person)
    assert grown.startswith(begun)
    assert len(grown) > len(begun)
    return grown


async def stopped(person: Person) -> str:
    """Stops the reply as soon as some of it is seen; the text that stays."""
    await until(lambda: len(person.conversation) == 2 and person.conversation[1], lambda: person.conversation)
    await person.press("Stop")
    return (await person.answered())[1]


async def look_around(person: Person) -> None:
    """From chat to chat, and what was said is found."""
    await person.pick_row(FIRST)
    await until(lambda: person.conversation == [FIRST, ANSWER], lambda: person.conversation)
    await person.pick_row(SECOND)
    await until(lambda: person.conversation[:1] == [SECOND], lambda: person.conversation)
    await person.active()
    person.key(Qt.Key.Key_F, CONTROL)
    (field,) = person.all(QLineEdit, "Search")
    await until(field.hasFocus)
    person.type("한글", field)
    await until(lambda: any(ANSWER in row for row in person.rows()), person.rows)
    assert person.rows()[0] == "Found"
    field.selectAll()
    person.type("goodbye", field)
    await until(lambda: len(person.rows()) == 2 and "goodbye" in person.rows()[1], person.rows)
    person.key(Qt.Key.Key_Return)
    person.key(Qt.Key.Key_Return)
    await until(lambda: person.conversation == ["goodbye", ANSWER], lambda: person.conversation)
    await person.press("Earlier version", 0)
    await until(lambda: person.conversation == [FIRST, ANSWER], lambda: person.conversation)
    field.setFocus()
    field.selectAll()
    person.key(Qt.Key.Key_Backspace)
    await until(lambda: SECOND in person.rows(), person.rows)


async def remove_and_take_back(person: Person) -> None:
    """A chat goes to the bin by a key and comes back by a click."""
    before = person.rows()
    await person.pick_row(SECOND)
    person.list("Chats").setFocus()
    person.key(Qt.Key.Key_Delete)
    await until(lambda: SECOND not in person.rows(), person.rows)
    await person.press("Undo")
    await until(lambda: person.rows() == before, person.rows)


async def export(person: Person, path: Path) -> None:
    """The first chat as JSON."""
    await person.pick_row(FIRST)
    await until(lambda: person.conversation[:1] == [FIRST])
    await person.press("More")
    await person.choose("Export")
    await person.save_as(path)


async def set_longest_answer(person: Person, tokens: str) -> None:
    """In the settings, for all chats; and the next answer keeps to it."""
    await person.press("Settings")
    (box,) = await until(lambda: person.all(QAbstractSpinBox, "Max tokens"))
    box.setFocus()
    box.selectAll()
    person.type(tokens, box)
    person.key(Qt.Key.Key_Return, field=box)
    await person.pick_row(SECOND)
    await until(lambda: person.conversation[:1] == [SECOND], lambda: person.conversation)
    await person.press("Regenerate")
    await until(lambda: person.versions == ["Version 2 of 2"], lambda: person.versions)
    assert await person.answered() == [SECOND, "abcdefg"]


async def an_afternoon(person: Person, brief: str, endless: str, export_to: str) -> None:
    await person.bring(Path(brief), Path(endless))
    await ask_edit_and_go_back(person)
    tell(await stop_and_continue(person))
    await look_around(person)
    await remove_and_take_back(person)
    await export(person, Path(export_to))
    await set_longest_answer(person, "7")
    person.window.resize(*SMALL)
    await person.active()
    person.key(Qt.Key.Key_Q, CONTROL)


async def the_next_day(person: Person, left: str) -> None:
    assert (person.window.width(), person.window.height()) == SMALL
    await person.press("Show chat list")  # so small a window has folded it
    await until(lambda: SECOND in person.rows() and FIRST in person.rows(), person.rows)
    await person.pick_row(FIRST)
    await until(lambda: person.conversation == [FIRST, ANSWER], lambda: person.conversation)
    assert person.versions == ["Version 1 of 2", "Version 2 of 2"]
    await person.press("Later version", 0)
    await until(lambda: person.conversation == ["goodbye", ANSWER], lambda: person.conversation)
    await person.pick_row(SECOND)
    await until(lambda: person.conversation == [SECOND, "abcdefg"], lambda: person.conversation)
    await person.press("Earlier version", 0)
    await until(lambda: person.conversation == [SECOND, left], lambda: person.conversation)
    await person.press("Settings")
    (box,) = await until(lambda: person.all(QAbstractSpinBox, "Max tokens"))
    assert box.text() == "7"
    await person.press("Models")
    await until(lambda: {"brief-chat", "endless-chat"} < set(person.rows("Models on this computer")))


def test_everything_is_there_after_closing(alcove: Program, brief: Path, endless: Path, tmp_path: Path) -> None:
    export_to = tmp_path / "내보내기.json"
    (left,) = alcove.live(an_afternoon, brief, endless, export_to).splitlines()
    exported = json.loads(export_to.read_text(encoding="utf-8"))
    said = [message["text"] for message in exported["messages"]]
    assert sorted(said) == sorted([FIRST, "goodbye", REPLY, REPLY, REPLY])
    alcove.live(the_next_day, left)
