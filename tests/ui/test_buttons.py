"""Buttons by the keyboard: Enter presses them, and the one with the focus is seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QPushButton, QVBoxLayout, QWidget

from desktop.ui.boxes import Line
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.surface import chosen
from desktop.ui.theme import Theme
from desktop.ui.tokens import DARK_SHARP, LIGHT, LIGHT_SHARP, Colours
from tests.ui.test_tokens import contrast


def shown(qtbot, button: QAbstractButton) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    line = QVBoxLayout(window)
    line.addWidget(QPushButton("Another"))  # which has the focus at first
    line.addWidget(button)
    window.show()
    window.activateWindow()
    return window


@pytest.mark.parametrize("kind", ["words", "icon"])
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_key_presses_once(qtbot, look: Theme, kind: str, key: Qt.Key) -> None:
    button = QPushButton("Download") if kind == "words" else IconButton(look, Icon.PAUSE, "Pause")
    window, pressed = shown(qtbot, button), list[bool]()
    button.clicked.connect(lambda: pressed.append(True))
    button.setFocus()
    QTest.keyClick(button, key)
    assert len(pressed) == 1
    assert window.isVisible()


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_ring_stands_off_the_main_button(qtbot, look: Theme, appearance: str) -> None:
    look.use(appearance, 100)
    button = QPushButton("Download")
    button.setProperty("primary", True)
    window = shown(qtbot, button)
    size = button.size()
    colours = (QColor(look.colours.accent), QColor(look.colours.ground))

    def edge() -> list[QColor]:
        image = window.grab(button.geometry()).toImage()
        return [image.pixelColor(x, image.height() // 2) for x in (0, 1, 2, 4)]

    accent, ground = colours
    assert edge()[1:] == [accent] * 3
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    assert edge() == [accent, accent, ground, accent]
    window.layout().activate()
    assert button.size() == size


@pytest.mark.parametrize("kind", ["words", "icon"])
def test_a_click_leaves_the_focus_where_it_was(qtbot, look: Theme, kind: str) -> None:
    button = QPushButton("Download") if kind == "words" else IconButton(look, Icon.PAUSE, "Pause")
    window, clicked = shown(qtbot, button), list[bool]()
    field = Line(parent=window)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    button.clicked.connect(lambda: clicked.append(True))
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert clicked
    assert field.hasFocus()  # whoever uses the mouse sees no ring, and goes on typing


@pytest.mark.parametrize("colours", [LIGHT_SHARP, DARK_SHARP])
def test_what_is_chosen_has_an_edge_for_who_asks_for_more_contrast(qapp, colours: Colours) -> None:
    seen = QImage(60, 30, QImage.Format.Format_RGB32)
    seen.fill(colours.side)
    painter = QPainter(seen)
    chosen(painter, QRectF(10, 5, 40, 20), 6, colours)
    painter.end()
    assert contrast(seen.pixelColor(30, 5), colours.side) >= 3
    assert contrast(seen.pixelColor(10, 15), colours.side) >= 3
    assert seen.pixelColor(30, 15) == QColor(colours.selected)


def test_what_is_chosen_is_only_a_ground_else(qapp) -> None:
    seen = QImage(60, 30, QImage.Format.Format_RGB32)
    seen.fill(LIGHT.side)
    painter = QPainter(seen)
    chosen(painter, QRectF(10, 5, 40, 20), 6, LIGHT)
    painter.end()
    assert seen.pixelColor(30, 5) == seen.pixelColor(30, 15) == QColor(LIGHT.selected)
