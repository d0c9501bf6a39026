"""What the models take of the disk, one part for each, and what is free; and the button that shows it small.

Invariant: the largest model comes first and is drawn the strongest; what lies in the bin and what is unfinished come
last. All is counted by the last survey. Deleting is not offered here.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from desktop.panes.models import meter
from desktop.panes.models.library.upkeep import Upkeep
from desktop.panes.models.parts import Kind, Part
from desktop.ui import formats, theme
from desktop.ui.labels import Tone, elided
from desktop.ui.surface import ring
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_SHADES = (Kind.WEIGHTS, Kind.COPY, Kind.CONVERSATION, Kind.WORK, Kind.PROCESS)  # the last for all others
_HEIGHT, _LINE, _BAR = 52, 18, 8


def held(upkeep: Upkeep) -> list[Part]:
    """What the folder holds, and what there is room for beside it, as parts of a bar."""
    models = [
        Part(_SHADES[min(at, len(_SHADES) - 1)], name, octets) for at, (name, octets) in enumerate(upkeep.shares())
    ]
    if upkeep.usage is None:
        return models
    beside = (
        Part(Kind.OTHERS, _("In the bin"), upkeep.usage.binned),
        Part(Kind.OTHERS, _("Unfinished downloads"), upkeep.usage.unfinished),
        Part(Kind.FREE, _("Free on this disk"), upkeep.usage.free),
    )
    return [*models, *(part for part in beside if part.octets)]


def free(upkeep: Upkeep) -> str:
    """ "230.1 GB free"; "" before anything was counted."""
    return _("{size} free", size=formats.size(upkeep.usage.free)) if upkeep.usage and upkeep.usage.free else ""


class StorageButton(QAbstractButton):
    def __init__(self, look: Theme, upkeep: Upkeep | None) -> None:
        super().__init__()
        self._look, self._upkeep = look, upkeep
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(160), self._look.px(_HEIGHT))

    def retranslate(self) -> None:
        """The words, and what the last survey counted."""
        self.setText(_("Storage"))
        parts = held(self._upkeep) if self._upkeep else []
        about = [part.said for part in parts]
        self.setAccessibleName(_("Storage"))
        self.setAccessibleDescription(", ".join(about))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._upkeep is None:
            return
        painter, colours = QPainter(self), self._look.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(box, theme.RADIUS_S, theme.RADIUS_S)
        if self.hasFocus():
            ring(painter, QRectF(self.rect()), theme.RADIUS_S, colours)
        high, thick, side = self._look.px(_LINE), self._look.px(_BAR), theme.M
        top = (self.height() - high - theme.XS - thick) // 2
        words = QRect(side, top, self.width() - 2 * side, high)
        painter.setFont(self._look.font(Type.SMALL))
        painter.setPen(QColor(colours.text))
        left = free(self._upkeep)
        room = words.width() - painter.fontMetrics().horizontalAdvance(left) - side
        if room < painter.fontMetrics().horizontalAdvance(self.text()):
            left, room = "", words.width()  # the picture says it, and the page that opens
        elided(painter, words.adjusted(0, 0, room - words.width(), 0), self.text())
        painter.setPen(QColor(colours.muted))
        elided(painter, words, left, right=True)
        bar = QRectF(side, words.bottom() + 1 + theme.XS, words.width(), thick)
        meter.paint(painter, self._look, bar, held(self._upkeep), 0, Tone.ACCENT)
