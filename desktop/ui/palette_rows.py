"""The rows of the command palette: offers under headings, what they say, and how they are drawn.

Invariant: a row's place and size follow from its values alone; a row is one sentence for those who hear it. What is
offered, found and chosen is the affair of `ui.palette`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QListView, QStyleOptionViewItem

from desktop.ui import icons, theme
from desktop.ui.icons import Icon
from desktop.ui.listing import Index, RowDelegate
from desktop.ui.theme import Theme, Type

ROW, HEADING = 24, 16  # pixels around a line of text: room that need not grow with it


@dataclass(frozen=True, slots=True)
class Offer:
    """`key` names it from one opening to the next; `kind` is the heading it stands under; `also` finds it, too.

    They are texts that are not shown: everyday words, and the name in other languages.
    """

    key: str
    icon: Icon
    text: str
    kind: str
    act: Callable[[], object]
    detail: str | Callable[[], str] = ""  # called when it is seen
    also: Collection[str] = ()
    rare: bool = False  # not listed before something is typed
    told: bool = False  # it only tells: what does something goes before it, though found by other words

    @property
    def aside(self) -> str:
        """The detail, in words."""
        return self.detail if isinstance(self.detail, str) else self.detail()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: an offer and where in its name the words were found, or a heading."""

    offer: Offer | None
    text: str
    places: tuple[int, ...] = ()


class Rows(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[Row] = []

    def replace(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self.all = rows
        self.endResetModel()

    def row(self, at: int) -> Row:
        return self.all[at]

    def stops(self) -> list[int]:
        """Which rows can be chosen."""
        return [at for at, row in enumerate(self.all) if row.offer is not None]

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.all)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.all[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole and row.offer is not None:
            return ", ".join(filter(None, (row.text, row.offer.aside, row.offer.kind)))
        return row.text if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        usable = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        return usable if self.all[index.row()].offer is not None else Qt.ItemFlag.NoItemFlags


class RowList(QListView):
    """`pointed` where the pointer was moved to; rows that change below a resting one mean nothing."""

    pointed = Signal(object)

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self._pointer = QPoint()
        self.setModel(rows)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)  # the ground of what floats shows through
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.globalPosition().toPoint()
        index = self.indexAt(event.position().toPoint())
        if place != self._pointer and index.flags() & Qt.ItemFlag.ItemIsSelectable:
            self.pointed.emit(index)
        self._pointer = place


def height(look: Theme, row: Row) -> int:
    """Of a row, in pixels."""
    return QFontMetrics(look.font(Type.BODY)).height() + (ROW if row.offer else HEADING)


class RowPainter(RowDelegate):
    """A row: the kind's icon, the name with what was found in it, and at the right the key or what else is known."""

    def __init__(self, look: Theme, rows: Rows, parent: QObject) -> None:
        super().__init__(look, ROW, parent)
        self._rows = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, height(self._look, self._rows.row(index.row())))

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        row, look = self._rows.row(index.row()), self._look
        if row.offer is None:
            painter.setFont(look.font(Type.SMALL))
            painter.setPen(QColor(look.colours.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, row.text)
            return
        side = look.px(18)
        place = QRectF(box.left(), box.center().y() + 0.5 - side / 2, side, side)
        icons.paint(painter, row.offer.icon, place, look.colours.muted)
        box = box.adjusted(side + theme.M, 0, 0, 0)
        painter.setFont(look.font(Type.SMALL))
        painter.setPen(QColor(look.colours.muted))
        detail = painter.fontMetrics().elidedText(row.offer.aside, Qt.TextElideMode.ElideRight, box.width() // 2)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, detail)
        used = painter.fontMetrics().horizontalAdvance(detail)
        self._name(painter, box.adjusted(0, 0, -used - theme.M * bool(used), 0), row)

    def _name(self, painter: QPainter, box: QRect, row: Row) -> None:
        font = self._look.font(Type.BODY)
        painter.setFont(font)
        shown = painter.fontMetrics().elidedText(row.text, Qt.TextElideMode.ElideRight, box.width())
        layout = QTextLayout(shown, font)
        layout.setFormats([_mark(row.text, at) for at in row.places if shown[at : at + 1] == row.text[at]])
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()
        painter.setPen(QColor(self._look.colours.text))
        layout.draw(painter, QPointF(box.left(), box.center().y() + 0.5 - line.height() / 2))


def _mark(text: str, at: int) -> QTextLayout.FormatRange:
    """Makes one character stand out. Qt counts in halves of UTF-16, Python in characters."""
    found = QTextLayout.FormatRange()
    found.start, found.length = _halves(text[:at]), _halves(text[at])
    found.format = QTextCharFormat()
    found.format.setFontWeight(QFont.Weight.Bold)
    return found


def _halves(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
