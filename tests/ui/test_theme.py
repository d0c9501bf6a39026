"""Colours that can be read, and a theme that follows the system and the person."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPalette

from desktop.ui import icons
from desktop.ui.theme import DARK, LIGHT, Colours, Theme, Type

PAIRS = [
    *((ink, ground) for ink in ("text", "muted") for ground in ("ground", "side", "raised", "hover", "bubble")),
    *((ink, "raised") for ink in ("code_keyword", "code_text", "code_number", "code_name", "code_comment")),
    ("accent", "ground"),
    ("on_accent", "accent"),
    ("warning", "warning_ground"),
    ("text", "warning_ground"),
    ("danger", "ground"),
    ("text", "mark"),
    ("text", "selection"),
    ("text", "selected"),
]


def contrast(one: str, other: str) -> float:
    """By the formula of WCAG 2.1."""

    def luminance(colour: str) -> float:
        channels = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_can_be_read(colours: Colours, ink: str, ground: str) -> None:
    assert contrast(getattr(colours, ink), getattr(colours, ground)) >= 4.5


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
    assert look.font(Type.READING).pixelSize() == round(15 * percent / 100)
    assert qapp.font().pixelSize() == round(14 * percent / 100)


@pytest.mark.parametrize("name", list(icons.Icon), ids=lambda name: name.name)
def test_every_icon_draws_in_its_colour(qapp, name: icons.Icon) -> None:
    image = icons.icon(name, "#ff0000").pixmap(QSize(20, 20)).toImage()
    colours = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    inked = [colour for colour in colours if colour.alpha() > 200]
    assert inked
    assert all(colour.red() > 200 and colour.green() < 40 for colour in inked)
