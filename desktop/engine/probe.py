"""A short process that says what llama.cpp can do here, so that a processor it was not built for ends only itself.

Invariant: `examine` always answers, in bounded time: a probe that died is a finding like any other. No model is loaded.
That process is `engine.survey`; llama_cpp is never imported here.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.core.errors import N_, EngineDied
from desktop.engine.cpu import built_for, missing_instructions
from desktop.engine.death import explain
from desktop.engine.devices import Device, DeviceKind
from desktop.engine.kernels import LINKED, Kernels
from desktop.engine.process import command, start

PROBE_VERB = "engine-probe"  # the hidden verb of `alcove` that is `engine.survey.main`
_LIMIT_S = 30.0  # importing takes 0.3 s here; this leaves room for a cold disk and a virus scanner


@dataclass(frozen=True, slots=True)
class Report:
    """What the engine can do here. `fault` is None if it runs; `missing` are instructions this processor lacks."""

    version: str = ""
    system_info: str = ""
    built_for: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    kernels: Kernels = LINKED
    devices: tuple[Device, ...] = ()
    fault: EngineDied | None = None

    @property
    def works(self) -> bool:
        return self.fault is None and not self.missing and self.kernels.fit


async def examine(arguments: Sequence[str] | None = None, limit_s: float = _LIMIT_S) -> Report:
    """Runs the probe, for at most `limit_s` seconds."""
    process = start(arguments or command(PROBE_VERB, "desktop.engine.survey"))
    try:
        said, log = await asyncio.to_thread(_hear, process, limit_s)
    finally:
        process.kill()
    if said is None:
        return Report(fault=EngineDied(N_("The engine did not answer within {seconds:.0f} seconds."), seconds=limit_s))
    try:
        return _report(json.loads(said))
    except (ValueError, TypeError, KeyError):
        return Report(fault=explain(process.returncode, log.decode("utf-8", "replace")))


def _hear(process: subprocess.Popen[bytes], limit_s: float) -> tuple[bytes | None, bytes]:
    try:
        return process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[1]


def _report(said: dict[str, object]) -> Report:
    rows, kernels = said["devices"], said["kernels"]
    if not isinstance(rows, list) or not isinstance(kernels, dict):
        raise TypeError("devices")
    info = str(said["system_info"])
    return Report(
        version=str(said["version"]),
        system_info=info,
        built_for=tuple(built_for(info)),
        missing=tuple(missing_instructions(info)),
        kernels=Kernels(**kernels),
        devices=tuple(Device(**{**row, "kind": DeviceKind(row["kind"])}) for row in rows),
    )
