"""Never read twice: conversations leave the KV cache for the disk and come back, whatever the model's shape."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.generation import GenerateEvent, GenerateRequest, Piece, PromptProgress, Sampling
from desktop.engine import fingerprint, shelf, states
from desktop.engine.conversation import Conversation
from tests.engine.conftest import SETTINGS, Loader
from tests.engine.prompts import GREEDY, ask, end, said

SHORT = replace(GREEDY, max_tokens=12)
LONG = replace(SETTINGS, context=1024, batch=64)
BUDGET = 64 << 20
Shape = Callable[[], Path]


@pytest.fixture(params=["llama", "sliding", "recurrent", "experts", "hybrid"])
def shape(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(
        {
            "llama": "random_model",
            "sliding": "sliding_model",
            "recurrent": "recurrent_model",
            "experts": "experts_model",
            "hybrid": "hybrid_model",
        }[request.param]
    )
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "states"


Opened = Callable[..., Conversation]


@pytest.fixture
def opened(loader: Loader, home: Path) -> Opened:
    """A conversation with a model loaded anew, as after the process has ended."""

    def open_(path: Path, budget: int = BUDGET, kept: bool = True) -> Conversation:
        model = loader(path, LONG)
        conversation = Conversation(model, fingerprint.key(path, LONG, model.context, "test"))
        conversation.afford(home if kept else None, budget)
        return conversation

    return open_


def talked(
    conversation: Conversation, prompt: tuple[Piece, ...], chat: str = "a", sampling: Sampling = SHORT
) -> list[GenerateEvent]:
    events: list[GenerateEvent] = []
    conversation.generate(GenerateRequest(prompt, sampling, chat), events.append)
    return events


def read_of(events: list[GenerateEvent]) -> int:
    usage = end(events).usage
    return usage.prompt_tokens - usage.cached_tokens


def words(seed: int, count: int = 30) -> str:
    return " ".join(("the", "cab", "a", "bad", "hex", "cat")[(i * seed + i // 3) % 6] for i in range(count))


def turns(count: int, seed: int = 1) -> list[str]:
    return [words(seed + i, 12) for i in range(count)]


def test_from_chat_to_chat_and_back_only_what_is_new_is_read(opened: Opened, shape: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(words(1)))
    talked(conversation, ask(words(2)), "b")
    again = talked(conversation, ask(words(1), "a hex", "a bed"))
    assert read_of(again) <= conversation.count(ask("a bed", "a hex")) + 8
    fresh = talked(opened(shape, kept=False), ask(words(1), "a hex", "a bed"))
    assert said(again) == said(fresh)


def test_reopened_after_the_process_ended(opened: Opened, shape: Path) -> None:
    before = opened(shape)
    talked(before, ask(words(1)))
    assert before.keep() > 0
    assert before.keep() == 0
    onward = ask(words(1), "a hex", "a bed")
    after = opened(shape)
    reopened = talked(after, onward)
    assert read_of(reopened) <= after.count(ask("a bed", "a hex")) + 8
    assert said(reopened) == said(talked(opened(shape, kept=False), onward))


def test_a_reply_keeps_its_own_tokens_when_reopened(opened: Opened, english_model: Path) -> None:
    before = opened(english_model)
    first = talked(before, ask(words(1)))
    before.keep()
    onward = ask(words(1), said(first), "a bed")
    reopened = talked(opened(english_model), onward)
    assert read_of(reopened) <= before.count(ask("a bed"))
    assert end(reopened).usage == end(talked(before, onward)).usage


def test_only_what_follows_an_edit_is_read(opened: Opened, shape: Path) -> None:
    conversation = opened(shape)
    said_so_far = turns(9)
    for count in range(1, 11, 2):
        talked(conversation, ask(*said_so_far[:count]))
    edited = [*said_so_far[:2], "he bed " + said_so_far[2], *said_so_far[3:]]
    events = talked(conversation, ask(*edited))
    common = conversation.count(ask(*said_so_far[:2], "")) - 2
    assert read_of(events) <= end(events).usage.prompt_tokens - common + 8
    assert said(events) == said(talked(opened(shape, kept=False), ask(*edited)))
    if shape.name in ("random.gguf", "experts.gguf"):  # where leaving a branch costs next to nothing
        assert read_of(talked(conversation, ask(*said_so_far))) <= 8


def test_a_chat_that_begins_as_another_shares_its_beginning(opened: Opened, shape: Path) -> None:
    before = opened(shape)
    talked(before, ask(*turns(3)))
    before.keep()
    other = (*ask(*turns(3)[:2], words(7)),)
    events = talked(opened(shape), other, "b")
    assert read_of(events) <= before.count(ask(words(7))) + 8
    assert said(events) == said(talked(opened(shape, kept=False), other))


def test_saving_leaves_the_conversation_as_it_is(opened: Opened, shape: Path) -> None:
    kept, other = opened(shape), opened(shape, kept=False)
    for count in (1, 3, 5):
        prompt = ask(*turns(count))
        one, two = talked(kept, prompt), talked(other, prompt)
        assert (said(one), end(one).usage) == (said(two), end(two).usage)
        kept.keep()


def test_a_save_that_was_interrupted_is_good_as_far_as_it_went(
    opened: Opened, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_SLICE", 4096)
    before = opened(random_model)
    talked(before, ask(words(1, 100)))
    asked = iter((False, False, False, True))
    before.settle(lambda: next(asked))
    onward = ask(words(1, 100), "a hex")
    part = end(talked(opened(random_model), onward, "")).usage.cached_tokens
    assert 16 < part < 100
    before.settle(lambda: False)
    assert read_of(talked(opened(random_model), onward, "")) <= 12


def test_what_was_read_before_a_halt_stays_read(opened: Opened, shape: Path) -> None:
    conversation = opened(shape)
    prompt = ask(words(1, 200))
    halt = conversation._model.halt

    def hear(event: GenerateEvent) -> None:
        if isinstance(event, PromptProgress) and event.done > 100:
            halt.set()

    conversation.generate(GenerateRequest(prompt, SHORT, "a"), hear)
    halt.set(False)
    events = talked(conversation, prompt)
    assert end(events).usage.cached_tokens > 100
    assert said(events) == said(talked(opened(shape, kept=False), prompt))


def test_regenerating_reads_next_to_nothing(opened: Opened, shape: Path) -> None:
    conversation = opened(shape)
    prompt = ask(words(1), words(2), words(3))
    first = talked(conversation, prompt)
    again = talked(conversation, prompt)
    assert read_of(again) <= 8
    assert said(again) == said(first)


def test_a_conversation_without_a_name_leaves_nothing(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    first = talked(conversation, ask(words(1)), "")
    conversation.keep()
    conversation.settle(lambda: False)
    talked(conversation, ask(words(2)), "")
    assert not home.exists()
    talked(conversation, ask(words(1), said(first), "x"), "b")
    conversation.keep()
    assert {kept.chat for kept in states.kept(home)} == {"b"}


def test_a_forgotten_chat_is_read_anew(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(words(1)))
    conversation.keep()
    conversation.forget("a")
    assert not states.kept(home)
    assert end(talked(conversation, ask(words(1)))).usage.cached_tokens == 0


def test_disk_full_or_folder_unwritable_is_no_error(opened: Opened, shape: Path, home: Path) -> None:
    home.write_text("a file, where a folder should be")
    conversation = opened(shape)
    first = talked(conversation, ask(words(1)))
    assert conversation.keep() == 0
    talked(conversation, ask(words(2)), "b")
    assert said(talked(conversation, ask(words(1)))) == said(first)


def test_damage_anywhere_costs_reading_but_never_the_answer(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(words(1)))
    conversation.keep()
    expected = said(talked(opened(shape, kept=False), ask(words(1), "a hex", "x")))
    (kept,) = states.kept(home)
    good = kept.path.read_bytes()
    for at in range(0, len(good), max(1, len(good) // 15)):
        talked(conversation, ask("x"), "")
        conversation.forget("a")
        conversation.afford(home, BUDGET)
        kept.path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        events = talked(conversation, ask(words(1), "a hex", "x"), "")
        assert said(events) == expected, at
        if shape.name in ("random.gguf", "experts.gguf"):  # the others may not need the part that is damaged
            assert end(events).usage.cached_tokens < 8, at


def test_cut_off_anywhere(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(words(1)))
    conversation.keep()
    expected = said(talked(opened(shape, kept=False), ask(words(1), "a hex", "x")))
    (kept,) = states.kept(home)
    good = kept.path.read_bytes()
    for length in (0, 1, 60, 61, 200, len(good) // 2, len(good) - 1):
        kept.path.write_bytes(good[:length])
        talked(conversation, ask("x"), "")
        events = talked(conversation, ask(words(1), "a hex", "x"), "")
        assert said(events) == expected
    kept.path.write_bytes(good + b"what another program wrote")
    talked(conversation, ask("x"), "")
    events = talked(conversation, ask(words(1), "a hex", "x"), "")
    assert said(events) == expected
    assert read_of(events) <= conversation.count(ask("x", "a hex")) + 8


def test_the_budget_holds_and_the_least_used_leaves(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(words(1)), "chat0")
    each = conversation.keep()
    conversation.afford(home, each * 7 // 2)
    for number in range(1, 6):
        talked(conversation, ask(words(1 + number)), f"chat{number}")
        conversation.keep()
        found = states.kept(home)
        assert sum(kept.size for kept in found) <= each * 7 // 2
        assert f"chat{number}" in {kept.chat for kept in found}
        for back, kept in enumerate(found):  # a clock may stand still between two
            os.utime(kept.path, (kept.used - len(found) + back, kept.used - len(found) + back))
    assert {kept.chat for kept in states.kept(home)} == {"chat3", "chat4", "chat5"}
    conversation.afford(home, each // 2)
    talked(conversation, ask(words(9)), "chat9")
    conversation.keep()
    assert "chat9" not in {kept.chat for kept in states.kept(home)}


def test_a_link_is_not_followed(opened: Opened, shape: Path, home: Path, tmp_path: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(words(1)))
    conversation.keep()
    (kept,) = states.kept(home)
    elsewhere = tmp_path / "elsewhere"
    os.replace(kept.path, elsewhere)
    try:
        kept.path.symlink_to(elsewhere)
    except OSError:
        pytest.skip("no links here")
    assert not states.kept(home)
    states.remove(home)
    assert elsewhere.exists()


def on_disk(conversation: Conversation, path: Path, home: Path) -> str:
    """The text of all tokens in the folder of states."""
    from_disk = shelf.Shelf(conversation._model, home, BUDGET, fingerprint.key(path, LONG, LONG.context, "test"))
    return " ".join("".join(map(conversation._model.shown, state.tokens)) for state in from_disk.states())


SECRET = " a fed bed" * 12


@pytest.mark.parametrize("way", ["settle", "keep", "another chat", "reply"])
def test_words_of_a_draft_that_was_not_sent_stay_off_the_disk(
    opened: Opened, shape: Path, home: Path, way: str
) -> None:
    conversation = opened(shape)
    said_so_far = turns(3)
    conversation.prepare(GenerateRequest(ask(*said_so_far), SHORT, "a"))
    drafted = conversation.prepare(GenerateRequest(ask(*said_so_far[:2], said_so_far[2] + SECRET), SHORT, "a"), True)
    assert drafted.held == drafted.total
    conversation.prepare(GenerateRequest(ask(*said_so_far), SHORT, "a"))  # which is held: nothing is read
    if way == "settle":
        conversation.settle(lambda: False)
    elif way == "keep":
        conversation.keep()
    elif way == "another chat":
        talked(conversation, ask(words(5)), "b")
    else:
        talked(conversation, ask(*said_so_far, said_so_far[0], "x"))
        conversation.keep()
    text = on_disk(conversation, shape, home)
    assert "fed" not in text
    assert said_so_far[1].strip() in text or way == "settle"
    again = talked(conversation, ask(*said_so_far), "a")
    assert said(again) == said(talked(opened(shape, kept=False), ask(*said_so_far)))


def test_what_was_asked_is_kept_as_it_was_drafted(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    question = ask(*turns(2), words(3) + SECRET)
    conversation.prepare(GenerateRequest(question, SHORT, "a"), True)
    talked(conversation, question)
    conversation.keep()
    assert "fed" in on_disk(conversation, shape, home)
    assert read_of(talked(opened(shape), question)) <= 8


def test_what_was_cleared_stays_off_the_disk_until_a_reply(opened: Opened, shape: Path, home: Path) -> None:
    conversation = opened(shape)
    talked(conversation, ask(*turns(3)))
    conversation.keep()
    conversation.forget("")
    assert not states.kept(home)
    conversation.prepare(GenerateRequest(ask(*turns(5)), SHORT, "a"))
    conversation.settle(lambda: False)
    assert conversation.keep() == 0
    assert read_of(talked(conversation, ask(*turns(5)))) <= 8  # it stayed in memory
    assert conversation.keep() > 0
