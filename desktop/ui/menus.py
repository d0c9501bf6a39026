"""The menu bar: every command of the window with its name and its shortcut.

Invariant: a command exists once, so its shortcut is unambiguous; it says `asked` and does nothing itself. Only the
editing commands act here, on whatever widget has the focus and knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QKeyCombination, QMetaObject, QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QPushButton, QWidget

from desktop.core.errors import N_
from desktop.ui.translation import _


class Command(Enum):
    """The value is the message id of the menu's entry."""

    NEW_CHAT = N_("New chat")
    FIND_MODEL = N_("Find a model…")
    IMPORT_MODEL = N_("Import model…")
    UNLOAD_MODEL = N_("Unload model")
    IMPORT_CHATS = N_("Import chats…")
    EXPORT_CHAT = N_("Export chat…")
    EXPORT_ALL_CHATS = N_("Export all chats…")
    QUIT = N_("Quit")
    FIND = N_("Find…")
    CHAT_LIST = N_("Show chat list")
    HELP = N_("Alcove help")
    ABOUT = N_("About Alcove")


_FILE = (
    Command.NEW_CHAT,
    None,
    Command.FIND_MODEL,
    Command.IMPORT_MODEL,
    Command.IMPORT_CHATS,
    None,
    Command.EXPORT_CHAT,
    Command.EXPORT_ALL_CHATS,
    None,
    Command.QUIT,
)
_KEYS: dict[Command, tuple[QKeyCombination | QKeySequence.StandardKey, ...]] = {  # a QKeySequence needs the application
    Command.NEW_CHAT: (Qt.Modifier.CTRL | Qt.Key.Key_N,),
    Command.QUIT: (Qt.Modifier.CTRL | Qt.Key.Key_Q,),
    Command.FIND: (Qt.Modifier.CTRL | Qt.Key.Key_F, Qt.Modifier.CTRL | Qt.Key.Key_K),
    Command.CHAT_LIST: (Qt.Modifier.CTRL | Qt.Key.Key_B,),
    Command.HELP: (QKeySequence.StandardKey.HelpContents,),
}
_ROLES = {Command.QUIT: QAction.MenuRole.QuitRole, Command.ABOUT: QAction.MenuRole.AboutRole}
_EDIT = (
    (N_("Undo"), "undo", QKeySequence.StandardKey.Undo),
    (N_("Redo"), "redo", QKeySequence.StandardKey.Redo),
    (N_("Cut"), "cut", QKeySequence.StandardKey.Cut),
    (N_("Copy"), "copy", QKeySequence.StandardKey.Copy),
    (N_("Paste"), "paste", QKeySequence.StandardKey.Paste),
    (N_("Select all"), "selectAll", QKeySequence.StandardKey.SelectAll),
)


class Menus(QObject):
    """Fills a menu bar. `pane_asked` carries a pane's name, `asked` a `Command`."""

    asked = Signal(object)
    pane_asked = Signal(str)

    def __init__(self, bar: QMenuBar, panes: Sequence[tuple[str, str]]) -> None:
        """`panes`: name and label's message id; the one called "settings" has the system's place and shortcut."""
        super().__init__(bar)
        self._window = bar.window()
        self._texts: list[tuple[QAction | QMenu, str]] = []
        self._actions: dict[Command, QAction] = {}
        self._panes: dict[str, QAction] = {}
        self._group = QActionGroup(self)
        file = self._menu(bar, N_("File"))
        for command in _FILE:
            if command is None:
                file.addSeparator()
            else:
                self._add(file, command)
        self._fill_edit(self._menu(bar, N_("Edit")))
        self._fill_view(self._menu(bar, N_("View")), panes)
        about = self._menu(bar, N_("Help"))
        self._add(about, Command.HELP)
        self._add(about, Command.ABOUT)
        self.retranslate()

    def action(self, command: Command) -> QAction:
        """The menu's entry, to enable or disable it."""
        return self._actions[command]

    def mark_pane(self, name: str) -> None:
        """Checks the pane that is shown."""
        self._panes[name].setChecked(True)

    def retranslate(self) -> None:
        for entry, text in self._texts:
            if isinstance(entry, QMenu):
                entry.setTitle(_(text))
            else:
                entry.setText(_(text))

    def _menu(self, bar: QMenuBar, title: str) -> QMenu:
        menu = bar.addMenu("")
        self._texts.append((menu, title))
        return menu

    def _add(self, menu: QMenu, command: Command) -> QAction:
        action = menu.addAction("")
        action.setMenuRole(_ROLES.get(command, QAction.MenuRole.NoRole))
        if command in _KEYS:
            action.setShortcuts([QKeySequence(key) for key in _KEYS[command]])
        action.triggered.connect(lambda: self.asked.emit(command))
        self._texts.append((action, command.value))
        self._actions[command] = action
        return action

    def _fill_edit(self, menu: QMenu) -> None:
        entries: list[tuple[QAction, str]] = []
        for text, method, key in _EDIT:
            action = menu.addAction("")
            action.setShortcut(key)
            action.triggered.connect(lambda _checked=False, method=method: self._perform(method))
            self._texts.append((action, text))
            entries.append((action, method))
        menu.addSeparator()
        self._add(menu, Command.FIND)

        def enable(*, all_of_them: bool) -> None:
            for entry, method in entries:
                entry.setEnabled(all_of_them or self._can(method))

        menu.aboutToShow.connect(lambda: enable(all_of_them=False))
        menu.aboutToHide.connect(lambda: enable(all_of_them=True))  # a shortcut is judged when it is pressed

    def _fill_view(self, menu: QMenu, panes: Sequence[tuple[str, str]]) -> None:
        for number, (name, label) in enumerate(panes, 1):
            action = menu.addAction("")
            action.setCheckable(True)
            action.setActionGroup(self._group)
            settings = name == "settings"
            action.setMenuRole(QAction.MenuRole.PreferencesRole if settings else QAction.MenuRole.NoRole)
            keys = [QKeySequence(f"Ctrl+{number}"), *([QKeySequence("Ctrl+,")] if settings else [])]
            action.setShortcuts(keys[::-1])
            action.triggered.connect(lambda _checked=False, name=name: self.pane_asked.emit(name))
            self._texts.append((action, label))
            self._panes[name] = action
        menu.addSeparator()
        self._add(menu, Command.CHAT_LIST).setCheckable(True)

    def _can(self, method: str) -> bool:
        return _able(method) is not None or (method == "undo" and self._offered() is not None)

    def _perform(self, method: str) -> None:
        focus, button = _able(method), self._offered() if method == "undo" else None
        if focus is not None:
            QMetaObject.invokeMethod(focus, method)
        elif button is not None:
            button.click()

    def _offered(self) -> QPushButton | None:
        """The button of a bar that offers to undo, known by its words, because whose bar it is is not known here."""
        buttons = self._window.findChildren(QPushButton)
        return next((b for b in buttons if b.isVisible() and b.text() == _("Undo")), None)


def _able(method: str) -> QWidget | None:
    """The widget with the focus, if it can do that."""
    from desktop.ui.boxes import undoable  # late: the menus stand there before any field does

    focus = QApplication.focusWidget()
    if focus is None or focus.metaObject().indexOfMethod(f"{method}()") < 0:
        return None
    return focus if method != "undo" or undoable(focus) else None
