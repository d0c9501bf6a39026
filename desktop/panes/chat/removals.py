"""Taking messages away from a chat, and the one way back that is offered.

Invariant: the removal made last can be undone until the next one; what that restores is the database's affair.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import N_
from desktop.panes.chat.edges import Tasks
from desktop.services.chats.chats import Chats, Removed


class Removals(QObject):
    """`changed` names a chat whose messages are others now; `offered` is the message id of what can be undone."""

    changed = Signal(str)
    offered = Signal(str)

    def __init__(self, chats: Chats, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chats = chats
        self._tasks = tasks
        self._last: Removed | None = None

    def delete(self, chat_id: str, message_id: str) -> None:
        """Hides a message and what hangs below it."""
        self._tasks.spawn(self._remove(self._chats.delete(chat_id, message_id), N_("Message deleted")))

    def clear(self, chat_id: str) -> None:
        """Back to the opening."""
        self._tasks.spawn(self._remove(self._chats.clear(chat_id), N_("Chat cleared")))

    def undo(self) -> None:
        """Takes the last removal back."""
        removed, self._last = self._last, None
        if removed is not None:
            self._tasks.spawn(self._restore(removed))

    async def _remove(self, removal: Coroutine[Any, Any, Removed], what: str) -> None:
        self._last = await removal
        self.changed.emit(self._last.chat_id)
        self.offered.emit(what)

    async def _restore(self, removed: Removed) -> None:
        await self._chats.restore(removed)
        self.changed.emit(removed.chat_id)
