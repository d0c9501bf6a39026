"""A model comes into memory before its chat is asked, over the real engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Chat
from desktop.core.errors import UserError
from desktop.core.pressure import Limits
from desktop.core.talk import Ended, ModelLoading, TalkEvent, Written
from desktop.engine import warm
from desktop.services import memory
from desktop.services.paths import Paths
from tests import models

CALM = Limits(0, 0)  # a test machine may be short of memory
SHORT = Limits(1 << 60, 1 << 61)
Check = Callable[[Assembly, Chat, Chat], Awaitable[None]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("모델")
    return [models.tiny_model(folder / f"{name}-chat.gguf", seed=seed) for seed, name in enumerate(("one", "other"))]


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files whose reading into memory has begun."""
    names: list[str] = []
    run = warm.Warm.run

    def noted(self: warm.Warm) -> None:
        names.extend(path.name for path in self._files)
        run(self)

    monkeypatch.setattr(warm.Warm, "run", noted)
    return names


def run(paths: Paths, both: list[Path], check: Check) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove, asyncio.timeout(60):
            alcove.guard.limits = CALM
            chats = [await alcove.chats.create(model=str(path), settings={"max_tokens": 8}) for path in both]
            await check(alcove, *chats)

    asyncio.run(main())


async def ask(alcove: Assembly, chat: Chat) -> list[TalkEvent]:
    async with aclosing(alcove.talk.ask(chat.id, "the a b")) as events:
        return [event async for event in events]


async def begun(alcove: Assembly, chat: Chat) -> asyncio.Task[bool]:
    """The load of a model that nobody has asked for, on its way."""
    loading = asyncio.create_task(alcove.talk.ahead(chat, "the"))
    while alcove.engine.pid is None and not loading.done():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)
    return loading


async def joined(alcove: Assembly, chat: Chat) -> tuple[asyncio.Task[bool], asyncio.Task[list[TalkEvent]], int]:
    """That load, a question that has joined it, and the engine's process, which is paused."""
    early = await begun(alcove, chat)
    pid = alcove.engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asking, load = asyncio.create_task(ask(alcove, chat)), alcove.talk._loading._early
    while load is not None and not load.listeners:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)
    return early, asking, pid


def test_looking_brings_the_files_and_writing_loads(paths: Paths, both: list[Path], brought: list[str]) -> None:
    async def check(alcove: Assembly, one: Chat, other: Chat) -> None:
        await alcove.talk.ahead(one, "")
        await alcove.talk.ahead(one, "  ")
        assert brought == [both[0].name]
        assert alcove.engine.pid is None
        await alcove.talk.ahead(one, "the")
        assert alcove.engine.loaded is not None
        assert alcove.engine.loaded[0] == both[0]
        pid = alcove.engine.pid
        events = await ask(alcove, one)
        assert not [e for e in events if isinstance(e, ModelLoading)]
        assert [e for e in events if isinstance(e, Ended)]
        assert alcove.engine.pid == pid
        await alcove.talk.ahead(other, "")
        assert alcove.engine.pid == pid  # a glance costs nobody a loaded model
        assert brought == [both[0].name, both[1].name]

    run(paths, both, check)


@pytest.mark.skipif(os.name == "nt", reason="only POSIX lets a process pause")
def test_whoever_asks_meanwhile_joins_in_and_hears_of_it(paths: Paths, both: list[Path]) -> None:
    async def check(alcove: Assembly, one: Chat, _: Chat) -> None:
        early, asking, pid = await joined(alcove, one)
        os.kill(pid, signal.SIGCONT)
        events = await asking
        assert [e for e in events if isinstance(e, ModelLoading)]
        assert [e for e in events if isinstance(e, Ended)]
        assert alcove.engine.pid == pid
        await early

    run(paths, both, check)


@pytest.mark.skipif(os.name == "nt", reason="only POSIX lets a process pause")
def test_looking_elsewhere_does_not_end_what_a_reply_has_joined(paths: Paths, both: list[Path]) -> None:
    async def check(alcove: Assembly, one: Chat, other: Chat) -> None:
        early, asking, pid = await joined(alcove, one)
        looking = asyncio.create_task(alcove.talk.ahead(other, ""))
        await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGCONT)
        assert [e for e in await asking if isinstance(e, Ended)]
        assert alcove.engine.pid == pid
        await early
        await looking

    run(paths, both, check)


@pytest.mark.skipif(os.name == "nt", reason="only POSIX lets a process pause")
@pytest.mark.parametrize("unloaded", [True, False])
def test_a_reply_whose_joined_load_is_ended_loads_by_itself_or_stops(
    paths: Paths, both: list[Path], unloaded: bool
) -> None:
    async def check(alcove: Assembly, one: Chat, _: Chat) -> None:
        early = await begun(alcove, one)
        assert alcove.engine.pid is not None
        os.kill(alcove.engine.pid, signal.SIGSTOP)
        asking, load = asyncio.create_task(ask(alcove, one)), alcove.talk._loading._early
        while load is not None and not load.listeners:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
        await (alcove.talk.unload() if unloaded else alcove.talk._loading.give_up())
        assert bool([e for e in await asking if isinstance(e, Ended)]) != unloaded
        assert (alcove.engine.pid is None) == unloaded
        await early

    run(paths, both, check)


@pytest.mark.parametrize("asked", [True, False])
def test_another_chat_ends_what_was_begun(paths: Paths, both: list[Path], asked: bool) -> None:
    async def check(alcove: Assembly, one: Chat, other: Chat) -> None:
        early = await begun(alcove, one)
        if asked:
            await ask(alcove, other)
        else:
            await alcove.talk.ahead(other, "the")
        await early
        assert alcove.engine.loaded is not None
        assert alcove.engine.loaded[0] == both[1]
        assert alcove.engine.deaths(both[0]) == 0

    run(paths, both, check)


def test_unloading_ends_it_too(paths: Paths, both: list[Path]) -> None:
    async def check(alcove: Assembly, one: Chat, _: Chat) -> None:
        early = await begun(alcove, one)
        await alcove.talk.unload()
        await early
        assert alcove.engine.pid is None

    run(paths, both, check)


def test_a_reply_of_another_chat_is_not_disturbed(paths: Paths, both: list[Path]) -> None:
    async def check(alcove: Assembly, one: Chat, other: Chat) -> None:
        async with aclosing(alcove.talk.ask(one.id, "the a b")) as events:
            async for event in events:
                if isinstance(event, Written):
                    await asyncio.wait_for(alcove.talk._warming.ahead(other, "the"), 10)
                assert not isinstance(event, Ended) or event.message.usage.completion_tokens == 8
        assert alcove.engine.loaded is not None
        assert alcove.engine.loaded[0] == both[0]

    run(paths, both, check)


def test_switched_off_or_short_of_memory_nothing_is_done(paths: Paths, both: list[Path], brought: list[str]) -> None:
    async def check(alcove: Assembly, one: Chat, other: Chat) -> None:
        await alcove.preferences.set("warm", False)
        await alcove.talk.ahead(one, "the")
        assert brought == []
        await alcove.preferences.set("warm", True)
        alcove.guard.limits = SHORT
        await alcove.talk.ahead(other, "the")
        assert alcove.engine.pid is None

    run(paths, both, check)


def test_what_does_not_fit_is_not_loaded_ahead(paths: Paths, both: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(alcove: Assembly, one: Chat, _: Chat) -> None:
        monkeypatch.setattr(memory, "available", lambda: 1 << 20)
        await alcove.talk.ahead(one, "the")
        assert alcove.engine.pid is None
        monkeypatch.undo()
        await asyncio.sleep(1)  # memory is asked twice a second
        await alcove.talk.ahead(one, "the a")
        assert alcove.engine.pid is not None

    run(paths, both, check)


def test_what_cannot_be_loaded_is_said_when_it_is_asked_and_tried_once(paths: Paths, both: list[Path]) -> None:
    async def check(alcove: Assembly, one: Chat, _: Chat) -> None:
        broken = await alcove.chats.update(one.id, settings={"flash_attention": "off", "kv_type": "q8_0"})
        await alcove.talk.ahead(broken, "the")
        await alcove.talk.ahead(broken, "the a")
        assert alcove.engine.pid is None
        with pytest.raises(UserError):
            await ask(alcove, broken)
        gone = await alcove.chats.update(one.id, model="/nowhere/gone.gguf")
        await alcove.talk.ahead(gone, "the")

    run(paths, both, check)
