"""What models have read of this person's chats, as they own it: how much disk it takes, and how it goes away.

Invariant: what is kept is a copy of work, never of words a person would miss: a chat that is ended or cleared takes its
states with it, and a file that is gone, or refuses to go, is no error. Nothing here reads a state: the engine writes
and uses them (`engine.states`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desktop.core.errors import UserError
from desktop.engine import states
from desktop.engine.client import Engine

_PATIENCE_S = 0.5  # the window is gone by then, and whoever closed it may be about to open it again


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes on the disk, and of how many chats."""

    size: int = 0
    chats: int = 0


class States:
    """The folder of kept states; None where nothing is kept. `budget` are the bytes it may hold."""

    def __init__(self, folder: Path | None, engine: Engine, budget: Callable[[], int]) -> None:
        self._folder, self._engine, self._budget = folder, engine, budget
        self._within = budget()
        self._telling: set[asyncio.Task[None]] = set()

    async def by_chat(self) -> dict[str, int]:
        """Bytes that each chat's states take."""
        found: dict[str, int] = {}
        if self._folder is not None:
            for state in await asyncio.to_thread(states.kept, self._folder):
                found[state.chat] = found.get(state.chat, 0) + state.size
        return found

    async def use(self) -> DiskUse:
        """What they take together."""
        found = await self.by_chat()
        return DiskUse(sum(found.values()), len(found))

    async def clear(self) -> None:
        """Removes all; a loaded model goes on holding what it has read, off the disk until a reply is asked for."""
        if self._folder is not None:
            await self._drop(lambda _: True)
            self._tell(self._forgotten("", lambda _: True))

    async def forget(self, chats: Collection[str]) -> None:
        """Chats that are no more: their files go at once, what the engine still holds as soon as it has time."""
        names = set(map(states.named, chats))
        await self._drop(lambda state: state.chat in names)
        for chat in chats:
            self._tell(self._forgotten(chat, lambda state: state.chat in names))

    async def keep_within(self) -> None:
        """Holds the folder, and the engine that writes there, to what the person allows now."""
        budget = self._budget()
        if self._folder is not None and budget != self._within:
            self._within = budget
            self._tell(self._engine.afford())  # first: it may be writing
            await asyncio.to_thread(states.trim, self._folder, budget)

    async def sweep(self, known: Callable[[], Awaitable[Collection[str]]]) -> None:
        """Removes what belongs to no chat that is `known`, as after a backup was put back, and what is too much."""
        if self._folder is None:
            return
        found = set(await self.by_chat())  # first: a chat that begins meanwhile is known then
        foreign = found - set(map(states.named, await known())) if found else found
        await self._drop(lambda state: state.chat in foreign)
        await asyncio.to_thread(states.trim, self._folder, self._budget())

    async def close(self) -> None:
        """Lets nothing begun here outlive the application; an engine that is at work is not waited for."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=_PATIENCE_S)
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _drop(self, unwanted: Callable[[states.Kept], bool]) -> None:
        def work(folder: Path) -> None:
            for state in filter(unwanted, states.kept(folder)):
                states.drop(state.path)

        if self._folder is not None:
            await asyncio.to_thread(work, self._folder)

    async def _forgotten(self, chat: str, unwanted: Callable[[states.Kept], bool]) -> None:
        try:
            await self._engine.forget(chat)
        finally:
            await self._drop(unwanted)  # again: an engine that was ending has put on disk what it held

    def _tell(self, order: Awaitable[None]) -> None:
        """The engine may be at work for long, and whoever removed a chat does not wait for it."""
        task = asyncio.create_task(_heard(order))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


async def _heard(order: Awaitable[None]) -> None:
    with suppress(UserError):  # an engine that has died remembers nothing
        await order
