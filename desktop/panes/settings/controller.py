"""What the settings pane does: reads and sets values for all chats or for a model, and goes back.

Invariant: a value holds the moment it is set, and is written then; there is no "save". Language and appearance are told
on at once, by `window_changed`. What values mean is `core.settings`', how they are kept `services.preferences`'.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import UserError
from desktop.core.levels import Level, Levels
from desktop.core.settings import BY_KEY, Scope, Value, Values
from desktop.services.preferences import Preferences

Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


class SettingsController(QObject):
    """`models` answers the names that can be chosen beside "all chats"."""

    changed = Signal()  # other values, or another level
    window_changed = Signal(dict)  # all settings in force, after one of the window's own has changed
    reset_done = Signal()  # everything at the level was reset; `undo` brings it back
    failed = Signal(object)  # a UserError

    def __init__(
        self,
        preferences: Preferences,
        models: Callable[[], Sequence[str]],
        folder: Path,
        spawn: Spawn,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._models = models
        self._spawn = spawn
        self._before: tuple[str | None, Values] = (None, {})
        self.folder = folder
        self.model: str | None = None

    def models(self) -> list[str]:
        return list(self._models())

    def choose(self, model: str | None) -> None:
        """Turns to the values of a model; None: of all chats."""
        self.model = model if model in self.models() else None
        self.changed.emit()

    def levels(self) -> Levels:
        everywhere = self._preferences.values()
        if self.model is None:
            return Levels(Level.ALL, everywhere)
        return Levels(Level.MODEL, self._preferences.values(self.model), ((Level.ALL, everywhere),))

    def set(self, key: str, value: Value) -> None:
        self._put({key: value}, self.model)

    def reset(self, key: str) -> None:
        self._preferences.drop(key, self.model)
        self._do(self._saved(key))

    def reset_all(self) -> None:
        before = (self.model, dict(self._preferences.values(self.model)))
        self._preferences.drop(None, self.model)
        self._do(self._all_reset(before))

    def undo(self) -> None:
        """Takes back the last `reset_all`."""
        model, values = self._before
        self._put(values, model)

    def _put(self, values: Values, model: str | None) -> None:
        """At once, not when it is written: what was set before, and is told of late, must not be shown again."""
        for key, value in values.items():
            self._preferences.put(key, value, model)
        self._do(self._saved(*values))

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._spawn(work, self.failed.emit)

    async def _saved(self, *keys: str) -> None:
        try:
            await self._preferences.save()
        finally:
            self._tell(*keys)

    async def _all_reset(self, before: tuple[str | None, Values]) -> None:
        await self._saved(*before[1])
        self._before = before
        self.reset_done.emit()

    def _tell(self, *keys: str) -> None:
        self.changed.emit()
        if any(BY_KEY[key].scope is Scope.GLOBAL for key in keys):
            self.window_changed.emit(Levels(Level.ALL, self._preferences.values()).values())
