"""Rows that are on their way, as quiet shapes in the places where their words will stand.

Invariant: it takes the room of the rows it stands for, so nothing moves when they come; it does not move itself. To
screen readers it is nothing: what is waited for is said beside it.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui import theme
from desktop.ui.theme import Theme

_WORDS = ((0.34, 0.22), (0.26, 0.3), (0.4, 0.18), (0.3, 0.26))  # of the width: first and second line, so as text looks
_THICK = 10  # of a line


class Skeleton(QWidget):
    """`count` rows, each `height` pixels at 100 % text size."""

    ROLE = QAccessible.Role.Whitespace

    def __init__(self, look: Theme, height: int, count: int) -> None:
        super().__init__()
        self._look, self._height, self._count = look, height, count
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(0, self._look.px(self._height) * self._count)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.colours.hover))
        height, thick = self._look.px(self._height), self._look.px(_THICK)
        for at in range(self._count):
            middle = at * height + height / 2
            for share, y in zip(_WORDS[at % len(_WORDS)], (middle - 4 - thick, middle + 6), strict=True):
                painter.drawRoundedRect(QRectF(theme.M, y, self.width() * share, thick), theme.XS, theme.XS)
            painter.drawRoundedRect(
                QRectF(self.width() * 0.86 - theme.M, middle - 4 - thick, self.width() * 0.14, thick),
                *(theme.XS, theme.XS),
            )
