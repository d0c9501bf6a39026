"""Every key on the sheet, pressed for real: those of the menus wherever the focus is, and those of a place there.

Invariant: what is pressed is read from the sheet's own sources, so that no row can be forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QLineEdit, QPlainTextEdit, QWidget

from desktop.panes.chat.transcript import Transcript
from desktop.ui.menus import _EDIT, Command
from desktop.ui.palette import _Field
from desktop.ui.reading import Reading
from desktop.ui.shortcuts import _ENTER, PLACES
from tests.access.places import chat_file
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import Program

KEY = Qt.Key
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LAST = (Command.CLOSE.value, Command.QUIT.value)  # these end the program, and are pressed at its end
FIELDS = frozenset(text for text, _method, _key in _EDIT)  # a field takes these keys for itself
JAMO = "ㅏ"  # what K is on a Korean keyboard while Hangul is written


def focus(person: Person, place: str) -> QWidget:
    """Goes to one of the places where a key may be swallowed by something that can be written or read in."""
    widget: QWidget
    if place == "list":
        widget = person.list("Chats")
    elif place == "conversation":
        widget = person.all(Reading)[0]
    else:
        (widget,) = person.all(QPlainTextEdit, "Message")
    widget.setFocus()
    return widget


async def tidy(person: Person) -> None:
    """Back to the chat with everything in it, whatever was opened."""
    await asyncio.sleep(0.02)
    while (open_ := QApplication.activeModalWidget() or QApplication.activePopupWidget()) is not None:
        QTest.keyClick(open_, KEY.Key_Escape)
        await asyncio.sleep(0.01)
    for field in [*person.all(_Field), *person.all(QPlainTextEdit, "Edit message")]:
        person.key(KEY.Key_Escape, field=field)
    person.window.show_pane("chat")
    person.window.unfold()
    await person.active()
    if person.sees("Undo"):
        person.key(KEY.Key_Z, CONTROL, focus(person, "message"))
        await until(lambda: not person.sees("Undo"))
    if not any("How does it work?" in said for said in person.conversation):
        await person.pick_row("Everything")
        await until(lambda: any("How does it work?" in said for said in person.conversation))
    await until(lambda: not person.sees("Stop"))


def press(widget: QWidget, key: QKeyCombination, text: str) -> None:
    """As an input method's layout gives it: the key's own code, and what would be written with it."""
    if not text or not key.key().name.removeprefix("Key_").isalpha() or len(key.key().name) > len("Key_A"):
        QTest.keyClick(widget, key.key(), key.keyboardModifiers())
        return
    for action in (QTest.KeyAction.Press, QTest.KeyAction.Release):
        QTest.sendKeyEvent(action, widget, key.key(), text, key.keyboardModifiers())


async def press_all(person: Person, model: str, chat: str) -> None:
    await person.bring(Path(model))
    person.drop([Path(chat)])
    person.window.show_pane("chat")
    await until(lambda: any("How does it work?" in said for said in person.conversation))
    actions = [action for _title, entries in person.window.menus.sections() for action in entries]
    done: list[str] = []
    for action in actions:
        action.triggered.connect(lambda _on=False, action=action: done.append(action.data()))
    keyed = [a for a in actions if a.shortcuts() and a.data() not in {*LAST, *FIELDS}]
    assert len(keyed) > 20
    for place, text in (("message", ""), ("list", ""), ("conversation", ""), ("message", JAMO)):
        for action in keyed:
            await tidy(person)
            await press_each(person, action, place, text, done)
    tell(str(person.all(QPlainTextEdit, "Message")[0].toPlainText()))  # no key has written anything
    QTest.keyClick(person.window, KEY.Key_Q, CONTROL)
    await asyncio.sleep(60)  # it ends now


async def press_each(person: Person, action: QAction, place: str, text: str, done: list[str]) -> None:
    for sequence in action.shortcuts():
        done.clear()
        press(focus(person, place), sequence[0], text)  # type: ignore[index]  # it can be
        if done != [action.data()]:
            tell(f"{sequence.toString()} in {place} with “{text}” is {done}, not {action.data()}")
        await tidy(person)


def test_every_key_of_the_menus_works_wherever_the_focus_is(alcove: Program, brief: Path, tmp_path: Path) -> None:
    assert alcove.live(press_all, brief, chat_file(tmp_path / "all.json", brief.stem)) == "\n"


# -- the keys of places ------------------------------------------------------------------------------------------------


def message(person: Person) -> QPlainTextEdit:
    (field,) = person.all(QPlainTextEdit, "Message")
    field.setFocus()
    return field


def scrolled(person: Person) -> tuple[QAbstractScrollArea, int]:
    (transcript,) = person.all(Transcript)
    transcript.setFocus()
    return transcript, transcript.verticalScrollBar().value()


async def sends(person: Person) -> None:
    person.type("one", message(person))
    person.key(KEY.Key_Return)
    await until(lambda: "one" in person.conversation, lambda: person.conversation)


async def stops(person: Person) -> None:
    (transcript,) = person.all(Transcript)
    await until(lambda: person.sees("Stop") and transcript.verticalScrollBar().maximum() > transcript.height())
    message(person)
    person.key(KEY.Key_Escape)
    await until(lambda: not person.sees("Stop"))


async def makes_a_line(person: Person) -> None:
    person.type("a", message(person))
    person.key(KEY.Key_Return, SHIFT)
    person.type("b", message(person))
    assert message(person).toPlainText() == "a\nb"
    message(person).clear()


async def edits(person: Person) -> None:
    message(person)
    person.key(KEY.Key_Up)
    (field,) = await until(lambda: person.all(QPlainTextEdit, "Edit message"))
    assert (field.toPlainText(), field.hasFocus()) == ("one", True)
    person.key(KEY.Key_Escape, field=field)
    await until(lambda: not person.all(QPlainTextEdit, "Edit message"))
    assert QApplication.focusWidget() is not None


async def to_the_beginning(person: Person) -> None:
    transcript, _value = scrolled(person)
    person.key(KEY.Key_Home)
    await until(lambda: transcript.verticalScrollBar().value() == 0)


async def to_the_end(person: Person) -> None:
    transcript, value = scrolled(person)
    person.key(KEY.Key_End)
    await until(lambda: transcript.verticalScrollBar().value() > value)


async def renames(person: Person) -> None:
    rows = person.list("Chats")
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    person.key(KEY.Key_F2)
    (field,) = await until(lambda: person.all(QLineEdit, "Title"))
    field.selectAll()
    person.type("제목", field)
    person.key(KEY.Key_Return, field=field)
    await until(lambda: "제목" in person.rows(), person.rows)
    assert person.list("Chats").hasFocus()


async def opens(person: Person) -> None:
    person.key(KEY.Key_N, CONTROL)
    await until(lambda: not person.conversation)
    rows = person.list("Chats")
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    person.key(KEY.Key_Return)
    await until(lambda: person.conversation[:1] == ["one"] or len(person.conversation), lambda: person.conversation)


async def leads_back(person: Person) -> None:
    person.list("Chats").setFocus()
    person.key(KEY.Key_Escape)
    assert person.all(QPlainTextEdit, "Message")[0].hasFocus()


async def goes_to_the_bin(person: Person) -> None:
    rows = person.list("Chats")
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    person.key(KEY.Key_Delete)
    await until(lambda: "제목" not in person.rows(), person.rows)


async def steps(person: Person) -> None:
    here = message(person)
    person.key(KEY.Key_Tab)
    assert not here.hasFocus()
    person.key(KEY.Key_Tab, SHIFT)
    assert here.hasFocus()


DOES: dict[
    tuple[str, str], Callable[[Person], Awaitable[None]]
] = {  # in the order in which one makes the next possible
    ("While you write", _ENTER): sends,
    ("While you write", "Escape"): stops,
    ("While you write", f"Shift+{_ENTER}"): makes_a_line,
    ("While you write", "Up"): edits,
    ("In the conversation", "Home"): to_the_beginning,
    ("In the conversation", "End"): to_the_end,
    ("Everywhere", "Tab Shift+Tab"): steps,
    ("In the list of chats", "F2"): renames,
    ("In the list of chats", _ENTER): opens,
    ("In the list of chats", "Escape"): leads_back,
    ("In the list of chats", "Delete"): goes_to_the_bin,
}


async def in_their_places(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await person.active()
    person.key(KEY.Key_1, CONTROL)
    await person.with_model(Path(model).stem)
    for does in DOES.values():
        await person.active()
        await does(person)


def test_every_key_of_a_place_does_what_is_said(alcove: Program, endless: Path) -> None:
    assert {(title, " ".join(keys)) for title, rows in PLACES for _text, keys in rows} == set(DOES)
    alcove.live(in_their_places, endless)
