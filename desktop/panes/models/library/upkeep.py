"""What keeps the library in order: what a model costs here, whether its file is whole, where all of them lie.

Invariant: the fit is that of the selected model with the settings in force for it, from arithmetic at once and from the
engine when it has answered. One file is verified at a time, and the folder moves only while nothing uses it. Importing,
naming and removing are `controller`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.core.errors import N_, SettingError, UserError
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings, load_settings
from desktop.core.remedies import Remedy
from desktop.panes.models.library.controller import Model, ModelsController
from desktop.services.fit.fitting import Fit, Fitting, Subject
from desktop.services.models import elsewhere
from desktop.services.models.elsewhere import Findings, Found
from desktop.services.models.library import Copies, Library, Proof, Usage

__all__ = ["Copies", "Findings", "Fit", "Found", "Upkeep", "Usage", "Verdict"]

_STILL_MS = 300  # settings must stand still so long before the engine is asked
_PROOFS = {
    Proof.PUBLISHED: N_("“{name}” is whole: it is, byte for byte, what “{repo}” published."),
    Proof.RECORDED: N_("“{name}” is whole: it has not changed since it came."),
    Proof.FIRST: N_("“{name}” was read whole. Its checksum is kept, so that a later change can be seen."),
}
_BUSY = N_("Downloads are running into the folder. Pause them, then move it.")
_NEW_FOLDER = N_("Your models now lie in “{path}”.")
Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


class Upkeep(QObject):
    """`release` gives back what holds models open, before the folder moves; `busy`: whether a download writes there."""

    judged = Signal()  # another fit
    verifying = Signal(object)  # 0..1, None when it is over
    moving = Signal(object)  # 0..1, None when it is over
    surveyed = Signal()  # usage, copies, what other applications have
    said = Signal(str, dict)  # a message id and its fields
    failed = Signal(object)  # a UserError

    def __init__(
        self,
        models: ModelsController,
        library: Library,
        fitting: Fitting,
        spawn: Spawn,
        release: Callable[[], Awaitable[None]],
        busy: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._models, self._library, self._fitting, self._spawn = models, library, fitting, spawn
        self._release, self._busy = release, busy
        self._task: asyncio.Task[Any] | None = None  # verifying or moving
        self.usage: Usage | None = None
        self.copies: list[Copies] = []
        self.findings = Findings((), (), True)
        self._still = QTimer(self, singleShot=True, interval=_STILL_MS)
        self._still.timeout.connect(self._ask)
        for signal in (models.selected, models.values_changed, models.changed):
            signal.connect(self._judge)

    # -- memory -------------------------------------------------------------------------------------------------------

    def fit(self) -> Fit | None:
        """What the selected model takes with its settings; None for the guide, and for a file that is not there."""
        model = self._models.model()
        if model.built_in or not model.present:
            return None
        return self._fitting.quick(Subject.local(model), self._settings())

    def off_by(self) -> int | None:
        """Bytes by which the worst of its last loads missed the estimate; None where it was not loaded yet."""
        history = self._fitting.history(Subject.local(self._models.model()))
        return max((abs(load.estimate_bytes - load.resident_bytes) for load in history), default=None)

    def used(self, model: Model) -> float:
        """When a model was loaded last, Unix seconds; 0 where that is not known."""
        return max((load.at for load in self._fitting.history(Subject.local(model))), default=0.0)

    def remedy(self, remedy: Remedy) -> None:
        """Sets for the selected model what makes room."""
        fit = self.fit()
        for key in ("context", "kv_type", "mmap", "repack", "gpu_layers"):
            then = getattr(remedy.settings, key)
            if fit is not None and then != getattr(fit.settings, key):
                self._models.set(key, then)

    def use_context(self, tokens: int) -> None:
        """Sets the selected model's context."""
        self._models.set("context", tokens)

    def _settings(self) -> LoadSettings:
        return load_settings(self._models.levels().values())

    def _judge(self) -> None:
        self._still.start()
        self.judged.emit()

    def _ask(self) -> None:
        fit = self.fit()
        if fit is not None and not fit.exact:
            self._spawn(self._ask_exactly(self._models.model()), lambda _error: None)

    async def _ask_exactly(self, model: Model) -> None:
        """What the engine cannot say stays as it was computed, and says so: `Fit.exact`."""
        await self._fitting.exact(Subject.local(model), self._settings())
        if self._models.model().id == model.id:
            self.judged.emit()

    # -- one file -----------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Reads the selected model's file whole and says what it is worth."""
        if self._task is None:
            self._spawn(self._verify(self._models.model()), self.failed.emit)

    def cancel(self) -> None:
        """Gives up verifying or moving; nothing has changed then."""
        if self._task is not None:
            self._task.cancel()

    def renew(self) -> None:
        """Takes the selected model's changed file as it is now."""
        self._spawn(self._renew(self._models.model()), self.failed.emit)

    async def _verify(self, model: Model) -> None:
        proof = await self._watched(self._library.verify(model, self.verifying.emit), self.verifying)
        if proof is not None:
            repo = model.origin.repo if model.origin else ""
            self.said.emit(_PROOFS[proof], {"name": model.name, "repo": repo})
            self._models.changed.emit()

    async def _renew(self, model: Model) -> None:
        await self._library.renew(model)
        self._models.changed.emit()

    # -- all of them --------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self._library.folder

    def shares(self) -> list[tuple[str, int]]:
        """What each model in the folder takes of the disk, the largest first."""
        owned = [(model.name, model.size) for model in self._models.models() if model.owned and model.present]
        return sorted(owned, key=lambda share: -share[1])

    def survey(self) -> None:
        """Counts what the models take, and looks for copies and for other applications' models."""
        self._spawn(self._survey(), self.failed.emit)

    def link(self, found: tuple[Found, ...]) -> None:
        """Uses models of other applications where they lie."""
        self._spawn(self._link(found), self.failed.emit)

    def move(self, to: Path) -> None:
        """Moves the folder with all models; what is loaded is unloaded first."""
        if self._busy():
            self.failed.emit(SettingError(_BUSY))
        elif self._task is None:
            self._spawn(self._move(to), self.failed.emit)

    async def _survey(self) -> None:
        self.usage = await self._library.usage()
        self.copies = await self._library.duplicates()
        self.findings = await elsewhere.found(self._library.all())
        self.surveyed.emit()

    async def _link(self, found: tuple[Found, ...]) -> None:
        try:
            for one in found:
                await self._library.link(one)
        finally:
            self._models.changed.emit()
            await self._survey()

    async def _move(self, to: Path) -> None:
        self.moving.emit(0.0)
        await self._release()
        try:
            await self._watched(self._library.move_folder(to, self.moving.emit), self.moving)
        finally:
            self._models.changed.emit()
        if self.folder == to:
            self.said.emit(_NEW_FOLDER, {"path": str(to)})
        await self._survey()

    async def _watched(self, work: Coroutine[Any, Any, Any], progress: Any) -> Any:
        """The result of work that can be given up, None then; `progress` is told its beginning and end."""
        progress.emit(0.0)
        self._task = asyncio.create_task(work)
        try:
            await asyncio.wait([self._task])
            return None if self._task.cancelled() else self._task.result()
        finally:
            if not self._task.done():  # the program is closing
                self._task.cancel()
                await asyncio.wait([self._task])
            self._task = None
            progress.emit(None)
