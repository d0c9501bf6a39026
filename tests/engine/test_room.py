"""Orders in the room: each is answered once, in order, and what is only read ahead gives way to whatever comes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from time import sleep

import pytest

from desktop.core.generation import Finished, GenerateRequest, LoadSettings, StopReason
from desktop.engine.frames import (
    Answer,
    Count,
    Counted,
    Failed,
    Final,
    Generate,
    Keep,
    Kept,
    List,
    Listed,
    Load,
    Loaded,
    Order,
    Prepare,
    Prepared,
)
from desktop.engine.room import Room
from tests import models
from tests.engine.prompts import GREEDY, ask

LONG = ask("the a b ab he th " * 6000)  # tens of seconds for the model below, where nothing ends it
OTHER = ask("b a the ab he th " * 6000)
SHORT = ask("a b the")


class Heard:
    """A room and what it said."""

    def __init__(self) -> None:
        self._said: SimpleQueue[tuple[int, Answer]] = SimpleQueue()
        self.room = Room(lambda number, answer: self._said.put((number, answer)))
        self._number = 0

    def put(self, *orders: Order) -> int:
        for order in orders:
            self._number += 1
            self.room.submit(self._number, order)
        return self._number

    def finals(self, count: int) -> list[tuple[int, Answer]]:
        """The next final answers; a minute is more than all of them need."""
        found: list[tuple[int, Answer]] = []
        while len(found) < count:
            number, answer = self._said.get(timeout=60)
            if isinstance(answer, Final):
                found.append((number, answer))
        return found


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model(tmp_path_factory.mktemp("models") / "slow.gguf", context=131_072, layers=8)


@pytest.fixture
def heard(slow_model: Path) -> Iterator[Heard]:
    found = Heard()
    found.put(load(slow_model))
    ((_, loaded),) = found.finals(1)
    assert isinstance(loaded, Loaded)
    yield found
    number = found.put(load(slow_model.parent / "none.gguf"))  # which frees the one before
    while found.finals(1)[0][0] != number:
        pass


def load(path: Path) -> Load:
    return Load(os.fspath(path), LoadSettings(context=65_536, threads=1, batch=512))


def ahead(prompt: tuple[object, ...]) -> Prepare:
    return Prepare(GenerateRequest(prompt, GREEDY))  # type: ignore[arg-type]


def generate(prompt: tuple[object, ...], count: int = 3) -> Generate:
    return Generate(GenerateRequest(prompt, replace(GREEDY, max_tokens=count)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (generate(SHORT), Finished),
        (Count((SHORT,)), Counted),
        (List(SHORT), Listed),
        (Keep(), Kept),
        (ahead(SHORT), Prepared),
    ],
)
def test_any_order_ends_what_is_read_ahead(heard: Heard, order: Order, kind: type) -> None:
    heard.put(ahead(LONG), order)
    (first, prepared), (second, answer) = heard.finals(2)
    assert (first, second) == (2, 3)
    assert isinstance(prepared, Prepared)
    assert prepared.held < prepared.total
    assert isinstance(answer, kind)


def test_a_load_behind_what_is_read_ahead_comes_at_once(heard: Heard, slow_model: Path) -> None:
    heard.put(ahead(LONG), load(slow_model), generate(SHORT))
    (_, prepared), (_, loaded), (_, finished) = heard.finals(3)
    assert isinstance(prepared, Prepared)
    assert prepared.held < prepared.total
    assert isinstance(loaded, Loaded)
    assert isinstance(finished, Finished)


def test_of_many_only_the_last_is_read(heard: Heard) -> None:
    heard.put(*[ahead(LONG)] * 20, ahead(SHORT), *[ahead(LONG)] * 20, ahead(SHORT))
    finals = heard.finals(42)
    assert [number for number, _ in finals] == list(range(2, 44))
    last = finals[-1][1]
    assert isinstance(last, Prepared)
    assert last.held == last.total > 0


def test_what_waits_to_be_read_ahead_disturbs_nothing(heard: Heard) -> None:
    """It has been overtaken before its turn came: what the KV cache holds stays."""
    heard.put(generate(SHORT))
    heard.finals(1)
    heard.put(generate(SHORT, 200), ahead(OTHER), generate(SHORT))
    (_, first), (_, prepared), (_, second) = heard.finals(3)
    assert prepared == Prepared(0, 0, prepared.total)  # type: ignore[union-attr]
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert second.usage.cached_tokens == second.usage.prompt_tokens - 1


def test_what_was_read_until_then_stays_read(heard: Heard) -> None:
    held = [0]
    while held[-1] < 500:
        heard.put(ahead(LONG))
        sleep(0.1)
        heard.put(Count((SHORT,)))
        (_, prepared), _ = heard.finals(2)
        assert isinstance(prepared, Prepared)
        assert prepared.held == held[-1] + prepared.read
        held.append(prepared.held)


def test_a_reply_is_never_ended_by_what_comes_after_it(heard: Heard) -> None:
    heard.put(ahead(SHORT), generate(SHORT, 200), ahead(LONG), Count((SHORT,)))
    (_, _), (_, finished), (_, _), (_, counted) = heard.finals(4)
    assert isinstance(finished, Finished)
    assert finished.stop_reason is not StopReason.CANCELLED
    assert isinstance(counted, Counted)


def test_stopping_what_is_over_or_was_never_asked_disturbs_nothing(heard: Heard) -> None:
    number = heard.put(ahead(SHORT))
    heard.finals(1)
    heard.room.stop(number)
    heard.room.stop(1)
    number = heard.put(generate(SHORT))
    heard.room.stop(number + 1)  # ahead of its time: that order will end when its turn comes
    ((_, finished),) = heard.finals(1)
    assert isinstance(finished, Finished)
    assert finished.stop_reason is StopReason.LENGTH


def test_without_a_model_nothing_is_read() -> None:
    found = Heard()
    found.put(ahead(SHORT), Count((SHORT,)))
    assert all(isinstance(answer, Failed) for _, answer in found.finals(2))
