"""What the window's process takes while a reply comes into a chat of 1,000 messages: processor time and memory.

    python -m tests.bench.streaming [--seconds N] [--json]

The whole program as a person starts it, at its window a person who opens the chat and asks; in the engine's place a
process that speaks the same frames at 20 tokens a second (`tests.bench.paced`). Processor time is that of the window's
process alone, as a share of one core; memory is what it holds resident with the chat open, less what an empty PySide6
window does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Message, Role
from desktop.core.generation import StopReason
from desktop.services.models.modelfiles import How
from desktop.services.paths import Paths
from tests.bench.streamed import TITLE
from tests.bench.window import PART
from tests.flows.program import SETTINGS, Program
from tests.models import tiny_model

MESSAGES = 1_000
LIMITS = {"cpu": 0.08, "memory_mb": 60.0}
EMPTY = """
import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1180, 760)
window.show()
QTimer.singleShot(1000, lambda: (print(psutil.Process().memory_info().rss), app.quit()))
app.exec()
"""


async def furnish(home: Path) -> None:
    """A data folder with one model and one chat of 1,000 messages, a few hundred characters each."""
    paths = Paths(home)
    paths.create()
    paths.preferences.write_text(SETTINGS)
    async with Assembly.opened(paths) as assembly:
        model = await assembly.library.import_file(tiny_model(home / "paced.gguf"), How.LINK)
        messages, parent = list[Message](), None
        for n in range(MESSAGES):
            role, stop = (Role.ASSISTANT, StopReason.STOP) if n % 2 else (Role.USER, None)
            messages.append(Message(f"m{n}", parent, role, PART[: 60 + n % 400], float(n), stop_reason=stop))
            parent = messages[-1].id
        chat = Chat("long", TITLE, 1.0, 1.0, parent, model=model.name, titled=True)
        await assembly.chats.add_all([(chat, messages)])


def measure(seconds: float) -> dict[str, float]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(furnish(Path(folder)))
        with Program(Path(folder)).started(str(seconds), module="tests.bench.streamed") as process:
            out, err = process.communicate(timeout=60 + 3 * seconds)
        assert process.returncode == 0, err.decode()
    empty = subprocess.run([sys.executable, "-c", EMPTY], env=environment, stdout=subprocess.PIPE, check=True)
    found = json.loads(out.decode().splitlines()[-1])
    base = int(empty.stdout)
    return {
        "cpu": found["cpu"],
        "memory_mb": (found["resident"] - base) / 1e6,
        "memory_after_streaming_mb": (found["streamed"] - base) / 1e6,
        "empty_mb": base / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.seconds)
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:28} {value:8.3f}   limit {LIMITS.get(name, '')}")


if __name__ == "__main__":
    main()
