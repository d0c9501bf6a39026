"""The wish that a reply or a load ends: a person's, or the memory guard's.

Invariant: pressed at any time, it holds wherever the work is just then. What becomes of the text is `talk`'s affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from desktop.core.generation import StopReason
from desktop.engine.client import Engine

T = TypeVar("T")
STOP_AGAIN_S = 0.02  # far below the 100 ms in which a stop is promised


class Stop:
    """One reply's wish to end; `short` tells that memory was running out."""

    def __init__(self) -> None:
        self._pressed = asyncio.Event()
        self.short = False

    def __bool__(self) -> bool:
        return self._pressed.is_set()

    def press(self) -> None:
        self._pressed.set()

    def press_for_memory(self) -> None:
        """As `press`, unless the person was first."""
        self.short = not self
        self.press()

    def reason(self, ended: StopReason) -> StopReason:
        """Why a reply ended, of which the engine says this."""
        return StopReason.MEMORY if self.short and ended is StopReason.CANCELLED else ended

    async def unless(self, work: Awaitable[T]) -> T | None:
        """The outcome of `work`, or None where stop was pressed first; `work` has then been cancelled."""
        task = asyncio.ensure_future(work)
        pressed = asyncio.ensure_future(self._pressed.wait())
        try:
            await asyncio.wait({task, pressed}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            pressed.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return None

    @asynccontextmanager
    async def holding(self, lock: asyncio.Lock) -> AsyncIterator[bool]:
        """Holds a lock, and tells whether it was had before stop was pressed."""
        task = asyncio.ensure_future(lock.acquire())
        try:
            yield await self.unless(task) is True
        finally:
            if task.done() and not task.cancelled():  # perhaps only just, when the caller had been cancelled
                lock.release()

    @asynccontextmanager
    async def reaching(self, engine: Engine) -> AsyncIterator[None]:
        """While the engine answers, stop reaches it."""

        async def watch() -> None:
            await self._pressed.wait()
            while True:  # again, until the order to generate has arrived there before the order to stop
                await engine.stop()
                await asyncio.sleep(STOP_AGAIN_S)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
