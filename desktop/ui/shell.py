"""The window before there is anything in it: its frame, its look and its language.

It stands there after a fifth of a second, while services and panes are still being imported. Invariant: it imports
neither; what fills it comes later, and by then the person may already have moved or closed it.
"""

from __future__ import annotations

import asyncio
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
    Pane("help", N_("Help"), Icon.INFO),
)


class Shell(QObject):
    """`closed` is set when the person closes the window; `painted` when it can be seen."""

    spoken = Signal(str)  # the window's language, after a switch

    def __init__(
        self, app: QApplication, settings: Mapping[str, Value], place: Mapping[str, object], catalogues: Path
    ) -> None:
        super().__init__()
        self.closed, self.painted = asyncio.Event(), asyncio.Event()
        self.place: Mapping[str, Value] = {}
        self._catalogues = catalogues
        self.look = Theme(app)
        self.dress(settings)
        self.window = MainWindow(self.look, PANES, Place(lambda: place, self._keep), self.closed.set)
        self.window.installEventFilter(self)
        self.window.show()

    def dress(self, settings: Mapping[str, Value]) -> None:
        """Language, appearance and text size, now."""
        self.look.use(str(settings["appearance"]), int(str(settings["text_size"])))
        self.spoken.emit(translation.use(str(settings["language"]), self._catalogues))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and not self.painted.is_set():
            self.painted.set()
        return False

    def _keep(self, place: Mapping[str, Value]) -> None:
        self.place = place
