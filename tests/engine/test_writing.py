"""Drafts in real replies: the text, how it ends and what the KV cache holds are the same as without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.errors import UserError
from desktop.core.generation import Finished, GenerateEvent, GenerateRequest, LoadSettings, Piece, Sampling, StopReason
from desktop.core.lookup import SIZES, Costs
from desktop.engine.conversation import Conversation
from desktop.engine.halt import Outcome
from desktop.engine.llama import Model
from desktop.engine.processor import worthwhile
from tests import models
from tests.engine.conftest import Loader
from tests.engine.prompts import GREEDY, ask, end, reply, said, text
from tests.models import ASSISTANT, EOS, USER, chain, scripted_model, token

Talk = Callable[..., Conversation]
SETTINGS = LoadSettings(context=1024, threads=1, batch=128)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ABC = (text(LETTERS * 2),)


class Cheap(Costs):
    """Costs of a machine on which several tokens take little longer than one, however busy this one is."""

    def __init__(self, proved: bool = True) -> None:
        super().__init__()
        self._proved = proved

    def took(self, size: int, seconds: float) -> float:
        self.single = 0.01
        return 1.2 if size > 1 else 1.0

    def times(self, size: int) -> float:
        return 1.2

    def same(self, size: int, depth: int) -> bool:
        return self._proved or super().same(size, depth)


@pytest.fixture
def talk(loader: Loader) -> Callable[..., Conversation]:
    def make(path: Path, settings: LoadSettings = SETTINGS, proved: bool = True) -> Conversation:
        conversation = Conversation(loader(path, settings))
        conversation._costs = Cheap(proved)
        return conversation

    return make


@pytest.fixture(scope="session")
def letters_model(folder: Path) -> Path:
    """Goes round the letters a to z without end."""
    return scripted_model(folder / "letters.gguf", {})


@pytest.fixture(scope="session")
def experts_model(folder: Path) -> Path:
    return models.experts_model(folder / "experts.gguf")


def write(
    conversation: Conversation, prompt: tuple[Piece, ...], sampling: Sampling = GREEDY, lookup: bool = True
) -> tuple[str, Finished]:
    events: list[GenerateEvent] = []
    conversation.generate(GenerateRequest(prompt, sampling, lookup=lookup), events.append)
    return said(events), end(events)


def outcome(written: tuple[str, Finished]) -> tuple[object, ...]:
    """All of a reply but its times and how it came about."""
    return written[0], written[1].stop_reason, written[1].usage.completion_tokens


def alike(talk: Talk, path: Path, prompt: tuple[Piece, ...], sampling: Sampling, settings: LoadSettings) -> Finished:
    """A reply with drafts, after it was seen that it is the one without, and that the next one is, too."""
    without, drafting = talk(path, settings), talk(path, settings)
    plain, tried = write(without, prompt, sampling, lookup=False), write(drafting, prompt, sampling)
    assert plain[1].drafted == 0
    assert outcome(tried) == outcome(plain)
    assert drafting._cache.tokens == without._cache.tokens
    onward = (*prompt, reply(plain[0]), text(" so"))
    assert outcome(write(drafting, onward, sampling)) == outcome(write(without, onward, sampling, lookup=False))
    assert drafting._cache.tokens == without._cache.tokens
    return tried[1]


def test_a_passage_that_comes_again_is_drafted(talk: Talk, letters_model: Path) -> None:
    found = alike(talk, letters_model, ABC, replace(GREEDY, max_tokens=100), SETTINGS)
    assert found.accepted >= 80
    assert found.drafted - found.accepted <= SIZES[-1]


def test_the_length_ends_it_at_every_count(talk: Talk, letters_model: Path) -> None:
    conversation = talk(letters_model)
    prompt = conversation._tokeniser.tokenise(ABC).tokens
    for count in range(1, 30):
        written, found = write(conversation, ABC, replace(GREEDY, max_tokens=count))
        assert (written, found.stop_reason) == ((LETTERS * 2)[:count], StopReason.LENGTH)
        assert conversation._cache.tokens == prompt + [token(c) for c in written[:-1]]
        assert found.drafted or count < 24


@pytest.mark.parametrize("stop", ["m", "opq", "tuvwxyzabcdef", "zz"])
def test_stop_strings_within_drafts(talk: Talk, letters_model: Path, stop: str) -> None:
    found = alike(talk, letters_model, ABC, replace(GREEDY, stop=(stop,), max_tokens=60), SETTINGS)
    assert found.drafted
    assert found.stop_reason is (StopReason.LENGTH if stop == "zz" else StopReason.STOP)


@pytest.mark.parametrize("last", "klmr")
def test_a_model_that_ends_where_the_draft_goes_on(talk: Talk, folder: Path, last: str) -> None:
    path = scripted_model(folder / f"ends-{last}.gguf", {token(last): EOS})
    found = alike(talk, path, (text(LETTERS * 2 + "ab"),), GREEDY, SETTINGS)
    assert found.stop_reason is StopReason.STOP
    assert found.drafted


def test_an_end_that_was_drafted_itself(talk: Talk, folder: Path) -> None:
    script = chain(ASSISTANT, *(token(c) for c in "qwertyuiop"), EOS)
    found = alike(talk, scripted_model(folder / "end.gguf", script), ask("a", "qwertyuiop", "b"), GREEDY, SETTINGS)
    assert found.stop_reason is StopReason.STOP
    assert found.usage.completion_tokens == 10


@pytest.mark.parametrize("kind", ["random", "letters", "sliding", "experts", "recurrent"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_text_from_every_kind_of_model(
    talk: Talk, kind: str, temperature: float, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(f"{kind}_model")
    sampling = Sampling(temperature, top_k=2, repeat_penalty=1, seed=3, max_tokens=120)
    found = alike(talk, path, (text("the cab abab " * 12),), sampling, replace(SETTINGS, batch=32))
    assert not (kind == "recurrent" and found.drafted)
    assert found.drafted or kind in ("recurrent", "experts", "sliding", "random")


@pytest.mark.parametrize("kind", ["random", "sliding", "experts"])
def test_drafts_that_are_wrong_leave_no_trace(
    talk: Talk, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is said, something is drafted: seldom right, and often at the edge of a window that slides."""
    monkeypatch.setattr("desktop.core.lookup._HOPELESS", -1)
    monkeypatch.setattr("desktop.core.lookup._PAYS", 0)
    monkeypatch.setattr("desktop.core.lookup._CREDIT", 1e6)
    path = request.getfixturevalue(f"{kind}_model")
    sampling = Sampling(1.0, top_k=40, repeat_penalty=1.1, seed=3, max_tokens=150)
    found = alike(talk, path, (text("the cab abab xyz " * 12),), sampling, replace(SETTINGS, batch=32))
    assert found.drafted > 20
    assert found.drafted > 2 * found.accepted


def test_a_full_context_ends_it(talk: Talk, letters_model: Path) -> None:
    settings = replace(SETTINGS, context=256)
    without, drafting = talk(letters_model, settings), talk(letters_model, settings)
    for start in range(200, 209):
        prompt = (text((LETTERS * 8)[:start]),)
        plain, tried = write(without, prompt, lookup=False), write(drafting, prompt)
        assert outcome(tried) == outcome(plain)
        assert tried[1].stop_reason is StopReason.CONTEXT
        assert tried[1].accepted
        assert drafting._cache.tokens == without._cache.tokens


def test_a_stop_between_drafts(talk: Talk, letters_model: Path) -> None:
    conversation = talk(letters_model)
    events: list[GenerateEvent] = []

    def emit(event: GenerateEvent) -> None:
        events.append(event)
        conversation._model.halt.set(len(events) >= 40)

    conversation.generate(GenerateRequest(ABC, GREEDY), emit)
    assert end(events).stop_reason is StopReason.CANCELLED
    assert end(events).accepted
    assert end(events).usage.completion_tokens <= 40 + SIZES[-1]
    held = conversation._cache.tokens
    conversation._model.halt.set(False)
    again = write(conversation, ABC, replace(GREEDY, max_tokens=30))
    assert again[0] == (LETTERS * 2)[:30]
    assert held[: len(again[0])]


def test_a_cut_that_loses_all_is_read_again(talk: Talk, letters_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a sliding window might: nothing of the reply may change for it."""
    conversation = talk(scripted_model(letters_model.with_name("again.gguf"), {token("k"): token("c")}))
    model, cuts = conversation._model, []

    def cut(keep: int) -> bool:
        cuts.append(keep)
        return False

    monkeypatch.setattr(model, "cut", cut)
    written = write(conversation, ABC, replace(GREEDY, max_tokens=40))
    assert cuts
    assert written[0] == ("abcdefghijk" + "cdefghijk" * 4)[:40]
    assert len(conversation._cache.tokens) == written[1].usage.prompt_tokens + 39


def test_a_fault_at_the_end_leaves_the_kernels_as_they_were(
    talk: Talk, letters_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation, evened = talk(letters_model), []
    model = conversation._model

    def cut(_keep: int) -> bool:
        raise UserError("out of order")

    monkeypatch.setattr(model, "cut", cut)
    monkeypatch.setattr(model._processor, "even", evened.append)
    with pytest.raises(UserError, match="out of order"):
        write(conversation, ABC, replace(GREEDY, stop=("m",), max_tokens=60))  # in the middle of a draft
    assert evened == [True, False]


def test_a_proof_wins_nothing(talk: Talk, letters_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its tokens are computed again, one at a time."""
    won: list[tuple[float, float]] = []
    monkeypatch.setattr("desktop.core.lookup.Lookup.won", lambda _, tokens, times: won.append((tokens, times)))
    conversation = talk(letters_model, proved=False)
    logits = Model.logits
    monkeypatch.setattr(Model, "logits", lambda model, row: logits(model, row) + bytes([row & 1]))
    assert not write(conversation, ABC, replace(GREEDY, max_tokens=60))[1].drafted
    assert won == [(0, 1.2)] * 2  # of eight tokens, then of three


def test_the_very_same_text_takes_proof_first(talk: Talk, letters_model: Path) -> None:
    conversation = talk(letters_model, proved=False)
    first = write(conversation, ABC, replace(GREEDY, max_tokens=60))[1]
    assert conversation._costs.same(8, 100)
    assert first.accepted
    assert write(conversation, ABC, replace(GREEDY, max_tokens=60))[1].accepted > first.accepted


def test_logits_that_differ_forbid_drafts_of_the_same_text(
    talk: Talk, letters_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = talk(letters_model, proved=False)
    logits = Model.logits
    monkeypatch.setattr(Model, "logits", lambda model, row: logits(model, row) + bytes([row & 1]))
    found = write(conversation, ABC, replace(GREEDY, max_tokens=60))
    assert found[0] == (LETTERS * 3)[:60]
    assert not found[1].drafted
    assert not conversation._costs.unproved(100)
    lively = Sampling(0.5, seed=1, repeat_penalty=1, max_tokens=60)
    assert write(conversation, ABC, lively)[1].drafted  # where chance has a say, rounding may


@pytest.fixture(scope="session")
def wide_model(folder: Path) -> Path:
    return models.tinyllama_shape(folder / "wide.gguf", layers=1)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_token_is_computed_as_several_are(loader: Loader, wide_model: Path, threads: int) -> None:
    """With more than 512 cells and several threads llama.cpp would sum up in another order for one."""
    model = loader(wide_model, LoadSettings(context=1024, threads=threads))
    prompt = [300 + 7 * number % 30_000 for number in range(600)]
    assert all(model.decode(prompt[at : at + 300]) is Outcome.DONE for at in (0, 300))
    model.even()
    alone = []
    for word in range(400, 408):
        model.decode((word,))
        alone.append(model.logits(-1))
    assert model.cut(600)
    model.decode(range(400, 408), every=True)
    assert [model.logits(row) for row in range(8)] == alone


def test_the_switch_is_left_alone_where_it_would_cost_much(loader: Loader, wide_model: Path) -> None:
    assert [threads for threads in range(1, 33) if worthwhile(32, threads)] == [1, 2, 4, 8, 11, 16, 17, 32]
    assert not worthwhile(12, 8)
    assert not loader(wide_model, LoadSettings(context=256, threads=24))._processor._backends
    assert loader(wide_model, LoadSettings(context=256, threads=16))._processor._backends


def test_the_switch_is_left_alone_where_the_library_is_laid_out_otherwise(
    talk: Talk, letters_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.engine.processor._MAKES", 6)
    conversation = talk(letters_model)
    assert not conversation._model._processor._backends
    assert write(conversation, ABC, replace(GREEDY, max_tokens=30))[0] == (LETTERS * 2)[:30]


def test_a_control_token_said_by_a_person_is_no_draft_of_an_end(talk: Talk, letters_model: Path) -> None:
    prompt = ask(LETTERS, LETTERS, LETTERS)
    assert USER in talk(letters_model)._tokeniser.tokenise(prompt).tokens
    alike(talk, letters_model, prompt, replace(GREEDY, max_tokens=70), SETTINGS)
