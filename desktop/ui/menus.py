"""The menu bar: every command of the window with its name and its shortcut.

Invariant: a command exists once, so its shortcut is unambiguous; it says `asked` and does nothing itself. Only the
editing commands act here, on whatever widget has the focus and knows them. Keys of text editing stay the field's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QMetaObject, QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QWidget

from desktop.core.errors import N_
from desktop.ui.translation import _

if TYPE_CHECKING:
    from desktop.ui.bars import Bar


class Command(Enum):
    """The value is the message id of the menu's entry."""

    NEW_CHAT = N_("New chat")
    FIND_MODEL = N_("Find a model…")
    IMPORT_MODEL = N_("Import model…")
    UNLOAD_MODEL = N_("Unload model")
    IMPORT_CHATS = N_("Import chats…")
    EXPORT_CHAT = N_("Export chat…")
    EXPORT_ALL_CHATS = N_("Export all chats…")
    CLOSE = N_("Close window")
    QUIT = N_("Quit")
    FIND = N_("Find…")
    PALETTE = N_("Command palette…")
    CHAT_LIST = N_("Show chat list")
    NEXT_AREA = N_("Next area")
    PREVIOUS_AREA = N_("Previous area")
    LARGER = N_("Larger text")
    SMALLER = N_("Smaller text")
    USUAL_SIZE = N_("Usual text size")
    FULL_SCREEN = N_("Full screen")
    NEXT_CHAT = N_("Next chat")
    PREVIOUS_CHAT = N_("Previous chat")
    CHOOSE_MODEL = N_("Choose a model…")
    EDIT_LAST = N_("Edit your last message")
    REGENERATE = N_("Regenerate")
    CONTINUE = N_("Continue")
    COPY_REPLY = N_("Copy the last reply")
    STOP = N_("Stop the reply")
    RENAME = N_("Rename chat")
    OPENING = N_("Instruction and opening…")
    CHAT_SETTINGS = N_("Chat settings…")
    BIN = N_("Move to bin")
    HELP = N_("Alcove help")
    SHORTCUTS = N_("Keyboard shortcuts")
    LICENCES = N_("Licences…")
    ABOUT = N_("About Alcove")


_C = Command
_FILE = (
    *(_C.NEW_CHAT, None, _C.FIND_MODEL, _C.IMPORT_MODEL, _C.UNLOAD_MODEL, None),
    *(_C.IMPORT_CHATS, _C.EXPORT_CHAT, _C.EXPORT_ALL_CHATS, None, _C.CLOSE, _C.QUIT),
)
_VIEW = (
    *(_C.PALETTE, _C.CHAT_LIST, None, _C.NEXT_AREA, _C.PREVIOUS_AREA, None),
    *(_C.LARGER, _C.SMALLER, _C.USUAL_SIZE, None, _C.FULL_SCREEN),
)
_CHAT = (
    *(_C.NEXT_CHAT, _C.PREVIOUS_CHAT, None, _C.CHOOSE_MODEL, _C.EDIT_LAST, _C.REGENERATE, _C.CONTINUE, _C.COPY_REPLY),
    *(_C.STOP, None, _C.RENAME, _C.OPENING, _C.CHAT_SETTINGS, None, _C.BIN),
)
_HELP = (_C.HELP, _C.SHORTCUTS, None, _C.LICENCES, _C.ABOUT)
_Key = str | QKeySequence.StandardKey
_S = QKeySequence.StandardKey
_KEYS: dict[Command, tuple[_Key, ...]] = {  # on a Mac, Qt takes Ctrl for the command key and Meta for Control
    _C.NEW_CHAT: (_S.New,),
    _C.CLOSE: (_S.Close,),
    _C.QUIT: ("Ctrl+Q",),  # Windows has no standard key for it
    _C.FIND: (_S.Find,),
    _C.PALETTE: ("Ctrl+K",),
    _C.CHAT_LIST: ("Ctrl+B",),
    _C.NEXT_AREA: ("F6",),
    _C.PREVIOUS_AREA: ("Shift+F6",),
    _C.LARGER: (_S.ZoomIn, "Ctrl+="),  # "+" needs Shift on many keyboards
    _C.SMALLER: (_S.ZoomOut,),
    _C.USUAL_SIZE: ("Ctrl+0",),
    _C.FULL_SCREEN: ("F11",),
    _C.NEXT_CHAT: ("Ctrl+Tab", "Ctrl+PgDown"),
    _C.PREVIOUS_CHAT: ("Ctrl+Shift+Tab", "Ctrl+PgUp"),
    _C.CHOOSE_MODEL: ("Ctrl+Shift+M",),
    _C.EDIT_LAST: ("Ctrl+Shift+E",),
    _C.REGENERATE: ("Ctrl+R",),
    _C.COPY_REPLY: ("Ctrl+Shift+C",),
    _C.STOP: ("Ctrl+.",),
    _C.BIN: ("Ctrl+Shift+Backspace",),
    _C.HELP: (_S.HelpContents,),
    _C.SHORTCUTS: ("Ctrl+/",),
}
_ON_A_MAC: dict[Command, tuple[_Key, ...]] = {
    _C.FULL_SCREEN: ("Ctrl+Meta+F",),
    _C.NEXT_CHAT: ("Meta+Tab", "Ctrl+}"),  # command and Tab go to the next application
    _C.PREVIOUS_CHAT: ("Meta+Shift+Tab", "Ctrl+{"),
}
_ROLES = {
    _C.QUIT: QAction.MenuRole.QuitRole,
    _C.ABOUT: QAction.MenuRole.AboutRole,
}
_EDIT = (
    (N_("Undo"), "undo", _S.Undo),
    (N_("Redo"), "redo", _S.Redo),
    (N_("Cut"), "cut", _S.Cut),
    (N_("Copy"), "copy", _S.Copy),
    (N_("Paste"), "paste", _S.Paste),
    (N_("Select all"), "selectAll", _S.SelectAll),
)


def keys(command: Command, *, mac: bool = sys.platform == "darwin") -> tuple[_Key, ...]:
    """The keys of a command, the one that is shown first."""
    return (_ON_A_MAC.get(command) if mac else None) or _KEYS.get(command, ())


def shortcut(command: Command) -> str:
    """Its first key, as the platform writes it; "" where it has none."""
    sequences = [sequence for key in keys(command) for sequence in _sequences(key)]
    return sequences[0].toString(QKeySequence.SequenceFormat.NativeText) if sequences else ""


class Menus(QObject):
    """Fills a menu bar. `pane_asked` carries a pane's name, `asked` a `Command`.

    `able` says whether a command could do anything now; the app puts its own in its place.
    """

    asked = Signal(object)
    pane_asked = Signal(str)

    def __init__(self, bar: QMenuBar, panes: Sequence[tuple[str, str]]) -> None:
        """`panes`: name and label's message id; the one called "settings" has the system's place and shortcut."""
        super().__init__(bar)
        self.able: Callable[[Command], bool] = lambda _command: True
        self._window = bar.window()
        self._texts: list[tuple[QAction | QMenu, str]] = []
        self._actions: dict[Command, QAction] = {}
        self._panes: dict[str, QAction] = {}
        self._judges: dict[QAction, Callable[[], bool]] = {}
        self._group = QActionGroup(self)
        self._fill(self._menu(bar, N_("File")), _FILE)
        self._fill_edit(self._menu(bar, N_("Edit")))
        self._fill_view(self._menu(bar, N_("View")), panes)
        self._fill(self._menu(bar, N_("Chat")), _CHAT)
        self._fill(self._menu(bar, N_("Help")), _HELP)
        self.action(Command.CHAT_LIST).setCheckable(True)
        self.retranslate()

    def action(self, command: Command) -> QAction:
        """The menu's entry, to enable or disable it."""
        return self._actions[command]

    def sections(self) -> Iterator[tuple[str, list[QAction]]]:
        """Every menu with its title, and its entries in order, those that only separate left out."""
        for entry, text in self._texts:
            if isinstance(entry, QMenu):
                yield _(text), [action for action in entry.actions() if not action.isSeparator()]

    def way(self, pane: str) -> QAction:
        """The entry that leads to a pane."""
        return self._panes[pane]

    def possible(self, action: QAction) -> bool:
        """Whether the entry could do anything now."""
        judge = self._judges.get(action)
        return judge is None or judge()

    def mark_pane(self, name: str) -> None:
        """Checks the pane that is shown."""
        self._panes[name].setChecked(True)

    def retranslate(self) -> None:
        taken: set[str] = set()
        for entry, text in self._texts:
            if isinstance(entry, QMenu):
                entry.setTitle(_(text) if sys.platform == "darwin" else _with_letter(_(text), text, taken))
            else:
                entry.setText(_(text))

    def _menu(self, bar: QMenuBar, title: str) -> QMenu:
        """Open, it offers only what could do anything; a shortcut is judged when it is pressed."""
        menu = bar.addMenu("")

        def enable(judge: Callable[[QAction], bool]) -> None:
            for action in menu.actions():
                action.setEnabled(judge(action))

        menu.aboutToShow.connect(lambda: enable(self.possible))
        menu.aboutToHide.connect(lambda: enable(lambda _action: True))
        self._texts.append((menu, title))
        return menu

    def _name(self, action: QAction, message: str) -> None:
        action.setData(message)
        self._texts.append((action, message))

    def _fill(self, menu: QMenu, commands: Sequence[Command | None]) -> None:
        for command in commands:
            if command is None:
                menu.addSeparator()
            else:
                self._add(menu, command)

    def _add(self, menu: QMenu, command: Command) -> QAction:
        action = menu.addAction("")
        action.setMenuRole(_ROLES.get(command, QAction.MenuRole.NoRole))
        action.setShortcuts([sequence for key in keys(command) for sequence in _sequences(key)])
        action.triggered.connect(lambda: self.asked.emit(command))
        self._name(action, command.value)
        self._judges[action] = lambda: self.able(command)
        self._actions[command] = action
        return action

    def _fill_edit(self, menu: QMenu) -> None:
        for text, method, key in _EDIT:
            action = menu.addAction("")
            action.setShortcut(key)
            action.triggered.connect(lambda _checked=False, method=method: self._perform(method))
            self._name(action, text)
            self._judges[action] = lambda method=method: self._can(method)  # type: ignore[misc]  # mypy #11934
        menu.addSeparator()
        self._add(menu, Command.FIND)

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
            self._name(action, label)
            self._panes[name] = action
        menu.addSeparator()
        self._fill(menu, _VIEW)

    def _can(self, method: str) -> bool:
        return _able(method) is not None or (method == "undo" and self._offering() is not None)

    def _perform(self, method: str) -> None:
        focus, bar = _able(method), self._offering() if method == "undo" else None
        if focus is not None:
            QMetaObject.invokeMethod(focus, method)
        elif bar is not None:
            bar.act()

    def _offering(self) -> Bar | None:
        """A bar that can be seen and would undo something; whose it is is not known here."""
        from desktop.ui.bars import Bar  # late: the menus stand there before any bar does

        return next((bar for bar in self._window.findChildren(Bar) if bar.isVisible() and bar.undoes), None)


def _sequences(key: _Key) -> list[QKeySequence]:
    """Those of a standard key but the keys that only some keyboards have, with names like "New"."""
    if isinstance(key, str):
        return [QKeySequence(key)]
    function = range(Qt.Key.Key_F1, Qt.Key.Key_F35 + 1)
    bound = [(sequence, sequence[0]) for sequence in QKeySequence.keyBindings(key)]  # type: ignore[index]  # it is
    return [s for s, k in bound if k.keyboardModifiers() != Qt.KeyboardModifier.NoModifier or k.key() in function]


def _with_letter(title: str, message: str, taken: set[str]) -> str:
    """The title with the letter that opens the menu together with Alt: its first that is free, or the English one's."""
    for at, letter in enumerate(title):
        if letter.isascii() and letter.isalpha() and letter.upper() not in taken:
            taken.add(letter.upper())
            return f"{title[:at]}&{title[at:]}"
    free = next((letter.upper() for letter in message if letter.isalpha() and letter.upper() not in taken), "")
    taken.add(free)
    return f"{title}(&{free})" if free else title


def _able(method: str) -> QWidget | None:
    """The widget with the focus, if it can do that."""
    from desktop.ui.boxes import undoable  # late: the menus stand there before any field does

    focus = QApplication.focusWidget()
    if focus is None or focus.metaObject().indexOfMethod(f"{method}()") < 0:
        return None
    return focus if method != "undo" or undoable(focus) else None
