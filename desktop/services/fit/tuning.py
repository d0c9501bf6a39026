"""Finds the settings with which a model is fastest here, by measuring with real engine processes, and keeps them.

Invariant: it takes a minute or so at most, whatever the model, can be cancelled at any moment, and leaves no process
behind; settings that would not fit into memory are not tried, and those with which the engine ends are out. Nothing is
set for a model before a person says so. What is tried, and what counts as better, is `core.tuning`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean
from time import monotonic
from typing import Any, TypeVar

import psutil

from desktop.core.errors import N_, SettingError, UserError
from desktop.core.fit import lacking
from desktop.core.generation import FlashAttention, LoadSettings, load_settings
from desktop.core.settings import Value, resolve
from desktop.core.tuning import KEYS, Cores, Outcome, Sample, Search, Step, Trial, planned
from desktop.engine.client import Engine
from desktop.services.fit.fitting import Fit, Fitting, Subject
from desktop.services.fit.pace import LEAST_WRITTEN, measure_speed
from desktop.services.machine import Machine
from desktop.services.models.library import Model
from desktop.services.preferences import Preferences

BUDGET_S = 75.0  # for what is tried beside the defaults: eight trials of a 7 B model on a laptop
_SAMPLE_S = 0.2  # that one speed is measured for: a hundred operations of a small model, two tokens of a large one
_LEAST_READ, _LEAST_WRITTEN = 48, 16  # tokens; fewer tell nothing, more take a large model seconds
_MOST_READ, _MOST_WRITTEN = 2048, 128  # tokens: four of the largest usual batches; llama-bench's tg128
_SEVERAL = ((1.5, 3), (3.0, 2))  # measurements of a trial by the seconds that one takes; of a slower one there is one
_PROMPTS = 3  # after which a model that ends its reply at once is taken to end every reply so
_WATCHED_S = 0.5  # how long the processor is watched, as `benching` does
_POLL_S = 0.1  # no person notices when a measurement that waits for a reply to end goes on
_BUILT_IN = N_("The guide has settings of its own, which stay as they are. Choose another model for this.")

_Trial = TypeVar("_Trial", Trial, Trial | None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is being measured now, how far it all is (0..1), and how many seconds it may still take."""

    step: Step
    fraction: float
    left_s: float


@dataclass(frozen=True, slots=True)
class _Size:
    """Of one measurement, in tokens, and how many of them make a trial."""

    read: int = _LEAST_READ
    written: int = _LEAST_WRITTEN
    times: int = 1


class Tuning:
    """`release` ends the engine that chats use, whose memory may be needed; `start` makes the one that measures."""

    def __init__(
        self,
        machine: Machine,
        fitting: Fitting,
        preferences: Preferences,
        engine: Engine,
        release: Callable[[], Awaitable[None]],
        start: Callable[[], Engine] = Engine,
    ) -> None:
        self._machine, self._fitting, self._preferences = machine, fitting, preferences
        self._engine, self._release, self._start = engine, release, start

    async def find(
        self, model: Model, progress: Callable[[Attempt], None] = lambda _: None, budget_s: float = BUDGET_S
    ) -> Outcome:
        """Measures the defaults, then what may be better. Raises what loading the model with its defaults raises."""
        default = await self._fitting.suited(model, self._default(model))
        progress(Attempt(Step(default), 0.0, budget_s))
        fit = await self._asked(model, default)
        await self.quiet()
        held = self._engine.loaded
        if held is not None and (held[2].gpu_layers or not self.beside(fit)):
            await self._release()
        busy = await _taken_by_others()
        engine = self._start()
        try:
            outcome = await _Tuner(self, model, fit, engine, progress, budget_s).run()
        finally:
            await asyncio.shield(engine.close())
        return replace(outcome, busy=max(busy, await _taken_by_others()))

    def tuned(self, model: Model) -> Mapping[str, Value]:
        """What is set for the model of what can be found here."""
        own = {} if model.built_in else self._preferences.values(model.name)
        return {key: value for key, value in own.items() if key in KEYS}

    async def use(self, model: Model, outcome: Outcome) -> None:
        """Keeps for the model what is better than the defaults, and nothing else. Raises as `Preferences.set`.

        Learns the speed, unless other programs were at the processor.
        """
        await self.undo(model)
        for key, value in outcome.changes.items():
            plain = value.value if isinstance(value, FlashAttention) else value
            await self._preferences.set(key, plain, model.name)
        await self._learn(model, outcome, outcome.best)

    async def undo(self, model: Model, outcome: Outcome | None = None) -> None:
        """Back to the defaults, whose speed is learned if it was measured. Raises as `Preferences.reset`."""
        self.refuse_guide(model)
        for key in self.tuned(model):
            await self._preferences.reset(key, model.name)
        if outcome is not None:
            await self._learn(model, outcome, outcome.default)

    def refuse_guide(self, model: Model) -> None:
        """Raises `SettingError` where nothing can be kept for the model."""
        if model.built_in:
            raise SettingError(_BUILT_IN)

    async def _learn(self, model: Model, outcome: Outcome, trial: Trial) -> None:
        if not (outcome.disturbed or outcome.unclear):
            await self._fitting.timed(model, trial.settings, [sample.write_per_s for sample in trial.samples])

    def _default(self, model: Model) -> LoadSettings:
        """What would be in force if nothing of it were set for the model."""
        own = {} if model.built_in else self._preferences.values(model.name)
        kept = {key: value for key, value in own.items() if key not in KEYS}
        return load_settings(resolve({"context": 0} if model.built_in else kept, self._preferences.values()))

    def beside(self, fit: Fit) -> bool:
        """Whether it goes into the memory that is left beside all that is loaded now."""
        room = replace(self._fitting.room(), available_bytes=self._machine.memory_available())
        return not lacking(fit.estimate, room)

    async def _asked(self, model: Model, settings: LoadSettings) -> Fit:
        """What it takes by the engine's own word; what that does not say is computed."""
        subject = Subject.local(model)
        with suppress(UserError):
            return await self._fitting.exact(subject, settings)
        return self._fitting.quick(subject, settings)

    async def fits(self, model: Model, settings: LoadSettings, most: int = 0) -> Fit | None:
        """What other settings would take; None where the engine refuses them, or memory for more than `most` is short.

        `most` are bytes that the person lets it take although they are not there.
        """
        fit = await self._asked(model, settings)
        allowed = fit.estimate.total_bytes <= most or self.beside(fit)
        return fit if allowed and not fit.refused else None

    def cores(self) -> Cores:
        machine = self._machine
        return Cores(machine.performance_cores, machine.physical_cores, machine.logical_cores)

    @property
    def answering(self) -> bool:
        """Whether a chat is being answered or read ahead: people come first, and two at once measure nothing."""
        return self._engine.active

    async def quiet(self) -> None:
        """Waits until none is."""
        while self.answering:  # noqa: ASYNC110 - it tells nobody when it is over
            await asyncio.sleep(_POLL_S)


async def _taken_by_others() -> float:
    """The share of the processor that programs take while nothing is measured."""
    return float(await asyncio.to_thread(psutil.cpu_percent, _WATCHED_S)) / 100


class _Tuner:
    """One search for one model."""

    def __init__(
        self,
        tuning: Tuning,
        model: Model,
        fit: Fit,
        engine: Engine,
        progress: Callable[[Attempt], None],
        budget_s: float,
    ) -> None:
        self._tuning, self._model, self._fit, self._engine = tuning, model, fit, engine
        self._progress, self._budget_s = progress, budget_s
        self._size = _Size()
        self._most = 0 if tuning.beside(fit) else fit.estimate.total_bytes  # too large already is the person's choice
        self._took: list[float] = []  # seconds of the trials that nothing disturbed so far

    async def run(self) -> Outcome:
        default = await self._undisturbed(self._measured_default)
        fit = self._fit
        plan = planned(default.settings, self._tuning.cores(), self._size.read, fit.estimate.layers, fit.gpu_layers)
        search = Search(default, plan)
        until = monotonic() + self._budget_s
        while (step := search.step) is not None:
            left = until - monotonic()
            if left < (1 + search.owed) * mean(self._took):
                search.hurry()
            self._tell(step, search.ahead, left)
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    search.hear(await self._undisturbed(partial(self._tried, step.settings)))
            except TimeoutError:
                search.hurry()
                break
        return search.outcome()

    async def _undisturbed(self, measure: Callable[[], Coroutine[Any, Any, _Trial]]) -> _Trial:
        """A measurement during which no chat was answered; one that was disturbed gives memory back and starts anew."""
        while True:
            await self._tuning.quiet()
            task = asyncio.create_task(measure())
            try:
                while not task.done() and not self._tuning.answering:
                    await asyncio.wait([task], timeout=_POLL_S)
                if task.done():
                    return task.result()
            finally:
                if not task.done():
                    task.cancel()
                    await asyncio.wait([task])
            await self._engine.unload()

    def _tell(self, step: Step, ahead: int, left_s: float) -> None:
        still = min(ahead * mean(self._took), max(left_s, 0.0))
        done = sum(self._took)
        self._progress(Attempt(step, done / (done + still) if still else 1.0, still))

    async def _measured_default(self) -> Trial:
        """The trial all others are compared with; finds out how much there is to read and write for one."""
        settings, start = self._fit.settings, monotonic()
        info = await self._engine.load(self._model.path, settings)
        began = monotonic()
        first = await self._sample(0)
        took = monotonic() - began
        written = int(first.write_per_s * _SAMPLE_S)
        self._size = _Size(
            min(max(int(first.read_per_s * _SAMPLE_S), _LEAST_READ), _MOST_READ, info.context // 2),
            min(max(written, _LEAST_WRITTEN), _MOST_WRITTEN, info.context // 4),
            next((times for seconds, times in _SEVERAL if took < seconds), 1),
        )
        samples = (first,) if self._size.times == 1 else await self._samples()
        self._took.append(monotonic() - start)
        return Trial(settings, samples, self._fit.estimate.committed_bytes)

    async def _tried(self, settings: LoadSettings) -> Trial | None:
        """None where it does not fit, cannot be loaded, or ended the engine."""
        began = monotonic()
        await self._engine.unload()  # the last one's memory is free while the next one is judged
        fit = await self._tuning.fits(self._model, settings, self._most)
        if fit is None:
            return None
        trial = None
        with suppress(UserError):
            await self._engine.load(self._model.path, settings)
            if self._size.times > 1:
                await measure_speed(self._engine, LEAST_WRITTEN, LEAST_WRITTEN)  # the first one pays for what is cold
            trial = Trial(settings, await self._samples(), fit.estimate.committed_bytes)
        self._took.append(monotonic() - began)
        return trial

    async def _samples(self) -> tuple[Sample, ...]:
        return tuple([await self._sample(10 * (number + 1)) for number in range(self._size.times)])

    async def _sample(self, salt: int) -> Sample:
        """A speed of writing is 0 where the model ended its reply at once with some prompts."""
        for other in range(_PROMPTS):
            pace = await measure_speed(self._engine, self._size.read, self._size.written, salt + other)
            if pace.write_per_s:
                break
        return Sample(pace.read_per_s, pace.write_per_s)
