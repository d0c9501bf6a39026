"""The speed of a download as a small curve: the last two minutes, from nothing to the fastest.

Invariant: a second has the same width from the first on, and the first is at the left; a curve stays while a download
rests, paler. It is painted anew only where a speed came. Its figures are said to who cannot see it; the download's are
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.panes.models.downloads.transfers import REMEMBERED
from desktop.ui import formats
from desktop.ui.theme import Theme
from desktop.ui.translation import _

_FILL = 0.18  # of the curve's colour, below it
_RESTING = 0.5


class Sparkline(QWidget):
    ROLE = QAccessible.Role.Graphic

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._speeds: tuple[float, ...] = ()
        self._resting = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)
        self.tell()

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(REMEMBERED), self._look.px(28))

    def put(self, speeds: Sequence[float], *, resting: bool = False) -> None:
        """Bytes a second, one for each second, the newest last."""
        if (tuple(speeds), resting) != (self._speeds, self._resting):
            self._speeds, self._resting = tuple(speeds), resting
            self.tell()
            self.update()

    def tell(self) -> None:
        """The curve in words."""
        said = ""
        if self._speeds:
            most = formats.size(round(max(self._speeds)))
            mean = formats.size(round(sum(self._speeds) / len(self._speeds)))
            said = _("Speed in the last two minutes: {mean}/s on average, {most}/s at most.", mean=mean, most=most)
        self.setAccessibleName(said or _("Speed"))
        self.setToolTip(said)

    def paintEvent(self, event: QPaintEvent) -> None:
        box = QRectF(self.rect()).adjusted(1, 3, -1, -2)
        base, most = round(box.bottom()) + 0.5, max(self._speeds, default=0.0)
        if most <= 0 or len(self._speeds) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._look.colours.line), 1))
        painter.drawLine(QLineF(box.left(), base, box.right(), base))
        step = box.width() / (REMEMBERED - 1)
        curve = [
            QPointF(box.left() + at * step, base - (base - box.top()) * speed / most)
            for at, speed in enumerate(self._speeds)
        ]
        ink, ground = (QColor(self._look.colours.accent) for _each in range(2))
        ink.setAlphaF(_RESTING if self._resting else 1.0)
        ground.setAlphaF(_FILL * ink.alphaF())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawPolygon(QPolygonF([QPointF(box.left(), base), *curve, QPointF(curve[-1].x(), base)]))
        painter.setPen(QPen(ink, 1.5))
        painter.drawPolyline(QPolygonF(curve))
