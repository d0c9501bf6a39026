"""Scenes with a real engine process, after which nothing of it may be left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from desktop.core.generation import Appended, GenerateEvent, GenerateRequest, LoadSettings, Piece
from desktop.engine.client import Engine
from tests.engine.prompts import GREEDY, ask, text

T = TypeVar("T")
PATIENCE = 60  # seconds; generous, as the machine may be busy
SETTINGS = LoadSettings(context=512, threads=1)
ENDLESS = LoadSettings(context=131072, threads=1)  # the scripted letters go on for a minute


def run(scene: Callable[[Engine], Awaitable[T]], *arguments: str) -> T:
    """Plays a scene with an engine; nothing of it may be left afterwards."""

    async def play() -> T:
        engine = Engine(arguments or None)
        try:
            async with asyncio.timeout(PATIENCE):
                return await scene(engine)
        finally:
            await engine.close()

    result = asyncio.run(play())
    assert not [t.name for t in threading.enumerate() if t.name.startswith("engine")]
    return result


async def listen(engine: Engine, prompt: tuple[Piece, ...] = ask("a")) -> list[GenerateEvent]:
    return [event async for event in engine.generate(GenerateRequest(prompt, GREEDY))]


async def until(met: Callable[[], object]) -> None:
    """Waits for a state that nothing announces."""
    while not met():  # noqa: ASYNC110
        await asyncio.sleep(0.002)


@asynccontextmanager
async def talking(engine: Engine) -> AsyncIterator[AsyncIterator[GenerateEvent]]:
    """An endless reply of which the first text has been heard."""
    async with aclosing(engine.generate(GenerateRequest((text("a"),), GREEDY))) as events:
        async for event in events:
            if isinstance(event, Appended):
                break
        yield events
