"""Compares `fit` with what the engine process holds resident, its context full, on shapes of published models.

    python -m tests.bench.fit [--quick] [--only NAME] [--json]

For each shape a file with its header, its vocabulary and random weights is made; the engine's own loading runs on it in
a process (`tests.bench.resident`), and beside what that holds stand llama.cpp's figures without allocating (`probe`,
what Alcove shows), the closed form, and TheBloke's rule: the file and 2.5 GB. Needs 5 GB of memory and 1.4 GB of disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

from desktop.core.fit import Estimate, closed_form, probed
from desktop.core.generation import LoadSettings
from desktop.core.repacking import Repacking
from desktop.core.shape import Shape
from desktop.engine.files import read_header
from desktop.engine.measure import measure
from desktop.engine.probe import examine
from desktop.engine.process import environment
from tests import shapes
from tests.bench.resident import write_state

LOOKS = {
    "TinyLlama-1.1B Q4_K_M": shapes.TINYLLAMA,
    "Llama-2-7B Q4_K_M, 4 of 32 layers": replace(shapes.LLAMA_2_7B, layers=4),
    "Qwen3-0.6B Q4_K_M": shapes.QWEN3_600M,
    "Gemma-3-1B Q4_0": shapes.GEMMA3_1B,
    "Qwen3-30B-A3B Q4_K_M, 8 of 48 layers, 32 of 128 experts": replace(shapes.QWEN3_30B, layers=8, experts=32),
}
CONTEXTS = {1024: 512, 4096: 128, 16_384: 128}  # and batches: the last one is computed, which takes its time


@dataclass(frozen=True)
class Case:
    """One row, megabytes."""

    shape: str
    context: int
    batch: int
    kv_type: str
    repack: bool
    probe: float
    closed_form: float
    thebloke: float
    measured: float

    @property
    def kept(self) -> bool:
        """Whether the probe is within 3 % or 40 MB of what was measured, whichever is more."""
        return abs(self.probe - self.measured) <= max(0.03 * self.measured, 40)

    def __str__(self) -> str:
        settings = f"{self.context:,} | {self.batch} | {self.kv_type} | {'yes' if self.repack else 'no'}"
        figures = " | ".join(f"{figure:,.0f}" for figure in (self.measured, self.probe))
        errors = " | ".join(
            f"{100 * (other / self.measured - 1):+.1f} %" for other in (self.probe, self.closed_form, self.thebloke)
        )
        return f"| {self.shape} | {settings} | {figures} | {errors} | {'yes' if self.kept else '**no**'} |"


HEADING = """| shape | context | batch | KV | repacked | resident | ours | ours | closed form | size + 2.5 GB | kept |
|---|---|---|---|---|---|---|---|---|---|---|"""


def resident(path: Path, shape: Shape, settings: LoadSettings) -> int:
    """Bytes the engine's loading holds on this file, its context full."""
    state = path.with_suffix(".state")
    write_state(state, shape, settings)
    command = [sys.executable, "-m", "tests.bench.resident", str(path), json.dumps(asdict(settings)), str(state)]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, env=environment())
    return int(json.loads(told.stdout)["rss"])


def estimates(path: Path, shape: Shape, settings: LoadSettings, repacking: Repacking) -> tuple[Estimate, Estimate]:
    """By llama.cpp's own figures, and by the closed form."""
    said = asyncio.run(measure(path, [settings]))
    assert said.buffers[0] is not None, said.fault
    return probed(shape, settings, said.buffers[0], repacking), closed_form(shape, settings, repacking)


def cases(name: str, path: Path, contexts: dict[int, int]) -> Iterator[Case]:
    shape = Shape.of([read_header(path)])
    report = asyncio.run(examine())
    assert report.works, report.fault
    repacking = Repacking.of(report.system_info)
    for (context, batch), kv_type, repack in product(contexts.items(), ("f16", "q8_0"), (True, False)):
        settings = LoadSettings(context=context, batch=batch, kv_type=kv_type, repack=repack, gpu_layers=0)
        ours, closed = estimates(path, shape, settings, repacking)
        rule = path.stat().st_size + 2.5e9
        figures = (ours.total_bytes, closed.total_bytes, rule, resident(path, shape, settings))
        yield Case(name, context, batch, kv_type, repack, *(figure / 1e6 for figure in figures))


def rows(only: str, contexts: dict[int, int]) -> Iterator[Case]:
    for name, look in LOOKS.items():
        if only.lower() in name.lower():
            with tempfile.TemporaryDirectory() as folder:
                path = shapes.write(Path(folder) / "model.gguf", look, filled=True)
                yield from cases(name, path, contexts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="contexts of 1,024 tokens only")
    parser.add_argument("--only", default="", help="shapes whose name contains this")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = []
    if not given.json:
        print(HEADING)
    for case in rows(given.only, {1024: 512} if given.quick else CONTEXTS):
        found.append(case)
        if not given.json:
            print(case, flush=True)
    if given.json:
        worst = max(abs(case.probe - case.measured) for case in found)
        share = max(abs(case.probe / case.measured - 1) for case in found)
        print(json.dumps({"cases": [asdict(case) for case in found], "worst_mb": worst, "worst": share}))


if __name__ == "__main__":
    main()
