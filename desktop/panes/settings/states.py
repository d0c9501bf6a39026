"""What the settings do with the states of chats: count what they take of the disk, and remove them.

Invariant: what is shown was counted after the last change made here. How they are kept is `services.chats.states`'.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import UserError
from desktop.services.chats.states import DiskUse, States

__all__ = ["DiskUse", "StatesController"]

Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


class StatesController(QObject):
    counted = Signal()
    failed = Signal(object)  # a UserError

    def __init__(self, states: States, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._states, self._spawn = states, spawn
        self.use: DiskUse | None = None  # None: not counted yet

    def count(self) -> None:
        self._spawn(self._count(), self.failed.emit)

    def clear(self) -> None:
        self._spawn(self._clear(), self.failed.emit)

    def keep_within(self) -> None:
        """The budget has changed."""
        self._spawn(self._keep_within(), self.failed.emit)

    async def _clear(self) -> None:
        await self._states.clear()
        await self._count()

    async def _keep_within(self) -> None:
        await self._states.keep_within()
        await self._count()

    async def _count(self) -> None:
        self.use = await self._states.use()
        self.counted.emit()
