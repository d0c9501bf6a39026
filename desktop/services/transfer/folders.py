"""The folders in which downloads come to lie: made when one begins, removed again when it leaves them empty.

Invariant: none is made on a disk that is not there, and none is removed that holds anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from desktop.services.disk import refused


def make_folder(folder: Path, within: Path) -> list[Path]:
    """Makes a folder below another, which is there or its disk is not; those made, the outermost first.

    Raises `StorageError`.
    """
    made = []
    try:
        within.stat()
        for one in reversed((folder, *folder.parents)):
            if one.is_relative_to(within) and not one.exists():
                one.mkdir(exist_ok=True)
                made.append(one)
    except OSError as error:
        raise refused(error, Path(error.filename or folder)) from error
    return made


def remove_empty(folders: Sequence[Path]) -> None:
    """Removes folders that are empty, the innermost first."""
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        with suppress(OSError):
            folder.rmdir()
