"""States on disk that go on from one another, are evicted, damaged or refused, and give way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.fit import LOADED_AT_ONCE
from desktop.core.generation import FlashAttention, GenerateRequest
from desktop.engine import fingerprint, shelf, statefile, states
from desktop.engine.conversation import Conversation
from desktop.engine.statefile import Record
from tests.engine.conftest import Loader
from tests.engine.prompts import GREEDY, ask, end, said
from tests.engine.test_keeping import BUDGET, LONG, read_of, talked, turns, words

Opened = Callable[..., Conversation]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "states"


@pytest.fixture
def opened(loader: Loader, home: Path) -> Opened:
    """A conversation with a model loaded anew, as after the process has ended."""

    def open_(path: Path, kept: bool = True, flash: FlashAttention = FlashAttention.AUTO) -> Conversation:
        model = loader(path, replace(LONG, flash_attention=flash))
        conversation = Conversation(model, fingerprint.key(path, LONG, model.context, "test"))
        conversation.afford(home if kept else None, BUDGET)
        return conversation

    return open_


def test_a_chat_that_was_edited_at_every_turn_is_not_read_again(opened: Opened, random_model: Path, home: Path) -> None:
    conversation = opened(random_model)
    told: list[str] = []
    for number in range(12):
        asked = words(number + 1, 5)
        talked(conversation, ask(*told, asked))
        conversation.keep()
        told.append("he " + asked)
        told.append(said(talked(conversation, ask(*told))))
        conversation.keep()
    assert read_of(talked(opened(random_model), ask(*told, "x"))) <= 16
    assert len(states.kept(home)) <= 10


def branched(conversation: Conversation) -> tuple[list[str], list[str]]:
    """Two branches of a chat, of which the second goes on from the first on disk."""
    question = words(2, 40)
    reply = said(talked(conversation, ask(question)))
    conversation.keep()
    first, second = [question, reply, words(3)], [question, reply, words(44)]
    for told in (first, second):
        talked(conversation, ask(*told))
        conversation.keep()
    return first, second


def test_a_branch_leaves_before_what_it_goes_on_from(opened: Opened, random_model: Path, home: Path) -> None:
    conversation = opened(random_model)
    first, second = branched(conversation)
    for told in (first, second):
        branch, base = (kept.path for kept in states.kept(home))
        opening = next(statefile.read(branch)).about
        assert opening is not None
        assert opening.base == base.name
        talked(conversation, ask("x"), "")
        talked(conversation, ask(*told))  # which puts it back


@pytest.mark.parametrize("how", ["removed", "damaged"])
def test_a_branch_whose_base_has_gone_is_written_again(
    opened: Opened, random_model: Path, home: Path, how: str
) -> None:
    conversation = opened(random_model)
    _, second = branched(conversation)
    expected = said(talked(conversation, ask(*second)))
    base = states.kept(home)[-1].path
    if how == "removed":
        base.unlink()
    else:
        data = bytearray(base.read_bytes())
        data[len(data) // 4] ^= 1
        base.write_bytes(data)
    talked(conversation, ask("x"), "")
    again = talked(conversation, ask(*second))
    conversation.keep()
    reopened = talked(opened(random_model), ask(*second))
    assert read_of(reopened) <= 8
    assert (said(again), said(reopened)) == (expected, expected)


@pytest.mark.parametrize("name", ["random_model", "sliding_model", "recurrent_model"])
def test_putting_back_gives_way(
    opened: Opened, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_SLICE", 4096)
    model: Path = request.getfixturevalue(name)
    first = opened(model)
    talked(first, ask(words(1, 200)))
    first.keep()
    prompt = ask(words(1, 200), "a hex", "a bed")
    expected = said(talked(first, prompt))
    talked(first, ask("x"), "")
    after = opened(model)
    loaded: list[int] = []
    load = statefile.load

    def asked_meanwhile(record: Record, buffer: bytearray) -> bool:
        loaded.append(record.end)
        after._model.halt.set()
        return load(record, buffer)

    with monkeypatch.context() as patch:
        patch.setattr(statefile, "load", asked_meanwhile)
        prepared = after.prepare(GenerateRequest(prompt, GREEDY, "a"))
    assert 1 <= len(loaded) <= LOADED_AT_ONCE
    assert prepared.held < prepared.total / 2
    after._model.halt.set(False)
    again = talked(after, prompt)
    assert said(again) == expected


def test_growing_a_state_that_is_written_whole_leaves_the_other_branch(opened: Opened, sliding_model: Path) -> None:
    conversation = opened(sliding_model)
    first, second = branched(conversation)
    onward = [*second, said(talked(conversation, ask(*second))), "x"]
    talked(conversation, ask(*onward))
    assert conversation.keep() > 0
    reopened = opened(sliding_model)
    for told in (first, onward):
        assert read_of(talked(reopened, ask(*told))) <= 8


def test_a_reply_is_told_once(opened: Opened, random_model: Path, home: Path) -> None:
    conversation = opened(random_model)
    told: list[str] = []
    for number in range(4):
        told.append(words(number + 1, 9))
        told.append(said(talked(conversation, ask(*told))))
        conversation.keep()
    (kept,) = states.kept(home)
    assert [reply.text for record in statefile.read(kept.path) for reply in record.replies] == told[1::2]


def test_no_reply_of_a_forgotten_chat_is_told(opened: Opened, random_model: Path) -> None:
    conversation = opened(random_model)
    talked(conversation, ask(words(1)))
    other = said(talked(conversation, ask(words(2)), "b"))
    conversation.forget("a")
    assert [reply.text for reply in conversation._tokeniser.replies] == [other]
    conversation.forget("b")
    assert conversation._tokeniser.replies == []


def test_too_little_memory_to_save_or_restore_costs_no_reply(
    opened: Opened, sliding_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = opened(sliding_model)
    prompt = ask(*turns(3))

    def scarce(*_: object, **__: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(conversation._model.kv, "size", lambda partial=False: 1 << 60)
        first = talked(conversation, prompt)
    with monkeypatch.context() as patch:
        patch.setattr(conversation._model.kv, "copy", scarce)
        assert conversation.keep() == 0
    assert conversation.keep() > 0
    after = opened(sliding_model)
    with monkeypatch.context() as patch:
        patch.setattr(statefile, "load", scarce)
        assert said(talked(after, prompt)) == said(first)


def test_what_is_put_back_is_weighed_with_all_that_is_loaded(opened: Opened, sliding_model: Path) -> None:
    conversation = opened(sliding_model)
    prompt = ask(*turns(9))
    talked(conversation, prompt)
    conversation.keep()
    keeping = opened(sliding_model)._keeping
    tokens = conversation._cache.tokens
    assert keeping._shelf is not None
    (state,) = keeping._shelf.states()
    whole, checkpoints = state.records[0].size, sum(record.size for record in state.checkpoints)
    assert checkpoints > whole / 2
    for size, worthwhile in ((whole + checkpoints / 2, False), (whole + checkpoints * 2, True)):
        keeping._cache._speed = len(tokens) / (size / 1e9)  # so that a disk reads so much in the same time
        assert bool(keeping._worthwhile(tokens, 0)) == worthwhile


def test_a_sound_state_that_llama_cpp_refuses_is_left_as_it_is(opened: Opened, random_model: Path, home: Path) -> None:
    before = opened(random_model, flash=FlashAttention.ON)
    talked(before, ask(*turns(3)))
    before.keep()
    (kept,) = states.kept(home)
    data = kept.path.read_bytes()
    other = opened(random_model, flash=FlashAttention.OFF)
    events = talked(other, ask(*turns(3)), "b")
    assert end(events).usage.cached_tokens == 0
    assert kept.path.read_bytes() == data
    other.keep()
    talked(other, ask("x"), "")
    assert read_of(talked(other, ask(*turns(3)), "b")) <= 8
