"""The line above the conversation: the chat's title, and the menu of what can be done with the chat.

Invariant: the menu's labels are those the help pages name. It asks for things; it does none of them.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QStackedWidget, QWidget

from desktop.core.chat import Chat
from desktop.ui import theme
from desktop.ui.boxes import Line
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Elided
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _


class Title(Elided):
    """The chat's title; a double click edits it."""

    edited = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__(look, Type.HEADING)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edited.emit()


class TitleField(Line):
    """The title while it is edited; Esc leaves it as it was."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class Header(QWidget):
    """Signals are the menu's entries."""

    renamed = Signal(str)
    pinned = Signal(bool)
    opening_wanted = Signal()
    settings_wanted = Signal()
    cleared = Signal()
    export_wanted = Signal()
    prompt_wanted = Signal()
    binned = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._chat: Chat | None = None
        self._empty = True
        self.title = Title(look)
        self.field = TitleField()
        self.field.setMaxLength(200)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.title)
        self._stack.addWidget(self.field)
        self._stack.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.button = IconButton(look, Icon.MORE, " ")
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.XL, theme.S, theme.M, theme.S)
        line.addWidget(self._stack, 1)
        line.addWidget(self.button)
        self.title.edited.connect(self.edit)
        self.field.returnPressed.connect(self._take)
        self.field.editingFinished.connect(self._leave)
        self.field.left.connect(self._leave)
        self.button.clicked.connect(self._menu)
        look.changed.connect(self.update)
        self.retranslate()

    def show_chat(self, chat: Chat, empty: bool) -> None:
        """`empty`: nothing was said in it yet."""
        self._chat, self._empty = chat, empty
        self.retranslate()

    def edit(self) -> None:
        if self._chat is not None:
            self.field.setText(self._chat.title)
            self._stack.setCurrentWidget(self.field)
            self.field.setFocus()
            self.field.selectAll()

    def retranslate(self) -> None:
        self.title.setText((self._chat.title if self._chat else "") or _("New chat"))
        self.title.setToolTip(_("Double click to rename"))
        self.field.setAccessibleName(_("Title"))
        self.button.name(_("More"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QColor(self._look.colours.line))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _take(self) -> None:
        if self.field.text().strip():
            self.renamed.emit(self.field.text().strip())
        self._leave()

    def _leave(self) -> None:
        self._stack.setCurrentWidget(self.title)

    def _menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)  # one says why an entry cannot be chosen
        pinned = self._chat is not None and self._chat.pinned
        menu.addAction(_("Rename"), self.edit)
        menu.addAction(_("Unpin") if pinned else _("Pin"), lambda: self.pinned.emit(not pinned))
        menu.addSeparator()
        opening = menu.addAction(_("Instruction and opening…"), self.opening_wanted.emit)
        if self._chat is not None and not self._chat.model:  # the guide's name is ""
            opening.setEnabled(False)
            opening.setToolTip(_("The guide answers each question by itself, from the help pages."))
        menu.addAction(_("Chat settings…"), self.settings_wanted.emit)
        menu.addSeparator()
        menu.addAction(_("Clear"), self.cleared.emit).setEnabled(not self._empty)
        menu.addAction(_("Export…"), self.export_wanted.emit).setEnabled(not self._empty)
        menu.addAction(_("Show exact prompt"), self.prompt_wanted.emit).setEnabled(not self._empty)
        menu.addSeparator()
        kept = self._chat is not None and bool(self._chat.id) and self._chat.binned is None
        menu.addAction(_("Move to bin"), self.binned.emit).setEnabled(kept)
        menu.popup(self.button.mapToGlobal(QPoint(self.button.width() - menu.sizeHint().width(), self.button.height())))
