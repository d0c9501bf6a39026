"""How long the window takes to stand there, against an empty PySide6 window, and what it takes of memory.

Both are whole processes, run alternately: from the start of Python to the first paint of the window. Ours opens the
real data folder (a new one), the database, every pane. Exits 1 where the ratio of the medians exceeds the limit, or
where the window's process has llama_cpp in it.

    python tests/bench/startup.py [--runs N] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 1.6
ROOT = Path(__file__).resolve().parents[2]

_TOLD = """
import os, resource, sys
def told(app):
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "llama_cpp" in sys.modules, flush=True)
    os._exit(0)
"""
EMPTY = (
    _TOLD
    + """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1180, 760)
window.show()
QTimer.singleShot(0, lambda: told(app))
app.exec()
"""
)
OURS = (
    _TOLD
    + """
from desktop import launch
from PySide6.QtCore import QTimer
from desktop.ui.shell import Shell
made = Shell.__init__
def shown(shell, *args):
    made(shell, *args)
    QTimer.singleShot(0, lambda: told(None))
Shell.__init__ = shown
launch.main()
"""
)


def measure(runs: int) -> dict[str, float]:
    """Medians in seconds and bytes, and their ratios."""
    times: dict[str, list[float]] = {"empty": [], "ours": []}
    memory: dict[str, list[int]] = {"empty": [], "ours": []}
    engine = False
    for _ in range(runs + 1):  # the first round warms the disk cache and is not counted
        for name, script in (("empty", EMPTY), ("ours", OURS)):
            seconds, resident, loaded = _run(script)
            times[name].append(seconds)
            memory[name].append(resident)
            engine = engine or loaded
    empty_s, ours_s = (statistics.median(times[name][1:]) for name in ("empty", "ours"))
    empty_b, ours_b = (statistics.median(memory[name][1:]) for name in ("empty", "ours"))
    return {
        "empty_s": empty_s,
        "ours_s": ours_s,
        "ratio": statistics.median(a / b for a, b in zip(times["ours"][1:], times["empty"][1:], strict=True)),
        "empty_mb": empty_b / 1e6,
        "ours_mb": ours_b / 1e6,
        "imports_llama": float(engine),
    }


def _run(script: str) -> tuple[float, int, bool]:
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "ALCOVE_HOME": home,
            "PYTHONPATH": str(ROOT),
            "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        }
        begun = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, check=True, timeout=60
        ).stdout.split()
        return time.perf_counter() - begun, int(told[0]), told[1] == b"True"


def main() -> int:
    """Prints the figures; 0 if the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.runs)
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            f"time    {figures['ours_s']:.3f} s / {figures['empty_s']:.3f} s = {figures['ratio']:.2f}   limit {LIMIT}"
        )
        print(f"memory  {figures['ours_mb']:.0f} MB / {figures['empty_mb']:.0f} MB")
        print(f"llama_cpp in the window's process: {'yes' if figures['imports_llama'] else 'no'}")
    return 0 if figures["ratio"] <= LIMIT and not figures["imports_llama"] else 1


if __name__ == "__main__":
    sys.exit(main())
