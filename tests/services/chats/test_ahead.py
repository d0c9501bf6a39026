"""Reading ahead over the real engine: what is left to read when the question comes, and when nothing may be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Message, Opening
from desktop.core.generation import StopReason
from desktop.core.pressure import Level, Limits, Reading
from desktop.core.talk import Ended, ModelReady, Written
from desktop.engine.client import EngineFault
from desktop.services.paths import Paths
from desktop.services.power import Power
from tests import models

LEFT = 24  # tokens: the last word in letters, what the template writes behind it, and those that were not sure
QUESTION = "the cab and a fat bee at the abbey had a bad day, and the deaf cat ate a big fig. Why, then?"
GREEDY = {"temperature": 0.0, "repeat_penalty": 1.0, "max_tokens": 12}
HISTORY = "the a b ab he th " * 60


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model(tmp_path_factory.mktemp("모델") / "random-chat.gguf", context=131_072)


Check = Callable[[Assembly, Chat], Awaitable[None]]


def run(paths: Paths, model: Path, check: Check, **changes: object) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove, asyncio.timeout(150):
            alcove.guard.limits = Limits(0, 0)  # a test machine may be short of memory
            values = {"settings": GREEDY, **changes}
            chat = await alcove.chats.create(model=str(model), **values)  # type: ignore[arg-type]
            await check(alcove, chat)

    asyncio.run(main())


async def ask(alcove: Assembly, chat: Chat, text: str) -> Message:
    async with aclosing(alcove.talk.ask(chat.id, text)) as events:
        (ended,) = [event async for event in events if isinstance(event, Ended)]
    return ended.message


async def typed(alcove: Assembly, chat: Chat, text: str) -> None:
    """In pieces, as keys come."""
    chat = await alcove.chats.get(chat.id) if chat.id else chat
    for end in range(5, len(text) + 1, 17):
        await alcove.talk.ahead(chat, text[:end])
    await alcove.talk.ahead(chat, text)


def unread(reply: Message) -> int:
    return reply.usage.prompt_tokens - reply.usage.cached_tokens


def test_after_typing_only_the_last_words_are_left(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, HISTORY)
        await typed(alcove, chat, QUESTION)
        reply = await ask(alcove, chat, QUESTION)
        assert reply.usage.prompt_tokens > len(HISTORY) // 3
        assert unread(reply) <= LEFT

    run(paths, random_model, check)


@pytest.mark.parametrize("make", [models.tiny_model, models.sliding_model, models.recurrent_model])
def test_the_reply_is_the_same_with_and_without(paths: Paths, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    model = make(tmp_path / "model-chat.gguf")

    async def check(alcove: Assembly, chat: Chat) -> None:
        texts = []
        for ahead in (False, True):
            await alcove.preferences.set("read_ahead", ahead)
            each = await alcove.chats.create(model=chat.model, settings=chat.settings, opening=chat.opening)
            for question in (HISTORY[:200], QUESTION, QUESTION[:30]):
                await typed(alcove, each, "Something else that was typed and deleted again")
                await typed(alcove, each, question)
                texts.append((await ask(alcove, each, question)).text)
            await alcove.talk.unload()
        assert texts[:3] == texts[3:]

    exact = {
        **GREEDY,
        "kv_type": "q8_0",
    }  # where llama.cpp rounds alike however a prompt is cut (tests.engine.test_identity)
    run(paths, model, check, opening=Opening("Be brief."), settings=exact)


def test_a_chat_that_is_not_stored_yet_is_read_with_its_opening(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, "a")
        fresh = Chat("", "", 0.0, 0.0, model=chat.model, opening=Opening(HISTORY), settings=GREEDY)
        await typed(alcove, fresh, QUESTION)
        stored = await alcove.chats.create(fresh)
        assert unread(await ask(alcove, stored, QUESTION)) <= LEFT

    run(paths, random_model, check)


def test_the_history_of_a_chat_that_is_shown_is_read(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        first = await ask(alcove, chat, HISTORY)
        await alcove.talk.unload()
        other = await alcove.chats.create(model=chat.model, settings=GREEDY)
        await ask(alcove, other, "a")
        await alcove.talk.ahead(await alcove.chats.get(chat.id), "")
        reply = await ask(alcove, chat, "b")
        assert reply.usage.cached_tokens >= first.usage.prompt_tokens + first.usage.completion_tokens - 8

    run(paths, random_model, check)


def test_looking_at_another_chat_costs_the_first_one_nothing(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        other = await alcove.chats.create(model=chat.model, settings=chat.settings)
        await ask(alcove, other, HISTORY.upper())
        first = await ask(alcove, chat, HISTORY)
        await alcove.talk.ahead(await alcove.chats.get(other.id), "and then ")
        reply = await ask(alcove, chat, "b")
        assert reply.usage.cached_tokens >= first.usage.prompt_tokens + first.usage.completion_tokens - 8

    run(paths, random_model, check)


def test_a_full_context_is_read_as_the_reply_will_see_it(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        for _ in range(4):
            await ask(alcove, chat, HISTORY[:600])
        await typed(alcove, chat, QUESTION)
        reply = await ask(alcove, chat, QUESTION)
        assert (await alcove.talk.context_use(chat.id)).left
        assert unread(reply) <= LEFT

    run(paths, random_model, check, settings={**GREEDY, "context": 1024})


def test_a_template_that_tells_the_time_does_not_break(paths: Paths, tmp_path: Path) -> None:
    template = "{{ strftime_now('%H:%M:%S.%f') }}" + models.TEMPLATE
    model = models.tiny_model(tmp_path / "clock-chat.gguf", template=template)

    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, HISTORY)
        await typed(alcove, chat, QUESTION)
        assert (await ask(alcove, chat, QUESTION)).stop_reason in (StopReason.LENGTH, StopReason.STOP)

    run(paths, model, check)


def test_what_is_typed_while_the_model_is_brought_in_is_read_then(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        first = asyncio.create_task(alcove.talk.ahead(chat, "the "))
        await asyncio.sleep(0.05)
        await alcove.talk.ahead(chat, QUESTION)
        await first
        assert alcove.engine.loaded is not None
        assert unread(await ask(alcove, chat, QUESTION)) <= LEFT

    run(paths, random_model, check)


def test_what_cannot_be_read_is_left_to_the_question(paths: Paths, random_model: Path) -> None:
    """No model loaded, one that is gone, a draft beyond the context: nothing happens, nothing is said."""

    async def check(alcove: Assembly, chat: Chat) -> None:
        await alcove.preferences.set("warm", False)
        await alcove.talk.ahead(chat, QUESTION)
        assert alcove.engine.loaded is None
        await ask(alcove, chat, "a")
        await alcove.talk.ahead(Chat("", "", 0.0, 0.0, model="nowhere"), QUESTION)
        await alcove.talk.ahead(chat, "the a b " * 20_000)
        await alcove.talk.ahead(chat, "the a b " * 5_000_000)
        assert (await ask(alcove, chat, "b")).stop_reason is StopReason.LENGTH

    run(paths, random_model, check)


def test_the_guide_is_not_read_ahead(paths: Paths) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove, asyncio.timeout(150):
            chat = await alcove.chats.create(model="")
            await ask(alcove, chat, "What is Alcove?")
            asked = prepares(alcove)
            await typed(alcove, chat, "How do I download a model?")
            assert asked == []

    asyncio.run(main())


def prepares(alcove: Assembly) -> list[object]:
    """Grows with each order to read ahead that reaches the engine."""
    found: list[object] = []
    prepare = alcove.engine.prepare

    async def counted(request, draft):  # type: ignore[no-untyped-def]
        found.append(request)
        return await prepare(request, draft)

    alcove.engine.prepare = counted  # type: ignore[method-assign]
    return found


def test_nothing_is_read_twice_and_nothing_while_it_is_forbidden(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, "a")
        chat = await alcove.chats.get(chat.id)
        asked = prepares(alcove)
        await alcove.talk.ahead(chat, "Hello wor")
        assert len(asked) == 1
        await alcove.talk.ahead(chat, "Hello world")  # the same words are settled
        assert len(asked) == 1
        await alcove.preferences.set("read_ahead", False)
        await alcove.talk.ahead(chat, "Hello world and all ")
        assert len(asked) == 1
        await alcove.preferences.set("read_ahead", True)
        await alcove.talk.ahead(chat, "Hello world and all ")
        assert len(asked) == 2
        alcove.guard.read = lambda: Reading(0.0, 1, word=Level.TIGHT)
        await alcove.talk.ahead(chat, "Hello world and all the others ")
        assert len(asked) == 2

    run(paths, random_model, check)


def test_not_on_battery_unless_allowed(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        alcove.talk._ahead._power = Power(lambda: True)
        await ask(alcove, chat, "a")
        asked = prepares(alcove)
        await alcove.talk.ahead(chat, "Hello world ")
        assert asked == []
        await alcove.preferences.set("read_ahead_on_battery", True)
        await alcove.talk.ahead(chat, "Hello world ")
        assert len(asked) == 1

    run(paths, random_model, check)


def test_a_question_of_another_chat_ends_it_and_is_answered(paths: Paths, random_model: Path) -> None:
    """A long text is being read ahead; the reply comes, and then reading goes on and ends."""

    async def check(alcove: Assembly, chat: Chat) -> None:
        other = await alcove.chats.create(model=chat.model, settings=chat.settings)
        await ask(alcove, other, "a")
        reading = asyncio.create_task(alcove.talk.ahead(chat, "the cab and a bee " * 900))
        while not alcove.engine.active:  # noqa: ASYNC110 - else all might be read, or nothing begun
            await asyncio.sleep(0.001)
        await ask(alcove, other, "b")
        await reading
        assert unread(await ask(alcove, chat, "the cab and a bee " * 900)) <= LEFT

    run(paths, random_model, check, settings={**GREEDY, "context": 16384})


def test_what_is_typed_during_a_reply_is_read_behind_it(paths: Paths, random_model: Path) -> None:
    """The window knew nothing of the reply when it told of the draft."""

    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, HISTORY)
        reading = None
        async with aclosing(alcove.talk.ask(chat.id, "a")) as events:
            async for event in events:
                if isinstance(event, ModelReady):
                    asked = await alcove.chats.get(chat.id)
                    reading = asyncio.create_task(alcove.talk.ahead(asked, QUESTION))
                    await asyncio.sleep(0.05)
        assert reading is not None
        await reading
        assert unread(await ask(alcove, chat, QUESTION)) <= LEFT

    run(paths, random_model, check)


def test_a_fault_of_the_engine_is_left_to_the_question(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, "a")

        async def broken(_request: object, _draft: bool) -> None:
            raise EngineFault("bug")

        alcove.engine.prepare = broken  # type: ignore[assignment]
        assert not await alcove.talk.ahead(await alcove.chats.get(chat.id), QUESTION)
        assert (await ask(alcove, chat, "b")).stop_reason in (StopReason.LENGTH, StopReason.STOP)

    run(paths, random_model, check)


def test_a_draft_that_goes_another_way_ends_what_is_read_for_the_old_one(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, "a")
        chat = await alcove.chats.get(chat.id)
        reading = asyncio.create_task(alcove.talk.ahead(chat, "the cab and a bee " * 2000))
        await asyncio.sleep(0.2)
        await alcove.talk.ahead(chat, QUESTION)  # left to the call before
        await reading
        assert unread(await ask(alcove, chat, QUESTION)) <= LEFT

    run(paths, random_model, check, settings={**GREEDY, "context": 65536})


def test_closing_in_the_middle_leaves_nothing(paths: Paths, random_model: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await ask(alcove, chat, "a")
        reading = asyncio.create_task(alcove.talk.ahead(chat, "the cab and a bee " * 2000))
        await asyncio.sleep(0.2)
        await alcove.talk.unload()
        await reading
        assert [event async for event in alcove.talk.ask(chat.id, "b") if isinstance(event, Written)]

    run(paths, random_model, check, settings={**GREEDY, "context": 65536})
