"""What is said of memory in the chat pane: of the chat's own model, and of one that could be got."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal

from desktop.app.advice import Advice
from desktop.assembly import Assembly
from desktop.core.chat import Chat
from desktop.core.fit import Room, Verdict
from desktop.panes.chat.fitness import Fitness, Suggestion
from desktop.services.models.modelfiles import How
from desktop.services.paths import Paths
from tests.models import tiny_model

GB = 1_000_000_000


class Shown(QObject):
    """The chat that is shown, as `ChatController` tells of it."""

    shown = Signal(object, list)
    head_changed = Signal(object)
    models_changed = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.chat = Chat("", "", 0.0, 0.0)


@dataclass
class Said:
    """What the pane was told; it is its own welcome."""

    fits: list[Fitness | None] = field(default_factory=list)
    suggestions: list[Suggestion | None] = field(default_factory=list)

    @property
    def welcome(self) -> Said:
        return self

    def show_fit(self, fitness: Fitness | None) -> None:
        self.fits.append(fitness)

    def suggest(self, suggestion: Suggestion | None) -> None:
        self.suggestions.append(suggestion)


class Spawning:
    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def spawn(self, work, show=None):
        self.tasks.append(asyncio.ensure_future(work))


def advised(tmp_path: Path, free_gb: float, act) -> Said:
    """Lets `act` happen with so much memory free; what was said then."""

    async def live() -> Said:
        paths = Paths(tmp_path / "김철수")
        paths.create()
        async with Assembly.opened(paths) as alcove:
            alcove.fitting.room = lambda: Room(round(free_gb * GB), 16 * GB, ())
            chat, said, tasks = Shown(), Said(), Spawning()
            advice = Advice(alcove, tasks, chat, said)
            await act(alcove, advice, chat)
            await asyncio.gather(*tasks.tasks)
            return said

    return asyncio.run(live())


async def suggest(alcove, advice, chat) -> None:
    advice.suggest()


@pytest.mark.parametrize(
    ("free_gb", "name"),
    [(12, "Mistral 7B Instruct v0.1"), (2.5, "TinyLlama 1.1B Chat v1.0"), (0.3, None)],
)
def test_what_fits_is_offered_and_nothing_else(tmp_path: Path, free_gb: float, name: str | None) -> None:
    (found,) = advised(tmp_path, free_gb, suggest).suggestions
    assert (found and found.name) == name
    if found is not None:
        assert found.label == "Q4_K_M"
        assert found.repo.startswith("TheBloke/")


def test_nothing_is_offered_that_could_not_be_downloaded(tmp_path: Path) -> None:
    async def sealed(alcove, advice, chat) -> None:
        alcove.network.sealed = True
        advice.suggest()

    assert advised(tmp_path, 12, sealed).suggestions == [None]


def test_the_fit_is_of_the_model_of_the_chat(tmp_path: Path) -> None:
    async def choose(alcove, advice, chat) -> None:
        model = await alcove.library.import_file(tiny_model(tmp_path / "tiny.gguf"), How.LINK)
        advice.suggest()
        chat.chat = replace(chat.chat, model=model.name)
        chat.head_changed.emit(chat.chat)
        await asyncio.gather(*advice._tasks.tasks)
        chat.chat = replace(chat.chat, model="gone")
        chat.head_changed.emit(chat.chat)

    said = advised(tmp_path, 12, choose)
    assert said.suggestions == [None]  # who has a model needs no other
    before, first, changed, last = said.fits
    assert before is None  # until it is judged, nothing is said of it
    assert changed is None
    assert first is not None
    assert (first.verdict, first.available) == (Verdict.FITS, 12 * GB)
    assert 0 < first.needed < GB
    assert last is None


def test_an_earlier_question_does_not_overwrite_a_later_one(tmp_path: Path) -> None:
    first_goes = asyncio.Event()

    async def ask_twice(alcove, advice, chat) -> None:
        model = await alcove.library.import_file(tiny_model(tmp_path / "tiny.gguf"), How.LINK)
        suited, asked = alcove.fitting.suited, []

        async def slow_at_first(subject, wanted):
            asked.append(wanted.context)
            if len(asked) == 1:
                await first_goes.wait()
            return await suited(subject, wanted)

        alcove.fitting.suited = slow_at_first
        chat.chat = replace(chat.chat, model=model.name, settings={"context": 512})
        chat.head_changed.emit(chat.chat)
        chat.chat = replace(chat.chat, settings={"context": 1024})
        chat.head_changed.emit(chat.chat)
        await advice._tasks.tasks[1]
        first_goes.set()
        await asyncio.gather(*advice._tasks.tasks)
        assert asked == [512, 1024]

    before, fit = advised(tmp_path, 12, ask_twice).fits
    assert before is None
    assert fit is not None
