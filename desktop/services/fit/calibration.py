"""What was measured on this computer: memory after loads, speed of replies, bandwidth. Kept beside what was estimated.

Invariants: a figure is stored as it was measured, next to the estimate that was shown for it; learning from them
changes the estimate of the engine process itself and nothing else, within bounds, and never the stored pairs, so an
error stays visible. The file is bounded and written whole, and every change is made to what stands in it at that
moment, so that two programs keep each other's; without it, or where it is damaged, everything is estimated as on the
first day.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from desktop.core.errors import StorageError
from desktop.core.speed import Run
from desktop.services.disk import write_whole
from desktop.services.locks import locked

_MOST = 200  # loads and runs kept: months for one person
_LATEST = 9  # loads whose median corrects
_LEAST = 3  # loads before anything is corrected
_BOUND = 32 << 20  # bytes: half of what the engine process takes without a model
_LOCK_S = 5.0  # another program holds the file for some milliseconds
_LARGEST = 1 << 20  # bytes of the file; 400 rows take a tenth of it


@dataclass(frozen=True, slots=True)
class Measured:
    """One load: what was said for that moment, and what the engine process then held. `at` is in Unix seconds.

    Right after loading that is all but the compute buffers: llama.cpp clears the KV cache when it makes it, but nothing
    has been computed yet. Where a reply took more than was said for everything, that is what stands here.
    `plain_bytes` is the estimate without any correction; 0 where there is nothing to learn from it.
    """

    model: str
    estimate_bytes: int
    resident_bytes: int
    at: float
    plain_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Processor:
    """What llama.cpp said of this computer when it was asked last, and how fast memory was read, bytes a second.

    Other programs only ever slow reading down, so the best of some times counts.
    """

    system_info: str = ""
    bandwidth: float = 0.0
    times: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the file says."""

    processor: Processor = Processor()
    loads: tuple[Measured, ...] = ()
    runs: tuple[Run, ...] = ()


_Change = Callable[[_Kept], _Kept]


class Calibration:
    """The file at `path`. `machine` names the processor: figures of another one are of no use here."""

    def __init__(self, path: Path, machine: str) -> None:
        self._path, self._machine = path, machine
        self._writing = asyncio.Lock()
        self._pending: list[_Change] = []
        self._kept = self._read() or _Kept()
        self._own: Measured | None = None  # the load that this program stored last

    @property
    def processor(self) -> Processor:
        return self._kept.processor

    @property
    def loads(self) -> tuple[Measured, ...]:
        return self._kept.loads

    @property
    def runs(self) -> tuple[Run, ...]:
        return self._kept.runs

    def history(self, names: Collection[str]) -> tuple[Measured, ...]:
        """The loads of the model with these names, the latest last."""
        return tuple(load for load in self.loads if load.model in names)

    @property
    def correction(self) -> int:
        """Bytes by which the engine process is larger than estimated, as the latest loads agree; bounded."""
        wrong = [load.resident_bytes - load.plain_bytes for load in self.loads if load.plain_bytes]
        if len(wrong) < _LEAST:
            return 0
        return max(-_BOUND, min(_BOUND, int(median(wrong[-_LATEST:]))))

    async def set_processor(self, processor: Processor) -> None:
        """Stores what was found out about it; what was found before stands where nothing better was."""

        def better(kept: _Kept) -> _Kept:
            old = kept.processor
            best, times = max(processor.bandwidth, old.bandwidth), max(processor.times, old.times)
            return replace(kept, processor=Processor(processor.system_info or old.system_info, best, times))

        await self._keep(better)

    async def add_load(self, load: Measured, again: bool = False) -> None:
        """Stores a load. `again`: of the process measured last, whose entry it replaces."""
        old = self._own if again and self._own and self._own.model == load.model else None
        self._own = load
        await self._keep(lambda kept: replace(kept, loads=(*(x for x in kept.loads if x != old), load)[-_MOST:]))

    async def add_run(self, run: Run) -> None:
        """Stores the speed of a reply."""
        await self._keep(lambda kept: replace(kept, runs=(*kept.runs, run)[-_MOST:]))

    async def set_runs(self, model: str, runs: Sequence[Run]) -> None:
        """Stores speeds that say more of a model than those of its replies, which give way to them."""

        def anew(kept: _Kept) -> _Kept:
            others = (run for run in kept.runs if run.model != model)
            return replace(kept, runs=(*others, *runs)[-_MOST:])

        await self._keep(anew)

    async def _keep(self, change: _Change) -> None:
        """Makes a change at once, and in the file, of which what others wrote is taken over."""
        self._kept = change(self._kept)
        self._pending.append(change)
        async with self._writing:
            changes, self._pending = self._pending, []
            if changes:
                with suppress(StorageError):  # a full disk costs the learning, not the chat
                    written = await asyncio.to_thread(self._write, changes, self._kept)
                    self._kept = _changed(written, self._pending)

    def _write(self, changes: Sequence[_Change], ours: _Kept) -> _Kept:
        with locked(self._path.with_suffix(".lock"), _LOCK_S):
            there = self._read()
            kept = _changed(there, changes) if there is not None else ours
            write_whole(
                self._path, json.dumps({"version": 1, "machine": self._machine, **asdict(kept)}, indent=1).encode()
            )
        return kept

    def _read(self) -> _Kept | None:
        """None where the file is not there, damaged, or of another machine."""
        try:
            if os.path.getsize(self._path) > _LARGEST:
                return None
            content = json.loads(self._path.read_bytes())
            if content["version"] != 1 or content["machine"] != self._machine:
                return None
            loads = tuple(Measured(**_typed(row, Measured)) for row in content["loads"])
            runs = tuple(Run(**_typed(row, Run)) for row in content["runs"])
            return _Kept(Processor(**_typed(content["processor"], Processor)), loads[-_MOST:], runs[-_MOST:])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None


def _changed(kept: _Kept, changes: Iterable[_Change]) -> _Kept:
    for change in changes:
        kept = change(kept)
    return kept


def _typed(row: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The fields of a row, every one there and of its kind. Raises `TypeError`, `KeyError` or `ValueError`."""
    found = {}
    for field in fields(kind):
        value = row[field.name]
        if type(value).__name__ != field.type and not (field.type == "float" and type(value) is int):
            raise TypeError(field.name)
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(field.name)
        found[field.name] = value
    return found
