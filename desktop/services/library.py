"""The models on this computer: the built-in guide, always first, and what a person has imported.

Invariants: names are unique whatever their case, and the guide keeps its own. What is removed can be restored until the
bin is emptied; a linked file is only forgotten, never touched. The list is one JSON file, written whole; it is read
again when another Alcove has changed it, and models lying in the folder without being listed are listed at start. What
is in a model file is `modelfiles`' affair; loading is the engine's.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from desktop.core.errors import N_, ModelFileError, Notice, SettingError, StorageError, UserError
from desktop.core.gguf import Value
from desktop.engine.files import read_header
from desktop.services.disk import aside, refused, write_whole
from desktop.services.modelfiles import How, Model, Origin, described, folder_for, parts, stem, take
from desktop.services.paths import Paths
from desktop.services.rows import new_id

__all__ = ["GUIDE", "How", "Library", "Model", "Origin"]

T = TypeVar("T")
GUIDE = "Guide"
_LONGEST = 200  # characters of a name
_PROGRESS_S = 0.1
_STALE_S = 24 * 3600  # a half-copied file of yesterday belongs to nobody


class _Cancelled(Exception):
    """Ends a copy in its thread; never seen outside."""


class Library:
    """An open list of models; `Library.open` makes one. `notice` is set when the list was damaged."""

    def __init__(self, paths: Paths, guide: Model) -> None:
        self._paths = paths
        self._guide = guide
        self._models: tuple[Model, ...] = ()
        self._visitors: dict[tuple[Path, int, int], Model] = {}
        self._read_at: int | None = None
        self._changing = threading.Lock()
        self.notice: Notice | None = None

    @classmethod
    async def open(cls, paths: Paths, resources: Path) -> Library:
        """Reads the list. Raises `StorageError`."""

        def work() -> Library:
            library = cls(paths, _guide(resources / "guide" / "guide.gguf"))
            library._refresh()
            library._adopt()
            return library

        return await asyncio.to_thread(work)

    @property
    def folder(self) -> Path:
        """Where owned models lie; downloads below `<author>/<repository>/`."""
        return self._paths.models

    def all(self) -> list[Model]:
        """The guide, then the others by name."""
        self._refresh()
        return [self._guide, *sorted((m for m in self._models if m.binned is None), key=lambda m: _folded(m.name))]

    def binned(self) -> list[Model]:
        """What can be restored, the last removed first."""
        self._refresh()
        return sorted((m for m in self._models if m.binned is not None), key=lambda m: -(m.binned or 0))

    def named(self, name: str) -> Model:
        """By its whole name or its path; "" is the guide. Raises `ModelFileError`."""
        wanted, path = _folded(name), _absolute(name)
        if not wanted or wanted == _folded(GUIDE):
            return self._guide
        for model in self.all():
            if _folded(model.name) == wanted or model.path == path:
                return model
        if os.path.exists(path) or path.suffix.lower() == ".gguf":
            return self._visiting(path)
        raise ModelFileError(
            N_("There is no model called “{name}” in the library. Import its file, or choose another model."), name=name
        )

    def find(self, name: str) -> Model:
        """As `named`, or by the unique beginning of a name, as it is typed in a terminal. Raises `ModelFileError`."""
        models, wanted = self.all(), _folded(name)
        begun = [m for m in models if wanted and _folded(m.name).startswith(wanted)]
        if any(_folded(m.name) == wanted for m in begun) or not begun:
            return self.named(name)
        if len(begun) > 1:
            raise ModelFileError(
                N_("Several models begin with “{name}”: {found}. Give more of the name."),
                name=name,
                found=", ".join(m.name for m in begun[:5]),
            )
        return begun[0]

    async def info(self, model: Model) -> list[tuple[str, str]]:
        """What the file says of itself, in its order; long lists are summarised. Raises `ModelFileError`."""
        header = await asyncio.to_thread(read_header, model.path)
        return [(key, _shown(value)) for key, value in header.metadata.items()]

    async def import_file(
        self, path: Path, how: How = How.COPY, progress: Callable[[float], None] | None = None
    ) -> Model:
        """Takes a file into the library; one that is there already is found again, not doubled.

        `progress` gets 0..1 on the caller's loop, at most ten times a second. Cancelling leaves nothing behind. Raises
        `ModelFileError` for a file that is no sound model, `StorageError` where the disk refuses.
        """
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        last = 0.0

        def report(fraction: float) -> None:
            nonlocal last
            if stop.is_set():
                raise _Cancelled
            if progress is not None and (fraction == 1 or time.monotonic() - last > _PROGRESS_S):
                last = time.monotonic()
                loop.call_soon_threadsafe(progress, fraction)

        work = asyncio.create_task(asyncio.to_thread(self._import, path, how, report))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()
            raise

    async def add(self, path: Path, origin: Origin) -> Model:
        """Lists a downloaded file that is whole and verified. Raises `ModelFileError` for one that is no sound model."""
        return await asyncio.to_thread(self._add, path, origin)

    async def rename(self, name: str, new: str) -> Model:
        """Gives a model another name. Raises `SettingError` where it is taken or not one."""
        model = self._own(name)
        clean = " ".join(unicodedata.normalize("NFC", new).encode("utf-8", "replace").decode().split())
        if not clean or len(clean) > _LONGEST:
            raise SettingError(N_("A name has 1 to {most} characters."), most=_LONGEST)
        if _folded(clean) != _folded(model.name) and clean != self._free(clean):
            raise SettingError(N_("Another model is called “{name}” already. Choose another name."), name=clean)
        return await asyncio.to_thread(self._put, replace(model, name=clean))

    async def remove(self, name: str) -> Model:
        """Moves a model to the bin; a linked file stays where it is. `restore` undoes it."""
        return await asyncio.to_thread(self._bin, self._own(name))

    async def restore(self, model: Model) -> Model:
        """Takes a model out of the bin."""
        return await asyncio.to_thread(self._unbin, model)

    async def empty_bin(self, before: float) -> None:
        """Ends what was removed before that time (Unix seconds)."""
        for model in self.binned():
            if (model.binned or 0) < before:
                await asyncio.to_thread(self._end, model)

    def _visiting(self, path: Path) -> Model:
        """A model that is used from its path; its header is parsed once, which takes 0.1 s for a large vocabulary."""
        try:
            state = os.stat(path)
        except OSError:
            return described(path, "", str(path))  # says what is wrong
        key = (path, state.st_size, state.st_mtime_ns)
        if key not in self._visitors:
            self._visitors[key] = described(path, "", str(path))
        return self._visitors[key]

    # -- in a thread ------------------------------------------------------------------------------------------------

    def _import(self, path: Path, how: How, report: Callable[[float], None]) -> Model:
        path = _absolute(path)
        found = described(path, new_id(), self._free(stem(path)[:_LONGEST]))
        known = self._known(found)
        if known is not None and known.binned is not None:
            known = self._unbin(known)
        if known is not None and known.present and known.fingerprint == found.fingerprint:
            return known
        if path.is_relative_to(self._paths.models):
            found = replace(found, owned=True)
        elif how is not How.LINK:
            found = replace(
                found, path=take(parts(path, read_header(path)), self._paths.models, how, report), owned=True
            )
        if known is not None:  # its file was gone or has changed; here it is again
            found = replace(found, id=known.id, name=known.name, added=known.added)
        return self._put(found)

    def _add(self, path: Path, origin: Origin) -> Model:
        path = _absolute(path)
        found = described(path, new_id(), self._free(stem(path)[:_LONGEST]))
        known = next((m for m in self._models if m.path == found.path), None)
        if known is not None:
            found = replace(found, id=known.id, name=known.name, added=known.added)
        owned = found.path.is_relative_to(self.folder)
        return self._put(
            replace(found, owned=owned, origin=origin, hashes=origin.hashes, verified=time.time() if origin.hashes else 0)
        )

    def _known(self, found: Model) -> Model | None:
        self._refresh()
        for model in self._models:
            if model.path == found.path or model.fingerprint == found.fingerprint:
                return model
        return None

    def _bin(self, model: Model) -> Model:
        path = model.path
        if model.owned and model.present:
            path = _moved(path, self._paths.bin / model.id)
        return self._put(replace(model, path=path, binned=time.time()))

    def _unbin(self, model: Model) -> Model:
        path = model.path
        if model.owned and model.present:
            folder = folder_for(self._paths.models, stem(path))
            folder.rmdir()
            path = _moved(path, folder)
        others = [m for m in self._models if m.binned is None]
        name = model.name if all(_folded(m.name) != _folded(model.name) for m in others) else self._free(model.name)
        return self._put(replace(model, path=path, name=name, binned=None))

    def _end(self, model: Model) -> None:
        if model.owned and model.path.is_relative_to(self._paths.bin):
            shutil.rmtree(model.path.parent, ignore_errors=True)
        self._write(lambda models: tuple(m for m in models if m.id != model.id))

    def _adopt(self) -> None:
        """Lists models that lie in the folder unlisted, and clears away what a broken copy left long ago."""
        listed = {m.path for m in self._models}
        for part in self._paths.models.glob("*/*.part"):
            if time.time() - part.stat().st_mtime > _STALE_S:
                part.unlink(missing_ok=True)
        for path in sorted(self._paths.models.glob("*/*.gguf")):
            if path not in listed:
                try:
                    found = described(path, new_id(), self._free(stem(path)[:_LONGEST]))
                except UserError:
                    continue  # a later part of a split model, or no model at all
                self._put(replace(found, owned=True))

    def _put(self, model: Model) -> Model:
        self._write(lambda models: (*(m for m in models if m.id != model.id and m.path != model.path), model))
        return model

    def _write(self, change: Callable[[tuple[Model, ...]], tuple[Model, ...]]) -> None:
        with self._changing:
            self._refresh()
            models = change(self._models)
            rows = [_row(model, self._paths.home) for model in models]
            data = json.dumps({"version": 1, "models": rows}, indent=1).encode()
            write_whole(self._paths.library, data)
            self._models = models
            self._read_at = os.stat(self._paths.library).st_mtime_ns

    def _refresh(self) -> None:
        file = self._paths.library
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
            self._models = tuple(_model(row, self._paths.home) for row in document["models"]) if version == 1 else ()
        except (ValueError, KeyError, TypeError, RecursionError):
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

    def _own(self, name: str) -> Model:
        model = self.find(name)
        if model.built_in:
            raise SettingError(N_("The guide belongs to Alcove. It cannot be renamed or removed."))
        if not model.id:
            raise SettingError(N_("“{name}” is not in the library."), name=model.name)
        return model

    def _free(self, name: str) -> str:
        """The name, with a number behind it if it is taken."""
        taken = {_folded(GUIDE), *(_folded(m.name) for m in self._models)}
        name = " ".join(unicodedata.normalize("NFC", name).encode("utf-8", "replace").decode().split()) or "Model"
        names = (name, *(f"{name[: _LONGEST - 6]} ({number})" for number in range(2, len(taken) + 3)))
        return next(n for n in names if _folded(n) not in taken)


def _guide(path: Path) -> Model:
    """The built-in model; without its file it is listed as missing, and everything else works."""
    try:
        found = described(path, "guide", GUIDE)
    except UserError:
        found = Model("guide", GUIDE, path)
    return replace(found, built_in=True)


def _moved(path: Path, folder: Path) -> Path:
    """Moves the folder of an owned model, in one step."""
    try:
        os.rename(path.parent, folder)
    except OSError as error:
        raise refused(error, path) from error
    return folder / path.name


def _row(model: Model, home: Path) -> dict[str, Any]:
    """As JSON; a path below the data folder is kept relative to it, so that the folder can be moved."""
    path = model.path.relative_to(home) if model.path.is_relative_to(home) else model.path
    return {**asdict(model), "path": str(path)}


def _model(row: dict[str, Any], home: Path) -> Model:
    known = {f.name: row[f.name] for f in fields(Model) if f.name in row}
    if row.get("origin") is not None:
        known["origin"] = Origin(**{**row["origin"], "others": tuple(row["origin"].get("others", ()))})
    known["hashes"] = tuple(row.get("hashes", ()))
    if not all(isinstance(known.get(key), str) for key in ("id", "name", "path", "fingerprint")):
        raise TypeError
    return Model(**{**known, "path": home / str(row["path"])})


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))  # unlike pathlib's, these leave odd names alone


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        some = ", ".join(str(v)[:24] for v in value[:8])
        return f"[{some}]" if len(value) <= 8 else f"[{some}, … ] ({len(value):,})"
    text = str(value)
    return text if len(text) <= 4000 else f"{text[:4000]}…"
