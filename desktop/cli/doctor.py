"""`alcove doctor`: what this machine and this installation can do, and what is wrong. Status 1 if something is."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import PySide6

from desktop import __version__
from desktop.assembly import Assembly
from desktop.cli.terminal import shown, table
from desktop.core.errors import N_, UserError
from desktop.engine import probe
from desktop.engine.refusal import NO_KERNELS
from desktop.services.machine import Machine
from desktop.services.paths import Paths
from desktop.ui import formats
from desktop.ui.translation import _

LITTLE_DISK = 1_000_000_000  # bytes; below that no model beyond 1 B parameters can be added


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was seen, and whether it is well."""

    topic: str
    seen: str
    well: bool = True


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("doctor", help=_(N_("what this machine can do, and what is wrong")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    parser.set_defaults(run=run)


async def run(parsed: argparse.Namespace) -> int:
    findings = [*program(), *await engine(), *await _data()]
    well = all(f.well for f in findings)
    if parsed.json:
        print(as_json(findings))
    else:
        print(table([(f"{'✓' if f.well else '✗'} {f.topic}", f.seen) for f in findings]))
    return 0 if well else 1


def as_json(findings: Sequence[Finding]) -> str:
    """All of them, and whether all is well."""
    rows = [{"topic": f.topic, "seen": f.seen, "well": f.well} for f in findings]
    return json.dumps({"well": all(f.well for f in findings), "findings": rows}, ensure_ascii=False)


def program() -> list[Finding]:
    """What runs, and where."""
    return [
        Finding("Alcove", f"{__version__}, Python {platform.python_version()}, Qt {PySide6.__version__}"),
        Finding(_(N_("System")), f"{platform.system()} {platform.release()} ({platform.machine()})"),
    ]


async def engine() -> list[Finding]:
    """What a process of the engine, started as for a chat, says of itself and of this processor."""
    report = await probe.examine()
    if report.fault is not None:
        return [refused(_(N_("Engine")), report.fault)]
    return [
        Finding(
            _(N_("Engine")), f"llama.cpp {report.version}, llama-cpp-python {metadata.version('llama-cpp-python')}"
        ),
        Finding(_(N_("Instructions")), _instructions(report), well=report.works),
        Finding(_(N_("Devices")), ", ".join(device.description or device.name for device in report.devices)),
    ]


def refused(topic: str, error: UserError) -> Finding:
    """A finding that is not well, in the error's own sentence."""
    return Finding(topic, _(error.message, **error.fields), well=False)


def _instructions(report: probe.Report) -> str:
    """Which of the engine's kernels compute here, and why these."""
    kernels = report.kernels
    if not kernels.fit:
        return _(NO_KERNELS)
    if report.missing:
        return _(N_("lacks {instructions}"), instructions=", ".join(report.missing))
    if kernels.linked:
        return _(N_("has all it needs"))
    return _(
        N_("“{kind}”, the fastest of {count} kinds that this processor can run: {instructions}"),
        kind=kernels.kind,
        count=kernels.of,
        instructions=", ".join(report.built_for),
    )


async def _data() -> list[Finding]:
    paths = Paths.of_person()
    found = [Finding(_(N_("Data folder")), str(paths.home))]
    try:
        async with Assembly.opened(paths) as alcove:
            machine = alcove.machine
            found += [
                Finding(_(N_("Processor")), _cores(machine)),
                Finding(_(N_("Memory")), _memory(machine.memory_available(), machine.memory_total)),
                Finding(_(N_("Chats")), formats.number(len(await alcove.chats.all()))),
                *(Finding(_(N_("Model")), shown(m), well=m.present) for m in alcove.library.all()),
                *(Finding(_(N_("Notice")), _(n.message, **n.fields), well=False) for n in alcove.notices),
            ]
    except UserError as error:
        return [*found, refused(_(N_("Data")), error)]
    return [*found, free_disk(paths.home)]


def free_disk(folder: Path) -> Finding:
    """What the disk of a folder has left."""
    free = shutil.disk_usage(folder).free
    return Finding(_(N_("Free disk")), formats.size(free), well=free > LITTLE_DISK)


def _cores(machine: Machine) -> str:
    return _(
        N_("{name}: {performance} fast cores of {physical}, {logical} threads; {writing} write, {reading} read"),
        name=machine.cpu,
        performance=machine.performance_cores,
        physical=machine.physical_cores,
        logical=machine.logical_cores,
        writing=machine.threads,
        reading=machine.batch_threads,
    )


def _memory(available: int, total: int) -> str:
    return _(N_("{available} of {total} free"), available=formats.size(available), total=formats.size(total))
