"""Colours that can be read, whoever puts them together: every ink on every ground, every edge on what it stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtGui import QColor

import desktop
from desktop.ui.style import sheet
from desktop.ui.tokens import DARK, DARK_SHARP, LIGHT, LIGHT_SHARP, Colours

LOOKS = {"light": LIGHT, "dark": DARK, "light, sharp": LIGHT_SHARP, "dark, sharp": DARK_SHARP}
GROUNDS = ("ground", "side", "raised", "floating", "hover", "selected", "bubble", "warning_ground")
INKS = ("text", "muted", "accent", "warning", "danger")  # on any ground
CODE = ("code_keyword", "code_text", "code_number", "code_name", "code_comment")
MARKS = ("mark", "selection")  # behind words, which are then in the ink of text
FILLS = ("button", "button_hover")  # on any ground, with words in the ink of text
MAIN = ("accent", "accent_hover")  # fills with words in `on_accent`
HAIRLINES = ("line", "button_edge")  # say nothing that is not said otherwise
TEXT = [
    *product(INKS, GROUNDS),
    *product(CODE, ("raised",)),
    *product(("text",), MARKS),
    *product(("on_accent",), MAIN),
]
EDGES = [  # of controls, and the ring around the one with the focus
    *product(("edge",), ("ground", "side", "raised", "floating", "warning_ground")),
    *product(("accent",), GROUNDS),
]


def over(fill: str, ground: str) -> QColor:
    """What is seen where a fill lies on a ground."""
    above, below = QColor(fill), QColor(ground)
    share = above.alphaF()
    mixed = [
        share * getattr(above, part)() + (1 - share) * getattr(below, part)() for part in ("redF", "greenF", "blueF")
    ]
    return QColor.fromRgbF(*mixed)


def luminance(colour: QColor) -> float:
    """By the formula of WCAG 2.2."""
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor | str, other: QColor | str) -> float:
    dark, light = sorted((luminance(QColor(one)), luminance(QColor(other))))
    return (light + 0.05) / (dark + 0.05)


def weak(pairs: list[tuple[str, str]], colours: Colours, least: float) -> dict[str, float]:
    found = {f"{a} on {b}": contrast(getattr(colours, a), getattr(colours, b)) for a, b in pairs}
    return {pair: round(value, 2) for pair, value in found.items() if value < least}


def test_no_colour_is_forgotten() -> None:
    known = {*GROUNDS, *INKS, *CODE, *MARKS, *FILLS, *MAIN, *HAIRLINES, "on_accent", "edge"}
    assert {field.name for field in fields(Colours)} == known


@pytest.mark.parametrize("name", LOOKS)
def test_text_can_be_read_on_every_ground(name: str) -> None:
    assert weak(TEXT, LOOKS[name], 4.5) == {}


@pytest.mark.parametrize("name", LOOKS)
def test_words_on_a_button_can_be_read_wherever_it_stands(name: str) -> None:
    colours = LOOKS[name]
    for fill, ground in product(FILLS, GROUNDS):
        seen = over(getattr(colours, fill), getattr(colours, ground))
        assert contrast(colours.text, seen) >= 4.5, (fill, ground)


@pytest.mark.parametrize("name", LOOKS)
def test_edges_and_the_focus_ring_are_seen(name: str) -> None:
    assert weak(EDGES, LOOKS[name], 3.0) == {}
    assert contrast(LOOKS[name].edge, LOOKS[name].on_accent if "dark" in name else "#ffffff") >= 3.0  # a switch's knob


@pytest.mark.parametrize(("plain", "sharp"), [(LIGHT, LIGHT_SHARP), (DARK, DARK_SHARP)])
def test_who_asks_for_more_contrast_gets_it(plain: Colours, sharp: Colours) -> None:
    for name in ("text", "muted", "accent", "edge", "line"):
        before, after = (contrast(getattr(colours, name), colours.ground) for colours in (plain, sharp))
        assert after > before, name
    assert weak(TEXT, sharp, 7.0) == {}  # WCAG's level AAA
    assert min(contrast(sharp.text, over(getattr(sharp, f), getattr(sharp, g))) for f in FILLS for g in GROUNDS) >= 7
    assert weak([*product((*HAIRLINES, "edge"), GROUNDS)], sharp, 3.0) == {}


def rules(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
        yield (
            selector.strip(),
            dict((part.strip() for part in said.split(":", 1)) for said in body.split(";") if ":" in said),
        )


@pytest.mark.parametrize("name", LOOKS)
def test_every_rule_of_the_sheet_can_be_read(name: str) -> None:
    colours, judged = LOOKS[name], 0
    for selector, said in rules(sheet(colours, round)):
        ground = said.get("background", "")
        if "color" in said and ground.startswith("#") and ":disabled" not in selector:
            judged += 1
            assert contrast(said["color"], over(ground, colours.ground)) >= 4.5, selector
    assert judged >= 6


NAMED = {
    "a colour": r"""["'](#[0-9a-fA-F]{6,8})["']|rgba?\(""",
    "a font size": r"setPixelSize|setPointSize|font-size: [0-9]",
}


@pytest.mark.parametrize("what", NAMED)
def test_no_other_module_names(what: str) -> None:
    root = Path(desktop.__file__).parent
    allowed = {root / "ui" / name for name in ("tokens.py", "theme.py", "drawing.py")}  # a drawing is a document
    for path in {*root.glob("ui/**/*.py"), *root.glob("panes/**/*.py"), *root.glob("app/**/*.py")} - allowed:
        assert not re.findall(NAMED[what], path.read_text("utf-8")), path
