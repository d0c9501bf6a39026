"""A drawing of boxes, lines and words, written as SVG or painted as PNG: the same in both.

Invariant: an SVG is well-formed whatever the words hold, and its words are words, to be searched and copied; a PNG
opens no window. QtGui is imported only where something is painted, since SVG needs none of it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from desktop.ui import offscreen

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

_FONTS = "system-ui, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'Noto Sans CJK KR', sans-serif"
_NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
_SHARPNESS = 2  # pixels of a PNG for each unit: screens of today have as many


class Anchor(StrEnum):
    """Which end of the words stands at the point."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; `y` is its base line, `size` the height of the letters' square."""

    x: float
    y: float
    text: str
    colour: str
    size: float = 13
    bold: bool = False
    anchor: Anchor = Anchor.START


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes, the later above the earlier; `title` is said to who cannot see it."""

    width: int
    height: int
    title: str
    shapes: tuple[Box | Stroke | Words, ...]


def shortened(text: str, width: float, size: float = 13) -> str:
    """As much of a text as `width` has room for, by the usual width of letters: nothing is measured."""
    room = width / size
    for end, character in enumerate(text):
        room -= 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.56  # ems; bold ones of Segoe UI
        if room < 0:
            return text[: max(end - 1, 0)].rstrip() + "…"
    return text


def svg(drawing: Drawing) -> str:
    """The drawing as a document of its own."""
    size = f'width="{drawing.width}" height="{drawing.height}" viewBox="0 0 {drawing.width} {drawing.height}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family={quoteattr(_FONTS)}>',
        f"<title>{_safe(drawing.title)}</title>",
        *map(_element, drawing.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _element(shape: Box | Stroke | Words) -> str:
    if isinstance(shape, Box):
        place = f'x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:.2f}" height="{shape.height:g}"'
        return f'<rect {place} rx="{shape.radius:g}" fill="{shape.colour}"/>'
    if isinstance(shape, Stroke):
        ends = f'x1="{shape.x1:.2f}" y1="{shape.y1:g}" x2="{shape.x2:.2f}" y2="{shape.y2:g}"'
        return f'<line {ends} stroke="{shape.colour}" stroke-width="{shape.width:g}"/>'
    look = f'font-size="{shape.size:g}" fill="{shape.colour}" text-anchor="{shape.anchor}"'
    bold = ' font-weight="600"' if shape.bold else ""
    return f'<text x="{shape.x:g}" y="{shape.y:g}" {look}{bold}>{_safe(shape.text)}</text>'


def _safe(text: str) -> str:
    return escape(_sound(text))


def _sound(text: str) -> str:
    """Without what is no character of a document: control characters, halves of a pair."""
    return _NO_XML.sub("\ufffd", text)


def png(drawing: Drawing) -> bytes:
    """The drawing in pixels. Off screen: without a window, and without a display."""
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice
    from PySide6.QtGui import QGuiApplication, QImage, QPainter

    fonts = QGuiApplication.instance()
    if fonts is None:
        offscreen.choose()
        fonts = QGuiApplication(sys.argv[:1])
    picture = QImage(drawing.width * _SHARPNESS, drawing.height * _SHARPNESS, QImage.Format.Format_RGB32)
    picture.fill(0xFFFFFFFF)
    picture.setText("Title", _sound(drawing.title))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(_SHARPNESS, _SHARPNESS)
    for shape in drawing.shapes:
        _paint(painter, shape)
    painter.end()
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]  # Qt takes the name as text
    buffer.close()
    del fonts
    return bytes(held.data())


def _paint(painter: QPainter, shape: Box | Stroke | Words) -> None:
    from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
    from PySide6.QtGui import QColor, QFont, QPen

    if isinstance(shape, Box):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(shape.colour))
        painter.drawRoundedRect(QRectF(shape.x, shape.y, shape.width, shape.height), shape.radius, shape.radius)
        return
    painter.setPen(QPen(QColor(shape.colour), shape.width if isinstance(shape, Stroke) else 1))
    if isinstance(shape, Stroke):
        painter.drawLine(QLineF(shape.x1, shape.y1, shape.x2, shape.y2))
        return
    font = QFont(painter.font())
    font.setPixelSize(round(shape.size))
    font.setWeight(QFont.Weight.DemiBold if shape.bold else QFont.Weight.Normal)
    painter.setFont(font)
    text = _sound(shape.text)
    left = shape.x - (painter.fontMetrics().horizontalAdvance(text) if shape.anchor is Anchor.END else 0)
    painter.drawText(QPointF(left, shape.y), text)
