"""The round button beside the message: an arrow that sends, or a square that stops.

Invariant: filled with the accent whenever pressing it does something, so that it is what the eye finds. What it does,
the composer knows.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent

from desktop.ui import icons
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.surface import ring
from desktop.ui.theme import Theme

_SIDE, _ARROW, _SQUARE = 32, 16, 12  # Lucide's square fills its grid: drawn as large as the arrow it shouts


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
        box, usable = QRectF(self.rect()), self.isEnabled()
        over = self.underMouse() or self.isDown()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor((colours.accent_hover if over else colours.accent) if usable else colours.hover))
        painter.drawEllipse(box)
        side = self._look.px(_SQUARE if self.stops else _ARROW)
        place = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        ink = colours.on_accent if usable else colours.muted
        icons.paint(painter, Icon.STOP if self.stops else Icon.SEND, place, ink)
        if self.hasFocus():
            ring(painter, box, box.height() / 2, colours)
