"""Opening and closing the database around a test, and running its coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from desktop.services.chats.chats import Chats
from desktop.services.chats.store import Store
from desktop.services.paths import Paths

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


@asynccontextmanager
async def opened(paths: Paths) -> AsyncIterator[Chats]:
    """Chats in a store that is closed afterwards, as after a start of the program."""
    store = Store(paths)
    await store.open()
    try:
        chats = Chats(store)
        await chats.recover()
        yield chats
    finally:
        await store.close()
