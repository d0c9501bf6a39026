"""The modules of the build are found beside it, as they find each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "packaging"))


@pytest.fixture(scope="session")
def shellcheck() -> Callable[[str], str]:
    """What shellcheck has to say about a Bash script; the one that pip has put beside this Python."""
    program = Path(sys.executable).parent / "shellcheck"

    def check(script: str) -> str:
        command = [program, "--shell", "bash", "--format", "gcc", "--exclude", "SC1091", "-"]  # made on the way
        return subprocess.run(command, input=script, capture_output=True, text=True, timeout=60).stdout

    return check
