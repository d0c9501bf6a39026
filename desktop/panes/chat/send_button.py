"""The round button beside the message: an arrow that sends, or a square that stops.

Invariant: filled with the accent whenever pressing it does something, so that it is what the eye finds. What it does,
the composer knows.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen

from desktop.ui import icons
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.theme import Theme

_SIDE, _ARROW, _SQUARE = 32, 18, 12  # Lucide's square fills its grid: drawn as large as the arrow it shouts
_RING = 3  # pixels from the disc to the focus ring's outer edge


class SendButton(IconButton):
    def __init__(self, look: Theme) -> None:
        super().__init__(look, Icon.SEND, " ")
        self.stops = False

    def show_stop(self, stops: bool) -> None:
        """Whether it stops a reply now, instead of sending."""
        self.stops = stops
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(_SIDE), self._look.px(_SIDE))

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, painter = self._look.colours, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(_RING - 1, _RING - 1, 1 - _RING, 1 - _RING)
        usable = self.isEnabled()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent if usable else colours.hover))
        painter.setOpacity(0.88 if usable and (self.underMouse() or self.isDown()) else 1.0)
        painter.drawEllipse(box)
        painter.setOpacity(1.0)
        side = self._look.px(_SQUARE if self.stops else _ARROW)
        place = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        ink = colours.on_accent if usable else colours.muted
        icons.paint(painter, Icon.STOP if self.stops else Icon.SEND, place, ink)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75))
