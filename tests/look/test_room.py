"""Everything has the room it needs: in Korean, in Italian and 40 % longer than English, in small windows, at 200 %."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMenuBar,
    QPlainTextEdit,
    QPushButton,
    QTabBar,
    QToolButton,
    QWidget,
    QWidgetItem,
)
from pytestqt.qtbot import QtBot
from shiboken6.Shiboken import getAllValidWrappers

from tests.look import journeys
from tests.look.painted import Painted
from tests.look.room import cramped
from tests.look.stage import live

LONG = "A sentence that is a good deal longer than what it stands in"


@pytest.mark.parametrize("percent", ["100", "200"])
def test_everything_has_room(home: Path, pseudo: Path, percent: str) -> None:
    assert live(home, journeys.room, pseudo, percent).splitlines() == []


class Drawn(QWidget):
    def __init__(self, text: str, tip: str = "") -> None:
        super().__init__()
        self.text = text
        self.setToolTip(tip)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        text = painter.fontMetrics().elidedText(self.text, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text if self.text.startswith("[") else self.text)


def _wrapped() -> QLabel:
    label = QLabel(LONG, wordWrap=True)  # type: ignore[call-overload]
    label.setFixedSize(100, 20)
    return label  # type: ignore[no-any-return]


def _tabs() -> QTabBar:
    tabs = QTabBar(usesScrollButtons=False, expanding=False)  # type: ignore[call-overload]
    tabs.addTab(LONG)
    return tabs  # type: ignore[no-any-return]


def _bar() -> QMenuBar:
    bar = QMenuBar()
    for _entry in range(12):
        bar.addMenu("An entry")
    return bar


def _bar_without_more() -> QMenuBar:
    """As where Qt's button for what has no room is not there."""
    bar = _bar()
    bar.findChild(QToolButton, "qt_menubar_ext_button").setObjectName("")
    return bar


def _pair(moved: QRect) -> QWidget:
    """Two labels side by side, of which one is moved after they were laid out."""
    both = QWidget()
    line = QHBoxLayout(both)
    for text in ("one", "two"):
        line.addWidget(QLabel(text))
    both.resize(200, 40)
    both.show()
    both.findChildren(QLabel)[1].setGeometry(moved)
    return both


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: QLabel(LONG), "px wide"),
        (lambda: QPushButton(LONG), "px wide"),
        (lambda: QCheckBox(LONG), "px wide"),
        (lambda: Drawn(LONG), "drawn"),
        (lambda: Drawn(f"[!!{LONG}!!]"), "no tooltip"),
        (_wrapped, "px high"),
        (_tabs, "ends outside"),
        (_bar_without_more, "no room for"),
        (lambda: _pair(QRect(15, 5, 40, 20)), "lies on"),
        (lambda: _pair(QRect(190, 5, 40, 20)), "lies outside"),
    ],
)
def test_what_has_no_room_is_found(qtbot: QtBot, make: Callable[[], QWidget], fault: str) -> None:
    assert fault in "\n".join(_looked_at(qtbot, make()))


@pytest.mark.parametrize(
    "make", [lambda: QLabel("Short"), _bar, lambda: Drawn(f"[!!{LONG}!!]", LONG), lambda: _pair(QRect(120, 5, 40, 20))]
)
def test_what_has_room_is_left_alone(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    assert _looked_at(qtbot, make()) == []


def test_looking_leaves_nothing_behind_that_qt_destroys(qtbot: QtBot) -> None:
    """Qt's next object may get its address, be taken for it, and end the program."""
    before = _items()  # of other tests
    written = QPlainTextEdit("A line.\n" * 99)
    pair = _pair(QRect(120, 5, 40, 20))
    for widget in (written, pair):
        widget.show()
        qtbot.waitExposed(widget)
        qtbot.waitUntil(lambda: written.verticalScrollBar().isVisible())
        cramped([])
    items = [item for item in _items() if not any(item is other for other in before)]
    written.close()
    pair.close()
    assert items == []


def _items() -> list[QWidgetItem]:
    return [thing for thing in getAllValidWrappers() if type(thing) is QWidgetItem]


def _looked_at(qtbot: QtBot, widget: QWidget) -> list[str]:
    qtbot.addWidget(widget)
    if not isinstance(widget.layout(), QHBoxLayout):
        widget.setFixedSize(min(widget.width(), 120), 24)
    widget.show()
    with Painted() as heard:
        widget.grab()
    return cramped(heard.all)
