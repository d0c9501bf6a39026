"""The models on this computer: the built-in guide, always first, and what a person has downloaded or imported.

Invariants: names are unique whatever their case, and the guide keeps its own. What is removed can be restored until the
bin is emptied; a linked file is only forgotten, never touched. Models lying in the folder without being listed are
listed at start. Where things stand: `inventory` is the list on disk, `modelfiles` the files and how they are taken,
`modelbin` the bin, `relocation` another folder, `checksums` what proves a file whole, `copies` what lies here twice.
"""

from __future__ import annotations

import asyncio
import os
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

from desktop.core.errors import N_, ModelFileError, Notice, SettingError, StorageError, UserError
from desktop.core.gguf import Value
from desktop.engine.files import read_header
from desktop.services.identity import new_id
from desktop.services.models import copies, modelbin, relocation
from desktop.services.models.checksums import Proof, digests, judged
from desktop.services.models.copies import Copies, Usage
from desktop.services.models.elsewhere import Found
from desktop.services.models.inventory import Inventory
from desktop.services.models.longwork import Report, watched
from desktop.services.models.modelfiles import How, Model, Origin, described, parts, stem, sweep, take, walked
from desktop.services.paths import Paths

__all__ = ["GUIDE", "Copies", "How", "Library", "Model", "Origin", "Proof", "Usage"]

GUIDE = "Guide"
_LONGEST = 200  # characters of a name


class Library:
    """An open list of models; `Library.open` makes one. `notice` is set when start-up found something to tell."""

    def __init__(self, paths: Paths, guide: Model) -> None:
        self._paths = paths
        self._built_in = guide
        self._inventory = Inventory(paths)
        self._visitors: dict[tuple[Path, int, int], Model] = {}
        self._moving = False
        self._interrupted: Notice | None = None

    @classmethod
    async def open(cls, paths: Paths, resources: Path) -> Library:
        """Reads the list. Raises `StorageError`."""

        def work() -> Library:
            library = cls(paths, _guide(resources / "guide" / "guide.gguf"))
            library._inventory.refresh()
            library._interrupted = relocation.recover(library._inventory)
            modelbin.settle(library._models, library.folder, paths)
            library._recognise()
            sweep(library.folder)
            library._adopt()
            return library

        return await asyncio.to_thread(work)

    @property
    def notice(self) -> Notice | None:
        return self._inventory.notice or self._interrupted

    @property
    def folder(self) -> Path:
        """Where owned models lie; downloads below `<author>/<repository>/`."""
        return self._inventory.folder

    @property
    def _guide(self) -> Model:
        """An update of Alcove may have put another file in its place, which is as good."""
        if self._built_in.changed or not self._built_in.touched:
            self._built_in = _guide(self._built_in.path)
        return self._built_in

    @property
    def _models(self) -> tuple[Model, ...]:
        return self._inventory.models

    def all(self) -> list[Model]:
        """The guide, then the others by name."""
        self._inventory.refresh()
        return [self._guide, *sorted((m for m in self._models if m.binned is None), key=lambda m: _folded(m.name))]

    def binned(self) -> list[Model]:
        """What can be restored, the last removed first."""
        self._inventory.refresh()
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
        self, path: Path, how: How = How.COPY, progress: Report | None = None, found: Found | None = None
    ) -> Model:
        """Takes a file into the library; one that is there already is found again, not doubled.

        `found` is what another application knows of it, if the file is one's. Cancelling leaves nothing behind. Raises
        `ModelFileError` for a file that is no sound model, `StorageError` where the disk refuses.
        """
        return await watched(lambda report: self._import(path, how, report, found), progress)

    async def link(self, found: Found) -> Model:
        """Takes a model of another application, where it lies. Raises `ModelFileError`."""
        return await self.import_file(found.path, How.LINK, found=found)

    async def add(self, path: Path, origin: Origin) -> Model:
        """Lists a downloaded file that is whole and verified. Raises `ModelFileError` where it is no model."""
        return await asyncio.to_thread(self._add, path, origin)

    async def renew(self, model: Model) -> Model:
        """Takes a file that has changed as it is now. Raises `ModelFileError` where it is no sound model any more."""
        return await self.import_file(model.path, How.LINK)

    async def verify(self, model: Model, progress: Report | None = None) -> Proof:
        """Reads every byte of a model and says what proves it whole; without a checksum, records one.

        Can be cancelled. Raises `ModelFileError`: damaged, replaced, or not there.
        """
        return await watched(lambda report: self._verify(model, report), progress)

    async def duplicates(self) -> list[Copies]:
        """Models that lie here more than once, what would be freed most first."""
        return await asyncio.to_thread(lambda: copies.duplicates(self.all()))

    async def usage(self) -> Usage:
        """What the models take on disk."""
        return await asyncio.to_thread(lambda: copies.usage([*self.all(), *self.binned()], self.folder))

    async def move_folder(self, to: Path, progress: Report | None = None) -> None:
        """Moves the folder with all models; no model of it may be loaded and no download run.

        Can be cancelled while it copies. Whenever it ends, the old folder or the new one is whole and in use. Raises
        `SettingError` for a place that will not do, `StorageError` where a disk refuses; then nothing has moved.
        """
        self._settled()
        self._moving = True
        try:
            await watched(lambda report: relocation.relocate(self._inventory, _absolute(to), report), progress)
        finally:
            self._moving = False

    def require_folder(self) -> None:
        """To be asked before anything new is written there; blocks. Raises `StorageError`.

        So it does while the folder moves, and where its disk is not connected: a new folder in its place would hide it.
        """
        self._settled()
        if self.folder != self._paths.models and not self.folder.is_dir():
            raise StorageError(
                N_("The models folder, “{path}”, is not there. Connect its disk, or choose another folder."),
                path=str(self.folder),
            )

    async def rename(self, name: str, new: str) -> Model:
        """Gives a model another name. Raises `SettingError` where it is taken or not one."""
        model = self._own(name)
        clean = " ".join(unicodedata.normalize("NFC", new).encode("utf-8", "replace").decode().split())
        if not clean or len(clean) > _LONGEST:
            raise SettingError(N_("A name has 1 to {most} characters."), most=_LONGEST)
        if _folded(clean) != _folded(model.name) and clean != self._free(clean):
            raise SettingError(N_("Another model is called “{name}” already. Choose another name."), name=clean)
        return await asyncio.to_thread(self._inventory.put, replace(model, name=clean))

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

    def _settled(self) -> None:
        if self._moving or relocation.under_way(self._inventory):
            raise StorageError(N_("The models folder is being moved. Wait until that is done, then retry."))

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

    def _import(self, path: Path, how: How, report: Report, given: Found | None = None) -> Model:
        self._settled()
        path = _absolute(path)
        found = described(path, new_id(), self._free((given.name if given else stem(path))[:_LONGEST]))
        if given is not None:
            found = replace(found, origin=given.origin, hashes=given.hashes)
        known = self._known(found)
        if known is not None and known.binned is not None:
            known = self._unbin(known)
        if known is not None and known.present and known.fingerprint == found.fingerprint:
            return known if not known.changed else self._inventory.put(replace(known, touched=found.touched))
        owned = path.is_relative_to(self.folder)
        if not owned and how is not How.LINK:
            self.require_folder()
            path, hashes = take(parts(path, read_header(path)), self.folder, how, report)
            found = replace(found, path=path, hashes=hashes or found.hashes, touched=described(path, "", "").touched)
            owned = True
        found = replace(found, owned=owned)
        if known is not None:  # its file was gone or has changed; here it is again
            found = replace(found, id=known.id, name=known.name, added=known.added)
        return self._inventory.put(found)

    def _add(self, path: Path, origin: Origin) -> Model:
        path = _absolute(path)
        found = described(path, new_id(), self._free(stem(path)[:_LONGEST]))
        self._inventory.refresh()
        same = [
            m for m in self._models if m.path == found.path or (m.fingerprint == found.fingerprint and not m.present)
        ]
        if same:
            found = replace(found, id=same[0].id, name=same[0].name, added=same[0].added)
        proven = time.time() if origin.hashes else 0.0
        owned = found.path.is_relative_to(self.folder)
        return self._inventory.put(replace(found, owned=owned, origin=origin, hashes=origin.hashes, verified=proven))

    def _verify(self, model: Model, report: Report) -> Proof:
        seen = described(model.path, model.id, model.name)
        found = digests(model.files, report)
        proof = judged(model, found, seen.fingerprint == model.fingerprint)
        if model.id and not model.built_in:
            self._inventory.amend(model.id, hashes=found, verified=time.time(), touched=seen.touched)
        return proof

    def _known(self, found: Model) -> Model | None:
        self._inventory.refresh()
        for model in self._models:
            if model.path == found.path or model.fingerprint == found.fingerprint:
                return model
        return None

    def _bin(self, model: Model) -> Model:
        self._settled()
        path = model.path
        if model.owned and model.present:
            path = modelbin.put_away(model, self.folder, self._paths)
        return self._inventory.put(replace(model, path=path, binned=time.time()))

    def _unbin(self, model: Model) -> Model:
        self._settled()
        path = model.path
        if model.owned and model.present:
            path = modelbin.take_back(model, self._paths)
        others = [m for m in self._models if m.binned is None]
        name = model.name if all(_folded(m.name) != _folded(model.name) for m in others) else self._free(model.name)
        owned = model.owned and path.is_relative_to(self.folder)
        return self._inventory.put(replace(model, path=path, name=name, binned=None, owned=owned))

    def _end(self, model: Model) -> None:
        if model.owned:
            modelbin.discard(model)
        self._inventory.write(lambda old: replace(old, models=tuple(m for m in old.models if m.id != model.id)))

    def _recognise(self) -> None:
        """A file that was only written to again with the same content is not said to have changed."""
        for model in self._models:
            if model.binned is None and model.changed:
                try:
                    seen = described(model.path, model.id, model.name)
                except UserError:
                    continue
                if seen.fingerprint == model.fingerprint:
                    self._inventory.amend(model.id, touched=seen.touched)

    def _adopt(self) -> None:
        """Lists models that lie in the folder unlisted."""
        listed = {file for model in self._models for file in model.files}
        for path in walked(self.folder):
            if path.suffix.lower() == ".gguf" and path not in listed:
                try:
                    found = described(path, new_id(), self._free(stem(path)[:_LONGEST]))
                except UserError:
                    continue  # a later part of a split model, or no model at all
                self._inventory.put(replace(found, owned=True))

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
