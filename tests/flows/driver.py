"""The program as `alcove` starts it, and at its window a person who lives through a journey; in a process of their own.

    python -m tests.flows.driver MODULE:JOURNEY [ARGUMENT …] [-- FILE …]
    python -m tests.flows.driver

A journey is a coroutine function that takes a `Person` and the arguments. When it returns, the window is closed and the
exit status is the program's; when it fails, its traceback is printed and the status is 3. The files are what the
program is started with. Nothing of the program is replaced: the journey runs beside it in its event loop. Without a
journey, the person expects a box that says why there can be no window, tells what it says, and presses its button.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from desktop.cli import main
from desktop.ui import loop
from tests.flows.person import SOON_S, at_the_window

FAILED = 3


def tell(line: str) -> None:
    """Says something to the test, at once."""
    os.write(1, f"{line}\n".encode())


async def live(journey: str, *arguments: str) -> None:
    module, _, name = journey.partition(":")
    person = await at_the_window()
    await getattr(importlib.import_module(module), name)(person, *arguments)
    person.window.close()


def judge(living: asyncio.Task[None]) -> None:
    if not living.cancelled() and (failure := living.exception()) is not None:
        traceback.print_exception(failure)
        sys.stderr.flush()
        os._exit(FAILED)


def run_beside(journey: list[str]) -> None:
    """From now on, whatever the event loop runs, it runs the journey, too."""
    run = loop.run

    def both(program: Coroutine[Any, Any, int]) -> int:
        async def together() -> int:
            living = asyncio.create_task(live(*journey))
            living.add_done_callback(judge)
            try:
                return await program
            finally:
                living.cancel()

        return run(together())

    loop.run = both


def expect_box() -> None:
    """Waits for the application from a thread of its own: the box may come before there is an event loop of ours."""
    while (application := QApplication.instance()) is None:
        time.sleep(SOON_S)
    QTimer.singleShot(0, application, read_box)


def read_box() -> None:
    boxes = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]
    if not boxes:
        QTimer.singleShot(10, read_box)
        return
    tell(boxes[0].text())
    QTest.mouseClick(boxes[0].buttons()[0], Qt.MouseButton.LeftButton)


if __name__ == "__main__":
    given, files = sys.argv[1:], []
    if "--" in given:
        given, files = given[: given.index("--")], given[given.index("--") + 1 :]
    if given:
        run_beside(given)
    else:
        threading.Thread(target=expect_box, daemon=True).start()
    sys.exit(main(files))
