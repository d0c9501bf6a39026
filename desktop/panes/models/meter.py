"""Memory as a bar: what a model takes against what is available now.

Invariant: all bars of one amount available have the same scale, so that they can be compared; what goes beyond the mark
of what is available is hatched, so that it is seen without colours. It draws; judging is not done here.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.labels import Tone
from desktop.ui.theme import Theme

_BEYOND = 1.25  # the bar's length, in amounts available: room to see that something does not fit
_FAINT = 110  # of 255: weights that the system can take back are paler than what it cannot


def paint(
    painter: QPainter, look: Theme, box: QRectF, committed: int, file_backed: int, available: int, tone: Tone
) -> None:
    """Draws a bar into `box`; all amounts in bytes."""
    scale = box.width() / (max(available, 1) * _BEYOND)
    mark = box.left() + available * scale
    radius = box.height() / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.colours.hover))
    painter.drawRoundedRect(box, radius, radius)
    fixed = min(box.width(), committed * scale)
    whole = min(box.width(), (committed + file_backed) * scale)
    ink = QColor(getattr(look.colours, tone.value))
    faint = QColor(ink)
    faint.setAlpha(_FAINT)
    for width, colour in ((whole, faint), (fixed, ink)):
        painter.setBrush(colour)
        if width > 0:
            painter.drawRoundedRect(
                QRectF(box.left(), box.top(), max(width, box.height()), box.height()), radius, radius
            )
    if committed + file_backed > available:
        beyond = QRectF(mark, box.top(), box.left() + whole - mark, box.height())
        painter.setBrush(QBrush(QColor(look.colours.ground), Qt.BrushStyle.BDiagPattern))
        painter.drawRect(beyond)
    painter.setPen(QPen(QColor(look.colours.text), 1.5))
    painter.drawLine(QPointF(mark, box.top() - 2), QPointF(mark, box.bottom() + 2))
    painter.restore()


class Meter(QWidget):
    """The bar as a widget of its own."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._amounts, self._tone = (0, 0, 1), Tone.ACCENT
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(120), self._look.px(16))

    def put(self, committed: int, file_backed: int, available: int, tone: Tone, said: str) -> None:
        """Bytes; `said` is the same in words, for those who hear it."""
        self._amounts, self._tone = (committed, file_backed, available), tone
        self.setAccessibleName(said)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        thick = self._look.px(8)
        box = QRectF(0, (self.height() - thick) / 2, self.width(), thick)
        paint(QPainter(self), self._look, box, *self._amounts, self._tone)
