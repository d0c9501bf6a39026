"""SHA-256 of model files: reading them whole, and judging what was found.

Invariant: a file is damaged only when every byte of it was read and the sum differs from what its repository publishes
or from what was recorded here. Blocking: belongs into a thread. The list is not changed here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from desktop.core.errors import N_, ModelFileError
from desktop.engine.files import unreadable
from desktop.services.models.modelfiles import Model

_CHUNK = 4 << 20
_REPLACED = N_(
    "“{name}” has been replaced or changed since it was taken into the library. Import it again to use it so."
)
_DAMAGED = N_("“{name}” is damaged: it is not what it was when it came. Get the file again, and check its disk.")


class Proof(StrEnum):
    """What a verified file was compared with."""

    PUBLISHED = "published"  # the checksum that its repository gives
    RECORDED = "recorded"  # the one taken when it came, or when it was verified first
    FIRST = "first"  # nothing yet: it was taken now


def digest(path: Path, progress: Callable[[int], None]) -> str:
    """The SHA-256 of a file, in hexadecimal; `progress` gets the bytes of every piece and may raise to cancel."""
    found = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            found.update(buffer[:count])
            progress(count)
    return found.hexdigest()


def digests(files: Sequence[Path], progress: Callable[[float], None]) -> tuple[str, ...]:
    """Of several files, `progress` over all of them, 0..1. Raises `ModelFileError`."""
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress(done / total)

    reading = files[0]
    try:
        total = max(1, sum(os.stat(file).st_size for file in files))
        sums = []
        for reading in files:
            sums.append(digest(reading, count))
    except OSError as error:
        raise unreadable(reading, error) from error
    return tuple(sums)


def judged(model: Model, found: tuple[str, ...], alike: bool) -> Proof:
    """What proves that the files, with these sums, are whole. `alike`: header and samples are as they were.

    Raises `ModelFileError` where they are not.
    """
    if model.origin is not None and model.origin.hashes:
        if found == model.origin.hashes:
            return Proof.PUBLISHED
        raise ModelFileError(
            N_("“{name}” is damaged: it is not what “{repo}” published. Remove it and download it again."),
            name=model.name,
            repo=model.origin.repo,
        )
    if found == model.hashes or (alike and not model.hashes):
        return Proof.RECORDED if model.hashes else Proof.FIRST
    raise ModelFileError(_REPLACED if model.changed else _DAMAGED, name=model.name)


def dropped_from_cache(path: Path) -> None:
    """Asks the system to forget what it holds of a file in memory, so that reading it again reads the disk."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError), path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
