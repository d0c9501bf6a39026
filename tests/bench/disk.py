"""What `dd` needs for the same bytes: the reference for state files.

Invariant: nothing is read ahead of the clock where a cold file is wanted: its pages are written back, and forgotten.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

DD = ("dd", "bs=1M", "status=none")


def written(path: Path, size: int) -> float:
    """Seconds in which dd writes so many bytes, without waiting for the disk: neither do we."""
    began = perf_counter()
    subprocess.run([*DD, "if=/dev/zero", f"of={path}", f"count={size >> 20}"], check=True)
    return perf_counter() - began


def read(folder: Path) -> float:
    """Seconds in which dd reads all files of a folder."""
    began = perf_counter()
    for file in folder.iterdir():
        subprocess.run([*DD, f"if={file}", "of=/dev/null"], check=True)
    return perf_counter() - began


def stored(folder: Path) -> float:
    """Seconds in which dd reads all files of a folder into memory where others lay before, so that it is there."""
    taken = 0.0
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        for file in folder.iterdir():
            command = [*DD, f"if={file}", f"of={memory}/dd", "conv=notrunc"]
            subprocess.run(command, check=True)
            began = perf_counter()
            subprocess.run(command, check=True)
            taken += perf_counter() - began
    return taken


def size(folder: Path) -> int:
    """Bytes in all files of a folder."""
    return sum(file.stat().st_size for file in folder.iterdir())


def settle(folder: Path, *, forget: bool) -> None:
    """Has all files on the disk; and none of them in memory, if they are to be forgotten, or else all."""
    for file in folder.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            if forget:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            else:
                while opened.read(1 << 20):
                    pass
