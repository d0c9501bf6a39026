"""What a model costs here, and how it will run: one number for rows, library, settings, loading and command line.

Invariants: every figure comes out of one `core.estimator.Estimator` for a model, so the same model with the same
settings is said to take the same, wherever it is shown; what llama.cpp said stays said. `quick` does no I/O and asks
nobody. Nothing is forbidden here: loading in spite of a verdict is a person's choice. Headers are `headers`', asking
llama.cpp is `probing`'s, what was measured is kept by `calibration`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from desktop.core import choice, repos
from desktop.core.chat import Message
from desktop.core.errors import LoadError, UserError
from desktop.core.estimator import Estimator
from desktop.core.fit import Card, Estimate, Room, Source, Verdict, judge, layers_on_cards
from desktop.core.generation import LoadSettings
from desktop.core.remedies import Remedy, largest_context, remedies
from desktop.core.repacking import Repacking
from desktop.core.repos import Listing, Variant
from desktop.core.settings import GPU_AUTOMATIC
from desktop.core.speed import Run, Speed, forecast, reachable
from desktop.engine.client import Engine
from desktop.engine.devices import DeviceKind
from desktop.engine.files import read_header
from desktop.engine.probe import examine
from desktop.engine.refusal import refuse_settings
from desktop.services import memory
from desktop.services.fit import bandwidth
from desktop.services.fit.calibration import Calibration, Measured
from desktop.services.fit.headers import Head, Headers
from desktop.services.fit.probing import Probing
from desktop.services.fit.readings import bytes_read, load_of, run_of
from desktop.services.fit.sparse import StandIn, stand_ins
from desktop.services.fit.subjects import Known, Subject, guessed
from desktop.services.machine import Machine
from desktop.services.models.library import Model

__all__ = ["Fit", "Fitting", "Measured", "Subject"]

USUAL_CONTEXT = LoadSettings().context
_LEAST_CONTEXT = 1024  # below that no conversation is held; better tight memory than none
_ROOM_S = 0.5  # rows judged together are judged against the same memory
_BEST_OF = 3  # times memory is measured, one at each start: other programs may have been at it
_SURVEYED = 32  # variants at most; each is two requests, of 3,000 that the Hub allows in five minutes
_IN_VAIN = 3  # variants described otherwise than the first, after which the rest is not tried
_CARDS_S = 60.0  # what graphics cards have free is asked again after that: it takes a process
_KEPT = 300  # models known: twenty repositories; the tensors of one take 100 kB


@dataclass(frozen=True, slots=True)
class Fit:
    """The verdict on one model with one choice of settings, and all it rests on. Bytes and tokens."""

    estimate: Estimate
    verdict: Verdict
    settings: LoadSettings  # with the context that "as trained" means
    available_bytes: int
    largest_context: int  # that fits; 0: not even the smallest
    gpu_layers: int  # that fit on graphics cards; -1: all
    trained_context: int  # 0 where it is not known
    rough: bool = field(default=False, kw_only=True)  # no header is here, nor does the catalogue know its shape
    memory_bytes: int = field(default=0, kw_only=True)  # all there is, for others' programs too; 0: not known
    speed: Speed | None = None
    remedies: tuple[Remedy, ...] = ()
    exact: bool = False  # whether llama.cpp said so for these settings
    fault: UserError | None = None  # why llama.cpp would not say
    refused: bool = False  # whether it would not load either, however much memory there is


@dataclass(frozen=True, slots=True)
class _Judge:
    """What judges one model, as long as nothing new is known of it."""

    known: Known
    estimator: Estimator


class Fitting:
    """The one estimator of an application. `headers` is None where nothing is fetched."""

    def __init__(
        self, machine: Machine, engine: Engine, calibration: Calibration, headers: Headers | None = None
    ) -> None:
        self._machine, self._engine, self._calibration, self._headers = machine, engine, calibration, headers
        self._probing = Probing()
        self._known: dict[str, Known] = {}
        self._families: dict[str, Known] = {}
        self._judges: dict[str, _Judge] = {}
        self._heads: dict[str, tuple[Head, ...]] = {}
        self._cards: tuple[Card, ...] = ()
        self._cards_until = 0.0
        self._examining: asyncio.Task[None] | None = None
        self._weighing: asyncio.Task[None] | None = None
        self._room: tuple[float, Room] | None = None
        self._notes: set[asyncio.Task[None]] = set()
        self._pid: int | None = None  # of the engine process that was measured last

    async def prepare(self) -> None:
        """Finds out, once, what the engine can compute on and how fast memory is read. Takes about a second."""
        await self._examined()
        if self._weighing is None:
            self._weighing = asyncio.create_task(self._weigh())
        await asyncio.shield(self._weighing)

    async def _examined(self) -> None:
        """Asks once; where there are graphics cards, again after a while, but not while they hold our own model."""
        old = self._cards and self._engine.loaded is None and time.monotonic() > self._cards_until
        if self._examining is None or (self._examining.done() and old):
            self._examining = asyncio.create_task(self._examine())
        await asyncio.shield(self._examining)

    async def _examine(self) -> None:
        held = self._engine.loaded is not None
        try:
            report = await examine()
        except LoadError:  # no process could be started: the next question tries again
            self._examining = None
            return
        shared = self._machine.shares_memory
        self._cards = tuple(
            Card(d.name, d.free_bytes, d.total_bytes, shared)
            for d in report.devices
            if d.kind is DeviceKind.GPU  # what "automatic" uses: `engine.llama` leaves integrated ones alone
        )
        self._cards_until = 0.0 if held or self._engine.loaded else time.monotonic() + _CARDS_S
        if report.system_info:
            await self._calibration.set_processor(replace(self._calibration.processor, system_info=report.system_info))
        self._judges.clear()
        self._room = None

    async def _weigh(self) -> None:
        if self._calibration.processor.times < _BEST_OF:
            speed = await bandwidth.measured(self._machine.performance_cores)
            known = self._calibration.processor
            best = replace(known, bandwidth=max(speed, known.bandwidth), times=known.times + (speed > 0))
            await self._calibration.set_processor(best)

    def room(self) -> Room:
        """Memory now, as if no model were loaded."""
        now = time.monotonic()
        if self._room is None or now - self._room[0] > _ROOM_S:
            total = memory.total()
            free = memory.available() + memory.returned(self._engine.pid)
            self._room = now, Room(min(free, total), total, self._cards)
        return self._room[1]

    # -- judging ----------------------------------------------------------------------------------------------------

    def quick(self, subject: Subject, settings: LoadSettings) -> Fit:
        """The verdict from what is known already, in well under a millisecond."""
        judge_of, room = self._judge(subject), self.room()
        shape, estimator = judge_of.known.shape, judge_of.estimator
        settings = _within(settings, shape.trained_context)
        estimate = estimator(settings)
        verdict = judge(estimate, room)
        refusal = _refusal(subject, settings)
        smaller = self._smaller(subject) if verdict in (Verdict.TIGHT, Verdict.TOO_LARGE) else {}
        layers = layers_on_cards(shape, replace(settings, gpu_layers=GPU_AUTOMATIC), room.devices)
        return Fit(
            estimate,
            verdict,
            settings,
            room.available_bytes,
            largest_context(estimator, settings, room, shape.trained_context),
            -1 if layers > len(shape.layers) else layers,
            shape.trained_context,
            None if refusal else self._speed(subject, judge_of.known, estimate),
            () if refusal else remedies(estimator, settings, room, smaller),
            estimate.source is Source.PROBE,
            refusal or self._probing.fault(subject.identity, estimator.key(settings)),
            refusal is not None,
            rough=judge_of.known.rough,
            memory_bytes=room.total_bytes,
        )

    async def exact(self, subject: Subject, settings: LoadSettings, also: Sequence[LoadSettings] = ()) -> Fit:
        """The verdict by llama.cpp's own word. Where it does not give it, `exact` is false and `fault` says why.

        `also` are settings to be asked about in the same process, for later. A header that is not here is fetched.
        Raises `NetworkError`, `HubError`, `ModelFileError`, `StorageError`.
        """
        if subject.in_catalogue or _refusal(subject, settings):
            return self.quick(subject, settings)
        try:
            if subject.identity not in self._known:
                self._probing.warm()
            await asyncio.gather(self._learn(subject), self._examined())
            found = self._judge(subject)
            trained = found.known.shape.trained_context
            keys = [found.estimator.key(_within(one, trained)) for one in (settings, *also)]
            await self._probing.ask(subject.identity, keys, lambda: self._opened(subject))
        finally:
            self._probing.cool()
        self._judge(subject).estimator.learn(self._probing.said(subject.identity))
        return self.quick(subject, settings)

    async def survey(self, listing: Listing) -> None:
        """Reads the lists of tensors of all variants, once the header of one is here: some 20 kB each.

        What comes is better than guessing which weights are copied; what does not come stays guessed.
        """
        left = _IN_VAIN
        for variant in listing.variants[:_SURVEYED]:
            subject = Subject.remote(listing, variant)
            if subject.family not in self._families:
                return
            try:
                left -= not await self._learn(subject, whole=False)
            except UserError:
                left = 0
            if not left:
                return

    def outdated(self, subject: Subject) -> str:
        """Why a variant's files may answer badly, as a message id; "" where nothing speaks for it."""
        known = self._known.get(subject.identity) or self._families.get(subject.family)
        return repos.outdated(subject.listing, known.header if known else None) if subject.listing else ""

    def recommended(self, listing: Listing, fits: Mapping[str, Fit]) -> tuple[Variant, str]:
        """The variant to take, of those judged (by label; there must be one), and why, as a message id."""
        judged = [(v, fits[v.label]) for v in listing.variants if v.label in fits]
        rows = [choice.Row(v, fit.verdict, fit.speed.tokens_per_s if fit.speed else None) for v, fit in judged]
        return choice.recommended(rows)

    async def suited(self, model: Model, wanted: LoadSettings, *, ask: bool = True) -> LoadSettings:
        """What "automatic" and "as trained" mean for this model here, never more context than it was trained on.

        A context that was not chosen (0, or the default) is made smaller where memory is short, if llama.cpp, which is
        asked only with `ask`, does not say otherwise; a chosen one is kept.
        """
        subject = Subject.local(model)
        wanted = replace(
            wanted,
            threads=wanted.threads or self._machine.threads,
            batch_threads=wanted.batch_threads or self._machine.batch_threads,
        )
        with suppress(UserError):  # loading says what is wrong with the file
            await self._learn(subject)
        fit = self.quick(subject, wanted)
        if wanted.context in (0, USUAL_CONTEXT) and fit.verdict is Verdict.TOO_LARGE:
            with suppress(UserError):
                fit = await self.exact(subject, wanted) if ask else fit
            if fit.verdict is Verdict.TOO_LARGE:
                context = min(fit.settings.context, max(fit.largest_context, _LEAST_CONTEXT))
                return replace(fit.settings, context=context)
        return fit.settings

    # -- what is known ----------------------------------------------------------------------------------------------

    def _judge(self, subject: Subject) -> _Judge:
        found = self._judges.get(subject.identity)
        if found is None:
            known = self._known.get(subject.identity)
            if known is None:
                family = self._families.get(subject.family) if subject.variant else None
                known = guessed(subject)
                if family and subject.variant and family.describes(subject.variant):
                    known = family.sibling(subject.variant)
            repacking = Repacking.of(self._calibration.processor.system_info or self._machine.instructions)
            found = _Judge(known, Estimator(known.shape, repacking, self._cards, self._calibration.correction))
            found.estimator.learn(self._probing.said(subject.identity))
            self._judges[subject.identity] = found
            _bound(self._judges)
        return found

    async def _learn(self, subject: Subject, whole: bool = True) -> bool:
        """Reads the header, unless it was read; whether it is known now. Raises what `exact` does."""
        if subject.identity in self._known:
            return True
        if subject.model is not None:
            headers = await asyncio.to_thread(lambda files: [read_header(file) for file in files], subject.model.files)
        else:
            headers = [head.header for head in await self._fetched(subject, whole)]
        if not headers:
            return False
        known = self._known[subject.identity] = Known.of(headers)
        if subject.family:
            self._families[subject.family] = known
        for identity in [i for i in self._judges if i == subject.identity or i.startswith(f"{subject.family}/")]:
            del self._judges[identity]
        _bound(self._known)
        _bound(self._families)
        return True

    async def _fetched(self, subject: Subject, whole: bool = True) -> tuple[Head, ...]:
        if subject.identity not in self._heads:
            assert self._headers is not None  # remote subjects are judged where there is a Hub
            assert subject.listing is not None
            assert subject.variant is not None
            heads = await self._headers.of(subject.listing, subject.variant, whole)
            if not (heads and whole):
                return heads
            self._heads[subject.identity] = heads
            _bound(self._heads, 2)
        return self._heads[subject.identity]

    @asynccontextmanager
    async def _opened(self, subject: Subject) -> AsyncIterator[Path]:
        if subject.model is not None:
            yield subject.model.path
            return
        heads = await self._fetched(subject)
        async with stand_ins([StandIn(Path(h.file.path).name, h.data, h.file.size) for h in heads]) as path:
            yield path

    def _smaller(self, subject: Subject) -> dict[str, Estimator]:
        """The other variants of a repository, the largest first."""
        if subject.listing is None or subject.variant is None:
            return {}
        size = subject.variant.size
        smaller = [v for v in reversed(subject.listing.variants) if v.size < size]
        return {v.label: self._judge(Subject.remote(subject.listing, v)).estimator for v in smaller}

    def _speed(self, subject: Subject, known: Known, estimate: Estimate) -> Speed | None:
        read, gpu = bytes_read(known, estimate, 0.5)
        shared = all(use.shared for use in estimate.devices)
        rate = reachable(self._calibration.processor.bandwidth, 0 if gpu else self._machine.performance_cores)
        return forecast(subject.names, read, self._calibration.runs, rate if shared or not gpu else 0.0, gpu)

    # -- what was measured ------------------------------------------------------------------------------------------

    def history(self, subject: Subject) -> tuple[Measured, ...]:
        """What the last loads took beside what had been said, the latest last."""
        return self._calibration.history(subject.names)

    def note(self, model: Model, settings: LoadSettings, reply: Message | None = None) -> None:
        """As `measured`, beside what goes on."""
        task = asyncio.create_task(self.measured(model, settings, reply))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def close(self) -> None:
        """Ends what is being asked, and waits until what was measured is written."""
        for task in (self._examining, self._weighing):
            if task is not None:
                task.cancel()
        running = [task for task in (self._examining, self._weighing, *self._notes) if task is not None]
        await asyncio.gather(*running, return_exceptions=True)
        self._probing.cool()

    async def measured(self, model: Model, settings: LoadSettings, reply: Message | None = None) -> None:
        """Keeps what the engine holds with this model, once it is loaded, and the speed of a reply."""
        subject, pid = Subject.local(model), self._engine.pid
        resident, files = memory.resident(pid), memory.files(pid)
        if not resident or not subject.names:
            return
        found = self._judge(subject)
        estimate = found.estimator(settings)
        load = load_of(subject.names[0], found.known, found.estimator, estimate, resident, self._pid != pid)
        if reply is None and not memory.MAPS_AT_ONCE:
            load = None
        if load is not None and files >= estimate.file_backed_bytes:  # else the system has dropped some of the file
            await self._calibration.add_load(load, self._pid == pid)
            self._pid = pid
            for one in self._judges.values():
                one.estimator.correction = self._calibration.correction
        run = run_of(subject.names[0], found.known, estimate, settings, reply) if reply else None
        if run is not None:
            await self._calibration.add_run(run)

    async def timed(self, model: Model, settings: LoadSettings, speeds: Sequence[float]) -> None:
        """Keeps speeds of writing measured apart from chats and undisturbed, with next to nothing in the context."""
        subject = Subject.local(model)
        found = self._judge(subject)
        read, gpu = bytes_read(found.known, found.estimator(settings), 0.0)
        if subject.names and any(speeds):
            name = subject.names[0]
            await self._calibration.set_runs(name, [Run(name, read, speed, gpu) for speed in speeds if speed])


def _refusal(subject: Subject, settings: LoadSettings) -> LoadError | None:
    """Why the engine takes no such file, or not with these settings; known without asking it."""
    kind = subject.variant.quantisation if subject.variant else None
    if kind is not None and not kind.loadable:
        return LoadError(kind.explanation)
    try:
        refuse_settings(settings)
    except LoadError as error:
        return error
    return None


def _within(settings: LoadSettings, trained: int) -> LoadSettings:
    """With the context that "as trained" means, and never more than that."""
    context = settings.context or trained or USUAL_CONTEXT
    return replace(settings, context=min(context, trained or context))


def _bound(kept: dict[str, Any], most: int = _KEPT) -> None:
    """Lets go of the oldest."""
    while len(kept) > most:
        del kept[next(iter(kept))]
