"""Moves the folder of models to another place or disk, so that an end at any moment loses nothing.

Invariant: at every moment the list names either the old folder, with all its files whole, or the new one, with all its
files whole and compared with the old by checksum. Only what is Alcove's moves: listed models, those in the bin, and
half-finished downloads with their ledgers; while one of those is written to, nothing moves. On one disk files get a
second name instead of a copy. Blocking; the caller sees to it that no model is in use.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from desktop.core.errors import N_, Notice, SettingError, StorageError, UserError
from desktop.core.gguf import size_in_words
from desktop.services.disk import refused, sync_folder
from desktop.services.locks import locked
from desktop.services.models import checksums
from desktop.services.models.inventory import Contents, Inventory, Move, Stage
from desktop.services.models.modelbin import bin_of, prune
from desktop.services.models.modelfiles import MARGIN, Model, state, walked

_STAGING = ".alcove-moving"
_LOCK = "library.moving.lock"
_CHUNK = 4 << 20
_ROUNDS = 5  # models that others add meanwhile are taken along; whoever adds for longer is told
Pairs = tuple[tuple[Path, Path], ...]


def relocate(inventory: Inventory, to: Path, progress: Callable[[float], None]) -> None:
    """Copies, verifies, switches, deletes. `progress` (0..1) may raise to cancel. Raises `StorageError`."""
    _suitable(inventory.folder, to)
    with locked(inventory.paths.home / _LOCK) as ours:
        if not ours:
            raise StorageError(N_("The models folder is being moved by another Alcove. Wait until it is done."))
        try:
            with ExitStack() as undo:
                undo.callback(_give_up, inventory, to)
                pairs = _copied(inventory, to, progress)
                _note(inventory, Move(to, inventory.folder, Stage.PLACING, pairs))
                _place(inventory, to, pairs)
                undo.pop_all()
        except OSError as error:
            raise refused(error, to) from error
        _leave(inventory)
    progress(1.0)


def recover(inventory: Inventory) -> Notice | None:
    """Goes on with, or clears up after, a move that was interrupted; to be called at start."""
    if inventory.contents.move is None:
        return None
    with locked(inventory.paths.home / _LOCK) as ours:
        inventory.refresh()
        move = inventory.contents.move
        if not ours or move is None:
            return None
        if move.stage is Stage.PLACING and _whole(move):
            with suppress(OSError, UserError):  # then it stays in the old folder
                _place(inventory, move.to, move.files)
        with suppress(UserError):  # a disk that is full now is no reason not to start
            if inventory.folder == move.to:
                _leave(inventory)
                return None
            _give_up(inventory, move.to)
    return Notice(
        N_("Moving the models folder was interrupted. Your models are still in “{path}”; move them again."),
        {"path": str(inventory.folder)},
    )


def under_way(inventory: Inventory) -> bool:
    """Whether another program is moving the folder at this moment; a move that was only interrupted is none."""
    inventory.refresh()
    if inventory.contents.move is None:
        return False
    with locked(inventory.paths.home / _LOCK) as ours:
        return not ours


def _suitable(folder: Path, to: Path) -> None:
    if to.is_relative_to(folder) or folder.is_relative_to(to):
        raise SettingError(
            N_("“{path}” is, contains or lies in the present folder of models. Choose another one."), path=str(to)
        )
    if os.path.lexists(to) and not to.is_dir():
        raise SettingError(N_("“{path}” is a file. Choose a folder."), path=str(to))


# -- copying ----------------------------------------------------------------------------------------------------------


def _copied(inventory: Inventory, to: Path, progress: Callable[[float], None]) -> Pairs:
    """Brings every file into the staging folder, under its number; the pairs of old and new paths."""
    staging = to / _STAGING
    to.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(staging, ignore_errors=True)  # of a move to a disk that went away
    _note(inventory, Move(to, inventory.folder, Stage.COPYING))
    staging.mkdir()
    pairs: Pairs = ()
    for _ in range(_ROUNDS):
        more = _planned(inventory, to, {old for old, _ in pairs}, {new for _, new in pairs})
        if not more and pairs:
            break
        _bring(staging, more, len(pairs), progress)
        pairs += more
        if not more:
            break
    else:
        raise StorageError(N_("Models kept coming while the folder was moved. Nothing was changed. Retry."))
    sync_folder(staging)
    return pairs


def _planned(inventory: Inventory, to: Path, known: set[Path], taken: set[Path]) -> Pairs:
    """Old and new paths of what is not known yet, each model's files in one folder, over nothing that is there."""
    inventory.refresh()
    folder, bin_ = inventory.folder, bin_of(inventory.folder, inventory.paths)
    groups = [[file for file in model.files if file.is_file()] for model in inventory.models if model.owned]
    groups += [[part, _ledger(part)] for part in _partial(folder)]
    pairs: list[tuple[Path, Path]] = []
    for group in groups:
        roots = ((bin_, bin_of(to, inventory.paths)), (folder, to))
        both = next((r for r in roots if group and group[0] not in known and group[0].is_relative_to(r[0])), None)
        if both is not None:
            place = _free(both[1] / group[0].parent.relative_to(both[0]), group, taken)
            taken.update(place / old.name for old in group)
            pairs += [(old, place / old.name) for old in group]
    return tuple(pairs)


def _free(folder: Path, group: Sequence[Path], taken: set[Path]) -> Path:
    """The folder, with a number behind it if it holds a file of one of these names."""
    found, number = folder, 2
    while any(os.path.lexists(found / old.name) or found / old.name in taken for old in group):
        found = folder.with_name(f"{folder.name} ({number})")
        number += 1
    return found


def _partial(folder: Path) -> list[Path]:
    """Half-finished downloads. Raises `StorageError` where one, of whatever program, goes on right now."""
    found = [file for file in walked(folder) if file.suffix == ".part" and _ledger(file).is_file()]
    for part in found:
        with locked(part) as ours:
            if not ours:
                raise StorageError(
                    N_("“{name}” is being downloaded into the folder. Nothing was moved. Pause that, then retry."),
                    name=part.stem,
                )
    return found


def _ledger(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _bring(staging: Path, pairs: Pairs, start: int, progress: Callable[[float], None]) -> None:
    total = max(1, 2 * sum(old.stat().st_size for old, _ in pairs))  # each is written and read again
    done, checked = 0, False

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(done / total)

    for number, (old, _) in enumerate(pairs, start):
        report(0)
        copy = staging / str(number)
        if not _linked(old, copy):
            if not checked:
                _require_space(total // 2, staging)
            checked = True
            _copy(old, copy, report)


def _linked(old: Path, copy: Path) -> bool:
    """A second name for the same file, where the disk can."""
    if old.is_symlink():
        return False
    try:
        os.link(old, copy)
    except OSError:
        return False
    return True


def _require_space(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        raise StorageError(
            N_("The disk of “{path}” has {free} free and the models need {needed}. Nothing was moved."),
            path=str(folder.parent),
            free=size_in_words(free),
            needed=size_in_words(needed + MARGIN),
        )


def _copy(old: Path, copy: Path, report: Callable[[int], None]) -> None:
    found = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    with old.open("rb", buffering=0) as source, copy.open("xb") as target:
        while count := source.readinto(buffer):
            target.write(buffer[:count])
            found.update(buffer[:count])
            report(count)
        target.flush()
        os.fsync(target.fileno())
    with suppress(OSError):  # some disks keep no times
        os.utime(copy, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    checksums.dropped_from_cache(copy)
    if checksums.digest(copy, report) != found.hexdigest():
        raise StorageError(
            N_("“{name}” was read back from the new disk with errors. Nothing was moved. Check that disk."),
            name=old.name,
        )


# -- from the old to the new ------------------------------------------------------------------------------------------


def _place(inventory: Inventory, to: Path, pairs: Pairs) -> None:
    """Gives the new files their names, then switches the list over."""
    staging = to / _STAGING
    for number, (_, new) in enumerate(pairs):
        staged = staging / str(number)
        if staged.exists():
            if os.path.lexists(new):
                raise FileExistsError(errno.EEXIST, "it appeared meanwhile", str(new))
            new.parent.mkdir(parents=True, exist_ok=True)
            os.rename(staged, new)
            sync_folder(new.parent)
    placed = dict(pairs)

    def switch(old: Contents) -> Contents:
        models = tuple(_at(model, placed, to) for model in old.models)
        return Contents(models, to, Move(to, old.folder, Stage.LEAVING, pairs))

    inventory.write(switch)
    sync_folder(inventory.paths.home)  # the old files may be on another disk, which may forget them sooner


def _at(model: Model, placed: dict[Path, Path], to: Path) -> Model:
    path = placed.get(model.path)
    if path is None:
        return replace(model, owned=model.owned and model.path.is_relative_to(to))
    moved = replace(model, path=path)
    with suppress(OSError):  # some disks keep times less exactly
        size, touched = state(moved.files)
        moved = replace(moved, touched=touched if size == moved.size and not model.changed else moved.touched)
    return moved


def _leave(inventory: Inventory) -> None:
    """Deletes the old files whose new ones stand; those that cannot go now are tried again at the next start."""
    move = inventory.contents.move
    if move is None:
        return
    kept = []
    for old, new in move.files:
        try:
            if new.exists():
                old.unlink(missing_ok=True)
            elif old.exists():
                kept.append((old, new))
        except OSError:  # a program on Windows has it open
            kept.append((old, new))
        prune(old.parent, move.old)
        prune(old.parent, bin_of(move.old, inventory.paths))
    with suppress(OSError):
        (move.to / _STAGING).rmdir()
    _note(inventory, replace(move, files=tuple(kept)) if kept else None)


def _whole(move: Move) -> bool:
    staging = move.to / _STAGING
    return all((staging / str(n)).exists() or new.exists() for n, (_, new) in enumerate(move.files))


def _give_up(inventory: Inventory, to: Path) -> None:
    """Back to the old folder: what was placed already goes, and the staging folder with the rest."""
    inventory.refresh()
    move, staging = inventory.contents.move, to / _STAGING
    if move is not None and move.stage is Stage.LEAVING:
        return  # the list has switched over
    if move is not None and move.stage is Stage.PLACING and staging.is_dir():
        for number, (_, new) in enumerate(move.files):
            if not (staging / str(number)).exists():
                with suppress(OSError):
                    new.unlink()
                prune(new.parent, to)
    shutil.rmtree(staging, ignore_errors=True)
    _note(inventory, None)


def _note(inventory: Inventory, move: Move | None) -> None:
    inventory.write(lambda old: replace(old, move=move))
