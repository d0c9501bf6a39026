"""The one command that checks everything, here and in continuous integration: `python scripts/check.py`.

Invariant: every step runs even if one before it failed; the exit status is 0 only if all passed; the last lines are
pytest's own. It runs what is installed beside this Python and installs nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINUX = ("bundle", "frozen")  # elsewhere the workflows build the packages and try them
STEPS: dict[str, list[str]] = {
    "compile": ["scripts/compile_messages.py"],  # an editable installation may be older than the translations
    "format": ["-m", "ruff", "format", "--check", "."],
    "lint": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-logo"],
    "messages": ["scripts/messages.py", "check"],
    "bundle": ["packaging/build.py", "--here", "--stage"],
    "frozen": ["-m", "pytest", "-q", "tests/packaging/frozen.py"],  # what the bundle made
    "tests": ["-m", "pytest"],  # last: what it prints is what is read
}


def environment() -> dict[str, str]:
    """Qt draws off screen where there is no display."""
    found = {**os.environ, "PYTHONUTF8": "1"}
    headless = sys.platform.startswith("linux") and not (found.get("DISPLAY") or found.get("WAYLAND_DISPLAY"))
    if headless:
        found.setdefault("QT_QPA_PLATFORM", "offscreen")
    return found


def command(name: str) -> list[str]:
    """Where there are no screen and hands to lend, the frozen program is tried without."""
    lent = shutil.which("Xvfb") and shutil.which("xdotool")
    return [sys.executable, *STEPS[name], *(["-k", "headless"] if name == "frozen" and not lent else [])]


def passes(name: str) -> bool:
    """Runs a step; its output is shown as it comes."""
    print(f"── {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(command(name), cwd=ROOT, env=environment(), check=False)
    if name != "tests":
        word = "passed" if done.returncode == 0 else "FAILED"
        print(f"   {name} {word} in {time.monotonic() - began:.1f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks everything that can be checked.")
    parser.add_argument("--only", choices=STEPS, action="append", help="run this step; may be given again")
    wanted = parser.parse_args().only or [n for n in STEPS if n not in LINUX or sys.platform.startswith("linux")]
    names = [name for name in STEPS if name in wanted]
    failed: list[str] = []
    for name in names:
        if name == "tests" and failed:
            print(f"   failed so far: {', '.join(failed)}", flush=True)
        if not passes(name):
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
