"""A lock between processes, held on an open file by the operating system, which frees it when its holder dies.

Invariant: a lock is never left over: there is nothing to clean after a crash, and the file itself says nothing. It
holds between two of our own programs only; other applications do not know of it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 62  # Windows forbids others to read what is locked, so a byte is locked that no file has

    def try_lock(handle: int) -> bool:
        """Whether the open file is ours alone from now on, until it is closed. Raises `OSError`."""
        at = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(handle, at, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_lock(handle: int) -> bool:
        """Whether the open file is ours alone from now on, until it is closed. Raises `OSError`."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Lock:
    """A file that only serves as a lock, for the short time of a `with` block. Raises `OSError`."""

    def __init__(self, path: Path, patience_s: float = 5.0) -> None:
        self._path = path
        self._patience_s = patience_s
        self._handle = -1

    def __enter__(self) -> Lock:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        given_up = time.monotonic() + self._patience_s
        try:
            while not try_lock(self._handle):
                if time.monotonic() > given_up:
                    raise TimeoutError(f"{self._path} is locked")
                time.sleep(0.01)
        except OSError:
            os.close(self._handle)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)
