"""The program as a person starts it: `python -m desktop` in a process of its own, over a data folder of its own.

Invariant: nothing of the test's own process leaks in but the package itself; every process that was started has ended
when its `with` block is left. What the program does is asserted elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import desktop
from desktop.services.paths import Paths

PATIENCE_S = 60.0  # a busy machine takes seconds for what takes a tenth of one; only a hang takes longer
SETTINGS = '[settings]\nlanguage = "en"\ncontext = 32768\nthreads = 1\nbatch_threads = 1\n'
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

    def live(self, journey: Callable[..., Coroutine[Any, Any, None]], *arguments: str | Path) -> str:
        """Opens the window, lives through a journey there, and closes it; what the journey told.

        Without settings yet, the window speaks English whatever the system does, and the engine takes one thread.
        """
        preferences = Paths(self.home).preferences
        if not preferences.exists():
            Paths(self.home).create()
            preferences.write_text(SETTINGS)
        with self.at_the_window(journey, *arguments) as process:
            out, err = process.communicate(timeout=5 * PATIENCE_S)
        assert process.returncode == 0, err.decode()
        log = self.home / "logs" / "alcove.log"
        assert not log.exists() or " ERROR " not in log.read_text(), log.read_text()
        return str(out.decode())

    def refused(self) -> str:
        """Starts the window where that cannot be; what the box says."""
        with self.started(module="tests.flows.driver") as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1, err.decode()
        assert b"Traceback" not in err, err.decode()
        return str(out.decode().strip())

    def at_the_window(
        self, journey: Callable[..., Coroutine[Any, Any, None]], *arguments: str | Path
    ) -> AbstractContextManager[Process]:
        """The window's process, while a journey is lived through."""
        return self.started(f"{journey.__module__}:{journey.__name__}", *arguments, module="tests.flows.driver")

    @contextmanager
    def started(
        self,
        *arguments: str | Path,
        module: str = "desktop",
        given: int = subprocess.PIPE,
        out: int = subprocess.PIPE,
    ) -> Iterator[Process]:
        """A run with pipes in its hands; killed when the block is left, if it still runs."""
        command = [sys.executable, "-m", module, *(os.fspath(argument) for argument in arguments)]
        streams = {"stdin": given, "stdout": out, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=self.environment, **streams) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
