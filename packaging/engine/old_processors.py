"""Tries Alcove on processors that this computer has not: `python packaging/engine/old_processors.py [--program FILE]`.

Invariant: on each of them the program answers, or says in a sentence why not; an illegal instruction is a failure. It
needs qemu-user (Debian: qemu-user-static) and an x86-64 Linux; the processors are QEMU's. Without `--program`, this
Python and what is installed beside it are tried, whose engine must be one that `build.py` made.
The engine process alone runs on the old processor, and is spoken to from here, as QEMU does not follow a program into
those that it starts. It is no part of the ordinary tests: an emulated answer takes half a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desktop.core.generation import Appended, GenerateRequest, LoadSettings, Piece, PieceKind, Sampling
from desktop.engine.client import Engine
from desktop.engine.probe import examine
from desktop.services.paths import resources

ROOT = Path(__file__).resolve().parents[2]
TOO_OLD = ("core2duo", "Penryn", "Opteron_G3")  # no SSE4.2: neither Qt nor numpy start
KINDS = {  # processors of QEMU that it emulates without AVX-512, and the kernels that each is to get
    "Nehalem": "sse42",
    "SandyBridge": "sandybridge",
    "IvyBridge": "ivybridge",
    "Opteron_G5": "piledriver",
    "Haswell": "haswell",
    "EPYC": "haswell",
    "Skylake-Server": "haswell",
}
QUESTIONS = ("What is Alcove?", "알코브는 무엇인가요?", "Che cos'è Alcove?")
_MODULES = {"engine-host": "desktop.engine.host", "engine-probe": "desktop.engine.survey"}
_LIMIT_S = 100.0  # for each: seconds here, more where other programs run


def emulated(processor: str, program: Sequence[str]) -> list[str]:
    """The command that runs a program on another processor."""
    qemu = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
    if qemu is None:
        raise SystemExit("qemu-user is not installed. Nothing was tried. Debian has it as qemu-user-static.")
    found = shutil.which(program[0])
    if found is None:
        raise SystemExit(f"{program[0]} is not there.")
    return [qemu, "-cpu", processor, found, *program[1:]]


def started(program: Path) -> dict[str, str]:
    """What PyInstaller's starter sets before it starts a program on Linux anew, natively: with this, it does not."""
    return {
        "_PYI_ARCHIVE_FILE": str(program),
        "_PYI_PARENT_PROCESS_LEVEL": "-1",
        "LD_LIBRARY_PATH": str(program.parent / "_internal"),
    }


def verb(program: str | None, name: str) -> list[str]:
    """How a hidden verb is started: as `desktop.engine.process.command`, for a program that is not this one."""
    return [program, name] if program else [sys.executable, "-m", _MODULES[name]]


def refuses(processor: str, program: str | None) -> str:
    """What is wrong with how the program refuses a processor that is too old; "" if nothing is."""
    command = emulated(processor, [program] if program else [sys.executable, "-m", "desktop"])
    environment = {**os.environ, "LANGUAGE": "en", "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    for arguments in ([], ["--self-test"], ["--version"]):
        try:
            done = subprocess.run(
                [*command, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=_LIMIT_S
            )
        except subprocess.TimeoutExpired:
            return f"{arguments or 'the window'} goes on"
        if done.returncode != 1 or "too old for Alcove: it lacks" not in done.stderr:
            return f"status {done.returncode} of {arguments}: {done.stderr[-300:]}"
    return ""


async def answers(processor: str, program: str | None, kind: str) -> str:
    """What is wrong with the engine on a processor that is new enough; "" if it loads the guide and writes."""
    report = await examine(emulated(processor, verb(program, "engine-probe")), limit_s=_LIMIT_S)
    if not report.works:
        return f"{report.fault or report.missing or 'no kernels fit'} {getattr(report.fault, 'fields', '')}"
    if report.kernels.kind != kind:
        return f"the kernels are “{report.kernels.kind}”, and were to be “{kind}”"
    engine = Engine(emulated(processor, verb(program, "engine-host")))
    try:
        settings = LoadSettings(context=512, threads=2, batch_threads=2)
        await engine.load(resources() / "guide" / "guide.gguf", settings)
        texts = [await _answer(engine, question) for question in QUESTIONS]
    finally:
        await engine.close()
    return "" if all(texts) else f"an answer is empty: {texts}"


async def _answer(engine: Engine, question: str) -> str:
    """The first words of one, greedily; the guide's own template is not needed to see that it computes."""
    request = GenerateRequest((Piece(PieceKind.TEXT, question),), Sampling(max_tokens=8, temperature=0.0))
    async with aclosing(engine.generate(request)) as events:
        return "".join([event.text async for event in events if isinstance(event, Appended)]).strip()


def main() -> int:
    os.environ.pop("OPENBLAS_CORETYPE", None)  # where somebody chose numpy's kernels, for this computer
    parser = argparse.ArgumentParser(description="Tries Alcove on processors that this computer has not.")
    parser.add_argument("--program", help="a frozen Alcove")
    parser.add_argument("--only", choices=(*TOO_OLD, *KINDS), action="append")
    given = parser.parse_args()
    if given.program:
        given.program = str(Path(given.program).resolve())
        os.environ.update(started(Path(given.program)))
    failed = False
    for processor in given.only or (*TOO_OLD, *KINDS):
        kind = KINDS.get(processor)
        if kind is None:
            wrong, well = refuses(processor, given.program), "refused, in a sentence"
        else:
            wrong = asyncio.run(asyncio.wait_for(answers(processor, given.program, kind), _LIMIT_S))
            well = f"answers, with the kernels “{kind}”"
        print(f"{'✗' if wrong else '✓'} {processor}: {wrong or well}", flush=True)
        failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
