"""What the real engine keeps of chats goes when they go, and never exceeds what is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Message
from desktop.core.pressure import Limits
from desktop.core.talk import Ended
from desktop.engine import states
from desktop.engine.process import Child
from desktop.services.chats.states import DiskUse
from desktop.services.paths import Paths
from tests import models
from tests.models import ASSISTANT, EOS, byte_tokens, chain, token
from tests.services.chats.kept import keep
from tests.services.database import run

LONG = "the a b c d e f g " * 8


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = chain(ASSISTANT, token("▁the"), token("▁"), *byte_tokens("한글"), EOS)
    return models.scripted_model(tmp_path_factory.mktemp("모델") / "brief-chat.gguf", script)


async def ask(alcove: Assembly, chat: Chat, text: str) -> Message:
    async with aclosing(alcove.talk.ask(chat.id, text)) as events:
        (reply,) = [event.message async for event in events if isinstance(event, Ended)]
    return reply


async def told(alcove: Assembly) -> None:
    """What the engine is to forget it has forgotten."""
    while alcove.states._telling:
        await asyncio.wait(alcove.states._telling)


def scene(paths: Paths, model: Path, check: Callable[[Assembly, Chat], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            await alcove.preferences.set("read_ahead", False)
            await check(alcove, await alcove.chats.create(model=str(model)))

    run(main())


def test_a_chat_that_was_left_is_on_disk_and_not_read_again(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        first = await ask(alcove, chat, LONG)
        assert first.usage.cached_tokens == 0
        await alcove.talk.unload()
        assert set(await alcove.states.by_chat()) == {chat.id}
        second = await ask(alcove, chat, "more")
        before = first.usage.prompt_tokens + first.usage.completion_tokens
        assert second.usage.cached_tokens >= before - 8
        assert (await alcove.states.use()).chats == 1

    scene(paths, brief, check)


def test_words_that_were_not_sent_stay_off_the_disk(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, LONG)
        await alcove.preferences.set("read_ahead", True)
        alcove.guard.limits = Limits(0, 0)  # a test machine may be short of memory
        chat = await alcove.chats.get(chat.id)
        assert await alcove.talk.ahead(chat, "")
        await alcove.engine.keep()
        before = await alcove.states.use()
        assert before.size
        assert await alcove.talk.ahead(chat, "my password is abcdefg, or was it gfedcba? ")
        await alcove.talk.unload()
        assert await alcove.states.use() == before

    scene(paths, brief, check)


def test_a_chat_cleared_while_its_model_leaves_is_gone_when_that_has_ended(
    paths: Paths, brief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Child.end

    async def late(child: Child) -> None:
        await end(child)
        await asyncio.sleep(0.5)
        keep(paths.states, chats[0], 10)  # as where there is much to write

    chats: list[str] = []
    monkeypatch.setattr(Child, "end", late)

    async def check(alcove: Assembly, chat: Chat) -> None:
        chats.append(chat.id)
        await ask(alcove, chat, LONG)
        leaving = asyncio.create_task(alcove.talk.unload())
        while alcove.engine.loaded is not None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await alcove.chats.clear(chat.id)
        await leaving
        await told(alcove)
        assert await alcove.states.by_chat() == {}

    scene(paths, brief, check)


def test_what_was_cleared_stays_so_when_the_model_leaves(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, LONG)
        await alcove.states.clear()
        await told(alcove)
        await alcove.talk.unload()
        assert await alcove.states.use() == DiskUse()

    scene(paths, brief, check)


def test_of_a_cleared_chat_nothing_is_held_even_when_it_comes_back(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, LONG)
        assert (await alcove.talk.context_use(chat.id)).cached
        await alcove.engine.forget(chat.id)
        assert (await alcove.talk.context_use(chat.id)).cached is None

    scene(paths, brief, check)


@pytest.mark.parametrize("how", ["purge", "clear"])
def test_a_chat_that_goes_leaves_nothing_even_while_its_model_is_loaded(paths: Paths, brief: Path, how: str) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        other = await alcove.chats.create(model=chat.model)
        await ask(alcove, other, "the other " * 8)
        await ask(alcove, chat, LONG)
        await alcove.engine.keep()
        assert set(await alcove.states.by_chat()) == {chat.id, other.id}
        await (alcove.chats.purge(chat.id) if how == "purge" else alcove.chats.clear(chat.id))
        assert set(await alcove.states.by_chat()) == {other.id}
        await alcove.talk.unload()  # which writes what is not on disk yet
        assert set(await alcove.states.by_chat()) == {other.id}

    scene(paths, brief, check)


def test_nothing_is_kept_where_nothing_may_be(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, LONG)
        await alcove.engine.keep()
        assert (await alcove.states.use()).chats == 1
        await alcove.preferences.set("state_budget", 0)
        await alcove.states.keep_within()
        assert (await alcove.states.use()).chats == 0
        await ask(alcove, chat, LONG)
        await alcove.talk.unload()
        assert (await alcove.states.use()).chats == 0

    scene(paths, brief, check)


def test_what_was_cleared_is_kept_again_when_it_is_used(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, LONG)
        await alcove.engine.keep()
        await alcove.states.clear()
        assert (await alcove.states.use()).size == 0
        await ask(alcove, chat, LONG)
        await alcove.talk.unload()
        assert (await alcove.states.use()).chats == 1
        third = await ask(alcove, chat, "more")
        assert third.usage.prompt_tokens - third.usage.cached_tokens < 30  # the new words, not what was there

    scene(paths, brief, check)


def test_a_start_sweeps_what_belongs_to_no_chat(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, LONG)
        await alcove.engine.keep()
        (kept,) = states.kept(paths.states)
        foreign = kept.path.with_name(kept.path.name.replace(chat.id, "0" * 32))
        foreign.write_bytes(kept.path.read_bytes())
        await alcove.empty_bins()
        assert [state.path for state in states.kept(paths.states)] == [kept.path]

    scene(paths, brief, check)


def test_a_private_chat_leaves_nothing(paths: Paths, brief: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_HOME", str(paths.home))

    async def main() -> None:
        async with Assembly.private() as alcove:
            chat = await alcove.chats.create(model=str(brief))
            await ask(alcove, chat, LONG)
            await alcove.engine.keep()
            await alcove.talk.unload()
            assert await alcove.states.by_chat() == {}

    run(main())
    assert not paths.states.exists()
