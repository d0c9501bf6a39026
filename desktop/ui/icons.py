"""Lucide's line icons: a 24-unit grid, strokes about 1.75 wide with round ends, in any colour, sharp at any scale.

Invariant: an icon is known by what it means and exists for every member of `Icon`. Nothing is read from disk: the
drawings are in `ui.lucide`, which `scripts/icons.py` makes from Lucide's package.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop.ui.lucide import DRAWINGS

ICON = 16  # the grid of 24 units comes out on whole pixels at 16, 24, 32: sharp at 1×, 1.5×, 2×


class Icon(StrEnum):
    """The value is the name of Lucide's drawing."""

    PLUS = "plus"
    SEARCH = "search"
    SETTINGS = "settings-2"
    MODELS = "box"
    SEND = "arrow-up"
    STOP = "square"
    COPY = "copy"
    CHECK = "check"
    EDIT = "pencil"
    AGAIN = "rotate-cw"
    CONTINUE = "arrow-right"
    DELETE = "trash-2"
    LEFT = "chevron-left"
    RIGHT = "chevron-right"
    DOWN = "chevron-down"
    UP = "chevron-up"
    TO_END = "arrow-down"
    PIN = "pin"
    MORE = "ellipsis"
    CLOSE = "x"
    CODE = "code"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    UNDO = "undo-2"
    THOUGHT = "lightbulb"
    WARNING = "triangle-alert"
    INFO = "info"
    CHAT = "message-square"
    SIDEBAR = "panel-left"
    LOCK = "lock"
    LIKE = "heart"
    FITS = "circle-check"
    PARTLY = "contrast"
    TOO_LARGE = "circle-x"
    PAUSE = "pause"
    PLAY = "play"
    FOLDER = "folder"
    COMMAND = "command"
    HELP = "circle-question-mark"
    SHIELD = "shield-check"
    RECOMMENDED = "star"
    OFFLINE = "cloud-off"
    WAITING = "clock"
    MINUS = "minus"
    STORAGE = "hard-drive"


_FILLED = frozenset({Icon.STOP, Icon.PLAY, Icon.MORE})


_RATIOS = (1, 1.25, 1.5, 1.75, 2, 2.5, 3)  # pixels for each unit of length, as systems offer them
_STROKE = 1.75  # of 24 units


@lru_cache(maxsize=256)
def _renderer(icon: Icon, colour: str, stroke: float) -> QSvgRenderer:
    fill = colour if icon in _FILLED else "none"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<g fill="{fill}" stroke="{colour}" stroke-width="{stroke:g}" stroke-linecap="round" '
        f'stroke-linejoin="round">{DRAWINGS[icon]}</g></svg>'
    )
    return QSvgRenderer(QByteArray(svg.encode()))


def paint(painter: QPainter, icon: Icon, place: QRectF, colour: str) -> None:
    """Draws the icon into `place`, in device-independent pixels: strokes whole pixels wide, on whole pixels."""
    device = painter.deviceTransform()
    ratio = device.m11()
    side = max(1, round(place.width() * ratio))
    stroke = max(1, round(_STROKE * side / 24))
    corner = device.map(place.topLeft())
    off = stroke % 2 / 2  # the middle of a line of one pixel lies half a pixel in
    x, y = round(corner.x()) + off - corner.x(), round(corner.y()) + off - corner.y()
    snapped = QRectF(place.x() + x / ratio, place.y() + y / ratio, side / ratio, side / ratio)
    _renderer(icon, colour, stroke * 24 / side).render(painter, snapped)


def icon(name: Icon, colour: str, pixels: int = 20) -> QIcon:
    """For Qt's own controls; made again when the theme changes."""
    made = QIcon()
    for ratio in _RATIOS:
        pixmap = QPixmap(QSize(pixels, pixels) * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(pixmap)
        paint(painter, name, QRectF(0, 0, pixels, pixels), colour)
        painter.end()
        made.addPixmap(pixmap)
    return made
