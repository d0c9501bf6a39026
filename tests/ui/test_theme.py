"""A theme that follows the system and the person: light and dark, contrast, the size of the text, motion."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPalette

from desktop.ui.theme import DARK, LIGHT, Theme, Type
from desktop.ui.tokens import DARK_SHARP, LIGHT_SHARP, LINE


def test_choice_of_the_person_wins(qapp, look: Theme) -> None:
    look.use("dark", 100)
    assert look.colours is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.ground)


def test_system_is_followed_live(qtbot, qapp, look: Theme) -> None:
    look.use("system", 100)
    for scheme, colours in ((Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
        with qtbot.waitSignal(look.changed):
            qapp.styleHints().colorSchemeChanged.emit(scheme)
        assert look.colours is colours
    look.use("dark", 100)
    with qtbot.assertNotEmitted(look.changed):
        qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)


@pytest.mark.parametrize("percent", [80, 100, 200])
def test_text_grows(qapp, look: Theme, percent: int) -> None:
    look.use("light", percent)
    assert look.font(Type.READING).pixelSize() == round(16 * percent / 100)
    assert qapp.font().pixelSize() == round(14 * percent / 100)


@pytest.mark.parametrize("percent", [80, 100, 200])
def test_a_conversation_is_seventy_characters_wide(look: Theme, percent: int) -> None:
    look.use("light", percent)
    assert len(LINE) == 70
    font = look.font(Type.READING)
    prose = "Open the page of models, look for a name, and press the button beside the file you want to have."
    each = QFontMetricsF(font).horizontalAdvance(prose) / len(prose)
    assert 66 <= look.column / each <= 74


def test_the_wish_for_contrast_is_followed_live(qtbot, qapp, look: Theme) -> None:
    told = qapp.styleHints().accessibility().contrastPreferenceChanged
    try:
        for appearance, sharp in (("light", LIGHT_SHARP), ("dark", DARK_SHARP)):
            look.use(appearance, 100)
            with qtbot.waitSignal(look.changed):
                told.emit(Qt.ContrastPreference.HighContrast)
            assert look.colours is sharp
            assert qapp.palette().color(QPalette.ColorRole.WindowText) == QColor(sharp.text)
    finally:
        told.emit(Qt.ContrastPreference.NoPreference)
    assert look.colours is DARK
