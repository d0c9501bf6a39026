"""The window before there is anything in it: its frame, its look and its language.

It stands there after a fifth of a second, while asyncio, services and panes are still to be imported. Invariant: it
imports none of them; what fills it comes later, and by then the person may already have moved or closed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication

from desktop.core.errors import N_
from desktop.core.settings import Value
from desktop.ui import translation
from desktop.ui.icons import Icon
from desktop.ui.theme import Theme
from desktop.ui.window import MainWindow, Pane, Place

PANES = (
    Pane("chat", N_("Chat"), Icon.CHAT),
    Pane("models", N_("Models"), Icon.MODELS),
    Pane("settings", N_("Settings"), Icon.SETTINGS),
    Pane("help", N_("Help"), Icon.HELP),
)


class Shell(QObject):
    """`closed` stays true once the person has closed the window."""

    spoken = Signal(str)  # the window's language, after a switch
    closing = Signal()
    painted = Signal()  # it can be seen

    def __init__(
        self, app: QApplication, settings: Mapping[str, Value], place: Mapping[str, object], catalogues: Path
    ) -> None:
        super().__init__()
        self.closed = False
        self._painted = False
        self.place: Mapping[str, Value] = {}
        self._catalogues = catalogues
        self.look = Theme(app)
        self.dress(settings)
        self.window = MainWindow(self.look, PANES, Place(lambda: place, self._keep), self.close)
        self.window.installEventFilter(self)
        self.window.show()

    def dress(self, settings: Mapping[str, Value]) -> None:
        """Language, appearance and text size, now."""
        self.look.use(str(settings["appearance"]), int(str(settings["text_size"])))
        self.spoken.emit(translation.use(str(settings["language"]), self._catalogues))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and not self._painted:
            self._painted = True
            self.painted.emit()
        return False

    def close(self) -> None:
        """The wish to close; `app` does it, in its order."""
        self.closed = True
        self.closing.emit()

    def _keep(self, place: Mapping[str, Value]) -> None:
        self.place = place
