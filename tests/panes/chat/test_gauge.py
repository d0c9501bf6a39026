"""The ring beside the message, and its panel: opened by a press or by the Tab key, gone when the focus goes."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, radians, sin

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPlainTextEdit, QWidget

from desktop.core.talk import ContextUse
from desktop.panes.chat.gauge import Gauge, Panel, shares
from desktop.ui.theme import Theme
from tests.ui.test_tokens import contrast

USE = ContextUse(
    3000, 4096, cached=2000, instruction=200, draft=100, leaving=("a", "b", "c", "d", "e"), leaving_tokens=900
)
TEXTS = ["How do I **write** it?", "Like\nthis.", "Thanks", "You are welcome", "Bye"]


@pytest.fixture
def gauge(qtbot, look: Theme) -> Iterator[Gauge]:
    window = QWidget()
    qtbot.addWidget(window)
    line = QHBoxLayout(window)
    line.addWidget(QPlainTextEdit())
    made = Gauge(look)
    line.addWidget(made)
    window.resize(760, 520)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    made.show_use(USE, TEXTS)
    yield made
    window.close()


def words(gauge: Gauge) -> list[str]:
    panel = gauge.window().findChild(Panel)
    assert panel is not None
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


@pytest.mark.parametrize("percent", [100, 200])
def test_the_share_stands_beside_the_ring_where_it_matters(qtbot, gauge: Gauge, look: Theme, percent: int) -> None:
    look.use("light", percent)
    gauge.show_use(ContextUse(1000, 4096))
    assert gauge.sizeHint().width() == gauge.sizeHint().height()
    gauge.show_use(USE)
    room = gauge.sizeHint().width() - gauge.sizeHint().height()
    assert room >= gauge.fontMetrics().horizontalAdvance("73 %") * 0.7  # in small letters
    look.use("system", 100)


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_ring_is_seen_all_round(gauge: Gauge, look: Theme, appearance: str) -> None:
    look.use(appearance, 100)
    gauge.show_use(ContextUse(10, 4096))
    QApplication.processEvents()
    image, middle = gauge.grab().toImage(), gauge.rect().center()
    for angle in range(0, 360, 30):
        far = [
            image.pixelColor(round(middle.x() + r * cos(radians(angle))), round(middle.y() + r * sin(radians(angle))))
            for r in range(5, 10)
        ]
        assert any(contrast(colour, look.colours.ground) >= 1.3 for colour in far), angle
    look.use("system", 100)


def test_a_press_opens_it_and_another_closes_it(gauge: Gauge) -> None:
    assert not gauge.open
    QTest.mouseClick(gauge, Qt.MouseButton.LeftButton)
    assert gauge.open
    said = words(gauge)
    assert "3,000 of 4,096 tokens. 2,000 of them are read already, 1,000 are still to be read." in said
    legend = dict(zip(said[4::2], said[5::2], strict=True))
    assert legend == {
        "Instruction": "200",
        "Messages that leave next": "900",
        "Messages": "1,800",
        "What you are writing": "100",
        "Free": "1,096",
    }
    assert said[3] == "“How do I write it?”\n“Like this.”\n“Thanks”\nand 2 more messages"
    QTest.mouseClick(gauge, Qt.MouseButton.LeftButton)
    assert not gauge.open


def test_the_tab_key_opens_it_and_goes_on_through(gauge: Gauge) -> None:
    field = gauge.window().findChild(QPlainTextEdit)
    assert field is not None
    field.setTabChangesFocus(True)
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Tab)
    assert gauge.hasFocus()
    assert gauge.open
    QTest.keyClick(gauge, Qt.Key.Key_Tab)
    assert field.hasFocus()
    assert not gauge.open


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_keys_open_it_and_escape_closes_it(gauge: Gauge, key: Qt.Key) -> None:
    gauge.setFocus(Qt.FocusReason.OtherFocusReason)
    QTest.keyClick(gauge, key)
    assert gauge.open
    QTest.keyClick(gauge, Qt.Key.Key_Escape)
    assert not gauge.open
    assert gauge.hasFocus()


def test_what_is_measured_meanwhile_is_shown_at_once(gauge: Gauge) -> None:
    gauge.click()
    gauge.show_use(ContextUse(10, 4096), [])
    assert "10 of 4,096 tokens." in words(gauge)
    assert not any("leave first" in said for said in words(gauge))
    gauge.show_use(None)
    assert not gauge.open
    assert not gauge.isVisible()


@pytest.mark.parametrize("percent", [100, 200])
def test_it_stays_within_its_window(gauge: Gauge, look: Theme, percent: int) -> None:
    look.use("light", percent)
    gauge.show_use(USE, ["안녕하세요 " * 40] * 5)
    gauge.click()
    panel = gauge.window().findChild(Panel)
    assert panel is not None
    assert panel.geometry().right() <= gauge.window().rect().right()
    assert panel.x() >= 0
    assert panel.y() >= 0
    assert panel.geometry().bottom() <= gauge.window().rect().bottom()


@pytest.mark.parametrize(
    "use",
    [
        USE,
        ContextUse(0, 512),
        ContextUse(4096, 4096, leaving=("a",), leaving_tokens=4000),
        ContextUse(5000, 4096, instruction=200),
        ContextUse(300, 512, page=250, draft=20),
    ],
)
def test_the_parts_are_the_whole(look: Theme, use: ContextUse) -> None:
    parts = shares(look, use)
    assert sum(part.tokens for part in parts) == max(use.used, use.size)
    assert all(part.tokens > 0 for part in parts[:-1])


def test_it_goes_when_its_window_or_the_appearance_changes(qtbot, gauge: Gauge, look: Theme) -> None:
    gauge.click()
    gauge.window().resize(600, 500)
    qtbot.waitUntil(lambda: not gauge.open)
    gauge.click()
    assert gauge.open
    look.use("dark", 100)
    assert not gauge.open
