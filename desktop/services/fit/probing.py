"""Asking llama.cpp about models, so that many who ask about one at the same time share one process.

Invariants: all settings asked for while a model's turn is awaited go into one load of it; an answer is kept, and so is
a refusal, which is not asked for twice; when nobody waits any more the process ends; not more than two run at once, so
that the window stays quick on two cores. Asking itself is `engine.measure`'s, what the answers mean is `core.fit`'s.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from desktop.core.errors import LoadError, UserError
from desktop.core.fit import Buffers
from desktop.core.generation import LoadSettings
from desktop.engine.measure import Measurement, measure, prepare

_PROCESSES = 2
_MODELS = 100  # whose answers are kept: several pages of variants

Opened = Callable[[], AbstractAsyncContextManager[Path]]  # the model's first file, there while it is asked about


@dataclass(slots=True)
class _Model:
    """Answers about one model; `faults` are why some settings have none, `again` those that may yet have one."""

    said: dict[LoadSettings, Buffers] = field(default_factory=dict)
    faults: dict[LoadSettings, UserError] = field(default_factory=dict)
    again: set[LoadSettings] = field(default_factory=set)
    asked: dict[LoadSettings, None] = field(default_factory=dict)
    work: asyncio.Task[None] | None = None
    waiting: int = 0

    def keep(self, settings: Sequence[LoadSettings], found: Measurement) -> None:
        for one, buffers in zip(settings, found.buffers, strict=True):
            self.faults.pop(one, None)
            self.again.discard(one)
            if buffers is not None:
                self.said[one] = buffers
            elif found.fault is not None:
                self.faults[one] = found.fault
                if found.unasked:
                    self.again.add(one)


class Probing:
    """Answers by a model's identity."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Model] = OrderedDict()
        self._turns = asyncio.Semaphore(_PROCESSES)
        self._spare: subprocess.Popen[bytes] | None = None

    def said(self, identity: str) -> Mapping[LoadSettings, Buffers]:
        """What was answered about a model so far."""
        model = self._models.get(identity)
        return model.said if model else {}

    def fault(self, identity: str, settings: LoadSettings) -> UserError | None:
        """Why there is no answer for these settings; None where there is one, or nobody has asked."""
        model = self._models.get(identity)
        return model.faults.get(settings) if model else None

    def warm(self) -> None:
        """Starts the process of the next question, to be ready when the file is: starting takes most of the time."""
        with suppress(LoadError):  # then the question says it
            self._spare = self._spare or prepare()

    def cool(self) -> None:
        """Ends what `warm` started, if no question came."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.kill()
            spare.communicate()

    async def ask(self, identity: str, wanted: Iterable[LoadSettings], opened: Opened) -> None:
        """Makes `said` know as many of the settings as the engine will answer for. Raises what `opened` raises."""
        model = self._models.setdefault(identity, _Model())
        self._models.move_to_end(identity)
        self._forget()
        model.asked.update(
            dict.fromkeys(s for s in wanted if s in model.again or s not in {**model.said, **model.faults})
        )
        if not model.asked and model.work is None:
            return
        if model.work is None:
            model.work = asyncio.create_task(self._work(model, opened))
        work = model.work
        model.waiting += 1
        try:
            await asyncio.shield(work)
        finally:
            model.waiting -= 1
            if not model.waiting and not work.done():
                work.cancel()
                await asyncio.wait([work])

    async def _work(self, model: _Model, opened: Opened) -> None:
        try:
            while model.asked:  # again, for what was asked while the files were cleared away
                async with self._turns, opened() as path:
                    while model.asked:
                        settings = sorted(model.asked, key=_neighbourly)
                        model.asked.clear()
                        spare, self._spare = self._spare, None
                        found = await measure(path, settings, process=spare)
                        model.keep(settings, found)
        finally:
            model.asked.clear()
            model.work = None

    def _forget(self) -> None:
        for identity, model in list(self._models.items()):
            if len(self._models) <= _MODELS:
                break
            if model.work is None:
                del self._models[identity]


def _neighbourly(settings: LoadSettings) -> tuple[int, bool, int]:
    """Settings that share a load stand together."""
    return settings.gpu_layers, settings.repack, settings.context
