"""What the models take on disk, and which of them lie here more than once.

Invariant: bytes are counted once for each file on disk, however many names and links it has. Two models are the same
for certain when their checksums are known and equal; with equal samples only, they very likely are. Blocking.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desktop.services.models.modelfiles import Model, walked


@dataclass(frozen=True, slots=True)
class Copies:
    """The same model more than once. `spare`: bytes that would be freed if only one stayed."""

    models: tuple[Model, ...]
    spare: int
    certain: bool  # by checksum; otherwise verify each, and look again


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: of owned models, of those in the bin, of linked ones elsewhere, of what unfinished downloads have here,
    and free on the folder's disk."""

    owned: int
    binned: int
    linked: int
    unfinished: int
    free: int


def duplicates(models: Sequence[Model]) -> list[Copies]:
    """Groups of models that are the same file content, what would be freed most first."""
    groups: dict[str, list[Model]] = {}
    for model in models:
        if model.fingerprint and model.present and not model.changed:
            groups.setdefault(model.fingerprint, []).append(model)
    found = []
    for alike in groups.values():
        for group, certain in _told_apart(alike):
            sizes = [size for size in (_bytes([model], set()) for model in group) if size]
            if len(group) > 1:
                found.append(Copies(tuple(group), _bytes(group, set()) - max(sizes, default=0), certain))
    return sorted(found, key=lambda copies: -copies.spare)


def usage(models: Sequence[Model], folder: Path) -> Usage:
    """Of all models, those in the bin included; the built-in one is not counted."""
    counted: set[tuple[int, int]] = set()
    owned = _bytes([m for m in models if m.owned and m.binned is None], counted)
    binned = _bytes([m for m in models if m.owned and m.binned is not None], counted)
    linked = _bytes([m for m in models if m.linked and m.binned is None], counted)
    unfinished = _counted([file for file in walked(folder) if file.suffix == ".part"], counted)
    free = 0
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
    return Usage(owned, binned, linked, unfinished, free)


def _told_apart(alike: Sequence[Model]) -> list[tuple[list[Model], bool]]:
    """Models of one fingerprint: one group for each checksum, or a single uncertain one where one is not known."""
    sums = {model.hashes for model in alike}
    if () in sums:
        return [(list(alike), False)]
    return [([model for model in alike if model.hashes == one], True) for one in sums]


def _bytes(models: Sequence[Model], counted: set[tuple[int, int]]) -> int:
    return _counted([file for model in models for file in model.files], counted)


def _counted(files: Sequence[Path], counted: set[tuple[int, int]]) -> int:
    total = 0
    for file in files:
        with suppress(OSError):
            found = os.stat(file)
            if (found.st_dev, found.st_ino) not in counted:
                counted.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
