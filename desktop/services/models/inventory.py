"""The list of models as it lies on disk: one JSON file, and in it the folder where owned models lie.

Invariants: the file is written whole, read again when another Alcove has changed it, and never written over by an
Alcove that does not know its version. Paths below the data folder are kept relative to it, so that it can be moved as a
whole. What is done with models is `library`'s; a move of the folder in progress is only noted here for `relocation`.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from desktop.core.errors import N_, Notice, StorageError
from desktop.services.disk import aside, refused, write_whole
from desktop.services.locks import locked
from desktop.services.models.modelfiles import Model, Origin
from desktop.services.paths import Paths

_LOCK_S = 5.0  # writing takes milliseconds; after this the other program hangs and is no longer waited for


class Stage(StrEnum):
    """How far a move of the folder has come; each is safe to be interrupted in."""

    COPYING = "copying"  # the old folder is whole, the new one is to be cleaned
    PLACING = "placing"  # both are whole; the new files get their names
    LEAVING = "leaving"  # the new folder is whole and in use; the old files go


@dataclass(frozen=True, slots=True)
class Move:
    """A move of the folder: each file's old and new path."""

    to: Path
    old: Path
    stage: Stage
    files: tuple[tuple[Path, Path], ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """All that the file holds."""

    models: tuple[Model, ...]
    folder: Path
    move: Move | None = None


class Inventory:
    """The file and what was last read from it. `notice` is set when it was damaged."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.contents = Contents((), paths.models)
        self.notice: Notice | None = None
        self._read_at: int | None = None
        self._changing = threading.Lock()

    @property
    def models(self) -> tuple[Model, ...]:
        return self.contents.models

    @property
    def folder(self) -> Path:
        return self.contents.folder

    def put(self, model: Model) -> Model:
        """Lists a model, in place of what has its id or its path."""

        def change(old: Contents) -> Contents:
            others = (m for m in old.models if m.id != model.id and m.path != model.path)
            return replace(old, models=(*others, model))

        self.write(change)
        return model

    def amend(self, model_id: str, **changes: Any) -> None:
        """Changes fields of a model as it is listed by now, if it is."""

        def change(old: Contents) -> Contents:
            return replace(old, models=tuple(replace(m, **changes) if m.id == model_id else m for m in old.models))

        self.write(change)

    def write(self, change: Callable[[Contents], Contents]) -> None:
        """Changes what the file holds at this moment, other programs' changes included. Raises `StorageError`."""
        file = self.paths.library
        with self._changing, locked(file.with_suffix(".lock"), _LOCK_S):
            self.refresh()
            contents = change(self.contents)
            write_whole(file, json.dumps(_document(contents, self.paths), indent=1).encode())
            self.contents = contents
            self._read_at = os.stat(file).st_mtime_ns

    def refresh(self) -> None:
        """Reads the file if it has changed. Raises `StorageError`; a damaged one is set aside with a notice."""
        file = self.paths.library
        try:
            changed = file.stat().st_mtime_ns
            if changed == self._read_at:
                return
            data = file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise refused(error, file) from error
        try:
            document = json.loads(data)
            version = int(document["version"])
            if version == 1:
                self.contents = _contents(document, self.paths)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.contents = Contents((), _salvaged(data, self.paths))
            kept = aside(file, time.strftime("%Y%m%d-%H%M%S"))
            self.notice = Notice(
                N_("The list of your models could not be read. It was kept as “{path}”. Import linked models again."),
                {"path": str(kept)},
            )
            return
        if version != 1:
            raise StorageError(
                N_("The list of your models, “{path}”, is of a newer Alcove. Nothing was changed. Update Alcove."),
                path=str(file),
            )
        self._read_at = changed


def _document(contents: Contents, paths: Paths) -> dict[str, Any]:
    def short(path: Path) -> str:
        return str(path.relative_to(paths.home) if path.is_relative_to(paths.home) else path)

    document: dict[str, Any] = {"version": 1}
    if contents.folder != paths.models:
        document["folder"] = short(contents.folder)
    if contents.move is not None:
        pairs = [[short(old), short(new)] for old, new in contents.move.files]
        places = {"to": short(contents.move.to), "old": short(contents.move.old)}
        document["move"] = {**places, "stage": contents.move.stage.value, "files": pairs}
    document["models"] = [{**asdict(model), "path": short(model.path)} for model in contents.models]
    return document


def _contents(document: dict[str, Any], paths: Paths) -> Contents:
    move, found = document.get("move"), None
    if move is not None:
        files = tuple((paths.home / str(old), paths.home / str(new)) for old, new in move["files"])
        found = Move(paths.home / str(move["to"]), paths.home / str(move["old"]), Stage(move["stage"]), files)
    models = tuple(_model(row, paths.home) for row in document["models"])
    return Contents(models, paths.home / str(document.get("folder", paths.models)), found)


def _salvaged(data: bytes, paths: Paths) -> Path:
    """The folder that a damaged list names, so that what lies there is found again."""
    found = re.search(rb'"folder": ("(?:[^"\\]|\\.)*")', data)
    with suppress(ValueError):
        return paths.home / str(json.loads(found[1])) if found else paths.models
    return paths.models


def _model(row: dict[str, Any], home: Path) -> Model:
    known = {f.name: row[f.name] for f in fields(Model) if f.name in row}
    if not all(isinstance(known.get(key), str) for key in ("id", "name", "path", "fingerprint")):
        raise TypeError
    origin = known.get("origin")
    if origin is not None:
        known["origin"] = Origin(**{**origin, "others": tuple(origin.get("others", ()))})
    return Model(**{**known, "path": home / str(row["path"]), "hashes": tuple(known.get("hashes", ()))})
