"""From the double-click to a window that can be seen, before anything heavy is imported.

Invariant: the window is painted first; services, panes and the database come after it. One window for one data folder:
a second start raises the first one. What the window holds is `app`'s affair.
"""

from __future__ import annotations

import builtins
import sys
from builtins import __import__ as plain_import  # before PySide6 replaces it
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QEventLoop, Qt, QTimer
from PySide6.QtGui import QFileOpenEvent, QIcon
from PySide6.QtWidgets import QApplication

from desktop import __version__
from desktop.core.errors import UserError
from desktop.core.settings import resolve
from desktop.services.paths import Paths, resources
from desktop.services.preferences import Preferences
from desktop.ui import translation
from desktop.ui.instance import Instance
from desktop.ui.shell import Shell
from desktop.ui.translation import _

if TYPE_CHECKING:
    from collections.abc import Coroutine

LOG_BYTES = 1_000_000
PAINT_MS = 500  # a window that is minimised or covered is never painted; then nothing waits for it


class Application(QApplication):
    """Where the system asks for the end (the Dock, the session), `end` is called and nothing closes by itself.

    macOS does not name the files to open in the arguments: it sends an event for each, at any time, and `opened` is
    called.
    """

    end: Callable[[], object] | None = None
    opened: Callable[[list[str]], object] | None = None

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file() and self.opened is not None:
            self.opened([event.file()])
            return True
        if event.type() is QEvent.Type.Quit and self.end is not None:
            event.ignore()
            self.end()
            return True
        return super().event(event)


def main(files: Sequence[str] = ()) -> int:
    """Opens the window, or raises the one that is open; returns when it has closed."""
    import_plainly()
    QApplication.setApplicationName("Alcove")
    QApplication.setApplicationVersion(__version__)
    QApplication.setDesktopFileName("dev.alcove.Alcove")
    app = Application(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    paths = Paths.of_person()
    instance = Instance(paths.home)
    try:
        paths.create()
        if not instance.claim(files):
            return 0
        preferences = Preferences(paths.preferences)
        shell = shown(app, preferences)
        app.end = shell.window.quit
        app.opened = instance.open
        _paint(shell)
        if sys.platform != "darwin":  # there the bundle's own stands in the Dock
            app.setWindowIcon(QIcon(str(resources() / "icons" / "alcove.png")))
        from desktop.ui import loop

        return loop.run(filled(shell, paths, preferences, instance))
    except UserError as error:
        app.end = app.exit
        _refuse(app, error)
        return 1
    finally:
        instance.release()


def import_plainly() -> None:
    """Puts Python's `import` back in the place of PySide6's.

    That one reads the source of every module and keeps it, to know which may ask for `__feature__`: none of ours does.
    """
    builtins.__import__ = plain_import


def shown(app: QApplication, preferences: Preferences) -> Shell:
    """The empty window, where it was and as it looked."""
    return Shell(app, resolve(preferences.values()), preferences.window, resources() / "locale")


def filled(shell: Shell, paths: Paths, preferences: Preferences, instance: Instance) -> Coroutine[None, None, int]:
    """The rest of the window's life, for the event loop."""
    _log_to(paths.logs)
    instance.ended.connect(shell.window.quit)
    instance.listen()
    from desktop.app import run

    return run(shell, paths, preferences, instance)


def _paint(shell: Shell) -> None:
    """Runs Qt alone until the window is seen; asyncio's loop, which runs the rest, is imported after that."""
    waiting = QEventLoop()
    shell.painted.connect(waiting.quit, Qt.ConnectionType.QueuedConnection)
    QTimer.singleShot(PAINT_MS, waiting.quit)
    waiting.exec()


def _log_to(folder: Path) -> None:
    """Warnings and worse, in a file that never grows beyond a few megabytes. What is said in chats is not logged."""
    import logging
    import logging.handlers

    handler = logging.handlers.RotatingFileHandler(
        folder / "alcove.log", maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("desktop").addHandler(handler)


def _refuse(app: QApplication, error: UserError) -> None:
    """The data folder or the database cannot be used: that is said, and nothing is touched."""
    translation.use("system", resources() / "locale")
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox(QMessageBox.Icon.Warning, "Alcove", _(error.message, **error.fields))
    box.finished.connect(lambda _result: app.exit())  # quit() asks the windows, and ours refuses to close by itself
    box.open()
    app.exec()
