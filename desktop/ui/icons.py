"""Alcove's line icons: a 24-unit grid, strokes 1.75 wide with round ends, in any colour, sharp at any scale.

Invariant: an icon is known by what it means and exists for every member of `Icon`. Nothing is read from disk.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer


class Icon(StrEnum):
    """The value is the drawing: SVG path data."""

    PLUS = "M12 5v14M5 12h14"
    SEARCH = "M11 4.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM16 16l4 4"
    SETTINGS = "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.7a2.3 2.3 0 1 0 0 4.6a2.3 2.3 0 1 0 0-4.6zM9 14.7a2.3 2.3 0 1 0 0 4.6a2.3 2.3 0 1 0 0-4.6z"  # noqa: E501
    MODELS = "M12 3.5l7.5 4.25v8.5L12 20.5l-7.5-4.25v-8.5zM4.5 7.75L12 12l7.5-4.25M12 12v8.5"
    SEND = "M12 19V5.5M6 11l6-6l6 6"
    STOP = "M7.5 7.5h9v9h-9z"
    COPY = "M9 9h10v10.5H9zM15 9V4.5H5V15h4"
    CHECK = "M5 12.5l4.5 4.5L19 7.5"
    EDIT = "M4.5 19.5l1-4L16 5l3 3L8.5 18.5zM14 7l3 3"
    AGAIN = "M19 12a7 7 0 1 1-2.2-5.1M19.5 3.5v4h-4"
    CONTINUE = "M4.5 12h14M13 6.5l5.5 5.5l-5.5 5.5"
    DELETE = "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.3 11v5M13.7 11v5"
    LEFT = "M14.5 6l-6 6l6 6"
    RIGHT = "M9.5 6l6 6l-6 6"
    DOWN = "M6 9.5l6 6l6-6"
    UP = "M6 14.5l6-6l6 6"
    TO_END = "M12 5v13.5M6 13l6 6l6-6"
    PIN = "M9 4h6M10 4v6l-3 3.5h10L14 10V4M12 13.5V20"
    MORE = "M5.4 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0zM11.4 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0zM17.4 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0z"  # noqa: E501
    CLOSE = "M6 6l12 12M18 6L6 18"
    CODE = "M8.5 7L4 12l4.5 5M15.5 7l4.5 5l-4.5 5"
    DOWNLOAD = "M12 4v11.5M7 11l5 5l5-5M5 20h14"
    UPLOAD = "M12 16V4.5M7 9l5-5l5 5M5 20h14"
    UNDO = "M8.5 5L4.5 9l4 4M5 9h9a5 5 0 0 1 0 10h-4"
    THOUGHT = "M9.5 18h5M10.5 20.5h3M12 3.5a6 6 0 0 0-3.4 10.9c.6.5.9 1 .9 1.6h5c0-.6.3-1.1.9-1.6A6 6 0 0 0 12 3.5z"
    WARNING = "M12 4.5L3.5 19.5h17zM12 10v4.5M12 17h.01"
    INFO = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17zM12 11v5M12 8h.01"
    CHAT = "M5 5.5h14v10.5h-7.5L7 19.5V16H5z"
    SIDEBAR = "M4 5.5h16v13H4zM9.5 5.5v13"
    LOCK = "M6.5 11h11v8.5h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3"
    LIKE = "M12 19.5S4.5 15 4.5 9.6A3.8 3.8 0 0 1 12 8a3.8 3.8 0 0 1 7.5 1.6C19.5 15 12 19.5 12 19.5z"
    FITS = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17zM8 12.3l3 3l5.2-6"
    PARTLY = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17zM12 3.5v17M15 5v14M18 7.2v9.6"
    TOO_LARGE = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17zM9 9l6 6M15 9l-6 6"
    PAUSE = "M9 6v12M15 6v12"
    PLAY = "M8.5 5.5l10 6.5l-10 6.5z"
    FOLDER = "M4 18.5v-12h5.5l2 2.5H20v9.5z"


@lru_cache(maxsize=128)
def _renderer(icon: Icon, colour: str) -> QSvgRenderer:
    fill = colour if icon is Icon.STOP else "none"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<path d="{icon.value}" fill="{fill}" stroke="{colour}" stroke-width="1.75" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>'
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
