"""What a person has set, globally and for each model, in one TOML file they may read and edit.

Invariants: a value that was set here has passed `core.settings.check`; keys this version does not know are kept as they
are. A file that cannot be read is set aside, never overwritten, and `notice` says so. Values for one chat are kept with
the chat; what a value means is `core.settings`' affair.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.core import settings
from desktop.core.errors import N_, Notice
from desktop.core.settings import Value, Values
from desktop.services.disk import aside, read_whole, write_whole

if TYPE_CHECKING:
    import asyncio

_LARGEST = 1 << 20  # bytes; thousands of models with every setting


class Preferences:
    """The file at `path`, read at once. Raises `StorageError` where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notice: Notice | None = None
        self._tables = self._read()
        self._tell_refused()

    def values(self, model: str | None = None) -> Values:
        """What is set globally, or for a model (by its library name): only valid values."""
        return settings.valid(self._table(model))

    def levels(self, model: str, chat: Mapping[str, object]) -> dict[str, Value]:
        """All settings for a chat with a model: the chat's own win over the model's, those over the global ones."""
        return settings.resolve(chat, self.values(model), self.values())

    def put(self, key: str, value: object, model: str | None = None) -> None:
        """Sets one value, which holds from now on; `save` writes it. Raises `SettingError`."""
        checked = settings.check(key, value)
        self._table(model, make=True)[key] = list(checked) if isinstance(checked, tuple) else checked

    def drop(self, key: str | None = None, model: str | None = None) -> None:
        """Forgets one value, or all known ones of a level, from now on; `save` writes that."""
        table = self._table(model)
        for one in [key] if key else list(settings.BY_KEY):
            table.pop(one, None)

    async def set(self, key: str, value: object, model: str | None = None) -> None:
        """Sets one value. Raises `SettingError`, or `StorageError` (the value then holds until the program ends)."""
        self.put(key, value, model)
        await self.save()

    async def reset(self, key: str | None = None, model: str | None = None) -> None:
        """Forgets one value, or all known ones of a level."""
        self.drop(key, model)
        await self.save()

    async def rename_model(self, old: str, new: str) -> None:
        """Lets a model keep its values under its new name."""
        models = self._inner(self._tables, "models", make=True)
        if old in models:
            models[new] = models.pop(old)
            await self.save()

    @property
    def window(self) -> Mapping[str, object]:
        """Where the window was, in the window's own words."""
        return dict(self._inner(self._tables, "window"))

    async def set_window(self, place: Mapping[str, Value]) -> None:
        """Remembers where the window is."""
        self._tables["window"] = dict(place)
        await self.save()

    def _table(self, model: str | None, make: bool = False) -> dict[str, Any]:
        if model is None:
            return self._inner(self._tables, "settings", make)
        return self._inner(self._inner(self._tables, "models", make), model, make)

    @staticmethod
    def _inner(table: dict[str, Any], key: str, make: bool = False) -> dict[str, Any]:
        found = table.get(key)
        if not isinstance(found, dict):
            found = {}
            if make:
                table[key] = found
        return found

    @cached_property
    def _writing(self) -> asyncio.Lock:
        import asyncio  # late, like tomllib below: the window is painted before either is imported

        return asyncio.Lock()

    async def save(self) -> None:
        """Writes what holds. Raises `StorageError`."""
        import asyncio

        from desktop.core import toml

        async with self._writing:
            data = toml.dumps(self._tables).encode()
            await asyncio.shield(asyncio.to_thread(write_whole, self._path, data))

    def _read(self) -> dict[str, Any]:
        data = read_whole(self._path)
        if not data:
            return {}
        import tomllib

        try:
            if len(data) > _LARGEST:
                raise ValueError
            return tomllib.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError):  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
            kept = aside(self._path, time.strftime("%Y%m%d-%H%M%S"))
            self.notice = Notice(
                N_("Your settings could not be read. The file was kept as “{path}”; Alcove starts with its defaults."),
                {"path": str(kept)},
            )
            return {}

    def _tell_refused(self) -> None:
        """Values that a person wrote into the file, and that no setting can have, do not go unsaid."""
        tables = [self._table(None), *(self._table(model) for model in self._inner(self._tables, "models"))]
        known = [(key, value) for table in tables for key, value in table.items() if key in settings.BY_KEY]
        refused_keys = sorted({key for key, value in known if not settings.valid({key: value})})
        if refused_keys and self.notice is None:
            self.notice = Notice(
                N_("These settings have values that cannot be and keep their defaults: {names}. The file is “{path}”."),
                {"names": ", ".join(refused_keys), "path": str(self._path)},
            )
