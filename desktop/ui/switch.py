"""A check box drawn as a switch, in the theme's colours.

Invariant: it is a check box to keyboard and screen readers. What it switches is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QSizePolicy

from desktop.ui.theme import Theme

_HEIGHT = 28  # as tall as other controls


class Switch(QCheckBox):
    """A check box drawn as a switch."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(40), self._look.px(_HEIGHT))

    def hitButton(self, position: object) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, box = self._look.colours, QRectF(self.rect()).adjusted(2, 4, -2, -4)
        on, half = self.isChecked(), box.height() / 2
        usable = self.isEnabled()
        edge = colours.line if not usable else colours.accent if on else colours.muted
        painter.setPen(QPen(QColor(edge), 1.5))
        painter.setBrush(QColor(edge if on else colours.ground))
        painter.drawRoundedRect(box, half, half)
        knob = half - self._look.px(4)
        centre = QPointF(box.right() - half if on else box.left() + half, box.center().y())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.ground if on and not usable else colours.on_accent if on else edge))
        painter.drawEllipse(centre, knob, knob)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.text if on else colours.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-1, -1, 1, 1), half + 1, half + 1)
