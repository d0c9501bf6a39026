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
    """What llama.cpp said, in the order of the settings asked for; None where it refused or had died. And why."""

    buffers: tuple[Buffers | None, ...]
    fault: UserError | None = None


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

    `gpu_layers` must be a number or -1 for all; "automatic" counts as none. The path is that of the first file.
    """
    try:
        process = process or prepare()
    except LoadError as error:
        return Measurement((None,) * len(settings), error)
    resolved = [replace(s, gpu_layers=0) if s.gpu_layers == GPU_AUTOMATIC else s for s in settings]
    order = {"path": str(path), "settings": [asdict(s) for s in resolved]}
    try:
        said, log = await asyncio.to_thread(_converse, process, json.dumps(order).encode("ascii") + b"\n", limit_s)
    finally:
        process.kill()
    return _measurement(said, log, len(settings), process.returncode, limit_s)


def _converse(process: subprocess.Popen[bytes], order: bytes, limit_s: float) -> tuple[bytes, str]:
    """What the process said until it ended, or until the limit; and its log."""
    try:
        said, log = process.communicate(order, timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        said, log = process.communicate()
    return said, log.decode("utf-8", "replace")


def _measurement(said: bytes, log: str, count: int, status: int, limit_s: float) -> Measurement:
    found: list[Buffers | None] = []
    tensors: tuple[tuple[str, str], ...] = ()
    for line in said.splitlines()[:count]:
        try:
            answer = json.loads(line)
            if answer is None:
                found.append(None)
                continue
            if answer["tensors"] is not None:
                tensors = tuple((name, buffer) for name, buffer in answer["tensors"])
            found.append(Buffers(answer["kv"], answer["compute"], answer["output"], tensors))
        except (ValueError, TypeError, KeyError):
            break
    return Measurement((*found, *[None] * (count - len(found))), _fault(found, count, log, status, limit_s))


def _fault(found: Sequence[Buffers | None], count: int, log: str, status: int, limit_s: float) -> UserError | None:
    if len(found) < count:
        if status in (-9, 1) and not log:
            return EngineDied(N_("The engine did not answer within {seconds:.0f} seconds."), seconds=limit_s)
        return explain(status, log)
    if None in found:
        return LoadError(N_("The engine refuses to load this model. It may be of a kind it does not know."))
    return None
