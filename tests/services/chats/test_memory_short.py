"""A reply, or a load, while the computer runs out of memory: the real line, with a guard that is told so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Role
from desktop.core.errors import LoadError, MemoryShort, UserError
from desktop.core.generation import StopReason
from desktop.core.pressure import Reading
from desktop.core.talk import Ended, TalkEvent, Written
from desktop.services.chats.stopping import Stop
from desktop.services.paths import Paths
from tests import models


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says the alphabet until it is stopped."""
    return models.scripted_model(tmp_path_factory.mktemp("models") / "endless-chat.gguf", {})


def run(paths: Paths, model: Path, check: Callable[[Assembly, Chat], object]) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            await check(alcove, await alcove.chats.create(model=str(model)))  # type: ignore[misc]

    asyncio.run(main())


async def collect(
    events: AsyncGenerator[TalkEvent, None], written: Callable[[], None] = lambda: None
) -> tuple[list[TalkEvent], UserError | None]:
    """All events, and what ended them; `written` is called for each that brings text."""
    found: list[TalkEvent] = []
    try:
        async with aclosing(events):
            async for event in events:
                found.append(event)
                if isinstance(event, Written):
                    written()
    except UserError as error:
        return found, error
    return found, None


def alarm(alcove: Assembly) -> None:
    alcove.guard.read, alcove.guard.every_s = lambda: Reading(time.monotonic(), 1), 0.02


def test_a_reply_ends_its_text_is_kept_and_it_goes_on(paths: Paths, endless: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await alcove.talk.reload(chat.id)
        assert await alcove.talk.safer(chat.id) == {}
        alcove.guard.read, alcove.guard.every_s = lambda: Reading(time.monotonic(), 1 << 40), 0.02
        asking = alcove.talk.ask(chat.id, "the a b")
        events, error = await collect(asking, lambda: alarm(alcove))
        assert isinstance(error, MemoryShort)
        (reply,) = [e.message for e in events if isinstance(e, Ended)]
        assert reply.stop_reason is StopReason.MEMORY
        assert reply.text == "".join(e.text for e in events if isinstance(e, Written)) != ""
        assert (await alcove.chats.messages(chat.id))[reply.id] == reply
        assert (await alcove.talk.safer(chat.id))["context"] == 2048  # a click away
        assert alcove.engine.loaded is not None

        events, error = await collect(alcove.talk.continue_reply(chat.id, reply.id))  # all the same
        assert error is None
        (grown,) = [e.message for e in events if isinstance(e, Ended)]
        assert grown.stop_reason is StopReason.CONTEXT
        assert grown.text.startswith(reply.text)
        assert len(grown.text) > len(reply.text)

    run(paths, endless, check)


def test_reading_ends_with_the_question_kept(paths: Paths, endless: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await alcove.talk.reload(chat.id)
        alarm(alcove)
        events, error = await collect(alcove.talk.ask(chat.id, "the a b " * 1000))
        assert isinstance(error, MemoryShort)
        assert not [e for e in events if isinstance(e, Written | Ended)]
        assert "your question is kept" in str(error)
        tip = (await alcove.chats.get(chat.id)).tip
        assert [m.role for m in (await alcove.chats.messages(chat.id)).path(tip)] == [Role.USER]

    run(paths, endless, check)


def test_a_load_ends_with_what_to_do(paths: Paths, endless: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        alarm(alcove)
        events, error = await collect(alcove.talk.ask(chat.id, "the a b"))
        assert isinstance(error, LoadError)
        assert "out of memory" in str(error)
        assert not [e for e in events if isinstance(e, Written)]
        assert alcove.engine.loaded is None
        assert alcove.engine.deaths(endless) == 0  # it was we who ended it
        safer = await alcove.talk.safer(chat.id)
        await alcove.talk.reload(chat.id, safer)
        assert alcove.engine.loaded is not None
        assert alcove.engine.loaded[1].context == safer["context"]

    run(paths, endless, check)


def test_a_turn_that_comes_just_as_nobody_waits_any_more_is_given_back() -> None:
    async def main() -> None:
        turn, stop = asyncio.Lock(), Stop()

        async def waiting() -> None:
            async with stop.holding(turn):
                raise AssertionError

        await turn.acquire()
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0.01)
        turn.release()
        while not turn.locked():  # noqa: ASYNC110 - the turn is had, but whoever waited for it does not know yet
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert not turn.locked()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_stop_of_the_persons_is_theirs() -> None:
    async def main() -> None:
        stop = Stop()
        stop.press()
        stop.press_for_memory()
        assert not stop.short
        assert stop.reason(StopReason.CANCELLED) is StopReason.CANCELLED
        late = Stop()
        late.press_for_memory()
        assert late.reason(StopReason.STOP) is StopReason.STOP  # it was just finished
        assert late.reason(StopReason.CANCELLED) is StopReason.MEMORY

    asyncio.run(main())
