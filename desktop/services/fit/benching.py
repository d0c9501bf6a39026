"""Measures a model here as chats use it, in bounded time: speeds at several depths, waits for the first word, memory.

Invariant: what was read serves again, so that going deeper reads only what is new; what did not fit the context or the
time, or died, is told as that and costs no other figure. The engine is one of its own, its states lie in a folder of
its own, and both are gone at the end, however that came. What the figures are called and drawn is `cli.bench`'s.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import platform
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from time import monotonic

import psutil

from desktop import __version__
from desktop.core.benchmark import (
    Benchmark,
    Computer,
    Depth,
    FirstToken,
    Lookup,
    Memory,
    Moment,
    Plan,
    Spread,
    Subject,
    Why,
)
from desktop.core.errors import N_, EngineDied, PromptTooLong
from desktop.core.fit import Estimate
from desktop.core.generation import Finished, LoadSettings, ModelInfo, Usage
from desktop.engine import probe
from desktop.engine.client import Engine
from desktop.services import memory
from desktop.services.disk import refused
from desktop.services.fit import fitting
from desktop.services.fit.first_tokens import FirstTokens
from desktop.services.fit.pace import LEAST_WRITTEN, READ, WRITTEN, Pace, joined, plain, reply, request, words
from desktop.services.machine import Machine
from desktop.services.models.library import Model
from desktop.services.power import unplugged

_DEPTHS_SHARE = 0.5  # of the time: the rest is for the waits, which people feel
_TRIES = 2  # more texts for a model that ends its replies at once
_SLACK = 16  # tokens by which a prompt may be longer than its parts
_BUSY_S = 0.5  # how long the processor is watched before
_FIRST = 128  # tokens of the first question: an opening and a few lines
_FEWEST = 32  # tokens that are read, however slow the machine
_PERIOD = 96  # tokens of the text that is repeated: longer than any draft

_FOLDER = "bench-"  # and the number of the process

Tell = Callable[[str, int], None]  # hears what is measured now: a message id, and the {count} it may hold


@dataclass
class Limit:
    """The time that is left, seconds."""

    seconds: float
    began: float = field(default_factory=monotonic)

    @property
    def left(self) -> float:
        return self.seconds - (monotonic() - self.began)


async def computer(machine: Machine) -> Computer:
    """This computer, and what other programs take of it now."""
    busy = await asyncio.to_thread(psutil.cpu_percent, _BUSY_S)
    return Computer(
        machine.cpu,
        machine.performance_cores,
        machine.physical_cores,
        machine.logical_cores,
        machine.memory_total,
        machine.system,
        psutil.getloadavg()[0],
        busy / 100,
        await asyncio.to_thread(unplugged),
    )


class Benching:
    """One model with one choice of settings. `states` is an empty folder to use."""

    def __init__(self, model: Model, settings: LoadSettings, plan: Plan, states: Path, tell: Tell) -> None:
        self._model, self._settings, self._plan, self._tell = model, settings, plan, tell
        spare = shutil.disk_usage(states).free // 2
        self._engine = Engine(states=states, budget=lambda: spare)
        self._limit = Limit(plan.limit_s)
        self._salts = itertools.count(1)
        self._peak = 0
        self._info: ModelInfo | None = None
        self._read_per_s = self._write_per_s = 0.0  # as last measured
        self._held = 0  # tokens of the deep text that were read

    async def run(self, judge: fitting.Fitting, machine: Machine) -> Benchmark:
        """Everything. Raises what `Engine.load` does; cancelling ends the engine."""
        here = await computer(machine)
        report = await probe.examine()
        estimate = (await judge.exact(fitting.Subject.local(self._model), self._settings)).estimate
        try:
            cold = await self._cold()
            depths = await self._depths()
            speeds = self._read_per_s, self._write_per_s
            waits = FirstTokens(self._engine, self._load, self._limit, self._plan, speeds, self._tell)
            rows = await waits.measured(self._context)
            self._look()
            lookup = await self._lookup()
        finally:
            await self._engine.close()
        return self._benchmark((cold, *rows), depths, lookup, here, estimate, report.version)

    def _benchmark(
        self,
        rows: tuple[FirstToken, ...],
        depths: tuple[Depth, ...],
        lookup: Lookup,
        here: Computer,
        estimate: Estimate,
        llama: str,
    ) -> Benchmark:
        model, info = self._model, self._info
        assert info is not None  # loading raises, or gives it
        return Benchmark(
            Subject(model.name, model.size, model.quantisation, info.architecture, info.parameters),
            info.device,
            info.context,
            self._settings,
            info.load_s,
            depths,
            rows,
            lookup,
            Memory(self._peak, estimate.total_bytes, estimate.device_bytes, estimate.source),
            here,
            (
                ("Alcove", __version__),
                ("llama.cpp", llama),
                ("llama-cpp-python", metadata.version("llama-cpp-python")),
                ("Python", platform.python_version()),
            ),
            self._plan.limit_s - self._limit.left,
        )

    # -- loading ----------------------------------------------------------------------------------------------------

    @property
    def _context(self) -> int:
        return self._info.context if self._info else 0

    async def _load(self) -> float:
        """Makes the model ready, if it is not; seconds."""
        began = monotonic()
        info = await self._engine.load(self._model.path, self._settings)
        self._info = self._info or info
        return monotonic() - began

    def _look(self) -> None:
        self._peak = max(self._peak, memory.resident(self._engine.pid))

    async def _within(self, work: Callable[[], Awaitable[Why]]) -> Why:
        """Does some work with the model, unless the engine dies of it or the time is over."""
        if self._limit.left <= 0:
            return Why.TIME
        await self._load()
        try:
            async with asyncio.timeout(self._limit.left):
                return await work()
        except TimeoutError:
            return Why.TIME
        except EngineDied:
            return Why.DIED
        except PromptTooLong:
            return Why.CONTEXT
        finally:
            self._look()

    # -- speeds -----------------------------------------------------------------------------------------------------

    async def _cold(self) -> FirstToken:
        self._tell(N_("Loading"), 0)
        await asyncio.to_thread(_let_go, self._model.files)
        load_s, usage, seconds = await self._load(), Usage(), 0.0

        async def ask() -> Why:
            nonlocal usage, seconds
            prompt = await words(self._engine, min(_FIRST, self._context // 2), next(self._salts))
            _text, finished = await reply(self._engine, request(prompt, self._to_write()))
            usage, seconds = finished.usage, finished.timings.first_token_s
            self._learn(Pace.of(finished))
            return Why.NONE

        why = await self._within(ask)
        return FirstToken(Moment.COLD, Spread.of([seconds]), load_s, usage.prompt_tokens, usage.cached_tokens, why)

    def _to_read(self) -> int:
        """Tokens of one run: those of `READ`, fewer in a small context or on a slow machine."""
        most = min(READ, self._context // 2)
        return min(most, max(self._in_time(self._read_per_s), _FEWEST)) if self._read_per_s else most

    def _to_write(self) -> int:
        most = min(WRITTEN, self._context // 4)
        return min(most, max(self._in_time(self._write_per_s), LEAST_WRITTEN)) if self._write_per_s else most

    def _in_time(self, per_s: float) -> int:
        """Tokens for which one run may take the time of: eight such parts are a run of everything."""
        return int(per_s * self._plan.limit_s / (8 * self._plan.runs))

    def _learn(self, pace: Pace) -> None:
        self._read_per_s = pace.read_per_s or self._read_per_s
        self._write_per_s = pace.write_per_s or self._write_per_s

    async def _depths(self) -> tuple[Depth, ...]:
        rows, until = [], self._limit.left * (1 - _DEPTHS_SHARE)
        for depth in sorted(set(self._plan.depths)):
            tail = min(self._to_read(), self._context - depth - self._to_write() - _SLACK)
            if tail < _SLACK:
                rows += [Depth(depth, why=Why.CONTEXT)] if self._plan.chosen else []
                continue
            runs = self._affordable(depth, tail, self._limit.left - until)
            if depth == 0:
                runs = max(runs, 1)
            if not runs:
                rows.append(Depth(depth, why=Why.TIME))
                continue
            self._tell(N_("Speed after {count} tokens"), depth)
            rows.append(await self._depth(depth, tail, runs))
        return tuple(rows)

    def _affordable(self, depth: int, tail: int, seconds: float) -> int:
        """Runs that the time is enough for, by the speeds measured last; reading gets slower with depth."""
        if not (self._read_per_s and self._write_per_s):
            return self._plan.runs if seconds > 0 else 0
        once = tail / self._read_per_s + self._to_write() / self._write_per_s
        spare = seconds - (depth - self._held) / self._read_per_s
        return max(0, min(self._plan.runs, int(spare / once)))

    async def _depth(self, depth: int, tail: int, runs: int) -> Depth:
        paces: list[Pace] = []

        async def read() -> Why:
            before = await words(self._engine, depth) if depth else ()
            if before:
                await self._engine.prepare(request(before, 1))
                self._held = depth
            for _ in range(runs + _TRIES):
                behind = joined(before, await words(self._engine, tail, next(self._salts)))
                _text, finished = await reply(self._engine, request(behind, self._to_write()))
                paces.append(Pace.of(finished))
                self._learn(paces[-1])
                if sum(pace.write_per_s > 0 for pace in paces) >= runs:
                    break
            return Why.NONE

        why = await self._within(read)
        kept = [pace for pace in paces if pace.cached >= depth - _SLACK]  # else it was not read behind that depth
        if paces and not kept:
            why = Why.READ_AGAIN
        elif paces and not any(pace.write_per_s for pace in paces):
            why = Why.ENDED
        return Depth(
            depth,
            kept[-1].read if kept else 0,
            Spread.of(pace.read_per_s for pace in kept),
            Spread.of(pace.first_token_s for pace in kept),
            Spread.of(pace.write_per_s for pace in paces),
            why,
        )

    # -- drafts -----------------------------------------------------------------------------------------------------

    async def _lookup(self) -> Lookup:
        """A text that was said three times and is begun again, alternately without drafts and with them."""
        self._tell(N_("Looking up repeated words"), 0)
        speeds: dict[bool, list[float]] = {False: [], True: []}
        replies: list[Finished] = []

        async def write() -> Why:
            period = min(_PERIOD, self._context // 8, self._to_read())
            [text] = await words(self._engine, period, next(self._salts))
            prompt = plain(" ".join([text.text] * 3 + text.text.split()[:4]))
            for drafts in (False, True) * self._plan.runs:
                wanted = request(prompt, min(period, self._to_write()), lookup=drafts)
                _text, finished = await reply(self._engine, wanted)
                speeds[drafts].append(Pace.of(finished).write_per_s)
                replies.append(finished)
            return Why.NONE if any(speeds[False]) and any(speeds[True]) else Why.ENDED

        why = await self._within(write)
        drafted, accepted = sum(r.drafted for r in replies), sum(r.accepted for r in replies)
        return Lookup(Spread.of(speeds[True]), Spread.of(speeds[False]), drafted, accepted, why)


def _let_go(files: Sequence[Path]) -> None:
    """Asks the system to read the file from the disk again, where it can be asked; a request, no promise."""
    if sys.platform != "linux":
        return
    for file in files:
        with suppress(OSError):
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


@contextmanager
def states_folder(within: Path) -> Iterator[Path]:
    """An empty folder that is gone at the end; those that killed programs left go, too. Raises `StorageError`."""
    for old in within.glob(f"{_FOLDER}*"):
        number = old.name.removeprefix(_FOLDER)
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(old, ignore_errors=True)
    folder = within / f"{_FOLDER}{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(error, folder) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
