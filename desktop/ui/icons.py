"""Lucide's line icons: a 24-unit grid, strokes 1.75 wide with round ends, in any colour, sharp at any scale.

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
    KEYBOARD = "keyboard"
    HELP = "circle-question-mark"
    SHIELD = "shield-check"


_FILLED = frozenset({Icon.STOP, Icon.PLAY})


@lru_cache(maxsize=128)
def _renderer(icon: Icon, colour: str) -> QSvgRenderer:
    fill = colour if icon in _FILLED else "none"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<g fill="{fill}" stroke="{colour}" stroke-width="1.75" stroke-linecap="round" '
        f'stroke-linejoin="round">{DRAWINGS[icon]}</g></svg>'
    )
    return QSvgRenderer(QByteArray(svg.encode()))


def paint(painter: QPainter, icon: Icon, place: QRectF, colour: str) -> None:
    """Draws the icon into `place`, in device-independent pixels."""
    _renderer(icon, colour).render(painter, place)


def icon(name: Icon, colour: str, pixels: int = 20) -> QIcon:
    """For Qt's own controls; made again when the theme changes."""
    made = QIcon()
    for ratio in (1, 2, 3):
        pixmap = QPixmap(QSize(pixels, pixels) * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        paint(painter, name, QRectF(0, 0, pixels * ratio, pixels * ratio), colour)
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        made.addPixmap(pixmap)
    return made
