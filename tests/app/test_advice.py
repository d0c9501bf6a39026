"""What is said of memory in the chat pane: of the chat's own model, and of one that could be got."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal

from desktop.app.advice import Advice
from desktop.assembly import Assembly
from desktop.core.chat import Chat
from desktop.core.errors import UserError
from desktop.core.fit import Room, Verdict
from desktop.panes.chat.fitness import Fitness, Suggestion
from desktop.services.models.modelfiles import How
from desktop.services.online.faults import SEALED
from desktop.services.paths import Paths
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository
from tests.models import tiny_model

GB = 1_000_000_000
MISTRAL = Suggestion("Mistral 7B", 4 * GB, "TheBloke/Mistral-7B-GGUF", "Q4_K_M")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer({MISTRAL_REPO: bloke_repository(tmp_path / "hub", true_sizes=True)}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


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

    refusals: list[UserError] = field(default_factory=list)
    waits: int = 0

    def wait(self) -> None:
        self.waits += 1

    def refuse(self, error: UserError) -> None:
        self.refusals.append(error)

    def suggest(self, suggestion: Suggestion | None) -> None:
        self.suggestions.append(suggestion)


class Spawning:
    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def spawn(self, work, show=None):
        self.tasks.append(asyncio.ensure_future(self._guard(work, show)))

    async def _guard(self, work, show):
        try:
            await work
        except UserError as error:
            show(error)


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


def test_what_could_not_be_downloaded_says_so(tmp_path: Path) -> None:
    async def sealed(alcove, advice, chat) -> None:
        alcove.network.sealed = True
        advice.suggest()
        advice.get(advice._shown, lambda: pytest.fail("it cannot have begun"))

    said = advised(tmp_path, 12, sealed)
    (found,) = said.suggestions
    assert found is not None
    assert "Switch “Offline” off in the settings" in found.refused
    (refused,) = said.refusals
    assert refused.message == SEALED


def test_where_memory_has_gone_meanwhile_nothing_is_fetched(tmp_path: Path) -> None:
    async def short(alcove, advice, chat) -> None:
        advice.suggest()
        alcove.fitting.room = lambda: Room(2 * GB, 16 * GB, ())
        advice.get(advice._shown, lambda: pytest.fail("it cannot have begun"))

    (refused,) = advised(tmp_path, 12, short).refusals
    assert "free memory" in str(refused)


def test_the_file_that_was_named_is_fetched(tmp_path: Path, hub: HubServer) -> None:
    begun: list[bool] = []

    async def get(alcove, advice, chat) -> None:
        advice.suggest()
        advice.get(advice._shown, lambda: begun.append(True))
        await asyncio.gather(*advice._tasks.tasks)
        (download,) = alcove.downloads.all()
        shown = advice._shown
        assert (download.repo, download.label) == (shown.repo, shown.label)
        assert shown.coming
        alcove.downloads.cancel(download.id)
        await asyncio.sleep(0.3)
        assert not advice._shown.coming

    said = advised(tmp_path, 12, get)
    assert begun == [True]
    assert said.waits == 1
    assert not said.refusals


def test_a_full_disk_is_told_in_place(tmp_path: Path, hub: HubServer) -> None:
    async def get(alcove, advice, chat) -> None:
        alcove.downloads._free = lambda _folder: GB
        advice.suggest()
        advice.get(advice._shown, lambda: pytest.fail("it cannot have begun"))

    (refused,) = advised(tmp_path, 12, get).refusals
    assert "The disk has" in str(refused)


def test_a_suggestion_stays_while_it_fits(tmp_path: Path) -> None:
    """Also when the speed of this computer has become known, and when memory came and went."""

    async def change(alcove, advice, chat) -> None:
        advice.suggest()
        known = alcove.fitting._calibration.processor
        await alcove.fitting._calibration.set_processor(replace(known, bandwidth=200e9, times=3))
        for free, total in ((11, 16), (40, 64), (12, 16)):
            alcove.fitting.room = lambda free=free, total=total: Room(free * GB, total * GB, ())
            advice.suggest()

    first, *later = advised(tmp_path, 12, change).suggestions
    assert first is not None
    assert later == [first] * 3


def test_a_larger_model_is_suggested_when_the_welcome_comes_again(tmp_path: Path) -> None:
    async def free_some(alcove, advice, chat) -> None:
        for free in (0.3, 2.5, 12):
            alcove.fitting.room = lambda free=free: Room(round(free * GB), 16 * GB, ())
            advice.suggest_anew()
        assert alcove.advising.model().listing.repository.id == advice._shown.repo  # the search says the same

    names = [found and found.name for found in advised(tmp_path, 0.3, free_some).suggestions]
    assert names == [None, "TinyLlama 1.1B Chat v1.0", "Mistral 7B Instruct v0.1"]


def test_what_is_on_its_way_stays_suggested(tmp_path: Path, hub: HubServer) -> None:
    async def get(alcove, advice, chat) -> None:
        alcove.fitting.room = lambda: Room(round(2.5 * GB), 16 * GB, ())
        advice._shown = replace(MISTRAL, coming=True)
        advice.suggest_anew()

    assert advised(tmp_path, 12, get).suggestions == []


def test_the_newest_model_larger_than_the_guide_is_offered_to_talk_to(tmp_path: Path) -> None:
    async def bring(alcove, advice, chat) -> None:
        guide = next(model for model in alcove.library.all() if model.built_in)
        own = [
            replace(guide, built_in=False, name=name, size=size, added=added)
            for name, size, added in (("old", 9 * GB, 1.0), ("new", 4 * GB, 3.0), ("tiny", 1, 5.0), ("mid", GB, 2.0))
        ]
        for models in ([guide, *own], [guide, own[2]]):
            alcove.library.all = lambda models=models: models
            advice.suggest()
            advice.suggest_anew()

    assert advised(tmp_path, 12, bring).suggestions == [Suggestion("new", 4 * GB, here=True), None, None]


def test_what_does_not_fit_any_more_gives_way(tmp_path: Path) -> None:
    async def change(alcove, advice, chat) -> None:
        for free in (12, 2.5, 12):
            alcove.fitting.room = lambda free=free: Room(round(free * GB), 16 * GB, ())
            advice.suggest()

    names = [found and found.name for found in advised(tmp_path, 12, change).suggestions]
    assert names == ["Mistral 7B Instruct v0.1", *["TinyLlama 1.1B Chat v1.0"] * 2]  # the smaller fits still


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

        async def slow_at_first(subject, wanted, *, ask):
            asked.append(wanted.context)
            if len(asked) == 1:
                await first_goes.wait()
            assert not ask  # llama.cpp is not asked because a chat is opened
            return await suited(subject, wanted, ask=ask)

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


def test_llama_cpp_is_not_asked_because_a_chat_is_opened(tmp_path: Path) -> None:
    """Also where the model seems too large, which a reply would have confirmed first."""

    async def choose(alcove, advice, chat) -> None:
        async def ask(*_asked: object) -> None:
            pytest.fail("llama.cpp was asked")

        alcove.fitting._probing.ask = ask
        model = await alcove.library.import_file(tiny_model(tmp_path / "tiny.gguf"), How.LINK)
        chat.chat = replace(chat.chat, model=model.name)
        chat.head_changed.emit(chat.chat)

    fit = advised(tmp_path, 0.001, choose).fits[-1]
    assert fit is not None
    assert fit.verdict is Verdict.TOO_LARGE
