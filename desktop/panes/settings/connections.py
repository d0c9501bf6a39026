"""The list of connections as a table: when, to which computer, why, and how many bytes went each way.

Invariant: a row is what the controller's list said when it was filled, the newest first, and the words of a row are one
text for those who hear it. What is refused is said in words, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from desktop.core.errors import N_
from desktop.panes.settings.privacy import Connection
from desktop.ui import formats, theme
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_HEIGHT = 288  # ten rows: enough to see what a download did
_ROW = 26
_HEADS = (N_("When"), N_("Where"), N_("Why"), N_("Sent"), N_("Received"))
_CELLS: tuple[Callable[[Connection], str], ...] = (
    lambda c: formats.moment(c.at),
    lambda c: f"{c.host}:{c.port}" if c.port not in (0, 443) else c.host,
    lambda c: _("Refused: {why}", why=_(c.why)) if c.refused else _(c.why),
    lambda c: "" if c.refused else formats.size(c.sent),
    lambda c: "" if c.refused else formats.size(c.received),
)
Index = QModelIndex | QPersistentModelIndex


class _Rows(QAbstractTableModel):
    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._connections: Sequence[Connection] = ()

    def fill(self, connections: Sequence[Connection]) -> None:
        self.beginResetModel()
        self._connections = connections
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._connections)

    def columnCount(self, parent: Index | None = None) -> int:
        return len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _(_HEADS[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        connection, column = self._connections[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return _CELLS[column](connection)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return " — ".join(filter(None, (cell(connection) for cell in _CELLS)))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ForegroundRole and connection.refused:
            return QColor(self._look.colours.muted)
        return None


class Connections(QTableView):
    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._rows = _Rows(look)
        self.setModel(self._rows)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        for column in range(len(_HEADS)):
            stretched = column == 1
            mode = QHeaderView.ResizeMode
            head.setSectionResizeMode(column, mode.Stretch if stretched else mode.ResizeToContents)
        look.changed.connect(self._fit)
        self._fit()

    def show_connections(self, connections: Sequence[Connection]) -> None:
        self._rows.fill(connections)
        shown = min(len(connections), 9) + 1
        self.setFixedHeight(min(self._look.px(_HEIGHT), shown * self._look.px(_ROW) + theme.XL))

    def retranslate(self) -> None:
        self.setAccessibleName(_("Connections"))
        self._rows.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(_HEADS) - 1)

    def _fit(self) -> None:
        self.setFont(self._look.font(Type.SMALL))
        self.horizontalHeader().setFont(self._look.font(Type.SMALL))
        self.verticalHeader().setDefaultSectionSize(self._look.px(_ROW))


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column >= 3 else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
