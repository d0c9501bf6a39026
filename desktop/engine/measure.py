"""Asks llama.cpp, in a process of its own, what a model would take with given settings, before it is loaded.

Invariant: `measure` always answers, in bounded time: a process that died or was too slow is a finding, and then the
closed form (`core.fit`) is all there is. The file may be sparse: only its header is read. This module does not import
llama.cpp, so services may use it; the process is `engine.gauge`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic

from desktop.core.errors import N_, EngineDied, LoadError, UserError
from desktop.core.fit import Buffers
from desktop.core.generation import LoadSettings
from desktop.core.settings import GPU_AUTOMATIC
from desktop.engine.death import explain
from desktop.engine.process import command, start

MEASURE_VERB = "engine-measure"  # the hidden verb of `alcove` that is `engine.gauge.main`
_LIMIT_S = 20.0  # 0.4 s are usual here; this leaves room for a cold disk, a virus scanner and a busy machine


@dataclass(frozen=True, slots=True)
class Measurement:
    """What llama.cpp said, in the order of the settings asked for; None where it refused or had died. And why.

    `unasked`: the system had no place for a process, so another time it may answer.
    """

    buffers: tuple[Buffers | None, ...]
    fault: UserError | None = None
    unasked: bool = False


def prepare(arguments: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Starts a process for `measure` to use later; whoever does not use it must kill it. Raises `LoadError`."""
    return start(arguments or command(MEASURE_VERB, "desktop.engine.gauge"))


async def measure(
    path: Path,
    settings: Sequence[LoadSettings],
    limit_s: float = _LIMIT_S,
    process: subprocess.Popen[bytes] | None = None,
) -> Measurement:
    """Asks for all of the settings, of which neighbours with the same GPU layers and repacking share a load.

    `gpu_layers` must be a number or -1 for all; "automatic" counts as none. The path is that of the first file. Where
    a process dies of one of the settings, another is asked for those that follow.
    """
    ends = monotonic() + limit_s
    found: list[Buffers | None] = []
    fault: UserError | None = None
    unasked = False
    while len(found) < len(settings):
        try:
            process = process or prepare()
            part = await _ask(process, path, settings[len(found) :], max(ends - monotonic(), 0.0))
        except LoadError as error:
            fault, unasked = error, True
            break
        process = None
        found += part.buffers
        fault = fault or part.fault
        if not part.buffers or part.fault is None or monotonic() > ends:
            break
        if len(found) < len(settings):
            found.append(None)  # the one it died of
    return Measurement((*found, *[None] * (len(settings) - len(found))), fault, unasked)


async def _ask(
    process: subprocess.Popen[bytes], path: Path, settings: Sequence[LoadSettings], limit_s: float
) -> Measurement:
    """What one process says until it ends: as many answers as it gave."""
    resolved = [replace(s, gpu_layers=0) if s.gpu_layers == GPU_AUTOMATIC else s for s in settings]
    order = json.dumps({"path": str(path), "settings": [asdict(s) for s in resolved]}).encode("ascii") + b"\n"
    try:
        said, log, late = await asyncio.to_thread(_converse, process, order, limit_s)
    finally:
        process.kill()
    found = _understood(said, len(settings))
    if len(found) == len(settings):
        refused = LoadError(
            N_("The engine refuses this model with these settings. It may be of a kind it does not know.")
        )
        return Measurement(found, refused if None in found else None)
    if late:
        return Measurement(
            found, EngineDied(N_("The engine did not answer within {seconds:.0f} seconds."), seconds=limit_s)
        )
    return Measurement(found, explain(process.returncode, log))


def _converse(process: subprocess.Popen[bytes], order: bytes, limit_s: float) -> tuple[bytes, str, bool]:
    """What the process said until it ended or the limit came; its log; whether it was late."""
    late = False
    try:
        said, log = process.communicate(order, timeout=limit_s)
    except subprocess.TimeoutExpired:
        late = True
        process.kill()
        said, log = process.communicate()
    return said, log.decode("utf-8", "replace"), late


def _understood(said: bytes, count: int) -> tuple[Buffers | None, ...]:
    found: list[Buffers | None] = []
    tensors: tuple[tuple[str, str], ...] = ()
    for line in said.splitlines()[:count]:
        try:
            answer = json.loads(line)
            if answer is not None and answer["tensors"] is not None:
                tensors = tuple((name, buffer) for name, buffer in answer["tensors"])
            found.append(answer and Buffers(answer["kv"], answer["compute"], answer["output"], tensors))
        except (ValueError, TypeError, KeyError):
            break
    return tuple(found)
