"""How a row of a list looks: rounded grounds for chosen and hovered rows, a ring for the focus, lines of text in it.

Invariant: every list that uses it looks and measures the same. What the lines say is the subclass's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.ui import theme
from desktop.ui.labels import Tone, elided
from desktop.ui.surface import chosen, ring
from desktop.ui.theme import Theme, Type

Index = QModelIndex | QPersistentModelIndex
Line = tuple[str, Type, Tone]


class RowDelegate(QStyledItemDelegate):
    """`height` in pixels at 100 % text size, shared by the lines."""

    def __init__(self, look: Theme, height: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look, self._height = look, height

    def lines(self, index: Index) -> list[Line]:
        """What stands in a row; one line, the item's text, unless a subclass says more."""
        return [(str(index.data()), Type.BODY, Tone.TEXT)]

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._look.px(self._height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours, state = self._look.colours, option.state
        box: QRect = option.rect.adjusted(0, 1, 0, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            chosen(painter, QRectF(box), theme.RADIUS_S, colours)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(box, theme.RADIUS_S, theme.RADIUS_S)
        if state & QStyle.StateFlag.State_HasFocus:
            ring(painter, QRectF(box), theme.RADIUS_S, colours)
        self.write(painter, box.adjusted(theme.M, theme.XS, -theme.M, -theme.XS), index)
        painter.restore()

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        """Draws what stands in a row."""
        lines = self.lines(index)
        height = box.height() // len(lines)
        for number, (text, kind, tone) in enumerate(lines):
            place = QRect(box.left(), box.top() + number * height, box.width(), height)
            painter.setFont(self._look.font(kind))
            painter.setPen(QColor(getattr(self._look.colours, tone.value)))
            elided(painter, place, text)


def dress(view: QAbstractItemView, delegate: RowDelegate) -> None:
    """Gives a list the delegate and takes away its frame."""
    view.setItemDelegate(delegate)
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.setMouseTracking(True)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
