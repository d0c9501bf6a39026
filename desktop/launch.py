"""From the double-click to a window that can be seen, before anything heavy is imported.

Invariant: the window is painted first; services, panes and the database come after it. One window for one data folder:
a second start raises the first one. What the window holds is `app`'s affair.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from desktop import __version__
from desktop.core.errors import UserError
from desktop.core.settings import resolve
from desktop.services.paths import Paths, resources
from desktop.services.preferences import Preferences
from desktop.ui import loop, translation
from desktop.ui.instance import Instance
from desktop.ui.shell import Shell
from desktop.ui.translation import _

LOG_BYTES = 1_000_000
PAINT_S = 0.5  # a window that is minimised or covered is never painted; then nothing waits for it


def main(files: Sequence[str] = ()) -> int:
    """Opens the window, or raises the one that is open; returns when it has closed."""
    QApplication.setApplicationName("Alcove")
    QApplication.setApplicationVersion(__version__)
    QApplication.setDesktopFileName("alcove")
    app = QApplication(sys.argv[:1])
    app.setWindowIcon(QIcon(str(resources() / "icons" / "alcove.png")))
    paths = Paths.of_person()
    instance = Instance(paths.home)
    try:
        paths.create()
        if not instance.claim(files):
            return 0
        return loop.run(opened(app, paths, instance))
    except UserError as error:
        _refuse(app, error)
        return 1
    finally:
        instance.release()


async def opened(app: QApplication, paths: Paths, instance: Instance) -> int:
    """The window's whole life."""
    preferences = Preferences(paths.preferences)
    shell = Shell(app, resolve(preferences.values()), preferences.window, resources() / "locale")
    try:
        async with asyncio.timeout(PAINT_S):
            await shell.painted.wait()
    except TimeoutError:
        pass
    _log_to(paths.logs)
    instance.listen()
    await asyncio.to_thread(importlib.import_module, "desktop.assembly")
    from desktop.app import run

    return await run(shell, paths, preferences, instance)


def _log_to(folder: Path) -> None:
    """Warnings and worse, in a file that never grows beyond a few megabytes. What is said in chats is not logged."""
    import logging.handlers

    handler = logging.handlers.RotatingFileHandler(
        folder / "alcove.log", maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("desktop").addHandler(handler)


def _refuse(app: QApplication, error: UserError) -> None:
    """The data folder or the database cannot be used: that is said, and nothing is touched."""
    translation.use("system", resources() / "locale")
    box = QMessageBox(QMessageBox.Icon.Warning, "Alcove", _(error.message, **error.fields))
    box.finished.connect(app.quit)
    box.open()
    app.exec()
