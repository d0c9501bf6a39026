"""Stand-ins for model files that are not here: a header, and as much of nothing behind it as the file is long.

Invariant: a stand-in has the file's name and exact length and takes only its header's bytes on the disk; it is gone
when its `with` block ends, however that ends, and what a killed process left goes with the next one. llama.cpp may be
asked about it, but not load it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from desktop.services.disk import refused

_PREFIX = "alcove-shape-"  # and the number of the process, so that what a dead one left can be told
_SET_SPARSE = 0x000900C4  # FSCTL_SET_SPARSE of winioctl.h


@dataclass(frozen=True, slots=True)
class StandIn:
    """A file to be made: `header` is how it begins, `length` is that of the whole file."""

    name: str
    header: bytes
    length: int


@asynccontextmanager
async def stand_ins(files: Sequence[StandIn]) -> AsyncIterator[Path]:
    """Makes the files in one temporary folder; gives the path of the first. Raises `StorageError`."""
    folder = Path(tempfile.gettempdir())
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    except OSError as error:
        raise refused(error, folder) from error
    writing = asyncio.ensure_future(asyncio.to_thread(_write, folder, files))
    try:
        await asyncio.shield(writing)
        yield folder / files[0].name
    finally:
        await asyncio.wait([writing])  # a thread goes on when its caller is cancelled
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, files: Sequence[StandIn]) -> None:
    _sweep(folder.parent)
    try:
        for one in files:
            with (folder / one.name).open("xb") as file:
                _make_sparse(file)
                file.write(one.header)
                file.truncate(max(one.length, len(one.header)))
    except OSError as error:
        raise refused(error, folder) from error


def _make_sparse(file: BinaryIO) -> None:
    """NTFS fills what lies beyond the end with zeros unless it is told; a refusal (FAT) costs disk space only."""
    if sys.platform == "win32":
        import msvcrt

        handle, done = ctypes.c_void_p(msvcrt.get_osfhandle(file.fileno())), ctypes.c_ulong(0)
        ctypes.windll.kernel32.DeviceIoControl(handle, _SET_SPARSE, None, 0, None, 0, ctypes.byref(done), None)


def _sweep(temporary: Path) -> None:
    for folder in temporary.glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).split("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
