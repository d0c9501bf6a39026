"""How long the packaged program takes to its first paint, against the same program run from source.

Both are whole processes over a new data folder, run alternately and off screen; the moment is the one at which Qt says
that it has painted (its logging category `qt.widgets.painting`). Exits 1 where the ratio exceeds the limit.

    python tests/bench/frozen_startup.py [BUNDLE] [--runs N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 1.3
ROOT = Path(__file__).resolve().parents[2]


def started(command: list[str]) -> float:
    """Seconds to the first paint."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "ALCOVE_HOME": home,
            "QT_QPA_PLATFORM": "offscreen",
            "QT_LOGGING_RULES": "qt.widgets.painting=true",
        }
        begun = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if b"qt.widgets.painting: Flushing" in line:
                    break
            seconds = time.perf_counter() - begun
            process.kill()
            process.stderr.read()
        return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?", default=ROOT / "dist" / "alcove")
    parser.add_argument("--runs", type=int, default=10)
    given = parser.parse_args()
    ways = {"source": [sys.executable, "-m", "desktop"], "frozen": [str(given.bundle / "alcove")]}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(given.runs + 1):  # the first round warms the disk cache and is not counted
        for name, command in ways.items():
            times[name].append(started(command))
    source, frozen = (statistics.median(times[name][1:]) for name in ways)
    ratio = statistics.median(f / s for f, s in zip(times["frozen"][1:], times["source"][1:], strict=True))
    print(f"{frozen:.3f} s / {source:.3f} s = {ratio:.2f}   limit {LIMIT}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
