"""The program of windows on Windows has no streams to write to; its verbs still end as they should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
