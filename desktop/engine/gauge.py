"""The process that asks llama.cpp what a model would take: loads without allocating, and reads the log.

Invariant: an answer leaves as soon as it is known, one line of JSON each, so that a death loses only what follows.
Nothing of the weights is read, little memory can be taken, and no connection opened. Who starts it, and what comes of
it: `engine.measure`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from desktop.core.generation import FlashAttention, LoadSettings
from desktop.engine.seal import close_off

_MEMORY = 4 << 30  # bytes of this process; 0.1 GB is usual, a context of 10 million tokens takes 1 GB for its cells
_MOST_LINES = 20_000  # of the log, for one load; 1,500 are usual for the largest models
_MIB = 1 << 20

_TENSOR = re.compile(r"tensor (\S+) \(.*buffer type overridden to (\S+)")
_LAYER = re.compile(r"layer +\d+: dev = (\S+)")
_KEPT = re.compile(r"(?:llama_kv_cache|llama_memory|llama_dsv4)\w*:(?!.*buffer).*\bsize = +([\d.]+) MiB")
_BUFFER = re.compile(r"(\S+) +(compute|output) buffer size = +([\d.]+) MiB")


class Notes:
    """What the log says of one context: bytes by device, for each kind of buffer."""

    def __init__(self) -> None:
        self.tensors: list[tuple[str, str]] = []
        self.clear()
        self._lines = 0

    def clear(self) -> None:
        """Begins a new context of the same load."""
        self.found: dict[str, dict[str, int]] = {"kv": {}, "compute": {}, "output": {}}
        self._layers: list[str] = []

    def heard(self, line: str) -> None:
        self._lines += 1
        if self._lines > _MOST_LINES:
            return
        if found := _TENSOR.search(line):
            self.tensors.append((found[1], found[2]))
        elif found := _LAYER.search(line):
            self._layers.append(found[1])
        elif found := _KEPT.search(line):
            self._keep(round(float(found[1]) * _MIB))
        elif found := _BUFFER.search(line):
            self._add(found[2], found[1], round(float(found[3]) * _MIB))

    def _keep(self, size: int) -> None:
        """A cache's whole size is told after its layers' devices: they share it evenly."""
        devices = self._layers or ["CPU"]
        for device in sorted(set(devices)):
            self._add("kv", device, size * devices.count(device) // len(devices))
        self._layers = []

    def _add(self, kind: str, device: str, size: int) -> None:
        self.found[kind][device] = self.found[kind].get(device, 0) + size


def answers(path: Path, wanted: Sequence[LoadSettings]) -> Iterator[Mapping[str, object] | None]:
    """One answer for each of the settings, None where llama.cpp refuses; neighbours that can share a load do."""
    from desktop.engine import llama

    notes = Notes()
    backend = llama.Backend(notes.heard)
    for (layers, _repack), group in groupby(wanted, lambda s: (s.gpu_layers, s.repack)):
        settings = list(group)
        notes.tensors = []
        steps = backend.sketch(path, settings, ".*" if layers == 0 else "^$")
        loaded = next(steps)
        tensors = notes.tensors if layers == 0 else None
        for _ in settings:
            notes.clear()
            told = loaded and next(steps)
            yield {**notes.found, "tensors": tensors} if told else None
            tensors = None  # said once for a load


def main() -> int:
    """Reads one line of JSON, `{"path": …, "settings": […]}`, and writes one line for each of the settings."""
    outlet = os.dup(1)
    os.dup2(2, 1)
    close_off()
    _limit_memory()
    os.environ["GGML_NO_BACKTRACE"] = "1"  # else a debugger is started at a death, which takes seconds
    from desktop.engine import llama  # the time it takes runs while whoever asks may still be fetching the header

    llama.version()
    order = json.loads(sys.stdin.readline() or "null")
    if order is None:
        return 0
    wanted = [LoadSettings(**{**s, "flash_attention": FlashAttention(s["flash_attention"])}) for s in order["settings"]]
    for answer in answers(Path(order["path"]), wanted):
        os.write(outlet, json.dumps(answer).encode("ascii") + b"\n")
    return 0


def _limit_memory() -> None:
    """Linux only: elsewhere the system does not hold a process to it."""
    if sys.platform == "linux":
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))


if __name__ == "__main__":
    raise SystemExit(main())
