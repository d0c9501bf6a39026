"""What every command of the menus does, and whether it could do anything now.

Invariant: menus, shortcuts and the palette all come here, so that one thing is done in one way; there is an act for
every command that is not the window's own. Commands keep nothing: they act through what the panes offer to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from desktop.app.models import Models
from desktop.core.errors import N_
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.edges import Work
from desktop.panes.chat.view import ChatView
from desktop.ui.menus import Command
from desktop.ui.stops import first_stop
from desktop.ui.window import MainWindow

if TYPE_CHECKING:
    from desktop.panes.chat.rows import Entry

_COPIED_SECONDS = 4


class Commands:
    """`acts` and `able` bring what the root does itself: an act for a command, and whether it could do anything."""

    def __init__(
        self,
        window: MainWindow,
        chat: ChatController,
        view: ChatView,
        models: Models,
        acts: Mapping[Command, Callable[[], object]],
        able: Mapping[Command, Callable[[], bool]],
    ) -> None:
        self._window, self._chat, self._view, self._models = window, chat, view, models
        self._acts: Mapping[Command, Callable[[], object]] = {
            Command.NEW_CHAT: lambda: self._there().new_chat(),
            Command.FIND_MODEL: self._find_model,
            Command.IMPORT_MODEL: self._import_model,
            Command.IMPORT_CHATS: view.import_chats,
            Command.EXPORT_CHAT: view.export_chat,
            Command.EXPORT_ALL_CHATS: view.export_all,
            Command.FIND: self._find,
            Command.NEXT_AREA: lambda: self._go(1),
            Command.PREVIOUS_AREA: lambda: self._go(-1),
            Command.NEXT_CHAT: lambda: self._step(1),
            Command.PREVIOUS_CHAT: lambda: self._step(-1),
            Command.EDIT_LAST: self._edit_last,
            Command.REGENERATE: self._regenerate,
            Command.CONTINUE: self._continue,
            Command.COPY_REPLY: self._copy,
            Command.STOP: chat.stop,
            Command.RENAME: lambda: self._there().header.edit(),
            Command.OPENING: lambda: self._there().header.opening_wanted.emit(),
            Command.CHAT_SETTINGS: view.header.settings_wanted.emit,
            Command.BIN: self._bin,
            **acts,
        }
        self._able = {**self._judges(), **able}

    def _judges(self) -> dict[Command, Callable[[], bool]]:
        chat = self._chat
        return {
            Command.EXPORT_CHAT: lambda: bool(chat.chat.id),
            Command.NEXT_CHAT: self._several,
            Command.PREVIOUS_CHAT: self._several,
            Command.EDIT_LAST: lambda: chat.last_own() is not None,
            Command.REGENERATE: lambda: self._last() is not None and not self._busy,
            Command.CONTINUE: lambda: (last := self._last()) is not None and last.view.can_continue,
            Command.COPY_REPLY: lambda: self._reply() is not None,
            Command.STOP: lambda: self._busy,
            Command.OPENING: lambda: bool(chat.chat.model),  # the guide has none
            Command.BIN: lambda: bool(chat.chat.id) and chat.chat.binned is None,
        }

    def _several(self) -> bool:
        """Whether there is another chat than the one that is shown."""
        return len(self._chat.listing.chats) > bool(self._chat.chat.id)

    def obey(self, command: Command) -> None:
        """Does it, where it could do anything."""
        if self.able(command):
            self._acts[command]()

    def able(self, command: Command) -> bool:
        judge = self._able.get(command)
        return judge is None or judge()

    @property
    def _busy(self) -> bool:
        return self._chat.activity.work is not Work.NOTHING

    def _there(self) -> ChatView:
        """The chat pane, in front."""
        self._window.show_pane("chat")
        return self._view

    def _last(self) -> Entry | None:
        entries = self._view.transcript.entries
        return entries[-1] if entries else None

    def _reply(self) -> Entry | None:
        """The newest reply that is whole."""
        entries = reversed(self._view.transcript.entries)
        return next((entry for entry in entries if entry.view.reply and not entry.view.streaming), None)

    def _find_model(self) -> None:
        self._window.show_pane("models")
        self._models.find()

    def _import_model(self) -> None:
        self._window.show_pane("models")
        self._models.view.ask_for_files()

    def _find(self) -> None:
        if self._window.pane != "models" or not self._models.search():
            self._window.unfold()
            self._view.search()

    def _edit_last(self) -> None:
        own = self._chat.last_own()
        if own is not None:
            self._there().transcript.edit(own)

    def _regenerate(self) -> None:
        """Another reply to the last question; the first one, where there is none yet."""
        last = self._last()
        if last is not None:
            self._there()
            self._chat.regenerate(last.view.id)

    def _continue(self) -> None:
        last = self._last()
        if last is not None:
            self._there()
            self._chat.continue_reply(last.view.id)

    def _copy(self) -> None:
        reply = self._reply()
        if reply is not None:
            QGuiApplication.clipboard().setText(reply.text)
            if not self._view.undo_bar.offers:
                self._view.undo_bar.say(N_("The reply was copied."), seconds=_COPIED_SECONDS)

    def _bin(self) -> None:
        """With the chat in sight, and the list, where it can be undone."""
        self._there()
        self._window.unfold()
        self._chat.head.to_bin()

    def _step(self, step: int) -> None:
        """The chat above or below in the list, and from its end to its beginning."""
        ids = [chat.id for chat in self._chat.listing.chats]
        if ids:
            here = self._chat.chat.id
            at = ids.index(here) + step if here in ids else (0 if step > 0 else -1)
            self._there().open_chat(ids[at % len(ids)])

    def _go(self, step: int) -> None:
        """Into the next part of the window: the list, what is read, where is written; or the pane that is shown."""
        areas = [(root, stop) for root, stop in self._areas() if stop.isVisible()]
        focus = QApplication.focusWidget()
        here = next((n for n, (root, _stop) in enumerate(areas) if focus is not None and root.isAncestorOf(focus)), -1)
        at = here + step if here >= 0 or step > 0 else -1
        if areas:
            areas[at % len(areas)][1].setFocus(Qt.FocusReason.TabFocusReason)

    def _areas(self) -> list[tuple[QWidget, QWidget]]:
        view, pane = self._view, self._window.shown
        if pane is not view:
            return [(view.sidebar, view.sidebar.list), (pane, first_stop(pane) or pane)]
        middle = view.welcome if self._chat.empty else view.transcript
        stop = (first_stop(middle) if self._chat.empty else None) or middle
        return [(view.sidebar, view.sidebar.list), (middle, stop), (view.composer, view.composer.field)]
