"""What a person does in the chat pane: typing, choosing, clicking."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QMenu,
    QPushButton,
)


def type_in(field, text):
    """By keys, or, what no key gives, by an input method."""
    if text.isascii():
        QTest.keyClicks(field, text)
    else:
        event = QInputMethodEvent("", [])
        event.setCommitString(text)
        QApplication.sendEvent(field, event)


def write(view, text, *, model=True):
    """Types a message, sends it by Enter, and waits for the reply."""
    if model and not view.pane.controller.chat.id:
        view.pane.controller.choose_model("mistral")
    type_in(view.composer.field, text)
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    view.pane.until(lambda: not view.pane.controller.empty)
    view.pane.idle()


def pick(label):
    """Chooses an entry of the menu that is open."""
    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    next(a for a in menu.actions() if a.text() == label).trigger()
    menu.close()


def button(parent, label):
    return next(b for b in parent.findChildren(QPushButton) if b.text() == label)


def shown_rows(view):
    """The rows that can be clicked; the listing's own may be newer by a moment."""
    rows = view.sidebar.rows
    return [rows.row(rows.index(number)) for number in range(rows.rowCount())]


def row_of(view, text):
    view.pane.until(lambda: any(row.text == text for row in shown_rows(view)))  # the list is read after the reply
    return next(i for i, row in enumerate(shown_rows(view)) if row.text == text)


def click_row(view, number):
    place = view.sidebar.list.visualRect(view.sidebar.rows.index(number)).center()
    QTest.mouseClick(view.sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=place)


def open_menu(view):
    QTest.mouseClick(view.header.button, Qt.MouseButton.LeftButton)
