"""What the page of downloads does: pauses, resumes, cancels and clears, and tells others how far all of it is.

Invariant: a download is what the service says it is; only its recent speed is remembered here, for a drawing. What has
arrived is told once, by `arrived`; transferring and keeping the queue is `services.transfer.downloads`'.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import N_, ModelFileError, UserError
from desktop.core.transfer import Download, State
from desktop.services.models.library import Library, Model
from desktop.services.transfer.downloads import Downloads

__all__ = ["Download", "State", "Transfers"]

UNDER_WAY = frozenset({State.WAITING, State.RUNNING, State.VERIFYING})
REMEMBERED = 120  # speeds, one a second: two minutes, in which a line that stalls and comes back is seen to do so
_GONE = N_("The model is not in the library any more. It may have been removed, or its file is gone.")
Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


class Transfers(QObject):
    changed = Signal()  # a download, or which there are
    counted = Signal(int, int)  # how many are neither paused nor over, and how many are paused
    progressed = Signal(object)  # how much of those is here, 0..1; None where there are none
    arrived = Signal(str)  # the library id of a model that is whole now
    chosen = Signal(str)  # a model to chat with, by its name
    failed = Signal(object)  # a UserError

    def __init__(self, downloads: Downloads, library: Library, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._downloads, self._library, self._spawn = downloads, library, spawn
        self._speeds: dict[str, deque[float]] = {}
        self._sampled: dict[str, float] = {}
        self._done = {download.id for download in self.all() if download.state is State.DONE}
        self.running, self.paused, self.share = 0, 0, _share(())
        downloads.listen(self._heard)
        self._heard()

    def busy(self) -> bool:
        """Whether something is on its way."""
        return self.running > 0

    def all(self) -> list[Download]:
        return list(self._downloads.all())

    def speeds(self, id: str) -> Sequence[float]:
        """Bytes per second, the newest last, one a second while it runs."""
        return tuple(self._speeds.get(id, ()))

    def pause(self, id: str) -> None:
        self._downloads.pause(id)

    def resume(self, id: str) -> None:
        """Goes on with what was paused, and tries again what failed."""
        self._downloads.resume(id)

    def cancel(self, id: str) -> None:
        """Ends it; what has arrived is deleted."""
        self._downloads.cancel(id)

    def clear(self, id: str) -> None:
        """Takes what is over off the list; the model stays."""
        self._downloads.clear(id)

    def clear_finished(self) -> None:
        for download in self.all():
            if download.state is State.DONE:
                self._downloads.clear(download.id)

    def chat(self, id: str) -> None:
        """Chats with what has arrived."""
        model = self._model(id)
        if model is not None and model.present:
            self.chosen.emit(model.name)
        else:
            self.failed.emit(ModelFileError(_GONE))

    def folder(self, id: str) -> Path | None:
        """Where the model lies that has arrived."""
        model = self._model(id)
        return model.path.parent if model is not None and model.present else None

    def _model(self, id: str) -> Model | None:
        name = next((download.model for download in self.all() if download.id == id), "")
        return next((model for model in self._library.all() if model.id == name and name), None)

    def _heard(self) -> None:
        downloads = self.all()
        self._remember(downloads)
        for download in downloads:
            if download.state is State.DONE and download.id not in self._done:
                self._done.add(download.id)
                self.arrived.emit(download.model)
        active = [download for download in downloads if download.state in UNDER_WAY]
        counts = len(active), sum(download.state is State.PAUSED for download in downloads)
        if counts != (self.running, self.paused):
            self.running, self.paused = counts
            self.counted.emit(*counts)
        share = _share(active)
        if share != self.share:
            self.share = share
            self.progressed.emit(share)
        self.changed.emit()

    def _remember(self, downloads: Sequence[Download]) -> None:
        now = time.monotonic()
        for download in downloads:
            if download.state is State.RUNNING and now - self._sampled.get(download.id, 0.0) >= 1:
                self._sampled[download.id] = now
                self._speeds.setdefault(download.id, deque(maxlen=REMEMBERED)).append(download.speed)
            elif download.state is not State.RUNNING and self._speeds.get(download.id, (0.0,))[-1] > 0:
                self._speeds[download.id].append(0.0)  # it rests: the curve goes down once, and waits
        there = {download.id for download in downloads}
        for gone in self._speeds.keys() - there:
            del self._speeds[gone], self._sampled[gone]


def _share(active: Sequence[Download]) -> float | None:
    """In whole per cent, so that it is told a hundred times and not a thousand."""
    whole = sum(download.size for download in active)
    here = sum(min(download.received, download.size) for download in active)
    return int(100 * here / whole) / 100 if whole else None
