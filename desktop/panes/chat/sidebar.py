"""What stands left of the conversation: new chat, search, the list of chats by day, and the bin.

Invariants: everything a click does a key does too (Return opens, F2 renames, Delete bins, the menu key opens the menu,
Esc leads back), and a click leaves the focus in the list, so that those keys mean the chat clicked; nothing is removed
without a way back or a question. What the rows are, `listing` knows.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QInputMethodEvent, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QFrame,
    QLineEdit,
    QListView,
    QMenu,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.core.errors import N_
from desktop.panes.chat.chat_rows import ChatRows, RowPainter
from desktop.panes.chat.listing import Listing, Row, RowKind
from desktop.ui import icons, theme
from desktop.ui.asking import ask
from desktop.ui.bars import UNDO, UNDO_SECONDS, Bar
from desktop.ui.boxes import Line
from desktop.ui.buttons import IconButton
from desktop.ui.composing import writes
from desktop.ui.icons import ICON, Icon
from desktop.ui.menus import Command, shortcut
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_TYPING_MS = 180  # a search starts when the keys rest that long
_OPEN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_MENUS = (RowKind.CHAT, RowKind.BINNED)  # rows that a menu belongs to
_BIN_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class SearchField(Line):
    """`into_list` by Down, `left` by Esc."""

    into_list = Signal()
    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.into_list.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class ChatList(QListView):
    """The rows. `clicked_row` by click, `opened` by Return, `unwanted` by Delete, `left` by Esc.

    `typed` is a letter: nothing here is written in, so it was meant for the message; so is what is `composed`.
    """

    clicked_row = Signal(object)  # Row
    opened = Signal(object)
    left = Signal()
    typed = Signal(str)
    composed = Signal(object)  # a QInputMethodEvent
    unwanted = Signal(object)
    menu_wanted = Signal(object, QPoint)
    edited = Signal()  # the title's field is gone again

    def __init__(self, look: Theme, rows: ChatRows) -> None:
        super().__init__()
        self.rows = rows
        self.painter = RowPainter(look, rows, self)
        self.setModel(rows)
        self.setItemDelegate(self.painter)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)  # the window's own ground shows through
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.clicked.connect(lambda index: self.clicked_row.emit(rows.row(index)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if self.editing:  # a key that the title's field leaves over is not the list's
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif writes(event):
            self.typed.emit(event.text())
        elif not index.isValid():
            super().keyPressEvent(event)
        elif event.key() in _OPEN_KEYS:
            self.opened.emit(self.rows.row(index))
        elif event.key() == Qt.Key.Key_F2:
            self.rename(index)
        elif event.key() in _BIN_KEYS:
            self.unwanted.emit(self.rows.row(index))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The three points that a row shows under the pointer are its menu."""
        index = self.indexAt(event.position().toPoint())
        row = self.rows.row(index) if index.isValid() else None
        points = self.painter.more(self.visualRect(index))
        left = event.button() is Qt.MouseButton.LeftButton
        if row is not None and row.kind in _MENUS and left and points.contains(event.position().toPoint()):
            self.menu_wanted.emit(row, self.viewport().mapToGlobal(points.bottomLeft()))
        else:
            super().mousePressEvent(event)

    def inputMethodQuery(self, query: Qt.InputMethodQuery) -> object:
        return True if query is Qt.InputMethodQuery.ImEnabled else super().inputMethodQuery(query)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """The letters of an input method come by no key."""
        self.composed.emit(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            place = self.visualRect(index).bottomLeft() + QPoint(theme.XL, 0) if by_key else event.pos()
            self.menu_wanted.emit(self.rows.row(index), self.viewport().mapToGlobal(place))

    @property
    def editing(self) -> bool:
        return self.state() is QListView.State.EditingState

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.edited.emit()

    def rename(self, index: QModelIndex) -> None:
        if index.flags() & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)


class Sidebar(QWidget):
    """`chosen` carries chat, message and words ("" but for a search's result).

    `left` says that the person goes on to the message, `typed` what was written for it already.
    """

    chosen = Signal(str, str, str)
    left = Signal()
    typed = Signal(str)
    composed = Signal(object)  # QInputMethodEvent
    new_requested = Signal()

    def __init__(self, look: Theme, listing: Listing) -> None:
        super().__init__()
        self._look = look
        self._listing = listing
        self._current = ""
        self._waiting: list[Row] | None = None  # rows that came while a title is edited
        self._then: Callable[[], None] | None = None  # what is done with the results when they are there
        self.new_button = IconButton(look, Icon.PLUS, "")
        self.new_button.kind = Type.BODY
        self.new_button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.search = SearchField()
        self.search.setClearButtonEnabled(True)
        self._glass = QAction(self)
        self.search.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._pause = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self.rows = ChatRows()
        self.list = ChatList(look, self.rows)
        self.undo_bar = Bar(look)
        self._lay_out()
        self._connect()
        self.retranslate()
        self._restyle()

    def show_current(self, chat_id: str) -> None:
        """Marks the chat that is shown."""
        self._current = chat_id
        self.list.painter.current = chat_id
        self._mark()

    def fill_current(self, seen: bool) -> None:
        """Only one row of the window is filled: the chat's while it is seen, else that of the pane."""
        self.list.painter.seen = seen
        self.list.viewport().update()

    def focus_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def retranslate(self) -> None:
        self.new_button.name(_("New chat"), _("New chat"))
        self.new_button.setToolTip(shortcut(Command.NEW_CHAT))
        self.search.setPlaceholderText(_("Search"))
        self.search.setAccessibleName(_("Search"))
        self._glass.setText(_("Search"))
        self.list.setAccessibleName(_("Chats"))
        self.list.viewport().update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.S)
        column.addWidget(self.new_button)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self.undo_bar)

    def _connect(self) -> None:
        listing = self._listing
        listing.rows_changed.connect(self._show)
        listing.marked.connect(self.rows.put)
        listing.binned.connect(self._offer_undo)
        self.undo_bar.acted.connect(listing.undo)
        self.new_button.clicked.connect(self.new_requested)
        self.search.written.connect(lambda _words: self._pause.start())
        self.search.returnPressed.connect(lambda: self._find(self._open_first))
        self.search.into_list.connect(lambda: self._find(self._into_list))
        self.search.left.connect(self._leave)
        self._pause.timeout.connect(self._find)
        listing.found.connect(self._arrive)
        self.rows.renamed.connect(listing.rename)
        self.list.edited.connect(self._show_waiting)
        self.list.clicked_row.connect(self._open)
        self.list.opened.connect(self._open_and_leave)
        self.list.left.connect(self._leave)
        self.list.typed.connect(self.typed)
        self.list.composed.connect(self.composed)
        self.list.unwanted.connect(self._drop)
        self.list.menu_wanted.connect(self._menu)
        self._look.changed.connect(self._restyle)

    def _show(self, rows: list[Row]) -> None:
        if self.list.editing:
            self._waiting = rows  # a list that changes now would take the field away
            return
        self._waiting = None
        self.rows.replace(rows)
        self._mark()

    def _show_waiting(self) -> None:
        if self._waiting is not None:
            self._show(self._waiting)

    def _mark(self) -> None:
        index = self.rows.index_of(self._current)
        away = not self.list.hasFocus() or not self.list.currentIndex().isValid()
        if index.isValid() and away and not self.list.editing:
            self.list.setCurrentIndex(index)
        self.list.viewport().update()

    def _find(self, then: Callable[[], None] | None = None) -> None:
        """Searches now; a key pressed before the results are there means those results."""
        self._pause.stop()
        self._then = then
        self._listing.search(self.search.seen)
        if not self.search.seen.strip() and then == self._into_list:
            self._into_list()

    def _arrive(self) -> None:
        self.list.scrollToTop()
        then, self._then = self._then, None
        if then is not None:
            then()

    def _into_list(self) -> None:
        first = self.rows.index(1)  # below the heading
        if first.isValid():
            self.list.setFocus()
            self.list.setCurrentIndex(first)

    def _open_first(self) -> None:
        first = self.rows.index(1)
        if first.isValid():
            self._open_and_leave(self.rows.row(first))

    def _leave(self) -> None:
        if self.search.text():
            self.search.clear()
            self._find()
        self.left.emit()

    def _open_and_leave(self, row: Row) -> None:
        self._open(row)
        if row.kind is not RowKind.BIN:
            self.left.emit()

    def _open(self, row: Row) -> None:
        if row.kind is RowKind.BIN:
            self._listing.open_bin(not row.open)
        elif row.kind is RowKind.HIT:
            self.chosen.emit(row.chat_id, row.message_id, self.search.seen.strip())
        elif row.chat_id:
            self.chosen.emit(row.chat_id, "", "")

    def _drop(self, row: Row) -> None:
        if row.kind is RowKind.CHAT:
            self._listing.bin(row.chat_id)
        elif row.kind is RowKind.BINNED:
            self._ask_purge(row)

    def _offer_undo(self) -> None:
        self.undo_bar.say(N_("The chat is in the bin"), {}, UNDO, UNDO_SECONDS)

    def _menu(self, row: Row, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        listing = self._listing
        if row.kind is RowKind.CHAT:
            index = self.rows.index_of(row.chat_id)
            menu.addAction(_("Rename"), QKeySequence(Qt.Key.Key_F2), lambda: self.list.rename(index))
            menu.addAction(_("Unpin") if row.pinned else _("Pin"), lambda: listing.pin(row.chat_id, not row.pinned))
            menu.addSeparator()
            menu.addAction(_("Move to bin"), QKeySequence(Qt.Key.Key_Delete), lambda: listing.bin(row.chat_id))
        elif row.kind is RowKind.BINNED:
            menu.addAction(_("Restore"), lambda: self._restore(row))
            menu.addAction(_("Delete forever"), QKeySequence(Qt.Key.Key_Delete), lambda: self._ask_purge(row))
        if row.kind in (RowKind.BIN, RowKind.BINNED):
            menu.addAction(_("Empty the bin…"), self._ask_empty)
        if menu.actions():
            menu.popup(place)

    def _restore(self, row: Row) -> None:
        self.undo_bar.hide()  # it may still offer to undo what is undone now
        self._listing.restore(row.chat_id)

    def _ask_purge(self, row: Row) -> None:
        question = _("Delete “{title}” forever?", title=row.text or _("New chat"))
        act = self._listing.purge
        ask(self, question, _("This cannot be undone."), _("Delete forever"), lambda: act(row.chat_id))

    def _ask_empty(self) -> None:
        about = _("The chats in it are deleted for good. This cannot be undone.")
        ask(self, _("Empty the bin?"), about, _("Empty the bin"), self._listing.empty_bin)

    def _restyle(self) -> None:
        self._glass.setIcon(icons.icon(Icon.SEARCH, self._look.colours.muted, self._look.px(ICON)))
        self.list.scheduleDelayedItemsLayout()
