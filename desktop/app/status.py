"""The quiet line at the window's foot: where the model runs, what memory it holds, how fast it wrote last.

Invariant: what is short in the line is whole in its tool tip and for screen readers, with the model's name and the
number of threads; it says why the processor runs where a graphics card does not. It asks the system, never the engine.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from desktop.assembly import Assembly
from desktop.core.generation import LoadSettings, ModelInfo
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.message import MessageView, pace, speed
from desktop.ui import formats
from desktop.ui.translation import _, ngettext
from desktop.ui.window import MainWindow

STATUS_MS = 2000  # memory moves slowly, and asking the system for it costs 0.1 ms


class Status(QObject):
    def __init__(self, window: MainWindow, alcove: Assembly, chat: ChatController) -> None:
        super().__init__(window)
        self._window, self._alcove, self._chat = window, alcove, chat
        self._speed = 0.0  # tokens a second of the last reply; 0: not known
        self._of: Path | None = None  # the model that wrote it
        self._pulse = QTimer(self, interval=STATUS_MS)
        self._pulse.timeout.connect(self._beat)
        chat.device_changed.connect(lambda _device: self.tell())
        chat.replies.ended.connect(self._note)

    def start(self) -> None:
        self._pulse.start()

    def _beat(self) -> None:
        if self._window.isVisible():
            self.tell()

    def tell(self) -> None:
        """Says it again, as it is now."""
        loaded = self._alcove.engine.loaded
        if loaded is None:
            self._window.set_status(_("No model is loaded"))
            return
        path, settings, info = loaded
        model = next((m for m in self._alcove.library.all() if m.path == path), None)
        name = info.name if model is None else _("Guide") if model.built_in else model.name
        device = _device(settings, info)
        held = formats.size(self._alcove.machine.resident(self._alcove.engine.pid))
        line = [device, _("{memory} of memory", memory=held)]
        whole = [
            _("Model: {name}", name=name),
            _runs(device, settings.threads),
            _("It holds {memory} of memory", memory=held),
        ]
        if self._speed and self._of == path:
            line.append(pace(self._speed))
            whole.append(_("The last reply: {speed}", speed=line[-1]))
        notes = [_(note) for note in info.notes]
        self._window.set_status(" · ".join([*line, *notes]), "\n".join([*whole, *notes]))

    def _note(self, view: MessageView) -> None:
        loaded = self._alcove.engine.loaded
        self._speed, self._of = speed(view.message), loaded[0] if loaded else None
        self.tell()


def _device(settings: LoadSettings, info: ModelInfo) -> str:
    """Which device runs, and why it is not the graphics card."""
    if info.gpu_layers:
        return info.device
    return _("CPU (GPU layers: 0)") if settings.gpu_layers == 0 else _("CPU (no usable graphics card)")


def _runs(device: str, threads: int) -> str:
    return ngettext(
        "It runs on: {device}, {threads} thread",
        "It runs on: {device}, {threads} threads",
        threads,
        device=device,
        threads=formats.number(threads),
    )
