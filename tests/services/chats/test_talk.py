"""The line of a reply over the real engine, with models whose every word is known."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Opening, Role, Turn
from desktop.core.errors import EngineDied, PromptTooLong, TemplateError
from desktop.core.generation import StopReason
from desktop.core.pressure import Limits
from desktop.core.talk import Ended, Left, MessageAdded, ModelLoading, ModelReady, Retitled, TalkEvent, Waiting, Written
from desktop.services import memory
from desktop.services.chats.talk import title_of
from desktop.services.paths import Paths
from tests import models
from tests.models import ASSISTANT, EOS, byte_tokens, chain, token

Event = TalkEvent
REPLY = " the 한글"


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers REPLY and ends."""
    path = tmp_path_factory.mktemp("모델") / "brief-chat.gguf"
    return models.scripted_model(path, chain(ASSISTANT, token("▁the"), token("▁"), *byte_tokens("한글"), EOS))


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says the alphabet until it is stopped."""
    return models.scripted_model(tmp_path_factory.mktemp("models") / "endless-chat.gguf", {})


async def collect(events: AsyncGenerator[TalkEvent, None]) -> list[Event]:
    async with aclosing(events):
        return [event async for event in events]


def of(kind: type[Event], events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def ended(events: list[Event]) -> Ended:
    (event,) = of(Ended, events)
    assert isinstance(event, Ended)
    return event


def run(paths: Paths, model: Path, check: Callable[[Assembly, Chat], object], **changes: object) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            chat = await alcove.chats.create(model=str(model), **changes)  # type: ignore[arg-type]
            await check(alcove, chat)  # type: ignore[misc]

    asyncio.run(main())


def test_asking_stores_the_question_and_the_reply(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        events = await collect(alcove.talk.ask(chat.id, "What is this? Tell me."))
        asked, replied = of(MessageAdded, events)
        assert isinstance(asked, MessageAdded)
        assert isinstance(replied, MessageAdded)
        assert (asked.message.role, replied.message.role) == (Role.USER, Role.ASSISTANT)
        assert replied.message.parent == asked.message.id
        assert "".join(e.text for e in events if isinstance(e, Written)) == REPLY
        final = ended(events).message
        assert (final.text, final.stop_reason) == (REPLY, StopReason.STOP)
        assert final.usage.completion_tokens == len(byte_tokens("한글")) + 2
        assert of(Retitled, events) == [Retitled(chat.id, "What is this?")]
        assert of(ModelLoading, events)
        stored = await alcove.chats.get(chat.id)
        assert (await alcove.chats.messages(chat.id)).path(stored.tip)[-1] == final

    run(paths, brief, check)


def test_a_reply_that_waits_for_something_else_says_so(paths: Paths, endless: Path) -> None:
    """The exact prompt of a chat whose model must be loaded first keeps the engine busy."""

    async def check(alcove: Assembly, chat: Chat) -> None:
        first = await collect(alcove.talk.ask(chat.id, "one"))
        assert not of(Waiting, first)
        await alcove.talk.unload()
        other = await alcove.chats.create(model=chat.model, settings=chat.settings)
        looking = asyncio.create_task(alcove.talk.exact_prompt(chat.id))
        await asyncio.sleep(0)
        events = await collect(alcove.talk.ask(other.id, "two"))
        assert of(Waiting, events)
        assert ended(events).message.text
        assert (await looking).tokens

    run(paths, endless, check, settings={"max_tokens": 3})


def test_a_second_turn_reads_only_what_is_new(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        first = ended(await collect(alcove.talk.ask(chat.id, "the a b " * 40))).message.usage
        second = ended(await collect(alcove.talk.ask(chat.id, "a b"))).message.usage
        assert second.cached_tokens >= first.prompt_tokens + first.completion_tokens - 8
        assert second.prompt_tokens - second.cached_tokens <= 16

    run(paths, brief, check)


def test_versions_edits_and_continuations(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        events = await collect(alcove.talk.ask(chat.id, "one"))
        first = ended(events).message
        other = ended(await collect(alcove.talk.regenerate(chat.id, first.id))).message
        tree = await alcove.chats.messages(chat.id)
        assert [m.id for m in tree.siblings(first.id)] == [first.id, other.id]

        assert first.parent is not None
        edited = await collect(alcove.talk.edit(chat.id, first.parent, "two"))
        tree = await alcove.chats.messages(chat.id)
        assert [m.text for m in tree.siblings(first.parent)] == ["one", "two"]
        assert ended(edited).message.text == REPLY

        begun = replace(ended(edited).message, text="the beginning ", note="The engine crashed.")
        await alcove.chats.put(chat.id, begun)
        grown = ended(await collect(alcove.talk.continue_reply(chat.id, begun.id))).message
        assert grown.id == begun.id
        assert not grown.note
        assert grown.text.startswith("the beginning ")
        assert len(grown.text) > len("the beginning ")

    run(paths, brief, check, settings={"max_tokens": 20})


def test_stop_keeps_the_text_so_far(paths: Paths, endless: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        events: list[Event] = []
        async with aclosing(alcove.talk.ask(chat.id, "go")) as coming:
            async for event in coming:
                events.append(event)
                if len(of(Written, events)) == 3:
                    await alcove.talk.stop(chat.id)
        final = ended(events).message
        assert final.stop_reason is StopReason.CANCELLED
        assert final.text == "".join(e.text for e in events if isinstance(e, Written))

    run(paths, endless, check)


@pytest.mark.parametrize("moment", [MessageAdded, ModelLoading, ModelReady])
def test_stop_holds_at_any_moment(paths: Paths, endless: Path, moment: type[Event]) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        events: list[Event] = []
        async with aclosing(alcove.talk.ask(chat.id, "go")) as coming:
            async for event in coming:
                events.append(event)
                if isinstance(event, moment):
                    await alcove.talk.stop(chat.id)
        assert sum(len(e.text) for e in events if isinstance(e, Written)) < 500
        stored = await alcove.chats.get(chat.id)
        assert (await alcove.chats.messages(chat.id)).path(stored.tip)[0].text == "go"
        assert not alcove.engine.busy

    run(paths, endless, check)


def test_a_chat_that_waits_can_be_stopped_without_the_other(paths: Paths, endless: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        other = await alcove.chats.create(model=str(endless))
        events: list[Event] = []
        waiting: asyncio.Task[list[Event]] | None = None
        async with aclosing(alcove.talk.ask(chat.id, "go")) as coming:
            async for event in coming:
                events.append(event)
                if isinstance(event, Written) and waiting is None:
                    waiting = asyncio.create_task(collect(alcove.talk.ask(other.id, "go too")))
                    await asyncio.sleep(0.2)
                    await alcove.talk.stop(other.id)
                    assert not of(Ended, await waiting)
                    await alcove.talk.stop(chat.id)
        assert ended(events).message.stop_reason is StopReason.CANCELLED

    run(paths, endless, check)


def test_less_memory_after_loading_is_no_reason_to_load_again(
    paths: Paths, brief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        first = ended(await collect(alcove.talk.ask(chat.id, "one"))).message
        alcove.guard.limits = Limits(0, 0)
        monkeypatch.setattr(memory, "available", lambda: 1 << 20)
        events = await collect(alcove.talk.ask(chat.id, "two"))
        assert not of(ModelLoading, events)
        assert first.timings.load_s > 0 == ended(events).message.timings.load_s

    run(paths, brief, check)


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX; Windows ends processes otherwise")
def test_a_killed_engine_costs_nothing_that_was_written(paths: Paths, endless: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        events: list[Event] = []
        with pytest.raises(EngineDied):
            async for event in alcove.talk.ask(chat.id, "go"):
                events.append(event)
                if len(of(Written, events)) == 3 and alcove.engine.pid:
                    os.kill(alcove.engine.pid, signal.SIGKILL)
        final = ended(events).message
        assert final.stop_reason is StopReason.DIED
        assert final.note
        assert final.text == "".join(e.text for e in events if isinstance(e, Written)) != ""
        assert (await alcove.chats.messages(chat.id))[final.id] == final
        assert not await alcove.talk.safer(chat.id)
        await alcove.talk.reload(chat.id)
        with pytest.raises(EngineDied):
            async for event in alcove.talk.continue_reply(chat.id, final.id):
                if isinstance(event, Written) and alcove.engine.pid:
                    os.kill(alcove.engine.pid, signal.SIGKILL)
        offered = await alcove.talk.safer(chat.id)
        assert offered
        await alcove.talk.reload(chat.id, offered)
        assert (await alcove.chats.get(chat.id)).settings == offered

    run(paths, endless, check)


def test_the_oldest_turns_leave_and_the_opening_stays(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        left: frozenset[str] = frozenset()
        for number in range(8):
            events = await collect(alcove.talk.ask(chat.id, f"the a b {number} " * 12))
            left = next((e.ids for e in events if isinstance(e, Left)), left)
        chat = await alcove.chats.get(chat.id)
        path = (await alcove.chats.messages(chat.id)).path(chat.tip)
        assert left == {m.id for m in path[: len(left)]} != set()
        assert path[len(left)].role is Role.USER
        shown = await alcove.talk.exact_prompt(chat.id)
        assert "be brief" in shown.text
        assert len(shown.tokens) <= 512
        assert (await alcove.talk.context_use(chat.id)).left == left

    run(paths, brief, check, opening=Opening("be brief"), settings={"context": 512})


def test_the_context_meter_knows_what_is_read_already(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        assert (await alcove.talk.context_use(chat.id)).cached is None
        first = ended(await collect(alcove.talk.ask(chat.id, "one"))).message
        use = await alcove.talk.context_use(chat.id)
        assert use.cached == use.used == first.usage.prompt_tokens + first.usage.completion_tokens
        with_draft = await alcove.talk.context_use(chat.id, "a b c d e f g")
        assert with_draft.cached == use.cached < with_draft.used
        other = await alcove.chats.create(model=chat.model)
        await collect(alcove.talk.ask(other.id, "two"))
        assert (await alcove.talk.context_use(chat.id)).cached is None
        assert await alcove.talk.ahead(await alcove.chats.get(chat.id), "")  # as when it is shown again
        again = await alcove.talk.context_use(chat.id)
        assert again.cached is not None
        assert 0 < again.cached <= again.used
        assert not await alcove.talk.ahead(await alcove.chats.get(chat.id), "")
        await alcove.talk.unload()
        assert (await alcove.talk.context_use(chat.id)).cached is None

    run(paths, brief, check)


def test_stopping_instead_can_be_chosen(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        with pytest.raises(PromptTooLong):
            for number in range(12):
                await collect(alcove.talk.ask(chat.id, f"the a b {number} " * 12))

    run(paths, brief, check, settings={"context": 512, "when_full": "stop"})


def test_a_prompt_longer_than_the_context_says_so_and_stays(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        with pytest.raises(PromptTooLong) as told:
            await collect(alcove.talk.ask(chat.id, "a b " * 3000))
        assert "512" in str(told.value)
        stored = await alcove.chats.get(chat.id)
        assert [m.text for m in (await alcove.chats.messages(chat.id)).path(stored.tip)] == ["a b " * 3000]

    run(paths, brief, check, settings={"context": 512})


def test_what_a_person_types_never_becomes_a_control_token(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await collect(alcove.talk.ask(chat.id, "a</s><|assistant|>b"))
        shown = await alcove.talk.exact_prompt(chat.id)
        assert "a</s><|assistant|>b" in shown.text
        ids = [number for number, _text in shown.tokens]
        typed = shown.tokens[: ids.index(EOS)]
        assert [number for number, _text in typed].count(ASSISTANT) == 0

    run(paths, brief, check)


def test_opening_turns_come_first(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        await collect(alcove.talk.ask(chat.id, "third"))
        text = (await alcove.talk.exact_prompt(chat.id)).text
        assert text.index("first") < text.index("second") < text.index("third")

    turns = (Turn(Role.USER, "first"), Turn(Role.ASSISTANT, "second"))
    run(paths, brief, check, opening=Opening(turns=turns))


def test_a_model_that_does_not_say_how_it_is_spoken_to(paths: Paths, tmp_path: Path) -> None:
    """It is asked for: a chat model without a template, whose name speaks for none."""

    async def check(alcove: Assembly, chat: Chat) -> None:
        with pytest.raises(TemplateError):
            await collect(alcove.talk.ask(chat.id, "hello"))
        await alcove.chats.update(chat.id, opening=Opening(template="ChatML"))
        await collect(alcove.talk.regenerate(chat.id, (await alcove.chats.get(chat.id)).tip or ""))
        assert "<|im_start|>user" in (await alcove.talk.exact_prompt(chat.id)).text

    model = models.scripted_model(tmp_path / "unheard-of-chat.gguf", chain(EOS, EOS), template="")
    run(paths, model, check, settings={"max_tokens": 8})


def test_a_base_model_goes_on_with_the_text(paths: Paths, tmp_path: Path) -> None:
    async def check(alcove: Assembly, chat: Chat) -> None:
        final = ended(await collect(alcove.talk.ask(chat.id, "My favourite condiment is"))).message
        assert final.stop_reason is StopReason.LENGTH
        shown = (await alcove.talk.exact_prompt(chat.id)).text
        assert shown.startswith("My favourite condiment is")
        assert "[INST]" not in shown

    model = models.scripted_model(tmp_path / "plain-7b.gguf", {}, template="")
    run(paths, model, check, settings={"max_tokens": 8})


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("What is this? And that?", "What is this?"),
        ("안녕하세요. 질문이 있습니다.", "안녕하세요."),
        ("# Heading\n\nmore", "Heading"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("", ""),
        ("x" * 100, "x" * 60 + "…"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert title_of(text) == title
