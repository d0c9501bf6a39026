"""A person at the window: sees what is shown, by the names a screen reader says, and acts by mouse and keys alone.

Invariant: no method of the program's own is called but those that tell what is seen; nothing waits a fixed time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QPlainTextEdit,
    QWidget,
)

from desktop.ui.bars import Bar
from desktop.ui.reading import Reading
from desktop.ui.translation import _
from desktop.ui.window import MainWindow
from tests.flows.program import PATIENCE_S

T = TypeVar("T")
W = TypeVar("W", bound=QWidget)
LEFT = Qt.MouseButton.LeftButton
SOON_S = 0.01


async def until(condition: Callable[[], T], saw: Callable[[], object] = lambda: "") -> T:
    """What the condition gives as soon as that is true of anything; `saw` is told when it never is."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain; what is seen: {saw()}"
        await asyncio.sleep(SOON_S)
    return found


async def at_the_window() -> Person:
    """Waits until the program's window is there, and can be written in, or asks something first."""

    def shown() -> MainWindow | None:
        windows = (w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
        return next((w for w in windows if w.isVisible()), None)

    window = await until(shown)
    assert window is not None
    person = Person(window)
    await until(lambda: QApplication.activeModalWidget() or person.all(QPlainTextEdit, _("Message")))
    await person.active()
    return person


class Person:
    """Looks at one window."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    # -- seeing ------------------------------------------------------------------------------------------------------

    def all(self, kind: type[W], name: str = "") -> list[W]:
        """Every visible widget of a kind that is called so: by its accessible name, or by its text.

        The name is English, and means the same in whatever language the window speaks.
        """
        tops = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
        found = [w for top in tops for w in top.findChildren(kind) if w.isVisible()]
        return [w for w in found if not name or _(name) in (w.accessibleName(), getattr(w, "text", lambda: "")())]

    def sees(self, name: str) -> bool:
        """Whether a button of that name can be pressed."""
        return any(button.isEnabled() for button in self.all(QAbstractButton, name))

    @property
    def conversation(self) -> list[str]:
        """The messages that are in view, from top to bottom; long ones in several parts."""
        seen = sorted(self.all(Reading), key=lambda r: r.mapToGlobal(QPoint(0, 0)).y())
        return [reading.toPlainText() for reading in seen]

    @property
    def versions(self) -> list[str]:
        """Which version of how many is shown, of each message that has several."""
        found = (label.accessibleName() for label in self.all(QLabel))
        return [name for name in found if name.startswith("Version")]

    @property
    def sentences(self) -> list[str]:
        """What the bars say."""
        return [bar.text for bar in self.all(Bar)]

    def rows(self, name: str = "Chats") -> list[str]:
        """The lines of a list, or of the combo box that stands for it where there is no room."""
        model = next(iter((*self.all(QListView, name), *self.all(QComboBox, name)))).model()
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]

    def list(self, name: str) -> QListView:
        return self.all(QListView, name)[0]

    # -- acting ------------------------------------------------------------------------------------------------------

    async def press(self, name: str, nth: int = -1) -> None:
        """Clicks the button of that name, as soon as it is there."""
        await until(
            lambda: self.sees(name), lambda: [b.accessibleName() or b.text() for b in self.all(QAbstractButton)]
        )
        QTest.mouseClick([b for b in self.all(QAbstractButton, name) if b.isEnabled()][nth], LEFT)

    async def choose(self, entry: str) -> None:
        """Clicks an entry of the menu that is open."""
        menu = await until(QApplication.activePopupWidget)
        assert isinstance(menu, QMenu)
        action = next(a for a in menu.actions() if a.text().replace("&", "").startswith(_(entry)))
        QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())

    async def pick_row(self, start: str, name: str = "Chats") -> None:
        """Clicks the row of a list that begins so."""
        await until(lambda: any(row.startswith(start) for row in self.rows(name)), lambda: self.rows(name))
        view = self.list(name)
        index = next(i for i, row in enumerate(self.rows(name)) if row.startswith(start))
        place = view.visualRect(view.model().index(index, 0)).center()
        QTest.mouseClick(view.viewport(), LEFT, pos=place)

    def type(self, text: str, field: QWidget) -> None:
        """Key by key; what has no key comes from an input method."""
        field.setFocus()
        for letter in text:
            if letter.isascii():
                QTest.keyClicks(field, letter)
            else:
                composed = QInputMethodEvent()
                composed.setCommitString(letter)
                QApplication.sendEvent(field, composed)

    async def active(self) -> None:
        """Brings the window forward: off screen nobody does when a dialogue has closed."""
        self.window.activateWindow()
        await until(lambda: QApplication.focusWidget() is not None)

    def key(
        self,
        key: Qt.Key,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        field: QWidget | None = None,
    ) -> None:
        """One key, wherever the focus is, or in a field."""
        QTest.keyClick(field or QApplication.focusWidget() or self.window, key, modifier)

    async def ask(self, text: str) -> None:
        """Writes a message and sends it."""
        (field,) = await until(lambda: self.all(QPlainTextEdit, "Message"))
        await self.active()
        self.type(text, field)
        self.key(Qt.Key.Key_Return)
        await until(lambda: text in self.conversation, lambda: (self.conversation, self.sentences))

    async def answered(self) -> list[str]:
        """Waits until nothing is being written any more; the conversation then."""
        await until(lambda: self.all(QAbstractButton, "Send"), lambda: (self.conversation, self.sentences))
        return self.conversation

    async def with_model(self, name: str) -> None:
        """Chooses a model for the chat that is shown."""
        button = next(b for b in self.all(QAbstractButton) if b.accessibleName().startswith("Model: "))
        QTest.mouseClick(button, LEFT)
        await self.choose(name)
        await until(lambda: self.all(QAbstractButton, f"Model: {name}"))

    def drop(self, paths: Sequence[Path]) -> None:
        """Lets files go over the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place, copy = QPoint(400, 300), Qt.DropAction.CopyAction
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self.window, QDragEnterEvent(place, copy, data, LEFT, none))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(place), copy, data, LEFT, none))

    async def save_as(self, path: Path) -> None:
        """Answers the dialogue that asks for a file."""
        (dialog,) = await until(self._dialogs)
        field = dialog.findChild(QLineEdit, "fileNameEdit")
        assert isinstance(field, QLineEdit)
        field.selectAll()
        QApplication.clipboard().setText(str(path))
        self.key(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier, field)
        self.key(Qt.Key.Key_Return, field=field)
        await until(lambda: not self._dialogs() and path.exists(), lambda: self.sentences)

    async def bring(self, *files: Path) -> None:
        """Drops model files on the window, to be used from where they are."""
        self.drop(files)
        await self.link(*files)

    async def link(self, *files: Path) -> None:
        """Answers the question how files are to be taken: from where they are."""
        await self.press("Link")
        await self.press("Import")
        names = {file.stem for file in files}
        await until(lambda: names <= set(self.rows("Models on this computer")), lambda: self.sentences)

    @staticmethod
    def _dialogs() -> list[QFileDialog]:
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible()]
