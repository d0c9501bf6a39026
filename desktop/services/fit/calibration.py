"""What was measured on this computer: memory after loads, speed of replies, bandwidth. Kept beside what was estimated.

Invariants: a figure is stored as it was measured, next to the estimate that was shown for it; learning from them
changes the estimate of the engine process itself and nothing else, within bounds, and never the stored pairs, so an
error stays visible. The file is bounded and written whole; without it, or where it is damaged, everything is estimated
as on the first day.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from desktop.core.errors import StorageError
from desktop.core.speed import Run
from desktop.services.disk import write_whole

_MOST = 200  # loads and runs kept: months for one person
_LATEST = 9  # loads whose median corrects
_LEAST = 3  # loads before anything is corrected
_BOUND = 32 << 20  # bytes: half of what the engine process takes without a model
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


class Calibration:
    """The file at `path`. `machine` names the processor: figures of another one are of no use here."""

    def __init__(self, path: Path, machine: str) -> None:
        self._path, self._machine = path, machine
        self._writing = asyncio.Lock()
        self.processor = Processor()
        self.loads: tuple[Measured, ...] = ()
        self.runs: tuple[Run, ...] = ()
        self._read()

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
        self.processor = processor
        await self._save()

    async def add_load(self, load: Measured, again: bool = False) -> None:
        """Stores a load. `again`: of the process measured last, whose entry it replaces."""
        if again and self.loads and self.loads[-1].model == load.model:
            self.loads = self.loads[:-1]
        self.loads = (*self.loads, load)[-_MOST:]
        await self._save()

    async def add_run(self, run: Run) -> None:
        """Stores the speed of a reply."""
        self.runs = (*self.runs, run)[-_MOST:]
        await self._save()

    async def _save(self) -> None:
        content = {
            "version": 1,
            "machine": self._machine,
            "processor": asdict(self.processor),
            "loads": [asdict(load) for load in self.loads],
            "runs": [asdict(run) for run in self.runs],
        }
        async with self._writing:
            with suppress(StorageError):  # a full disk costs the learning, not the chat
                await asyncio.to_thread(write_whole, self._path, json.dumps(content, indent=1).encode())

    def _read(self) -> None:
        try:
            if os.path.getsize(self._path) > _LARGEST:
                return
            content = json.loads(self._path.read_bytes())
            if content["version"] != 1 or content["machine"] != self._machine:
                return
            loads = tuple(Measured(**_typed(row, Measured)) for row in content["loads"])
            runs = tuple(Run(**_typed(row, Run)) for row in content["runs"])
            self.processor = Processor(**_typed(content["processor"], Processor))
            self.loads, self.runs = loads[-_MOST:], runs[-_MOST:]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return


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
