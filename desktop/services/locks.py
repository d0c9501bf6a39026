"""A lock between programs: a file that one of them holds open.

Invariant: the system releases it when its holder ends, however it ends, so no lock outlives its program. On a disk that
knows no locks everybody gets it: better unguarded than never.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desktop.services.disk import refused

_PAUSE_S = 0.01
_FAR = 1 << 62  # Windows lets nobody read what is locked, so a byte is locked that no file has
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
        while not (ours := take(file.fileno())) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        yield ours


def take(handle: int) -> bool:
    """Whether an open file is locked for us from now on, until it is closed."""
    try:
        if sys.platform == "win32":
            import msvcrt

            at = os.lseek(handle, 0, os.SEEK_CUR)
            os.lseek(handle, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(handle, at, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
