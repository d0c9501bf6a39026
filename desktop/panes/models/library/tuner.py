"""Finds the best settings for the selected model when asked to, and sets them when asked to.

Invariant: one model is measured at a time, wherever the person looks meanwhile; what was found waits for the person's
choice, and nothing is set before. Measuring is `services.fit.tuning`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import UserError
from desktop.core.settings import Value
from desktop.core.tuning import Outcome
from desktop.panes.models.library.controller import Model, ModelsController
from desktop.services.fit.tuning import Attempt, Tuning

__all__ = ["Attempt", "Outcome", "Tuner"]

Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


class Tuner(QObject):
    changed = Signal()  # something else is to be shown
    failed = Signal(object)  # a UserError

    def __init__(self, models: ModelsController, tuning: Tuning, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models, self._tuning, self._spawn = models, tuning, spawn
        self._measured: Model | None = None
        self._attempt: Attempt | None = None
        self._task: asyncio.Task[Outcome] | None = None
        self._outcomes: dict[str, Outcome] = {}  # by id of a model, until the person has chosen
        for signal in (models.selected, models.values_changed, models.changed):
            signal.connect(self.changed)

    @property
    def offered(self) -> bool:
        """Whether anything can be found for the selected model; the guide has settings of its own."""
        model = self._models.model()
        return model.present and not model.built_in

    @property
    def measured(self) -> Model | None:
        """The model that is being measured, which need not be the selected one."""
        return self._measured

    @property
    def attempt(self) -> Attempt | None:
        """What is measured now, where it is the selected model."""
        here = self._measured is not None and self._measured.id == self._models.model().id
        return self._attempt if here else None

    @property
    def outcome(self) -> Outcome | None:
        """What was found for the selected model and not yet decided upon."""
        return self._outcomes.get(self._models.model().id)

    def tuned(self) -> Mapping[str, Value]:
        """What is set for the selected model of what can be found."""
        return self._tuning.tuned(self._models.model())

    def find(self) -> None:
        """Begins to measure the selected model."""
        if self._measured is None:
            self._measured = self._models.model()
            self._spawn(self._find(self._measured), self.failed.emit)

    def cancel(self) -> None:
        """Gives up measuring; nothing has changed then."""
        if self._task is not None:
            self._task.cancel()

    def use(self) -> None:
        """Sets what was found for the selected model."""
        model, outcome = self._models.model(), self.outcome
        if outcome is not None:
            self._decide(model, self._tuning.use(model, outcome))

    def undo(self) -> None:
        """Goes back to the defaults, or stays with them."""
        model = self._models.model()
        self._decide(model, self._tuning.undo(model, self.outcome))

    def _decide(self, model: Model, work: Coroutine[Any, Any, None]) -> None:
        self._outcomes.pop(model.id, None)
        self._spawn(self._set(work), self.failed.emit)

    async def _set(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._models.values_changed.emit()

    async def _find(self, model: Model) -> None:
        self._outcomes.pop(model.id, None)
        self._task = asyncio.create_task(self._tuning.find(model, self._advanced))
        try:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._outcomes[model.id] = self._task.result()
        finally:
            if not self._task.done():  # the program is closing
                self._task.cancel()
                await asyncio.wait([self._task])
            self._task = self._measured = self._attempt = None
            self.changed.emit()

    def _advanced(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.changed.emit()
