"""A check box drawn as a switch, in the theme's colours.

Invariant: it is a check box to keyboard and screen readers. What it switches is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QSizePolicy

from desktop.ui import theme
from desktop.ui.surface import ring
from desktop.ui.theme import Theme

_TRACK = (36, 20)
_AROUND = 3  # room for the focus ring


class Switch(QCheckBox):
    """A check box drawn as a switch."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(_TRACK[0]) + 2 * _AROUND, self._look.px(theme.TARGET))

    def hitButton(self, position: object) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._look.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0, 0, self._look.px(_TRACK[0]), self._look.px(_TRACK[1]))
        track.moveCenter(QRectF(self.rect()).center())
        half, on = track.height() / 2, self.isChecked()
        if self.hasFocus():
            around = track.adjusted(-_AROUND, -_AROUND, _AROUND, _AROUND)
            ring(painter, around, half + _AROUND, colours)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent if on else colours.edge))
        painter.drawRoundedRect(track, half, half)
        painter.setBrush(QColor(colours.on_accent if on else colours.ground))
        middle = QPointF(track.right() - half if on else track.left() + half, track.center().y())
        painter.drawEllipse(middle, half - 2, half - 2)
