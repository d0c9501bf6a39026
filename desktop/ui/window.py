"""The main window: chat list on the left, one pane beside it, a quiet line below, menus above.

Invariant: it knows panes by name only and decides nothing: commands, dropped files and the wish to close leave as
signals and calls. The chat list folds to a strip of icons where the window is narrow, so everything stays in reach.
Closing is asked for, never done: the order of shutting down is `app`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from desktop.core.errors import UserError
from desktop.core.settings import Value
from desktop.ui import formats, theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Elided, Tone
from desktop.ui.menus import Command, Menus
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

if TYPE_CHECKING:
    from desktop.ui.bars import Bar
    from desktop.ui.drops import DropHint

SMALLEST = (760, 520)
_FOLD_BELOW = 840  # narrower, a conversation beside the list would be less than 70 characters wide
_LIST, _STRIP = 264, 48
_SHARE = 0.45  # of the window, at most, for an unfolded list


@dataclass(frozen=True, slots=True)
class Pane:
    """One thing the window can show. `label` is a message id; the first pane is where the window starts."""

    name: str
    label: str
    icon: Icon


@dataclass(frozen=True, slots=True)
class Place:
    """Where the window was: read at the start, written when it closes."""

    load: Callable[[], Mapping[str, object]]
    save: Callable[[Mapping[str, Value]], None]


class MainWindow(QMainWindow):
    asked = Signal(object)  # a Command
    models_dropped = Signal(list)  # paths of .gguf files
    chats_dropped = Signal(list)  # paths of .json and .md files

    def __init__(self, look: Theme, panes: Sequence[Pane], place: Place, on_close: Callable[[], None]) -> None:
        super().__init__()
        self._look, self._place, self._on_close = look, place, on_close
        self._home = panes[0].name
        self._make: Callable[[str], QWidget] | None = None
        self._widgets: dict[str, QWidget] = {}
        look.changed.connect(self._fold_if_narrow)
        self.ground = QWidget()  # all but the menus: what floats stands on it
        self._stack = QStackedWidget()
        self._notices = QVBoxLayout()
        self._status = Elided(look, Type.SMALL, Tone.MUTED)
        self._side = Side(look, panes)
        self._side.toggled.connect(lambda: self._fold(not self._side.folded))
        self._side.pane_asked.connect(self._navigate)
        self._leaving = False
        self.stays: Callable[[], bool] = lambda: False  # whether the program goes on when it is closed
        self._narrow: bool | None = None
        self._share: float | None = None
        self._by_hand: bool | None = None  # the person's own choice of folding, for wide windows
        self.menus = Menus(self.menuBar(), [(pane.name, pane.label) for pane in panes])
        self.menus.pane_asked.connect(self.show_pane)
        self.menus.asked.connect(self._ask)
        self._arrange()
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self._restore()
        self.retranslate()

    def fill(self, sidebar: QWidget, make: Callable[[str], QWidget]) -> None:
        """Puts the content in. `make` gives the widget of a pane, and is asked when the pane is first shown."""
        self._make = make
        self._side.put(sidebar)
        self.show_pane(self._home)

    @cached_property
    def _hint(self) -> DropHint:
        from desktop.ui.drops import DropHint

        return DropHint(self._look, self)

    def _arrange(self) -> None:
        self._notices.setContentsMargins(theme.M, theme.S, theme.M, 0)
        self._notices.setSpacing(theme.XS)
        self._status.setContentsMargins(theme.L, theme.XS, theme.L, theme.S)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addLayout(self._notices)
        right.addWidget(self._stack, 1)
        right.addWidget(self._status)
        whole = QHBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._side)
        whole.addLayout(right, 1)
        self.ground.setLayout(whole)
        self.setCentralWidget(self.ground)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def pane(self) -> str:
        """The name of the pane that is shown."""
        shown = self._stack.currentWidget()
        return next((name for name, widget in self._widgets.items() if widget is shown), self._home)

    @property
    def shown(self) -> QWidget:
        """The widget of the pane that is shown."""
        return self._widgets[self.pane]

    def show_pane(self, name: str) -> None:
        if self._make is None:
            return
        if name not in self._widgets:
            self._widgets[name] = self._make(name)
            self._stack.addWidget(self._widgets[name])
        self._stack.setCurrentWidget(self._widgets[name])
        self._side.mark(name)
        self.menus.mark_pane(name)

    def unfold(self) -> None:
        """Shows the chat list, where it is folded."""
        if self._side.folded:
            self._fold(False)

    def set_status(self, text: str, whole: str = "") -> None:
        """The quiet line: device, memory, speed; `whole` says the same in full. Text in the window's language."""
        self._status.setText(text)
        self._status.setToolTip(whole or text)
        self._status.setAccessibleDescription(whole)

    def notify(self, message: str, fields: Mapping[str, object] | None = None, action: str = "") -> Bar:
        """A sentence above the pane, until it is closed or acted upon; `message` and `action` are ids."""
        bar = self._bar()
        bar.say(message, dict(fields or {}), action)
        return bar

    def warn(self, error: UserError) -> None:
        """What went wrong, where no pane has a place of its own for it."""
        self._bar().warn(error)

    def show_report(self, bug: BaseException) -> None:
        """Offers a report of a fault of ours; one at a time, because faults come in flocks."""
        from desktop.ui.report import ReportDialog

        if self.findChild(ReportDialog) is None:
            dialog = ReportDialog(self._look, bug, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def show_progress(self, share: float | None) -> None:
        """How much of what is being fetched is here, 0..1, in the title: the taskbar shows that too. None: nothing."""
        self._share = share
        done = formats.percent(int(100 * (share or 0) + 1e-9) / 100)  # 100 % is the end; 0.29 is a little less
        self.setWindowTitle("Alcove" if share is None else f"{done} · Alcove")

    def retranslate(self) -> None:
        self.show_progress(self._share)
        self.menus.retranslate()
        self._side.retranslate()

    # -- what happens to it -------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold_if_narrow()
        self._side.fit()

    def _fold_if_narrow(self) -> None:
        """Where the width, or the size of the text in it, has just become too small for the list, or large enough."""
        narrow = self.width() < self._look.px(_FOLD_BELOW)
        if narrow is not self._narrow:
            self._narrow = narrow
            self._side.fold(narrow or self._by_hand is True)
            self.menus.action(Command.CHAT_LIST).setChecked(not self._side.folded)

    def leave(self) -> None:
        """Closes for good, when everything is shut down: a window that refuses keeps the application from ending."""
        self._leaving = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._leaving:
            event.accept()
            return
        event.ignore()
        if self.stays():
            self._keep_place()
            self.hide()
        else:
            self.quit()

    def quit(self) -> None:
        """Asks for the end of the program, also where that would outlive the window."""
        self._keep_place()
        self._on_close()

    def _keep_place(self) -> None:
        geometry = self.saveGeometry().toBase64().toStdString()
        self._place.save({"geometry": geometry, "folded": self._by_hand is True})

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        from desktop.ui.drops import dropped

        files = dropped(event.mimeData())
        if files:
            event.acceptProposedAction()
            self._hint.offer(files)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        from desktop.ui.drops import dropped

        self._hint.hide()
        files = dropped(event.mimeData())
        event.acceptProposedAction()
        if files.models:
            self.models_dropped.emit(list(files.models))
        if files.chats:
            self.chats_dropped.emit(list(files.chats))

    def _ask(self, command: Command) -> None:
        if command is Command.CHAT_LIST:
            self._fold(not self._side.folded)
        elif command is Command.QUIT:
            self.quit()
        elif command is Command.CLOSE:
            self.close()
        elif command is Command.FULL_SCREEN:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        else:
            self.asked.emit(command)

    def _navigate(self, name: str) -> None:
        """A second click on the shown pane's button goes back to the first pane."""
        self.show_pane(self._home if name == self.pane else name)

    def _fold(self, folded: bool) -> None:
        self._by_hand = folded
        self._side.fold(folded)
        self.menus.action(Command.CHAT_LIST).setChecked(not folded)

    def _bar(self) -> Bar:
        from desktop.ui.bars import Bar

        bar = Bar(self._look)
        bar.closed.connect(bar.deleteLater)
        bar.acted.connect(bar.deleteLater)
        self._notices.addWidget(bar)
        return bar

    def _restore(self) -> None:
        self.resize(self._look.px(1180), self._look.px(760))
        place = self._place.load()
        self._by_hand = place.get("folded") is True
        geometry = place.get("geometry")
        if isinstance(geometry, str):
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))


class _Way(IconButton):
    """Leads to a pane."""

    ROLE = QAccessible.Role.PageTab


class Side(QWidget):
    """The chat list and the way to the other panes; folded, the way alone."""

    toggled = Signal()
    pane_asked = Signal(str)

    def __init__(self, look: Theme, panes: Sequence[Pane]) -> None:
        super().__init__()
        self._look, self._panes = look, panes
        self._sidebar: QWidget = QWidget()  # until the list comes
        self.folded = False
        self._toggle = IconButton(look, Icon.SIDEBAR, "")
        self._toggle.clicked.connect(self.toggled)
        self._buttons = {pane.name: self._button(pane) for pane in panes}
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.S, theme.S, theme.S, theme.S)
        column.setSpacing(theme.XS)
        column.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._sidebar, 1)
        column.addStretch()
        for button in self._buttons.values():
            column.addWidget(button)
        look.changed.connect(self._refold)

    def put(self, sidebar: QWidget) -> None:
        """Puts the list in its place."""
        column = self.layout()
        assert column is not None
        column.replaceWidget(self._sidebar, sidebar)
        self._sidebar.deleteLater()
        self._sidebar = sidebar
        listed = [w for w in (sidebar, *sidebar.findChildren(QWidget)) if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
        for before, after in pairwise([self._toggle, *listed, *self._buttons.values()]):
            self.setTabOrder(before, after)  # as it stands, not as it was made
        self.fold(self.folded)

    def fold(self, folded: bool) -> None:
        self.folded = folded
        self._sidebar.setVisible(not folded)
        self._buttons[self._panes[0].name].setVisible(folded)  # unfolded, the list leads back to the chats
        self.fit()
        self.retranslate()

    def fit(self) -> None:
        """Unfolded it leaves the larger part of the window to the pane, however large the text is."""
        wide = self._look.px(_STRIP if self.folded else _LIST)
        self.setFixedWidth(wide if self.folded else min(wide, round(self.window().width() * _SHARE)))

    def _refold(self) -> None:
        self.fold(self.folded)

    def mark(self, name: str) -> None:
        for pane, button in self._buttons.items():
            button.setChecked(pane == name)

    def retranslate(self) -> None:
        self._toggle.name(_("Show chat list") if self.folded else _("Hide chat list"))
        for pane in self._panes:
            self._buttons[pane.name].name(_(pane.label), "" if self.folded else _(pane.label))
            self._buttons[pane.name].updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._look.colours.side))
        painter.setPen(QColor(self._look.colours.line))
        painter.drawLine(self.rect().topRight(), self.rect().bottomRight())

    def _button(self, pane: Pane) -> IconButton:
        button = _Way(self._look, pane.icon, "")
        button.kind = Type.BODY  # as the chats above
        button.setCheckable(True)
        button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.pane_asked.emit(pane.name))
        return button
