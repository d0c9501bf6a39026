"""The best settings for a model, found with real engine processes; how fast they are is this machine's affair."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from desktop.assembly import Assembly
from desktop.core.errors import EngineDied, ModelFileError, SettingError
from desktop.core.generation import FlashAttention, GenerateRequest, LoadSettings, ModelInfo, Piece, PieceKind
from desktop.core.tuning import KEYS, Outcome, Sample, Trial
from desktop.engine.client import Engine
from desktop.services.fit import tuning as module
from desktop.services.fit.fitting import Subject
from desktop.services.fit.tuning import Attempt, Tuning
from desktop.services.models.library import How, Model
from desktop.services.paths import Paths

ONE_CORE = {"performance_cores": 1, "physical_cores": 1, "logical_cores": 1}  # threads wait for each other when busy
Scene = Callable[[Assembly, Model], Awaitable[None]]


class Fragile(Engine):
    """An engine whose process is killed, or refuses, with some settings; counts what it was asked to load."""

    def __init__(self, dies: Callable[[LoadSettings], bool] = lambda _: False) -> None:
        super().__init__()
        self.dies = dies
        self.asked: list[LoadSettings] = []
        self.pids: list[int] = []
        self.closed = False

    async def load(
        self, path: Path, settings: LoadSettings, progress: Callable[[float], None] | None = None
    ) -> ModelInfo:
        self.asked.append(settings)
        info = await super().load(path, settings, progress)
        self.pids.append(self.pid or 0)
        if self.dies(settings):
            assert self.pid is not None
            os.kill(self.pid, signal.SIGTERM)
        return info

    async def close(self) -> None:
        self.closed = True
        await super().close()

    def gone(self) -> bool:
        return self.pid is None and not any(map(psutil.pid_exists, self.pids))


@pytest.fixture(autouse=True)
def _short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other programs take here is known: everything. Two measurements of a trial show what three would."""
    monkeypatch.setattr(module, "_WATCHED_S", 0.01)
    monkeypatch.setattr(module, "_SEVERAL", ((4.0, 2),))


def play(paths: Paths, source: Path, scene: Scene) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove, asyncio.timeout(60):
            model = await alcove.library.import_file(source, How.COPY)
            await scene(alcove, model)

    asyncio.run(main())


def tuning_of(alcove: Assembly, engine: Engine, release: Callable[[], Awaitable[None]] | None = None) -> Tuning:
    machine = replace(alcove.machine, **ONE_CORE)
    return Tuning(
        machine, alcove.fitting, alcove.preferences, alcove.engine, release or alcove.talk.unload, lambda: engine
    )


def test_measures_the_defaults_and_what_may_be_better(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        await alcove.preferences.set("threads", 1)
        engine, seen = Fragile(), list[Attempt]()
        outcome = await tuning_of(alcove, engine).find(model, seen.append)
        assert outcome.complete
        tried = {attempt.step.tried for attempt in seen}
        assert {("repack",), ("flash_attention",), ("kv_type",)} <= tried
        for trial in outcome.trials:
            assert min(trial.read_per_s, trial.write_per_s, trial.committed_bytes) > 0
        assert [trial.settings.kv_type for trial in outcome.told] == ["q8_0"]
        assert outcome.best.settings.kv_type == "f16"
        fractions = [attempt.fraction for attempt in seen]
        assert fractions[0] == 0.0
        assert all(0 <= fraction <= 1 for fraction in fractions)
        assert all(attempt.left_s >= 0 for attempt in seen)
        assert engine.closed
        assert engine.gone()
        assert not alcove.tuning().tuned(model)  # finding sets nothing

    play(paths, source, scene)


def test_the_engine_may_end_with_one_of_them(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        await alcove.preferences.set("threads", 1)
        engine = Fragile(lambda settings: not settings.repack)
        outcome = await tuning_of(alcove, engine).find(model)
        assert any(not settings.repack for settings in engine.asked)
        assert all(trial.settings.repack for trial in outcome.trials)

    play(paths, source, scene)


def test_defaults_that_cannot_be_loaded_are_said(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        engine = Fragile(lambda _settings: True)
        with pytest.raises(EngineDied):
            await tuning_of(alcove, engine).find(model)
        assert engine.closed

    play(paths, source, scene)


def test_what_the_engine_refuses_is_not_tried(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        settings = LoadSettings(threads=1, batch_threads=1, kv_type="q8_0")  # which needs flash attention
        off = replace(settings, flash_attention=FlashAttention.OFF)
        assert await alcove.tuning().fits(model, off) is None
        assert await alcove.tuning().fits(model, replace(off, kv_type="f16")) is not None

    play(paths, source, scene)


def test_what_does_not_fit_is_not_tried(paths: Paths, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        settings = LoadSettings(threads=1, batch_threads=1)
        default = await alcove.fitting.exact(Subject.local(model), settings)
        tuning, more = alcove.tuning(), replace(settings, batch=2048)
        total = default.estimate.total_bytes
        assert await tuning.fits(model, more) is not None
        monkeypatch.setattr(type(alcove.machine), "memory_available", lambda _self: total // 2)
        assert await tuning.fits(model, settings) is None
        assert await tuning.fits(model, more, total) is None
        assert await tuning.fits(model, replace(settings, kv_type="q8_0"), total) is not None  # it takes less

    play(paths, source, scene)


def test_can_be_cancelled_at_any_moment(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        await alcove.preferences.set("threads", 1)
        for moment in range(3):
            engine, seen = Fragile(), list[Attempt]()
            finding = asyncio.create_task(tuning_of(alcove, engine).find(model, seen.append))
            while len(seen) <= moment:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1 * moment)
            finding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await finding
            assert engine.closed or not engine.asked
            assert engine.gone()

    play(paths, source, scene)


def test_a_chat_comes_first(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        await alcove.preferences.set("threads", 1)
        engine, seen = Fragile(), list[Attempt]()
        await alcove.engine.load(model.path, LoadSettings(threads=1, batch_threads=1, context=512))
        finding = asyncio.create_task(tuning_of(alcove, engine).find(model, seen.append))
        while len(seen) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        prompt = (Piece(PieceKind.TEXT, "hello"),)
        async with aclosing(alcove.engine.generate(GenerateRequest(prompt))) as reply:
            await anext(reply)
            resting = 0  # times in a row: between two trials it has no process for a moment only
            while resting < 10:
                await asyncio.sleep(0.05)
                resting = resting + 1 if engine.pid is None else 0
            asked = len(engine.asked)
        while len(engine.asked) == asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        finding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finding

    play(paths, source, scene)


class Reader(Engine):
    """An engine that reads ahead, or not."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = False

    @property
    def active(self) -> bool:
        return self.reads or super().active


class Disturbed(Fragile):
    """While it measures what comes after the defaults, a chat is read ahead, until it has given its memory back."""

    def __init__(self, chats: Reader) -> None:
        super().__init__()
        self.chats = chats
        self.disturbed = False

    async def load(
        self, path: Path, settings: LoadSettings, progress: Callable[[float], None] | None = None
    ) -> ModelInfo:
        info = await super().load(path, settings, progress)
        if len(self.asked) == 2:
            self.chats.reads = self.disturbed = True
            await asyncio.sleep(3600)
        return info

    async def unload(self) -> None:
        await super().unload()
        self.chats.reads = False


def test_reading_ahead_comes_first_too_and_does_not_count_as_a_trial(
    paths: Paths, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        await alcove.preferences.set("threads", 1)
        chats = Reader()
        engine, tuner = Disturbed(chats), list[module._Tuner]()
        run = module._Tuner.run

        async def seen(self: module._Tuner) -> Outcome:
            tuner.append(self)
            return await run(self)

        monkeypatch.setattr(module._Tuner, "run", seen)
        machine = replace(alcove.machine, **ONE_CORE)
        tuning = Tuning(machine, alcove.fitting, alcove.preferences, chats, alcove.talk.unload, lambda: engine)
        outcome = await tuning.find(model)
        assert engine.disturbed
        assert engine.asked[1] == engine.asked[2]  # which is measured anew
        assert len(tuner[0]._took) == len(engine.asked) - 1
        assert outcome.complete

    play(paths, source, scene)


def test_without_time_the_defaults_stay(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        await alcove.preferences.set("threads", 1)
        engine = Fragile()
        outcome = await tuning_of(alcove, engine).find(model, budget_s=0.0)
        assert outcome.changes == {}
        assert not outcome.complete
        assert len(engine.asked) <= 2

    play(paths, source, scene)


def test_what_chats_hold_is_released_only_where_memory_is_short(
    paths: Paths, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        released: list[bool] = []

        async def release() -> None:
            released.append(True)
            await alcove.engine.unload()

        await alcove.engine.load(model.path, LoadSettings(threads=1, batch_threads=1, context=512))
        await tuning_of(alcove, Fragile(), release).find(model, budget_s=0.0)
        assert released == []
        monkeypatch.setattr(type(alcove.machine), "memory_available", lambda _self: 0)
        prompt = (Piece(PieceKind.TEXT, "hello"),)
        async with aclosing(alcove.engine.generate(GenerateRequest(prompt))) as reply:
            await anext(reply)
            finding = asyncio.create_task(tuning_of(alcove, Fragile(), release).find(model, budget_s=0.0))
            await asyncio.sleep(0.5)
            assert released == []  # what is being written is written to its end
        await finding
        assert released == [True]

    play(paths, source, scene)


def made_up(default: LoadSettings, best: LoadSettings) -> Outcome:
    return Outcome(Trial(default, (Sample(100, 10),) * 3), Trial(best, (Sample(150, 12),) * 3))


def test_only_what_beats_the_defaults_is_kept_and_can_be_undone(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        tuning, preferences = alcove.tuning(), alcove.preferences
        await preferences.set("context", 2048, model.name)
        await preferences.set("batch", 256, model.name)  # what was found some other day
        default = LoadSettings(threads=4)
        best = replace(default, threads=6, flash_attention=FlashAttention.OFF)
        await tuning.use(model, made_up(default, best))
        assert preferences.values(model.name) == {"context": 2048, "threads": 6, "flash_attention": "off"}
        assert set(tuning.tuned(model)) == {"threads", "flash_attention"} <= set(KEYS)
        assert (await alcove.fitting.suited(model, best)).threads == 6
        assert preferences.levels(model.name, {})["flash_attention"] == "off"
        await tuning.undo(model)
        assert preferences.values(model.name) == {"context": 2048}
        assert tuning.tuned(model) == {}

    play(paths, source, scene)


def test_the_forecast_learns_what_was_measured(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        default = LoadSettings(threads=1)
        subject = Subject.local(model)
        await alcove.tuning().use(model, made_up(default, replace(default, batch=128)))
        fast = alcove.fitting.quick(subject, default).speed
        await alcove.tuning().undo(model, made_up(default, default))
        slow = alcove.fitting.quick(subject, default).speed
        assert fast is not None
        assert slow is not None
        assert 0 < slow.tokens_per_s < fast.tokens_per_s <= 12

    play(paths, source, scene)


def test_a_disturbed_measurement_is_not_learned(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        default = LoadSettings(threads=1)
        uneven = Trial(default, (Sample(100, 1), Sample(100, 10), Sample(100, 20)))
        for outcome in (replace(made_up(default, default), busy=0.9), Outcome(uneven, uneven)):
            await alcove.tuning().undo(model, outcome)
            await alcove.tuning().use(model, outcome)
            assert alcove.fitting.quick(Subject.local(model), default).speed is None

    play(paths, source, scene)


def test_the_guide_keeps_its_own(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, _model: Model) -> None:
        guide = alcove.library.find("")
        with pytest.raises(SettingError, match="guide"):
            await alcove.tuning().use(guide, made_up(LoadSettings(), LoadSettings(batch=64)))
        assert alcove.tuning().tuned(guide) == {}

    play(paths, source, scene)


def test_a_file_that_is_gone_is_one_sentence(paths: Paths, source: Path) -> None:
    async def scene(alcove: Assembly, model: Model) -> None:
        model.path.unlink()
        with pytest.raises(ModelFileError):
            await tuning_of(alcove, Fragile()).find(model)

    play(paths, source, scene)
