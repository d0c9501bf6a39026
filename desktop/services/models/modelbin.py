"""The bin of model files: they are renamed into it and back, each to the place where it was.

Invariants: only a model's own files move, whatever else lies in their folder; nothing is copied, so the bin is on the
disk of the models; a move that was interrupted is finished by `settle`. A model's path tells where its files are meant
to be: `<bin>/<id>/<place in the folder>`. Which models are in the bin is the list's affair.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from desktop.services.disk import refused
from desktop.services.models.modelfiles import Model, folder_for, stem
from desktop.services.paths import Paths

HIDDEN = ".bin"  # in a folder on another disk than the data folder's


def bin_of(folder: Path, paths: Paths) -> Path:
    """The bin for models of that folder."""
    with suppress(OSError):
        if folder == paths.models and os.stat(folder).st_dev == os.stat(paths.bin).st_dev:
            return paths.bin
    return folder / HIDDEN


def put_away(model: Model, folder: Path, paths: Paths) -> Path:
    """Moves an owned model's files into the bin; where the first lies now. Raises `StorageError`."""
    place = model.path.relative_to(folder) if model.path.is_relative_to(folder) else Path(model.path.name)
    target = bin_of(folder, paths) / model.id / place
    _rename(model.files, target.parent)
    prune(model.path.parent, folder)
    return target


def take_back(model: Model, paths: Paths) -> Path:
    """Moves a model's files out of the bin, where they were; beside it if something else lies there by now."""
    lodging = _lodging(model)
    if lodging is None:
        return model.path
    folder = _folder_of(lodging.parent, paths)
    target = folder / model.path.relative_to(lodging)
    if any(os.path.lexists(target.with_name(file.name)) for file in model.files):
        target = folder_for(folder, stem(target)) / target.name
    _rename(model.files, target.parent)
    prune(model.path.parent, lodging.parent)
    return target


def discard(model: Model) -> None:
    """Ends a model that is in the bin, as far as the disk lets it."""
    lodging = _lodging(model)
    if lodging is not None:
        shutil.rmtree(lodging, ignore_errors=True)


def settle(models: Iterable[Model], folder: Path, paths: Paths) -> None:
    """Brings files to where the list says they are, after an interrupted move into the bin or out of it."""
    models = list(models)
    listed = {file for model in models if model.binned is None for file in model.files}
    for model in models:
        if not model.owned:
            continue
        here, there = model.path.parent, _other_place(model, folder, paths)
        for file in model.files:
            stray = there / file.name
            if not os.path.lexists(file) and os.path.lexists(stray) and stray not in listed:
                with suppress(OSError):  # as it is, the model is shown as missing
                    here.mkdir(parents=True, exist_ok=True)
                    os.rename(stray, file)


def prune(folder: Path, root: Path) -> None:
    """Removes the folder and those above it below `root`, as far as they are empty."""
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _other_place(model: Model, folder: Path, paths: Paths) -> Path:
    """The folder on the other side of the bin's edge from where the model is meant to be."""
    if model.binned is None:
        place = model.path.relative_to(folder) if model.path.is_relative_to(folder) else Path(model.path.name)
        return (bin_of(folder, paths) / model.id / place).parent
    lodging = _lodging(model)
    return (
        (_folder_of(lodging.parent, paths) / model.path.relative_to(lodging)).parent if lodging else model.path.parent
    )


def _lodging(model: Model) -> Path | None:
    """The folder in the bin with nothing but this model's files; None where they were gone when it was removed."""
    return next((above for above in model.path.parents if above.name == model.id), None)


def _folder_of(bin_: Path, paths: Paths) -> Path:
    return paths.models if bin_ == paths.bin else bin_.parent


def _rename(files: list[Path], target: Path) -> None:
    """All of them, or none. Those that are gone are passed over."""
    done: list[tuple[Path, Path]] = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            if os.path.lexists(file):
                os.rename(file, target / file.name)
                done.append((target / file.name, file))
    except OSError as error:
        for moved, file in reversed(done):
            with suppress(OSError):
                os.rename(moved, file)
        raise refused(error, files[0]) from error
