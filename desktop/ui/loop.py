"""asyncio inside Qt's event loop: `run` owns the loop, `Tasks.spawn` owns what runs in it.

Invariant: a task is referenced until it ends, and no exception in one passes unseen: a `UserError` goes to the place
that shows it, anything else into the log with its traceback and to the report dialogue. Nothing here nests an event
loop or pumps events; a dialogue is `open()`ed and awaited by a future.

Traps of qasync 0.28.0 that are kept out of reach here: `@asyncSlot` lets the garbage collector take its task; the
variable QT_API overrules the Qt already imported; its default executor is ten QThreads, which Python's own shutdown
does not join; and `QApplication.quit()` from outside makes `run_until_complete` raise, so the window's close event,
or the application's wish to quit, starts the shutdown and `main` returns.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PySide6.QtWidgets import QApplication

from desktop.core.errors import UserError
from desktop.ui.garbage import collected_here

os.environ["QT_API"] = "pyside6"
import qasync  # reads QT_API while it is imported

log = logging.getLogger(__name__)

Show = Callable[[UserError], None]
Report = Callable[[BaseException], None]


def run(main: Coroutine[Any, Any, int]) -> int:
    """Runs `main` in the application's event loop until it returns its exit status."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("run() needs a QApplication")
    app.setQuitOnLastWindowClosed(False)
    with collected_here(), asyncio.Runner(loop_factory=lambda: _loop(app)) as runner:
        return runner.run(main)


def _loop(app: QApplication) -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = qasync.QEventLoop(app)
    loop.set_default_executor(ThreadPoolExecutor(4, "disk"))  # short disk work only; long work is a process
    return loop


class Tasks:
    """The tasks of the window. `show` says a `UserError` where the person is; `report` offers a report of a bug."""

    def __init__(self, show: Show, report: Report) -> None:
        self._show = show
        self._report = report
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, coro: Coroutine[Any, Any, Any], show: Show | None = None) -> asyncio.Task[None]:
        """Starts `coro` and keeps it. `show` says this task's `UserError` in a place of its own."""
        task = asyncio.get_running_loop().create_task(self._guard(coro, show or self._show))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _task: coro.close())  # one that was cancelled before it began says nothing
        return task

    async def close(self) -> None:
        """Cancels what still runs and waits for its end: part of the shutdown order."""
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(set(self._running))

    async def _guard(self, coro: Coroutine[Any, Any, Any], show: Show) -> None:
        try:
            await coro
        except UserError as error:
            show(error)
        except Exception as bug:  # one of the four named places; the traceback is in the log
            log.exception("A task failed")
            self._report(bug)
