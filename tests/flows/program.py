"""The program as a person starts it: `python -m desktop` in a process of its own, over a data folder of its own.

Invariant: nothing of the test's own process leaks in but the package itself; every process that was started has ended
when its `with` block is left. What the program does is asserted elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import desktop

PATIENCE_S = 60.0  # a busy machine takes seconds for what takes a tenth of one; only a hang takes longer
Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended."""

    status: int
    out: str
    err: str

    @property
    def record(self) -> Any:
        """The JSON that was printed."""
        return json.loads(self.out)

    @property
    def records(self) -> list[Any]:
        """One JSON value for each line that was printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Program:
    """Alcove over one data folder, spoken to in English."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
        source = str(Path(desktop.__file__).parents[1])
        return {
            **kept,
            "PYTHONPATH": source,
            "LC_ALL": "C.UTF-8",
            "PYTHONIOENCODING": "utf-8:strict",  # as in any other locale; C's forgives what is no UTF-8
            "ALCOVE_HOME": str(self.home),
            "QT_QPA_PLATFORM": "offscreen",
        }

    def run(self, *arguments: str | Path, given: bytes = b"") -> Outcome:
        """Runs a verb to its end, with `given` on standard input."""
        with self.started(*arguments) as process:
            out, err = process.communicate(given, timeout=PATIENCE_S)
        return Outcome(process.returncode, out.decode(), err.decode())

    @contextmanager
    def started(self, *arguments: str | Path, module: str = "desktop", out: int = subprocess.PIPE) -> Iterator[Process]:
        """A run with pipes in its hands; killed when the block is left, if it still runs."""
        command = [sys.executable, "-m", module, *(os.fspath(argument) for argument in arguments)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=out, stderr=pipe, env=self.environment) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
