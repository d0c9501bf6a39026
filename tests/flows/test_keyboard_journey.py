"""A day without a mouse, over the real engine: everything by keys, as a screen reader names it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QListView,
    QPlainTextEdit,
    QWidget,
)

from desktop.ui.menus import Command
from desktop.ui.window import MainWindow
from tests.flows.conftest import REPLY
from tests.flows.person import SOON_S, Person, until
from tests.flows.program import Program

KEY = Qt.Key
CONTROL, SHIFT, NOTHING = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.NoModifier,
)
ANSWER = REPLY.strip()
SMALLEST = (760, 520)
QUESTION = "Which model suits my computer?"
MOUSE = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Drop)


class Watch(QObject):
    """Takes note of anything a hand on a mouse would do, and of controls that flash as windows of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in MOUSE:
            self.seen.append(event.type())
        elif event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and strange(watched):
            self.seen.append((watched, named(watched)))
        return False


def strange(widget: QWidget) -> bool:
    """Whether it stands on the screen by itself, and is neither the window nor a dialogue or a menu."""
    return widget.windowType() is Qt.WindowType.Window and not isinstance(widget, MainWindow)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def named(widget: QWidget) -> str:
    return widget.accessibleName() or str(getattr(widget, "text", str)())


async def press(person: Person, key: Qt.Key, modifier: Qt.KeyboardModifier = NOTHING) -> None:
    await person.active()
    person.key(key, modifier)


async def tab_to(person: Person, name: str) -> None:
    """Tab by Tab to the control of that name."""
    passed: list[str] = []
    while named(focused()) != name:
        passed.append(named(focused()))
        assert len(passed) < 60, passed
        await press(person, KEY.Key_Tab)


async def palette(person: Person, words: str, row: str) -> None:
    """Opens the palette, types, and chooses the first row."""
    await press(person, KEY.Key_K, CONTROL)
    (field,) = await until(lambda: person.all(QLineEdit, "Search commands, chats and models"))
    await until(field.hasFocus)
    person.type(words, field)
    await until(lambda: person.rows("Results")[:1] == [row], lambda: person.rows("Results"))
    await press(person, KEY.Key_Return)
    await until(lambda: not field.isVisible())


async def ask_the_guide(person: Person) -> None:
    """A question of the greeting's; edited; answered once more."""
    await press(person, KEY.Key_F6, SHIFT)  # from the message back to the greeting
    await tab_to(person, QUESTION)
    await press(person, KEY.Key_Return)
    await until(lambda: QUESTION in person.conversation, lambda: (person.conversation, person.sentences))
    await person.answered()
    await until(lambda: person.all(QPlainTextEdit, "Message"))
    await tab_to(person, "Message")
    await press(person, KEY.Key_Up)
    (editor,) = await until(lambda: person.all(QPlainTextEdit, "Edit message"))
    await until(editor.hasFocus)
    await press(person, KEY.Key_A, CONTROL)
    person.type("안녕 hello", editor)
    await press(person, KEY.Key_Return, CONTROL)
    await until(lambda: person.conversation[:1] == ["안녕 hello"], lambda: person.conversation)
    await person.answered()
    await press(person, KEY.Key_R, CONTROL)
    await until(lambda: "Version 2 of 2" in person.versions[-1:], lambda: person.versions)
    await person.answered()


async def with_another_model(person: Person) -> None:
    """A new chat; the palette brings the model; its reply is copied."""
    await press(person, KEY.Key_N, CONTROL)
    await until(lambda: person.conversation == [])
    await palette(person, "brief", "brief-chat")
    await until(lambda: any(named(b).startswith("Model: brief-chat") for b in person.all(QAbstractButton)))
    (field,) = person.all(QPlainTextEdit, "Message")
    await until(field.hasFocus)
    person.type("tell me", field)
    await press(person, KEY.Key_Return)
    await until(lambda: person.conversation == ["tell me", ANSWER], lambda: (person.conversation, person.sentences))
    await person.answered()
    await press(person, KEY.Key_C, CONTROL | SHIFT)
    await until(lambda: QApplication.clipboard().text().strip() == ANSWER, QApplication.clipboard().text)


async def change_a_setting(person: Person) -> None:
    """The palette leads to the setting itself; its value counts for the next reply."""
    await palette(person, "max tok", "Max tokens")
    (box,) = await until(lambda: person.all(QAbstractSpinBox, "Max tokens"))
    await until(lambda: "Max tokens" in named(focused()))  # its switch for "no limit", which stands before the number
    while not box.hasFocus():
        await press(person, KEY.Key_Tab)
    assert not box.visibleRegion().isEmpty()  # scrolled to
    await press(person, KEY.Key_A, CONTROL)
    person.type("1", box)
    await press(person, KEY.Key_Return)
    await palette(person, "tell me", "tell me")
    await until(lambda: person.conversation[:1] == ["tell me"], lambda: person.conversation)
    await press(person, KEY.Key_R, CONTROL)
    await until(lambda: person.versions == ["Version 2 of 2"], lambda: person.versions)
    assert await person.answered() == ["tell me", "the"]


async def find_delete_and_undo(person: Person) -> None:
    """A chat is found by its words, goes to the bin, and comes back."""
    await press(person, KEY.Key_F, CONTROL)
    (field,) = await until(lambda: person.all(QLineEdit, "Search"))
    await until(field.hasFocus)
    person.type("안녕", field)
    await until(lambda: person.rows()[:1] == ["Found"] and len(person.rows()) > 1, person.rows)
    await press(person, KEY.Key_Return)
    await until(lambda: person.conversation[:1] == ["안녕 hello"], lambda: person.conversation)
    await press(person, KEY.Key_F, CONTROL)
    await press(person, KEY.Key_Escape)  # the whole list again
    before = await until(lambda: len(person.rows()) == 3 and person.rows(), person.rows)
    await press(person, KEY.Key_Backspace, CONTROL | SHIFT)
    await until(lambda: len(person.rows()) == 3 and "Bin (1)" in person.rows(), person.rows)
    await press(person, KEY.Key_Z, CONTROL)
    await until(lambda: person.rows() == before, person.rows)
    shown = person.conversation
    await press(person, KEY.Key_Tab, CONTROL)
    await until(lambda: person.conversation != shown)
    await press(person, KEY.Key_Tab, CONTROL | SHIFT)
    await until(lambda: person.conversation == shown)


async def go_round(person: Person) -> None:
    """F6 goes from part to part, the sheet of keys opens and closes, and the palette quits."""
    for digit in (KEY.Key_2, KEY.Key_3, KEY.Key_4, KEY.Key_1):  # every pane
        await press(person, digit, CONTROL)
    await palette(person, "size usu", "Usual text size")
    places = []
    for _step in range(3):
        await press(person, KEY.Key_F6)
        places.append(named(focused()))
    assert sorted(places) == ["Chats", "Conversation", "Message"]
    await press(person, KEY.Key_Slash, CONTROL)
    await until(lambda: person.all(QAbstractButton, "Close") and QApplication.activeModalWidget())
    person.key(KEY.Key_Escape, field=QApplication.activeModalWidget())
    await until(lambda: not person.all(QAbstractButton, "Close"))


async def a_day_of_keys(person: Person) -> None:
    watch = Watch()
    QApplication.instance().installEventFilter(watch)
    person.window.resize(*SMALLEST)
    await ask_the_guide(person)
    await press(person, KEY.Key_B, CONTROL)  # so small a window has folded the list
    await with_another_model(person)
    await change_a_setting(person)
    await find_delete_and_undo(person)
    await go_round(person)
    assert watch.seen == [], watch.seen
    await palette(person, "quit", "Quit")


def test_everything_is_done_by_keys(alcove: Program, brief: Path) -> None:
    assert alcove.run("models", "import", brief, "--link").status == 0
    alcove.live(a_day_of_keys)


async def stop_and_go_on(person: Person) -> None:
    """A reply that would not end: stopped, continued by name, stopped by the key of the place."""
    await press(person, KEY.Key_M, CONTROL | SHIFT)
    (field,) = await until(lambda: person.all(QLineEdit, "Choose a model for this chat"))
    await until(field.hasFocus)
    assert person.rows("Results") == ["Models", "Guide", "brief-chat", "endless-chat"]
    person.type("end", field)
    await press(person, KEY.Key_Return)
    await until(lambda: any(named(b).startswith("Model: endless-chat") for b in person.all(QAbstractButton)))
    person.type("go on", focused())
    await press(person, KEY.Key_Return)
    await until(lambda: len(person.conversation) == 2 and person.conversation[1], lambda: person.conversation)
    await press(person, KEY.Key_Period, CONTROL)
    begun = (await person.answered())[1]
    await palette(person, "continue", "Continue")
    await until(lambda: len(person.conversation[1]) > len(begun), lambda: person.conversation)
    await tab_to(person, "Message")
    await press(person, KEY.Key_Escape)
    await person.answered()


async def rename_and_open(person: Person) -> None:
    """What the menus of the chat do, by the palette."""
    await palette(person, "rename", "Rename chat")
    (field,) = await until(lambda: person.all(QLineEdit, "Title"))
    await until(field.hasFocus)
    await press(person, KEY.Key_A, CONTROL)
    person.type("이름 없는 chat", field)
    await press(person, KEY.Key_Return)
    await until(lambda: "이름 없는 chat" in person.rows(), person.rows)
    await palette(person, "ㅇㄹ", "이름 없는 chat")
    for command in ("Instruction and opening…", "Chat settings…"):
        await palette(person, command, command)
        dialog = await until(QApplication.activeModalWidget)
        assert dialog is not None
        person.key(KEY.Key_Escape, field=dialog)
        await until(lambda: QApplication.activeModalWidget() is None)


async def size_and_unload(person: Person) -> None:
    """The text grows by a key and is as it was by another; the window gets dark; the model leaves the memory."""
    height = person.window.fontMetrics().height()
    await press(person, KEY.Key_Equal, CONTROL)
    await until(lambda: person.window.fontMetrics().height() > height)
    await press(person, KEY.Key_0, CONTROL)
    await until(lambda: person.window.fontMetrics().height() == height)
    await press(person, KEY.Key_Minus, CONTROL)
    await until(lambda: person.window.fontMetrics().height() < height)
    for words, wish in (("night", "Dark"), ("light", "Light")):
        await palette(person, words, wish)
        await until(lambda wish=wish: (person.window.palette().window().color().lightness() < 128) is (wish == "Dark"))
    whole = person.window.isFullScreen()  # it is, where every command was given once
    for wanted in (not whole, whole):
        await press(person, KEY.Key_F11)
        await until(lambda wanted=wanted: person.window.isFullScreen() is wanted)
    await palette(person, "unload", "Unload model")
    await until(lambda: not person.window.menus.able(Command.UNLOAD_MODEL))
    await palette(person, "new chat", "New chat")
    await until(lambda: person.conversation == [])


async def every_command(person: Person) -> None:
    """Each can be given at any time; what it opens is closed by Escape. A fault would stand in the log."""
    for command in Command:
        if command in (Command.QUIT, Command.CLOSE, Command.BIN):  # the chat is still needed
            continue
        person.window.menus.action(command).trigger()
        for _turn in range(10):
            await asyncio.sleep(SOON_S)
        while (dialog := QApplication.activeModalWidget()) is not None:
            person.key(KEY.Key_Escape, field=dialog)
            await asyncio.sleep(SOON_S)
        for name in ("Search commands, chats and models", "Choose a model for this chat"):
            for field in person.all(QLineEdit, name):
                person.key(KEY.Key_Escape, field=field)
    await palette(person, "usual", "Usual text size")
    await press(person, KEY.Key_N, CONTROL)
    await until(lambda: person.conversation == [])
    if not person.all(QListView, "Chats"):
        await press(person, KEY.Key_B, CONTROL)


async def commands_by_name(person: Person) -> None:
    await every_command(person)  # in a chat where nothing was said
    await stop_and_go_on(person)
    await rename_and_open(person)
    await size_and_unload(person)
    await palette(person, "ㅇㄹ", "이름 없는 chat")
    await until(lambda: len(person.conversation) == 2)
    await every_command(person)
    await palette(person, "new chat", "New chat")


async def the_next_day(person: Person) -> None:
    """What was chosen yesterday stands first, but for what could do nothing now."""
    if not person.all(QListView, "Chats"):
        await press(person, KEY.Key_B, CONTROL)
    await until(lambda: "이름 없는 chat" in person.rows(), person.rows)
    await press(person, KEY.Key_K, CONTROL)
    await until(lambda: person.all(QLineEdit, "Search commands, chats and models"))
    assert person.rows("Results")[:4] == ["Recently used", "New chat", "Usual text size", "이름 없는 chat"]
    await press(person, KEY.Key_Escape)
    await press(person, KEY.Key_W, CONTROL)


def test_commands_by_name_and_what_was_used_last(alcove: Program, brief: Path, endless: Path) -> None:
    for model in (brief, endless):
        assert alcove.run("models", "import", model, "--link").status == 0
    alcove.live(commands_by_name)
    alcove.live(the_next_day)
