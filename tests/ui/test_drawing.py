"""An SVG is well-formed whatever its words hold; a PNG shows the same shapes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QGuiApplication, QImage

from desktop.ui.drawing import Anchor, Box, Drawing, Stroke, Words, png, shortened, svg

HOSTILE = "<script>&\"' \x00\x1b[31m \ud800 ]]> 한글 שלום 🙂"
NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawing(text: str) -> Drawing:
    ground, box = Box(0, 0, 200, 100, "#ffffff"), Box(10, 10, 50, 20, "#17695f", 3)
    return Drawing(200, 100, text, (ground, box, Stroke(0, 50, 200, 50, "#ff0000", 2), Words(190, 80, text, "#000000")))


@given(st.text(st.characters(), max_size=40))
def test_any_words_make_a_sound_svg(text: str) -> None:
    root = ElementTree.fromstring(svg(drawing(text)).encode())
    assert [child.tag.removeprefix(NAMESPACE) for child in root] == ["title", "rect", "rect", "line", "text"]


def test_words_stay_words() -> None:
    root = ElementTree.fromstring(svg(drawing(HOSTILE)).encode())
    said = HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    assert root.findtext(f"{NAMESPACE}text") == root.findtext(f"{NAMESPACE}title") == said


@pytest.mark.parametrize("text", ["plain", HOSTILE, ""])
def test_a_png_shows_the_shapes(qapp: QGuiApplication, text: str) -> None:
    picture = QImage.fromData(png(drawing(text)))
    assert (picture.width(), picture.height()) == (400, 200)
    assert picture.pixelColor(70, 40) == QColor("#17695f")
    assert picture.pixelColor(200, 100) == QColor("#ff0000")
    assert picture.pixelColor(390, 20) == QColor("#ffffff")


def test_words_end_where_they_are_anchored(qapp: QGuiApplication) -> None:
    words = Words(100, 60, "MMMM", "#000000", anchor=Anchor.END)
    picture = QImage.fromData(png(Drawing(200, 100, "", (Box(0, 0, 200, 100, "#ffffff"), words))))
    dark = [x for x in range(400) for y in range(80, 124) if picture.pixelColor(x, y).lightness() < 128]
    assert dark
    assert max(dark) <= 202
    assert min(dark) > 80


@given(st.text(max_size=60), st.floats(1, 400))
def test_what_is_shortened_says_so(text: str, width: float) -> None:
    short = shortened(text, width)
    assert short == text or (short.endswith("…") and text.startswith(short[:-1].rstrip()))
    assert shortened("가" * 10, 13 * 10) == "가" * 10
    assert len(shortened("가" * 11, 13 * 10)) <= 11
