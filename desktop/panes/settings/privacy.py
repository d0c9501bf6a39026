"""What the privacy part of the settings does: the token for the Hub, and the list of connections.

Invariant: the token itself never comes back from here, only where it is kept. Refusing connections is a setting like
any other; who obeys it is joined in `app`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import UserError
from desktop.services.online.network import Connection, Network
from desktop.services.online.tokens import Place, Tokens, unusable

__all__ = ["Connection", "Place", "PrivacyController"]

Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


class PrivacyController(QObject):
    changed = Signal()  # the token
    listed = Signal()  # the list has been read
    failed = Signal(object)  # a UserError

    def __init__(self, network: Network, tokens: Tokens, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._network, self._tokens, self._spawn = network, tokens, spawn
        self.connections: list[Connection] = []  # the newest first, as `read` found them

    @property
    def place(self) -> Place:
        """Where the token in use comes from."""
        return self._tokens.place

    @property
    def misread(self) -> bool:
        """Whether the environment holds something for a token that cannot be one."""
        return unusable()

    def read(self) -> None:
        """Reads the list, to which other programs of Alcove add, too."""
        self._spawn(self._read(), self.failed.emit)

    def give_token(self, token: str) -> None:
        self._spawn(self._then(self._tokens.set(token)), self.failed.emit)

    def forget_token(self) -> None:
        self._spawn(self._then(self._tokens.forget()), self.failed.emit)

    def forget_connections(self) -> None:
        """Empties the list."""
        self._spawn(self._forget(), self.failed.emit)

    async def _forget(self) -> None:
        await asyncio.to_thread(self._network.forget)
        await self._read()

    async def _read(self) -> None:
        self.connections = await asyncio.to_thread(self._network.connections)
        self.listed.emit()

    async def _then(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self.changed.emit()
