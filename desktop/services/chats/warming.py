"""Warming up: a chat's model comes into memory before it is asked, so that the first answer is as fast as the tenth.

Invariants: looking at a chat brings its model's files into the page cache, writing in it loads the model; neither takes
more memory than there is to spare, waits for the other, or comes between a reply and the engine. It is only ever a head
start: what goes wrong is said when the question is asked. Reading bytes is `engine.warm`'s, loading is `loading`'s.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from desktop.core.chat import Chat
from desktop.core.errors import UserError
from desktop.core.settings import resolve
from desktop.engine.client import Engine, EngineFault
from desktop.engine.warm import Warm
from desktop.services import memory
from desktop.services.chats.loading import Loading
from desktop.services.guard import Guard
from desktop.services.models.library import Library, Model
from desktop.services.preferences import Preferences

log = logging.getLogger(__name__)
_STAYS_S = 300.0  # so long what was read is taken to be there still; only Linux tells cheaply whether it is


class Warming:
    """`turn` is held by whoever has a reply written."""

    def __init__(
        self,
        engine: Engine,
        library: Library,
        preferences: Preferences,
        loading: Loading,
        guard: Guard,
        turn: asyncio.Lock,
    ) -> None:
        self._engine, self._library, self._preferences = engine, library, preferences
        self._loading, self._guard, self._turn = loading, guard, turn
        self._files: tuple[Path, Warm, float] | None = None  # being read, or read last, and when that began
        self._vain: set[Path] = set()  # models that could not be loaded

    async def ahead(self, chat: Chat, draft: str) -> None:
        """A chat is looked at, or with a draft written in. Returns when its model is loaded, if that was begun here."""
        if resolve(self._preferences.values())["warm"] is not True:
            self.cool()
            return
        try:
            model = self._library.named(chat.model)
            loaded = self._engine.loaded
            if loaded is not None and loaded[0] == model.path:
                return
            if self._turn.locked():
                return  # a reply may have joined in the load that would end
            await self._loading.give_up(unless=model)
            if self._turn.locked() or self._engine.busy:
                return
            self._bring(model)
            if draft.strip() and model.path not in self._vain and await self._guard.calm():
                await self._load(chat, model)
        except UserError as error:
            log.info("Not warmed up: %s", error)

    def cool(self) -> None:
        """Ends the reading of files."""
        if self._files is not None:
            self._files[1].stop()
            self._files = None

    async def _load(self, chat: Chat, model: Model) -> None:
        try:
            await self._loading.ahead(chat, model, lambda: not self._turn.locked())
        except (UserError, EngineFault) as error:
            self._vain.add(model.path)
            log.info("Not loaded ahead: %s", error)

    def _bring(self, model: Model) -> None:
        now = time.monotonic()
        if self._files is not None:
            path, warm, began = self._files
            if path == model.path and (warm.is_alive() or now - began < _STAYS_S):
                return
            warm.stop()
        warm = Warm(model.files, self._spare)
        self._files = model.path, warm, now
        warm.start()

    def _spare(self) -> int:
        """Bytes of files that may come into memory without pushing out those of the model that is loaded."""
        pid = self._engine.pid
        mapped = memory.files(pid) if pid and memory.MAPS_AT_ONCE else 0  # elsewhere these are not "available" anyway
        return memory.available() - mapped - self._guard.limits.scarce
