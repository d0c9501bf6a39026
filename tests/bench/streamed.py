"""The window of `tests.bench.streaming`: the program, and at its window a person who reads while a reply comes.

    python -m tests.bench.streamed SECONDS

Invariant: the window's process imports what it always does and in the same order, the program first, so that what it
holds is its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

from desktop import cli, launch

if TYPE_CHECKING:
    from tests.flows.person import Person

TITLE = "A long chat"


async def measured(person: Person, seconds: str) -> None:
    """Opens the chat, asks, and tells the window's processor time while the reply comes, and its memory."""
    from PySide6.QtWidgets import QAbstractButton

    from tests.flows.driver import tell
    from tests.flows.person import until

    await person.pick_row(TITLE)
    await until(lambda: len(person.conversation) > 2)
    await asyncio.sleep(3)
    memory = resident()
    await person.ask("Tell me more")
    await until(lambda: person.all(QAbstractButton, "Stop"))
    await asyncio.sleep(3)
    begun, spent = time.monotonic(), time.process_time()
    await asyncio.sleep(float(seconds))
    share = (time.process_time() - spent) / (time.monotonic() - begun)
    streamed = resident()
    await person.press("Stop")
    await person.answered()
    tell(json.dumps({"cpu": share, "resident": memory, "streamed": streamed}))


def resident() -> int:
    """Bytes this process holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def main() -> None:
    launch.import_plainly()  # as the program itself would, but before the driver imports anything
    from desktop.engine import client
    from tests.flows.driver import run_beside

    client.command = lambda _verb, _module: [sys.executable, "-m", "tests.bench.paced"]
    run_beside(["tests.bench.streamed:measured", *sys.argv[1:]])
    sys.exit(cli.main([]))


if __name__ == "__main__":
    main()
