"""The running program with its window, put into any language, look and size while it runs.

    python -m tests.look.stage MODULE:JOURNEY [ARGUMENT …]

Invariant: nothing of the program is replaced but the engine's process, which writes what is known beforehand and takes
no memory; a switch of language or look goes the way that the settings pane's goes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QToolTip, QWidget

from desktop.core.settings import resolve
from desktop.services.paths import resources
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton
from desktop.ui.menus import Command
from desktop.ui.tokens import XXL
from tests.flows.person import Person
from tests.flows.program import Program
from tests.look.pseudo import PseudoQt

if TYPE_CHECKING:
    from desktop.app.root import Root

Journey = Callable[..., Coroutine[Any, Any, None]]
PSEUDO = "pseudo"
_PATIENCE_S = 600.0
SCREEN = Path(__file__).with_name("screen.json")


class Stage:
    """`pseudo` is the folder of the made-up catalogue; `patience` is how much of a scene's own waiting is waited."""

    def __init__(self, person: Person, pseudo: str | Path, patience: float = 1.0) -> None:
        self.person, self.window = person, person.window
        self.root = cast("Root", sys.excepthook.__self__)  # type: ignore[attr-defined]  # the root's own method
        self.language, self.spoken, self.patience = "en", "", patience
        self._pseudo = Path(pseudo)
        self.qt = PseudoQt()

    async def dress(self, language: str, appearance: str = "light", text_size: int = 100) -> None:
        """Language, look and size of text, as a person sets them."""
        made_up = language == PSEUDO
        if language == self.spoken:
            self.root.look.use(appearance, text_size)
            await self.settle()
            return
        self.spoken = language
        self.language = "en" if made_up else language
        app = QApplication.instance()
        assert app is not None
        app.removeTranslator(self.qt)
        self.root._shell._catalogues = self._pseudo if made_up else resources() / "locale"
        chosen = {"language": self.language, "appearance": appearance, "text_size": text_size}
        self.root._dress({**resolve(self.root._alcove.preferences.values()), **chosen})
        if made_up:
            app.installTranslator(self.qt)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        self.window.resize(width, height)
        for dialog in [top for top in self.above() if isinstance(top, QDialog)]:  # as it would have opened in it
            dialog.resize(dialog.size().boundedTo(self.window.size() - QSize(XXL, XXL)))
        await self.settle()

    async def settle(self, seconds: float = 0.03) -> None:
        """Until what was asked of layouts is done."""
        for _round in range(3):
            QApplication.sendPostedEvents()
            await asyncio.sleep(seconds / 3)

    async def wait(self, seconds: float) -> None:
        """For what a scene shows better later: measured, judged, written."""
        await self.settle(seconds * self.patience)

    def command(self, command: Command) -> None:
        """As its entry in the menu does."""
        self.window.menus.action(command).trigger()

    async def clear(self) -> None:
        """Closes what stands above the panes: menus, dialogues, bars."""
        QToolTip.hideText()
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for dialog in [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]:
            dialog.reject()
        for bar in self.person.all(Bar):
            bar.findChildren(IconButton)[-1].click()
        await self.settle()

    def picture(self) -> QImage:
        """The window, with what stands above it where it stands."""
        image = self.window.grab().toImage()
        painter = QPainter(image)
        for top in self.above():
            place = top.geometry().translated(-self.window.geometry().topLeft())
            if isinstance(top, QDialog):
                place.moveCenter(self.window.rect().center())  # the window may have been resized after it opened
                painter.fillRect(image.rect(), QColor(0, 0, 0, 60))  # what a modal dialogue keeps from the window
            painter.drawPixmap(place.topLeft(), top.grab())
            if isinstance(top, QDialog):
                painter.setPen(QColor(128, 128, 128))
                painter.drawRect(place.adjusted(-1, -1, 0, 0))
        painter.end()
        return image

    def above(self) -> list[QWidget]:
        """Dialogues and menus that are open, the lowest first."""
        tops = [top for top in QApplication.topLevelWidgets() if top.isVisible() and top is not self.window]
        return sorted(tops, key=lambda top: isinstance(top, QMenu))


def live(home: Path, journey: Journey, *arguments: str | Path) -> str:
    """Opens the window over a data folder, lives through the journey there, and closes it; what the journey told."""
    name = f"{journey.__module__}:{journey.__name__}"
    with Program(home).started(name, *arguments, module="tests.look.stage") as process:
        out, err = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 0, err.decode()
    log = home / "logs" / "alcove.log"
    assert not log.exists() or " ERROR " not in log.read_text(), log.read_text()
    return str(out.decode())


def main() -> None:
    from desktop import cli, launch

    launch.import_plainly()
    from desktop.engine import client
    from tests.flows.driver import run_beside

    client.command = lambda _verb, _module: [sys.executable, "-m", "tests.bench.paced"]
    screen = os.path.relpath(SCREEN)  # from here: Qt reads other letters than ASCII wrong
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={screen}"
    run_beside(sys.argv[1:])
    sys.exit(cli.main([]))


if __name__ == "__main__":
    main()
