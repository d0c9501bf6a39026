"""The places of the running program, one after the other: every pane, page, dialogue and menu, with something in it.

Invariant: a place is reached as a person reaches it, and left again; what is looked at there is the visitor's affair.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QListView,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QTabBar,
    QWidget,
)

from desktop.core.generation import LoadSettings
from desktop.core.tuning import Outcome, Sample, Trial
from desktop.panes.chat.gauge import Gauge, Panel
from desktop.panes.models.library.speed_section import SpeedSection
from desktop.ui import formats
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton
from desktop.ui.fold import Fold
from desktop.ui.menus import Command
from desktop.ui.palette import _Field
from desktop.ui.reading import Reading
from desktop.ui.translation import _
from tests.flows.person import Person, until
from tests.hub.shapes import MISTRAL_REPO

Place = tuple[str, QWidget]
_REPLY = "<think>Let me see.</think>It is **easy**. See [there](https://a.org).\n\n```python\nprint(1)\n```\n\n- one"


def chat_file(path: Path, model: str) -> Path:
    """A chat with everything that a conversation can show: thoughts, code, versions, and a reply that broke off."""

    def message(name: str, parent: str | None, role: str, text: str, **more: object) -> dict[str, object]:
        return {"id": name, "parent": parent, "role": role, "text": text, "created": 1.7e9, "model": model, **more}

    used = {"usage": {"prompt_tokens": 9, "cached_tokens": 3, "completion_tokens": 40}}
    messages = [
        message("q", None, "user", "How does it work?"),
        message("a", "q", "assistant", "Otherwise.", stop_reason="stop"),
        message("b", "q", "assistant", _REPLY, stop_reason="stop", **used),
        message("r", "b", "user", "안녕하세요"),
        message("s", "r", "assistant", "It was", stop_reason="died", note="The model ran out of memory."),
    ]
    chat = {"format": "alcove-chat", "version": 1, "title": "Everything", "titled": True, "created": 1.7e9}
    chat |= {"updated": 1.7e9, "pinned": True, "model": model, "opening": {}, "settings": {}, "tip": "s"}
    path.write_text(json.dumps({**chat, "messages": messages}), encoding="utf-8")
    return path


async def chats(person: Person, model: str, chat: str) -> AsyncIterator[Place]:
    """The chat pane."""
    window = person.window
    yield "welcome", window
    await person.bring(Path(model))
    person.drop([Path(chat)])
    await person.press("Models")  # again: back to the chats
    await until(lambda: any("It was" in said for said in person.conversation), lambda: person.sentences)
    (gauge,) = await until(lambda: person.all(Gauge))
    yield "conversation", window
    await bar_closed(person)
    gauge.setFocus(Qt.FocusReason.TabFocusReason)
    await until(lambda: person.all(Panel))
    yield "panel of the context", person.all(Panel)[0]
    gauge.clearFocus()
    await person.press("Show the thoughts")
    await until(lambda: any("Let me see" in said for said in person.conversation))
    yield "thoughts", window
    await person.press("Edit", 0)
    await until(lambda: person.all(QPlainTextEdit, "Edit message"))
    yield "message edited", window
    await person.press("Cancel")
    await person.press("More")
    yield "menu of the chat", await popup()
    close_popup()
    await person.press(_("Model: {name}", name=Path(model).stem))
    yield "menu of models", await popup()
    close_popup()
    rows = person.list("Chats")
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    menu_of(rows)
    yield "menu of a row", await popup()
    close_popup()
    person.key(Qt.Key.Key_F2, field=rows)
    await until(lambda: person.all(QLineEdit, "Title"))
    yield "title edited", window
    person.key(Qt.Key.Key_Escape)
    for entry in ("Instruction and opening…", "Chat settings…", "Show exact prompt"):
        await person.press("More")
        await person.choose(entry)
        yield entry, await dialog()
        await close(person)
    async for place in asked(person, rows):
        yield place
    await person.press("Show chat list" if person.sees("Show chat list") else "Hide chat list")
    yield "folded", window
    await person.press("Show chat list" if person.sees("Show chat list") else "Hide chat list")


async def asked(person: Person, rows: QListView) -> AsyncIterator[Place]:
    """The dialogues that ask before something is done with chats, and the bar that offers to undo it."""
    for command in (Command.EXPORT_CHAT, Command.EXPORT_ALL_CHATS, Command.IMPORT_CHATS):
        person.window.menus.action(command).trigger()
        yield command.value, await dialog()
        await close(person)
    link = next(text for text in person.all(Reading) if "there" in text.toPlainText())
    link.setFocus()
    person.key(Qt.Key.Key_Tab, field=link)  # from the text to the link in it
    person.key(Qt.Key.Key_Return, field=link)
    yield "link", await dialog()
    await close(person)
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    person.key(Qt.Key.Key_Delete, field=rows)
    await until(lambda: person.sees("Undo"))
    yield "bar of the list", person.window
    await bar_closed(person)
    rows.setFocus()
    await until(lambda: person.rows()[-1:] == [_("Bin ({count})", count=formats.number(1))], person.rows)
    last = len(person.rows())
    rows.setCurrentIndex(rows.model().index(last - 1, 0))
    person.key(Qt.Key.Key_Return, field=rows)  # unfolds the bin
    await until(lambda: any(row.startswith("Everything") for row in person.rows()[last:]), person.rows)
    yield "bin unfolded", person.window
    rows.setCurrentIndex(rows.model().index(last, 0))
    menu_of(rows)
    yield "menu of the bin", await popup()
    close_popup()
    person.key(Qt.Key.Key_Delete, field=rows)
    yield "delete forever", await dialog()
    await close(person)
    menu_of(rows)
    await person.choose("Empty the bin…")
    yield "empty the bin of chats", await dialog()
    await close(person)


async def above(person: Person) -> AsyncIterator[Place]:
    """What lies above the window: the palette with everything, with what was typed, with models; the sheet of keys."""
    for command, words in ((Command.PALETTE, ""), (Command.PALETTE, "a"), (Command.CHOOSE_MODEL, "")):
        person.window.menus.action(command).trigger()
        (field,) = await until(lambda: person.all(_Field))
        person.type(words, field)
        yield f"{command.value} {words}", person.window
        person.key(Qt.Key.Key_Escape, field=field)
        await until(lambda: not person.all(_Field))
    person.window.menus.action(Command.SHORTCUTS).trigger()
    yield "sheet of keys", await dialog()
    await close(person)


async def library(person: Person, model: str) -> AsyncIterator[Place]:
    """The pages of what is on this computer, how a model comes in, and how it goes."""
    person.drop([Path(model)])
    yield "how to import", await dialog()
    await close(person)
    await person.bring(Path(model))
    await until(lambda: person.all(QListView, "Models on this computer"))
    yield "library", person.window
    for fold in ("Settings for this model", "What the file says"):
        await person.press(fold)
    yield "library, unfolded", person.window
    await person.press("Rename")
    yield "model renamed", person.window
    person.key(Qt.Key.Key_Escape)
    await person.press("Import model…")
    yield "files to import", await dialog()
    await close(person)
    (speed,) = person.all(SpeedSection)
    slow, fast = (Trial(LoadSettings(threads=n), (Sample(30.0 + n, 5.0 + n),), 10**9) for n in (1, 4))
    speed._tuner._outcomes[speed._tuner._models.model().id] = Outcome(slow, fast)
    speed._tuner.changed.emit()
    await until(lambda: person.sees("Use these"))
    yield "best settings", person.window
    await person.press("Storage")
    yield "storage", person.window
    await person.press("Move the folder…")
    yield "folder to move to", await dialog()
    await close(person)
    await person.press("Done")
    rows = person.list("Models on this computer")
    rows.setFocus()
    person.key(Qt.Key.Key_Delete, field=rows)
    await until(lambda: person.sees("Undo"))
    yield "bar of the library", person.window
    await bar_closed(person)
    await person.press(_("Bin ({count})", count=formats.number(1)))
    yield "menu of the bin of models", await popup()
    await person.choose("Empty the bin…")
    yield "empty the bin of models", await dialog()
    await close(person)


async def find(person: Person) -> AsyncIterator[Place]:
    """The pages that look for models, and fetch them."""
    (tabs,) = await until(lambda: person.all(QTabBar))
    tabs.setCurrentIndex(1)
    (field,) = await until(lambda: person.all(QLineEdit, "Search for models"))
    yield "starting points", person.window
    person.type("mistral", field)
    await until(lambda: any(row.startswith("Mistral-7B") for row in person.rows("Models found")))
    yield "found", person.window
    field.selectAll()
    person.type(MISTRAL_REPO, field)
    person.key(Qt.Key.Key_Return, field=field)
    row = await until(lambda: variant(person, "Q4_K_M", "MB"))  # the Hub has answered: the files are of tests' size
    assert row is not None
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    await until(lambda: person.sees("Download") and person.all(Reading, "About this repository"))
    yield "variants", person.window
    await person.press("Download")
    await until(lambda: person.sees("Pause"))
    yield "variant on its way", person.window
    tabs.setCurrentIndex(2)
    await until(lambda: person.sees("Cancel"))
    yield "downloads", person.window
    await until(lambda: any(arrived.value() > 0 for arrived in person.all(QProgressBar)))
    await person.press("Cancel")
    yield "cancel the download", await dialog()
    await close(person)


async def others(person: Person) -> AsyncIterator[Place]:
    """Settings and help, and what stands above every pane."""
    await person.press("Settings")
    (level,) = await until(lambda: person.all(QComboBox, "For which chats"))
    (fold,) = person.all(Fold)
    QTest.mouseClick(fold.findChild(QAbstractButton), Qt.MouseButton.LeftButton)
    yield "settings", person.window
    level.setFocus()
    person.key(Qt.Key.Key_Down, field=level)
    yield "settings of a model", person.window
    await person.press("Reset all")
    await until(lambda: person.sees("Undo"))
    yield "a bar", person.window
    await bar_closed(person)
    await person.press("Help")
    await until(lambda: person.all(QLineEdit, "Search the help pages"))
    yield "help", person.window
    person.window.show_report(ValueError("made up"))
    yield "report", await dialog()
    await close(person)
    for action in person.window.menuBar().actions():
        menu = action.menu()
        assert isinstance(menu, QMenu)
        menu.popup(QPoint(0, 0))
        yield f"menu {action.text()}", menu
        menu.close()


def variant(person: Person, label: str, size: str) -> QAbstractButton | None:
    named = ((button, button.accessibleName()) for button in person.all(QAbstractButton))
    return next((button for button, name in named if name.startswith(f"{label}, ") and f" {size}, " in name), None)


def menu_of(rows: QListView) -> None:
    """By the menu key."""
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), rows.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(rows, event)


async def bar_closed(person: Person) -> None:
    """Every bar is closed by its X, which has the focus; that is somewhere else after it."""
    for bar in person.all(Bar):
        (close,) = bar.findChildren(IconButton)
        close.setFocus(Qt.FocusReason.TabFocusReason)
        person.key(Qt.Key.Key_Space, field=close)
        assert not bar.isVisible()
        assert QApplication.focusWidget() is not None


async def popup() -> QWidget:
    found = await until(QApplication.activePopupWidget)
    assert found is not None
    return found


def close_popup() -> None:
    while (open_ := QApplication.activePopupWidget()) is not None:
        open_.close()


async def dialog() -> QWidget:
    def shown() -> list[QDialog]:
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]

    (found,) = await until(shown)
    found.activateWindow()
    await until(lambda: (here := QApplication.focusWidget()) is not None and found.isAncestorOf(here))
    return found


async def close(person: Person) -> None:
    """Esc closes whatever is open."""
    open_ = await dialog()
    QTest.keyClick(open_, Qt.Key.Key_Escape)
    await until(lambda: not open_.isVisible())
    await person.active()
