"""Memory as a bar: what other programs use, what a model takes, part by part, and what remains.

Invariant: rows and panels are drawn by the same `paint`. A bar is as long as all there is, so that bars can be
compared; where more is needed, all of that is drawn, with a line where memory ends and hatching behind it. Parts are
told apart by their order and by gaps, not by shades alone, and each says its figure to pointer, keyboard and screen
reader. Judging is not done here.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QBrush,
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.panes.models.parts import Kind, Part
from desktop.ui.labels import Tone
from desktop.ui.theme import Theme

_GAP = 1  # pixels between two parts, more where there is room
_SHADES = {  # how strongly a part is drawn; the largest, which comes first, the strongest
    Kind.WEIGHTS: 1.0,
    Kind.COPY: 0.74,
    Kind.CONVERSATION: 0.54,
    Kind.WORK: 0.4,
    Kind.PROCESS: 0.28,
}
_OTHERS = 0.42


def ink(look: Theme, kind: Kind, tone: Tone) -> QColor:
    """The colour of a part in a bar of this tone."""
    if kind in _SHADES:
        colour = QColor(getattr(look.colours, tone.value))
        colour.setAlphaF(_SHADES[kind])
        return colour
    colour = QColor(look.colours.muted if kind is Kind.OTHERS else look.colours.ground)
    colour.setAlphaF(_OTHERS if kind is Kind.OTHERS else 1.0)
    return colour


def spans(box: QRectF, parts: Sequence[Part]) -> list[tuple[int, int]]:
    """Where the parts begin and end, in whole pixels so that edges are sharp."""
    scale = box.width() / max(sum(part.octets for part in parts), 1)
    found, seen = [], 0
    for part in parts:
        begin = seen
        seen += part.octets
        found.append((round(box.left() + begin * scale), round(box.left() + seen * scale)))
    return found


def paint(
    painter: QPainter, look: Theme, box: QRectF, parts: Sequence[Part], memory: int, tone: Tone, chosen: int = -1
) -> None:
    """Draws parts into `box`. `memory`: bytes there are; `chosen`: the part that is pointed at."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    radius = min(box.height() / 2, 5.0)
    outline = QPainterPath()
    outline.addRoundedRect(box, radius, radius)
    painter.fillPath(outline, QColor(look.colours.ground))
    painter.setClipPath(outline)
    places = spans(box, parts)
    for (left, right), part in zip(places, parts, strict=True):
        if right > left and part.kind is not Kind.FREE:
            gap = _GAP if right - left > 2 * _GAP else 0
            painter.fillRect(QRectF(left, box.top(), right - left - gap, box.height()), ink(look, part.kind, tone))
    needed = sum(part.octets for part in parts)
    end = box.left() + box.width() * min(1.0, memory / max(needed, 1))
    if needed > memory > 0:
        beyond = QRectF(end, box.top(), box.right() - end, box.height())
        painter.fillRect(beyond, QBrush(QColor(look.colours.ground), Qt.BrushStyle.BDiagPattern))
    painter.setClipping(False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(look.colours.line), 1))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    painter.setPen(QPen(QColor(look.colours.text), 2))
    if needed > memory > 0:
        painter.drawLine(QPointF(end, box.top() - 2), QPointF(end, box.bottom() + 2))
    if 0 <= chosen < len(places):
        left, right = places[chosen]
        painter.drawRoundedRect(QRectF(left, box.top(), max(right - left, 2), box.height()).adjusted(0, -1, 0, 1), 2, 2)
    painter.restore()


class Meter(QWidget):
    """The bar as a widget of its own; the arrow keys walk over its parts."""

    ROLE = QAccessible.Role.Graphic

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._parts: Sequence[Part] = ()
        self._memory, self._tone, self._chosen = 0, Tone.ACCENT, -1
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(120), self._look.px(24))

    def put(self, parts: Sequence[Part], memory: int, tone: Tone, said: str) -> None:
        """What to draw; `said` is the whole in words, for those who hear it."""
        self._parts, self._memory, self._tone = parts, memory, tone
        self.setAccessibleName(said)
        self._choose(min(self._chosen, len(parts) - 1))

    @property
    def chosen(self) -> Part | None:
        """The part that is pointed at."""
        return self._parts[self._chosen] if 0 <= self._chosen < len(self._parts) else None

    def paintEvent(self, event: QPaintEvent) -> None:
        paint(QPainter(self), self._look, self._bar(), self._parts, self._memory, self._tone, self._chosen)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._tell(event.globalPos())
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, places = event.position().x(), spans(self._bar(), self._parts)
        self._choose(next((at for at, (left, right) in enumerate(places) if left <= x < right), -1))

    def leaveEvent(self, event: QEvent) -> None:
        self._choose(-1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._choose(0)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._choose(-1)
        QToolTip.hideText()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._parts) - 1
        steps = {
            Qt.Key.Key_Right: min(self._chosen + 1, last),
            Qt.Key.Key_Left: max(self._chosen - 1, 0),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        if event.key() not in steps:
            super().keyPressEvent(event)
            return
        self._choose(steps[Qt.Key(event.key())])
        left, _right = spans(self._bar(), self._parts)[self._chosen]
        self._tell(self.mapToGlobal(QPoint(left, self.height() // 2)))

    def _bar(self) -> QRectF:
        thick = self._look.px(14)
        return QRectF(1, (self.height() - thick) // 2, self.width() - 2, thick)

    def _choose(self, at: int) -> None:
        self._chosen = at
        every = ", ".join(part.said for part in self._parts if part.octets)
        self.setAccessibleDescription(self.chosen.said if self.chosen else every)
        self.update()

    def _tell(self, place: QPoint) -> None:
        QToolTip.showText(place, self.chosen.said if self.chosen else self.accessibleName(), self)
