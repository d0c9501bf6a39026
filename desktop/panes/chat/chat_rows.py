"""How the rows of the chat list look: a Qt model over `Row`s, and the delegate that draws them.

Invariant: a row's place and size follow from its values alone, so that five thousand rows are laid out at once;
replacing the rows by the same chats keeps scroll position and selection. What a click means is the sidebar's affair.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.panes.chat.edges import Work
from desktop.panes.chat.listing import Row, RowKind
from desktop.ui import formats, icons, theme
from desktop.ui.boxes import Line
from desktop.ui.icons import Icon
from desktop.ui.surface import chosen, ring
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

Index = QModelIndex | QPersistentModelIndex
_HEIGHTS = {RowKind.HEADER: 32, RowKind.CHAT: 36, RowKind.HIT: 72, RowKind.BIN: 40, RowKind.BINNED: 36}


class ChatRows(QAbstractListModel):
    """`renamed` is told, not done: the new title comes back with the next rows."""

    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}  # of chats, by id

    def replace(self, rows: list[Row]) -> None:
        same = [_key(r) for r in rows] == [_key(r) for r in self._rows]
        if same:
            changed = [i for i, (old, new) in enumerate(zip(self._rows, rows, strict=True)) if old != new]
            self._rows = rows
            for at in changed:
                self.dataChanged.emit(self.index(at), self.index(at))
        else:
            self.beginResetModel()
            self._rows = rows
            chats = (RowKind.CHAT, RowKind.BINNED)
            self._places = {row.chat_id: at for at, row in enumerate(rows) if row.kind in chats}
            self.endResetModel()

    def put(self, row: Row) -> None:
        """One row with other marks; a chat that is not in the list is passed over."""
        at = self._places.get(row.chat_id)
        if at is not None:
            self._rows[at] = row
            self.dataChanged.emit(self.index(at), self.index(at))

    def row(self, index: Index) -> Row:
        return self._rows[index.row()]

    def index_of(self, chat_id: str) -> QModelIndex:
        """Where a chat stands; an invalid index where it does not."""
        at = self._places.get(chat_id)
        return QModelIndex() if at is None else self.index(at)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own signature)
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return spoken(row)
        if role == Qt.ItemDataRole.EditRole:
            return row.text
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self._rows[index.row()]
        if str(value).strip() and str(value) != row.text:
            self.renamed.emit(row.chat_id, str(value))
        return False

    def flags(self, index: Index) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        kind = self._rows[index.row()].kind
        if kind is RowKind.HEADER:
            return flag.NoItemFlags
        usable = flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemNeverHasChildren
        return usable | flag.ItemIsEditable if kind is RowKind.CHAT else usable


def _key(row: Row) -> tuple[object, ...]:
    return (row.kind, row.chat_id, row.message_id, row.text if row.kind is RowKind.HEADER else "")


def titled(row: Row) -> str:
    """The text of a row in the window's language."""
    if row.kind is RowKind.HEADER:
        return _(row.text) if row.text else _month(row.when)
    if row.kind is RowKind.BIN:
        return _("Bin ({count})", count=formats.number(row.count))
    return row.text or _("New chat")


def spoken(row: Row) -> str:
    """What a screen reader says of a row: also what is only drawn."""
    told = [titled(row)]
    if row.kind is RowKind.HIT:
        told += [row.snippet] if row.snippet else []
    if row.pinned:
        told.append(_("pinned"))
    if row.work is not Work.NOTHING:
        told.append(_("a reply is being written"))
    if row.unread:
        told.append(_("new reply"))
    return ", ".join(told)


def _month(when: float) -> str:
    """Begun as the other headings are, also where a month has no capital within a line."""
    month = formats.month(when)
    return month[:1].upper() + month[1:]


class RowPainter(QStyledItemDelegate):
    """Draws a row with the theme's own means. `current` is the chat that is shown."""

    def __init__(self, look: Theme, model: ChatRows, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._model = model
        self.current = ""
        self.seen = True  # whether that chat is what the window shows now

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        row = self._model.row(index)
        kind = RowKind.CHAT if row.kind is RowKind.HIT and not row.snippet else row.kind
        return QSize(0, self._look.px(_HEIGHTS[kind]))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = self._model.row(index)
        box = QRectF(option.rect).adjusted(0, 1, 0, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.kind is RowKind.HEADER:
            self._draw_header(painter, row, box)
        else:
            self._draw_ground(painter, row, box, option.state)
            inner = box.adjusted(theme.S, 0, -theme.S, 0)
            if row.snippet:
                self._draw_hit(painter, row, inner)
            else:
                self._draw_chat(painter, row, inner, bool(option.state & QStyle.StateFlag.State_MouseOver))
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        field = Line(parent=parent)
        field.setMaxLength(200)
        field.setAccessibleName(_("Title"))
        return field

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        """A key that comes while a title is being composed is not the one that ends it."""
        composing = isinstance(editor, Line) and bool(editor.composing)
        return not (composing and event.type() is QEvent.Type.KeyPress) and super().eventFilter(editor, event)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, Line):
            model.setData(index, editor.taken())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(option.rect.adjusted(theme.XS, 1, -theme.XS, -1))

    def _draw_header(self, painter: QPainter, row: Row, box: QRectF) -> None:
        painter.setFont(self._look.font(Type.SMALL))
        painter.setPen(QColor(self._look.colours.muted))
        place = box.adjusted(theme.S, 0, 0, -theme.XS)
        painter.drawText(place, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, titled(row))

    def _draw_ground(self, painter: QPainter, row: Row, box: QRectF, state: QStyle.StateFlag) -> None:
        colours = self._look.colours
        shown = self.seen and row.kind is RowKind.CHAT and row.chat_id == self.current
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        focused = bool(state & QStyle.StateFlag.State_Selected) and bool(state & QStyle.StateFlag.State_HasFocus)
        if shown:
            chosen(painter, box, theme.RADIUS_S, colours)
        elif hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(box, theme.RADIUS_S, theme.RADIUS_S)
        if focused:
            ring(painter, box, theme.RADIUS_S, colours)

    def more(self, box: QRect) -> QRect:
        """Where a click on a row in `box` opens its menu; its place is kept free, so that nothing moves."""
        side = self._look.px(28)
        return QRect(box.right() - side, box.top(), side + 1, box.height())

    def _draw_chat(self, painter: QPainter, row: Row, box: QRectF, hovered: bool) -> None:
        colours, side = self._look.colours, self._look.px(16)
        if row.kind is RowKind.BIN:
            self._icon(painter, Icon.DELETE, QRectF(box.left(), box.top(), side, box.height()))
            box = box.adjusted(side + theme.S, 0, 0, 0)
        mark = Icon.PIN if row.pinned else None
        if row.kind is RowKind.BIN:
            mark = Icon.DOWN if row.open else Icon.RIGHT
        elif hovered:
            mark = Icon.MORE
        if mark is not None:
            self._icon(painter, mark, QRectF(box.right() - side, box.top(), side, box.height()))
        box.setRight(box.right() - side - theme.XS)
        if row.unread or row.work is not Work.NOTHING:
            radius = self._look.px(4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent if row.unread else colours.muted))
            painter.drawEllipse(QRectF(box.right() - 2 * radius, box.center().y() - radius, 2 * radius, 2 * radius))
            box.setRight(box.right() - 2 * radius - theme.S)
        quiet = row.kind in (RowKind.BIN, RowKind.BINNED) or not row.text
        font = self._look.font(Type.BODY)
        painter.setFont(font)
        painter.setPen(QColor(colours.muted if quiet else colours.text))
        title = QFontMetrics(font).elidedText(titled(row), Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)

    def _icon(self, painter: QPainter, icon: Icon, box: QRectF) -> None:
        side = box.width()
        place = QRectF(box.left(), box.center().y() - side / 2, side, side)
        icons.paint(painter, icon, place, self._look.colours.muted)

    def _draw_hit(self, painter: QPainter, row: Row, box: QRectF) -> None:
        colours, font = self._look.colours, self._look.font(Type.BODY)
        box = box.adjusted(0, theme.XS + 1, 0, 0)
        painter.setFont(font)
        painter.setPen(QColor(colours.text))
        title = QFontMetrics(font).elidedText(titled(row), Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, title)
        layout = QTextLayout(row.snippet, self._look.font(Type.SMALL))
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        marked = QTextCharFormat()
        marked.setBackground(QColor(colours.mark))
        marked.setForeground(QColor(colours.text))
        layout.setFormats([_range(start, end, marked) for start, end in row.marks])
        layout.beginLayout()
        top = 0.0
        for _line in range(2):
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(box.width())
            line.setPosition(QPointF(0, top))
            top += line.height()
        layout.endLayout()
        painter.setPen(QColor(colours.muted))
        layout.draw(painter, QPointF(box.left(), box.top() + QFontMetrics(font).height() + 2))


def _range(start: int, end: int, marked: QTextCharFormat) -> QTextLayout.FormatRange:
    found = QTextLayout.FormatRange()
    found.start, found.length, found.format = start, end - start, marked
    return found
