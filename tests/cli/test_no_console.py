"""The program of windows on Windows has no streams to write to; its verbs still end as they should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from desktop import cli
from desktop.cli import HIDDEN

_RUN = """
import sys
from desktop.cli import main

sys.stdin = sys.stdout = sys.stderr = None
sys.exit(main(["models"]))
"""


def test_a_verb_ends_well_without_streams(tmp_path: Path) -> None:
    surroundings = {**os.environ, "ALCOVE_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", _RUN], env=surroundings, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_process_behind_the_window_says_its_fault_and_ends(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not by an exception that leaves it: on Windows the starter would show that, and wait for a click."""

    def main() -> int:
        raise OSError("llama.dll was taken away")

    monkeypatch.setitem(sys.modules, HIDDEN["engine-probe"], SimpleNamespace(main=main))
    assert cli.main(["engine-probe"]) == 1
    assert "OSError: llama.dll was taken away" in capfd.readouterr().err
