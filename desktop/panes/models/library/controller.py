"""What the models pane does: imports, renames, removes and restores models, and keeps what is set for each.

Invariant: files are taken in one after another, in the order they were given, and what cannot be taken is said without
holding up the rest. What is removed can be brought back by `undo` or `restore`, until the bin is emptied. Chats are not
known here: the window hears `chosen` and `renamed`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import N_, ModelFileError, UserError
from desktop.core.levels import Level, Levels
from desktop.core.settings import Value
from desktop.services.models.library import How, Library, Model
from desktop.services.preferences import Preferences

__all__ = ["Coming", "How", "Model", "ModelsController"]

OUTDATED = N_(
    "The file of “{name}” is of an old kind: it does not say how its text is split into tokens, and the model answers "
    "worse for it. Look for a newer file of the same model."
)
Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], object]  # `ui.loop.Tasks.spawn`


@dataclass(frozen=True, slots=True)
class Coming:
    """A file on its way into the library: fraction 0..1, and how many wait behind it."""

    path: Path
    fraction: float
    waiting: int


class ModelsController(QObject):
    changed = Signal()  # other models, or other names
    selected = Signal()  # another model is looked at
    details_ready = Signal(list)  # what the selected model's file says: pairs of texts
    examined = Signal()  # `outdated` may be answered otherwise now
    values_changed = Signal()  # settings of the selected model
    import_asked = Signal(list)  # paths; the person is to say how
    coming = Signal(object)  # Coming, or None when no file is on its way any more
    removed = Signal(object)  # the Model that `undo` brings back
    renamed = Signal(str, str)  # old name, new name
    chosen = Signal(str)  # a model to chat with, "" for the guide
    failed = Signal(object)  # a UserError

    def __init__(self, library: Library, preferences: Preferences, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library, self._preferences, self._spawn = library, preferences, spawn
        self._queue: deque[tuple[Path, How]] = deque()
        self._taking: asyncio.Task[Model] | None = None
        self._busy = False
        self._removed: Model | None = None
        self._outdated: dict[str, bool] = {}  # by id, for those that were examined
        self._selected = ""  # the id of a model; the guide's where there is none

    # -- looking ------------------------------------------------------------------------------------------------------

    def models(self) -> list[Model]:
        """The guide, then the others by name."""
        return self._library.all()

    def model(self) -> Model:
        """The one that is looked at."""
        models = self.models()
        return next((model for model in models if model.id == self._selected), models[0])

    def binned(self) -> list[Model]:
        """What can be restored, the last removed first."""
        return self._library.binned()

    def select(self, model_id: str) -> None:
        if model_id != self._selected:
            self._selected = model_id
            self.selected.emit()

    def read_details(self) -> None:
        """Asks for what the selected model's file says of itself; `details_ready` brings it."""
        self._do(self._details(self.model()))

    def outdated(self) -> bool:
        """Whether the selected model's file is known to be of the old kind that `OUTDATED` speaks of."""
        return self._outdated.get(self.model().id, False)

    def examine(self) -> None:
        """Looks into the selected model's file, once; `examined` says when it is known."""
        model = self.model()
        if model.present and not model.built_in and model.id not in self._outdated:
            self._do(self._examine(model))

    def levels(self) -> Levels:
        """The settings of the selected model."""
        name = self.model().name
        return Levels(Level.MODEL, self._preferences.values(name), ((Level.ALL, self._preferences.values()),))

    # -- changing -----------------------------------------------------------------------------------------------------

    def set(self, key: str, value: Value) -> None:
        self._do(self._set(self.model().name, key, value))

    def reset(self, key: str) -> None:
        self._do(self._reset(self.model().name, key))

    def chat(self) -> None:
        """Chats with the selected model."""
        model = self.model()
        self.chosen.emit("" if model.built_in else model.name)

    def rename(self, new: str) -> None:
        model = self.model()
        if new.strip() and new != model.name:
            self._do(self._rename(model, new))

    def remove(self) -> None:
        self._do(self._remove(self.model()))

    def undo(self) -> None:
        """Brings back the model that was removed last."""
        if self._removed is not None:
            self.restore(self._removed)

    def restore(self, model: Model) -> None:
        """Takes a model out of the bin."""
        self._do(self._restore(model))

    def empty_bin(self) -> None:
        """Ends what lies in the bin at this moment, for good."""
        self._do(self._empty(time.time()))

    # -- importing ----------------------------------------------------------------------------------------------------

    def import_files(self, paths: Sequence[Path]) -> None:
        """Files the person chose or dropped; `import_asked` asks how they are to be taken."""
        wanted = [path for path in paths if path.suffix.lower() == ".gguf"]
        if wanted:
            self.import_asked.emit(wanted)
        elif paths:
            sentence = N_("“{name}” is not a GGUF file. Alcove opens models in the GGUF format only.")
            self.failed.emit(ModelFileError(sentence, name=paths[0].name))

    def take(self, paths: Sequence[Path], how: How) -> None:
        """Takes files into the library, behind those on their way."""
        self._queue.extend((path, how) for path in paths)
        if not self._busy:
            self._busy = True
            self._do(self._take_all())

    def cancel_import(self) -> None:
        """Gives up the file on its way, and those behind it. Nothing of them stays behind."""
        self._queue.clear()
        if self._taking is not None:
            self._taking.cancel()

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._spawn(work, self.failed.emit)

    async def _take_all(self) -> None:
        try:
            while self._queue:
                await self._take_one(*self._queue.popleft())
        finally:
            self._busy = False
            self.coming.emit(None)

    async def _take_one(self, path: Path, how: How) -> None:
        def progress(fraction: float) -> None:
            self.coming.emit(Coming(path, fraction, len(self._queue)))

        progress(0.0)
        self._taking = asyncio.create_task(self._library.import_file(path, how, progress))
        try:
            await asyncio.wait([self._taking])
            if not self._taking.cancelled():
                await self._arrived(self._taking.result())
        except UserError as error:
            self.failed.emit(error)
        finally:
            if not self._taking.done():  # the program is closing
                self._taking.cancel()
                await asyncio.wait([self._taking])
            self._taking = None

    async def _arrived(self, model: Model) -> None:
        await self._examine(model)
        self.changed.emit()
        self.select(model.id)
        if self._outdated[model.id]:
            self.failed.emit(ModelFileError(OUTDATED, name=model.name))

    async def _examine(self, model: Model) -> None:
        self._outdated[model.id] = False
        try:
            self._outdated[model.id] = without_pre(await self._library.info(model))
        except UserError:
            return  # a file that cannot be read is said where it is used
        self.examined.emit()

    async def _details(self, model: Model) -> None:
        found = await self._library.info(model)
        if self.model().id == model.id:
            self.details_ready.emit(found)

    async def _set(self, name: str, key: str, value: Value) -> None:
        try:
            await self._preferences.set(key, value, name)
        finally:
            self.values_changed.emit()

    async def _reset(self, name: str, key: str) -> None:
        try:
            await self._preferences.reset(key, name)
        finally:
            self.values_changed.emit()

    async def _rename(self, model: Model, new: str) -> None:
        try:
            renamed = await self._library.rename(model.name, new)
            await self._preferences.rename_model(model.name, renamed.name)
            self.renamed.emit(model.name, renamed.name)
        finally:
            self.changed.emit()

    async def _remove(self, model: Model) -> None:
        self._removed = await self._library.remove(model.name)
        self.changed.emit()
        self.selected.emit()
        self.removed.emit(self._removed)

    async def _empty(self, before: float) -> None:
        self._removed = None
        try:
            await self._library.empty_bin(before)
        finally:
            self.changed.emit()

    async def _restore(self, model: Model) -> None:
        self._removed = None
        back = await self._library.restore(model)
        self.changed.emit()
        self.select(back.id)


def without_pre(said: Sequence[tuple[str, str]]) -> bool:
    """Whether a file's words are those of a BPE model that lacks what `core.gguf.Header.has_tokenizer_pre` asks for."""
    words = dict(said)
    return words.get("tokenizer.ggml.model") == "gpt2" and not words.get("tokenizer.ggml.pre")
