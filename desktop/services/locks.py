"""A lock between programs: a file that one of them holds open.

Invariant: the system releases it when its holder ends, however it ends, so no lock outlives its program. On a disk that
knows no locks everybody gets it: better unguarded than never.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from desktop.services.disk import refused

_PAUSE_S = 0.01
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}  # what flock and Windows' locking say of a lock that is held


@contextmanager
def locked(path: Path, wait_s: float = 0.0) -> Iterator[bool]:
    """Holds the lock in the body; gives whether it was to be had within the time. Raises `StorageError`."""
    try:
        file = path.open("ab")
    except OSError as error:
        raise refused(error, path) from error
    with file:
        end = time.monotonic() + wait_s
        while not (ours := _take(file)) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        yield ours


def _take(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
