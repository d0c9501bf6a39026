"""A bar says one sentence and goes: closed, acted upon, or when its time is up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import StorageError
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton


@pytest.fixture
def bar(qtbot, look) -> Bar:
    bar = Bar(look)
    qtbot.addWidget(bar)
    bar.heard = []
    bar.acted.connect(lambda: bar.heard.append("acted"))
    bar.closed.connect(lambda: bar.heard.append("closed"))
    return bar


def test_its_action(bar: Bar) -> None:
    bar.say("“{name}” is in the bin.", {"name": "김치"}, "Undo", 60)
    assert bar.isVisible()
    assert bar.accessibleName() == bar.text == "“김치” is in the bin."
    QTest.mouseClick(bar.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert bar.heard == ["acted"]
    assert not bar.isVisible()


def test_its_close_button(bar: Bar) -> None:
    bar.warn(StorageError("The disk is full."))
    assert not bar.findChild(QPushButton).isVisible()
    QTest.mouseClick(bar.findChild(IconButton), Qt.MouseButton.LeftButton)
    assert bar.heard == ["closed"]


def test_its_time(bar: Bar, qtbot) -> None:
    bar.say("Gone soon.", seconds=0.05)
    qtbot.waitUntil(lambda: bar.heard == ["closed"])
    bar.say("Gone soon.", seconds=0.05)
    bar.say("Here to stay.")  # a later sentence does not inherit the time of an earlier one
    QTest.qWait(120)
    assert bar.isVisible()


def test_what_it_offers(bar: Bar) -> None:
    assert not bar.offers
    bar.say("Message deleted", action="Undo")
    assert bar.offers
    bar.hide()
    assert not bar.offers
    bar.say("The reply was copied.")
    assert not bar.offers


@pytest.fixture
def between(qtbot, look) -> Iterator[tuple[QLineEdit, Bar, QLineEdit]]:
    """A bar between two fields, the first of which has the focus."""
    page = QWidget()
    qtbot.addWidget(page)
    above, bar, below = QLineEdit(), Bar(look), QLineEdit()
    column = QVBoxLayout(page)
    for widget in (above, bar, below):
        column.addWidget(widget)
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    above.setFocus()
    yield above, bar, below
    page.close()


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_closed_by_keys_it_gives_the_focus_back(between: tuple[QLineEdit, Bar, QLineEdit], key: Qt.Key) -> None:
    above, bar, below = between
    bar.say("The reply was copied.")
    assert above.hasFocus()  # it takes none by itself
    below.setFocus()
    close = bar.findChild(IconButton)
    close.setFocus(Qt.FocusReason.BacktabFocusReason)
    QTest.keyClick(close, key)
    assert not bar.isVisible()
    assert below.hasFocus()


def test_its_action_by_keys_gives_the_focus_back(between: tuple[QLineEdit, Bar, QLineEdit]) -> None:
    above, bar, _below = between
    bar.say("Message deleted", action="Undo")
    bar.findChild(QPushButton).setFocus()
    QTest.keyClick(bar.findChild(QPushButton), Qt.Key.Key_Space)
    assert above.hasFocus()


def test_closed_by_the_mouse_it_leaves_the_focus_alone(between: tuple[QLineEdit, Bar, QLineEdit]) -> None:
    _above, bar, below = between
    bar.warn(StorageError("The disk is full."))
    below.setFocus()
    QTest.mouseClick(bar.findChild(IconButton), Qt.MouseButton.LeftButton)
    assert not bar.isVisible()
    assert below.hasFocus()


def test_what_had_the_focus_may_be_gone(between: tuple[QLineEdit, Bar, QLineEdit]) -> None:
    above, bar, below = between
    bar.say("Message deleted")
    bar.findChild(IconButton).setFocus()
    shiboken6.delete(above)
    QTest.keyClick(bar.findChild(IconButton), Qt.Key.Key_Escape)
    assert below.hasFocus()
