"""The generation loop on real models: what is read again, what is written, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from desktop.core.errors import LoadError, PromptTooLong, UserError
from desktop.core.generation import (
    FlashAttention,
    GenerateEvent,
    GenerateRequest,
    LoadSettings,
    PromptProgress,
    Sampling,
    StopReason,
)
from desktop.engine.conversation import Conversation
from desktop.engine.halt import Halt
from desktop.engine.llama import Backend
from tests.engine.conftest import SETTINGS, Loader
from tests.engine.prompts import GREEDY, answer, ask, end, reply, said, special, text
from tests.models import ASSISTANT, EOS, byte_tokens, chain, scripted_model, tiny_model

Talk = Callable[..., Conversation]
SHORT = replace(GREEDY, max_tokens=12)


def test_characters_split_over_tokens_arrive_whole(talk: Talk, korean_model: Path) -> None:
    events = answer(talk(korean_model), ask("abc"))
    assert said(events) == "한글🙂"
    assert "\ufffd" not in repr(events)
    finished = end(events)
    assert finished.stop_reason is StopReason.STOP
    assert finished.usage.completion_tokens == 10
    assert finished.timings.first_token_s > 0
    assert finished.timings.generation_per_s > 0


def test_half_a_character_is_not_shown_when_the_length_ends_it(talk: Talk, korean_model: Path) -> None:
    conversation = talk(korean_model)
    events = answer(conversation, ask("a"), replace(GREEDY, max_tokens=5))
    assert said(events) == "한"
    assert end(events).stop_reason is StopReason.LENGTH
    rest = answer(conversation, (*ask("a"), reply("한")))
    assert said(rest) == "글🙂"


def test_a_character_the_model_leaves_broken_shows_as_such(talk: Talk, tmp_path: Path) -> None:
    half = byte_tokens("글")[:2]
    path = scripted_model(tmp_path / "half.gguf", chain(ASSISTANT, *half, EOS))
    assert said(answer(talk(path), ask("a"))) == "\ufffd"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [(("hex",), " the "), (("e h",), " th"), (("x",), " the he"), ((" hey", "q"), " the hex"), (("ex", " h"), " the")],
)
def test_stop_strings_across_tokens(talk: Talk, english_model: Path, stop: tuple[str, ...], expected: str) -> None:
    conversation = talk(english_model)
    events = answer(conversation, ask("a"), replace(GREEDY, stop=stop))
    assert said(events) == expected
    assert end(events).stop_reason is StopReason.STOP
    assert said(answer(conversation, ask("a"))) == " the hex"


def test_the_second_turn_reads_only_what_is_new(talk: Talk, random_model: Path) -> None:
    conversation = talk(random_model)
    first = "tell me of the cabbage " * 6
    replied = answer(conversation, ask(first), SHORT)
    usage = end(replied).usage
    assert usage.cached_tokens == 0
    second = end(answer(conversation, ask(first, said(replied), "and then"), SHORT)).usage
    new = conversation.count(ask("and then")) - 1
    assert usage.prompt_tokens + usage.completion_tokens + new <= second.prompt_tokens + 8
    if "\ufffd" not in said(replied):
        assert second.prompt_tokens - second.cached_tokens <= new + 8


def test_a_reused_cache_answers_as_a_fresh_one(talk: Talk, random_model: Path) -> None:
    used = talk(random_model)
    answer(used, ask("the cabbage"), SHORT)
    answer(used, ask("the cat"), SHORT)
    again = answer(used, ask("the cabbage"), SHORT)
    assert 0 < end(again).usage.cached_tokens < end(again).usage.prompt_tokens
    assert said(again) == said(answer(talk(random_model), ask("the cabbage"), SHORT))
    twice = answer(used, ask("the cabbage"), SHORT)
    assert said(twice) == said(again)
    assert end(twice).usage.cached_tokens == end(twice).usage.prompt_tokens - 1


def test_a_sliding_window_that_has_moved_on_goes_back_to_a_checkpoint(talk: Talk, sliding_model: Path) -> None:
    settings = replace(SETTINGS, context=1024, batch=32)
    conversation = talk(sliding_model, settings)
    long = "abc xyz " * 60
    first = answer(conversation, ask(long), SHORT)
    onward = end(answer(conversation, (*ask(long), reply(said(first)), text(" x")), SHORT)).usage
    assert onward.cached_tokens > onward.prompt_tokens - 20 or "\ufffd" in said(first)
    back = answer(conversation, ask("abc xyz"), SHORT)
    assert end(back).usage.cached_tokens == 2  # <s><|user|>
    assert said(back) == said(answer(talk(sliding_model, settings), ask("abc xyz"), SHORT))


def test_a_recurrent_state_goes_back_to_a_checkpoint(talk: Talk, recurrent_model: Path) -> None:
    conversation = talk(recurrent_model)
    first = answer(conversation, (text("abc"),), SHORT)
    held = list(conversation._cache.tokens)
    onward = end(answer(conversation, (text("abc"), reply(said(first)), text("x")), SHORT))
    if "\ufffd" not in said(first):
        assert onward.usage.cached_tokens == len(held)
    back = answer(conversation, (text("abc"),), SHORT)
    assert end(back).usage.cached_tokens == end(back).usage.prompt_tokens - 1
    assert said(back) == said(first)


def test_a_reply_is_continued(talk: Talk, english_model: Path) -> None:
    conversation = talk(english_model)
    begun = answer(conversation, ask("a"), replace(GREEDY, max_tokens=2))
    assert said(begun) == " the "
    rest = answer(conversation, (*ask("a"), reply(said(begun))))
    assert said(rest) == "hex"
    assert end(rest).usage.cached_tokens >= end(rest).usage.prompt_tokens - 1
    whole = end(answer(conversation, ask("a", " the hex", "b"))).usage
    assert whole.prompt_tokens - whole.cached_tokens <= 6


def test_a_full_context_ends_the_reply(talk: Talk, korean_model: Path) -> None:
    conversation = talk(korean_model, replace(SETTINGS, context=256))
    events = answer(conversation, (text("a"),))
    usage = end(events).usage
    assert end(events).stop_reason is StopReason.CONTEXT
    assert usage.prompt_tokens + usage.completion_tokens in (256, 257)
    assert said(answer(conversation, ask("a"))) == "한글🙂"


def test_a_prompt_longer_than_the_context_is_refused_and_costs_nothing(talk: Talk, korean_model: Path) -> None:
    conversation = talk(korean_model)
    with pytest.raises(PromptTooLong, match="512"):
        answer(conversation, ask("z" * 2000))
    assert said(answer(conversation, ask("a"))) == "한글🙂"


def test_nothing_to_go_on_from(talk: Talk, tmp_path: Path) -> None:
    conversation = talk(tiny_model(tmp_path / "a.gguf", add_bos=False))
    with pytest.raises(UserError, match="nothing to go on"):
        answer(conversation, ())


def test_the_seed_decides(talk: Talk, random_model: Path) -> None:
    conversation = talk(random_model)
    lively = Sampling(temperature=1.5, seed=7, max_tokens=12)
    once, twice, other = (said(answer(conversation, ask("a"), replace(lively, seed=s))) for s in (7, 7, 8))
    assert once == twice != other
    assert len({said(answer(conversation, ask("a"), replace(lively, seed=-1))) for _ in range(3)}) > 1


@pytest.mark.parametrize("penalty", [1.3, 0.9, 0.0])
@pytest.mark.parametrize("top_k", [0, 1, 40])
@pytest.mark.parametrize("temperature", [0, 1])
def test_every_kind_of_sampling(talk: Talk, random_model: Path, penalty: float, top_k: int, temperature: float) -> None:
    sampling = Sampling(temperature, top_k, top_p=1, min_p=0, repeat_penalty=penalty, seed=1, max_tokens=5)
    assert end(answer(talk(random_model), ask("a"), sampling)).usage.completion_tokens <= 5


def test_the_penalty_is_exact_after_the_cut_to_top_k(talk: Talk, random_model: Path) -> None:
    conversation = talk(random_model)
    strong = Sampling(temperature=0, repeat_penalty=2, max_tokens=30)
    penalised = answer(conversation, ask("a"), strong)
    assert said(penalised) != said(answer(conversation, ask("a"), replace(strong, repeat_penalty=1)))


class Stopper:
    """Sets the halt from another thread once an event was seen."""

    def __init__(self, conversation: Conversation, wanted: Callable[[GenerateEvent], bool]) -> None:
        self._halt = conversation._model.halt
        self._wanted = wanted
        self.at = 0.0
        self.events: list[GenerateEvent] = []

    def __call__(self, event: GenerateEvent) -> None:
        self.events.append(event)
        if not self.at and self._wanted(event):
            self.at = monotonic()
            threading.Timer(0.01, self._halt.set).start()


def test_stop_in_the_middle_of_reading(loader: Loader, tmp_path: Path) -> None:
    model = loader(tiny_model(tmp_path / "deep.gguf", layers=48, context=32768), LoadSettings(16384, threads=1))
    conversation = Conversation(model)
    prompt = ask("abc xyz " * 1900)
    halted = Stopper(conversation, lambda e: isinstance(e, PromptProgress) and e.done > 0)
    conversation.generate(GenerateRequest(prompt, GREEDY), halted)
    assert monotonic() - halted.at < 2
    assert end(halted.events).stop_reason is StopReason.CANCELLED
    assert end(halted.events).usage.completion_tokens == 0
    held = len(conversation._cache.tokens)
    assert 0 < held < conversation.count(prompt) - 1
    model.halt.set(False)
    shorter = ask("abc xyz " * 20)
    again = answer(conversation, shorter, SHORT)
    assert end(again).usage.cached_tokens >= 16
    fresh = Conversation(loader(tmp_path / "deep.gguf", LoadSettings(16384, threads=1)))
    assert said(again) == said(answer(fresh, shorter, SHORT))


def test_stop_in_the_middle_of_writing(talk: Talk, korean_model: Path) -> None:
    conversation = talk(korean_model, replace(SETTINGS, context=4096))
    halted = Stopper(conversation, lambda e: not isinstance(e, PromptProgress))
    conversation.generate(GenerateRequest((text("a"),), GREEDY), halted)
    finished = end(halted.events)
    assert finished.stop_reason is StopReason.CANCELLED
    assert 0 < finished.usage.completion_tokens < 4000
    conversation._model.halt.set(False)
    assert said(answer(conversation, ask("a"))) == "한글🙂"


@pytest.mark.parametrize(
    "settings",
    [
        LoadSettings(256, flash_attention=FlashAttention.OFF, threads=1),
        LoadSettings(256, flash_attention=FlashAttention.ON, kv_type="q8_0", threads=1, batch_threads=2),
        LoadSettings(256, mmap=False, repack=False, gpu_layers=-1, threads=1),
        LoadSettings(256, mlock=True, batch=1, threads=1),
        LoadSettings(0, threads=0),
    ],
)
def test_ways_of_loading(talk: Talk, korean_model: Path, settings: LoadSettings) -> None:
    assert said(answer(talk(korean_model, settings), ask("abc"))) == "한글🙂"


def test_what_a_model_tells_of_itself(loader: Loader, recurrent_model: Path, random_model: Path) -> None:
    info = loader(random_model).info
    assert (info.name, info.architecture, info.device, info.gpu_layers) == ("Tiny", "llama", "CPU", 0)
    assert (info.context, info.trained_context, info.layers, info.bos, info.eos) == (512, 4096, 2, "<s>", "</s>")
    assert set(info.special_tokens) == {"<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>"}
    assert info.shifts
    assert not loader(recurrent_model).info.shifts


@pytest.mark.parametrize("complaint", ["warning: failed to mlock 4096-byte buffer (after 0)", "a deprecated token", ""])
def test_a_model_that_could_not_be_locked_in_memory_says_so(
    backend: Backend, loader: Loader, korean_model: Path, monkeypatch: pytest.MonkeyPatch, complaint: str
) -> None:
    loads = backend._load_weights

    def complains(*arguments: object) -> object:
        backend._logged(3, complaint.encode(), None)  # as llama.cpp does, at the level of a warning
        return loads(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backend, "_load_weights", complains)
    notes = loader(korean_model, replace(SETTINGS, mlock=True)).info.notes
    assert [note for note in notes if "locked in memory" in note] == list(notes)
    assert bool(notes) == ("mlock" in complaint)


def test_tokens_are_shown_with_their_names(talk: Talk, random_model: Path) -> None:
    shown = talk(random_model).tokens((special("<|user|>"), text("the 한")))
    assert [t for _, t in shown[:4]] == ["<s>", "<|user|>", " the", " "]
    assert all(t == "\ufffd" for _, t in shown[4:])


def test_threads_of_its_own_where_the_library_has_no_openmp(
    talk: Talk, korean_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.engine.llama.system_info", lambda: "CPU : LLAMAFILE = 1 |")
    conversation = talk(korean_model, replace(SETTINGS, threads=2, batch_threads=1))
    assert conversation._model._threads
    assert said(answer(conversation, ask("abc"))) == "한글🙂"


def test_a_processor_the_library_was_not_built_for_is_told(
    loader: Loader, korean_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.engine.refusal.missing_instructions", lambda _: ["AVX2", "FMA"])
    with pytest.raises(LoadError, match="AVX2, FMA"):
        loader(korean_model)


def test_a_halted_load(backend: Backend, korean_model: Path) -> None:
    halt = Halt()
    halt.set()
    assert backend.load(korean_model, SETTINGS, halt, lambda _: None) is None
