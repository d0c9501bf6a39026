"""Files come into memory in the background, as far as they may."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path

import pytest

from desktop.engine.warm import Warm, present

MIB = 1 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in memory")


@pytest.fixture
def cold(tmp_path: Path) -> Path:
    """24 MiB that are on disk only."""
    path = tmp_path / "D'Angelò 모델.gguf"
    with path.open("wb") as file:
        file.write(os.urandom(24 * MIB))
        file.flush()
        os.fsync(file.fileno())
        if sys.platform == "linux":
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


def resident(path: Path) -> float:
    """The part of a file that is in memory."""
    size = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as pages:
        told = (ctypes.c_ubyte * (size // mmap.PAGESIZE))()
        first = ctypes.c_char.from_buffer(pages)
        ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), told)
        del first
        return sum(page & 1 for page in told) / len(told)


def warmed(*files: Path, spare: int) -> Warm:
    warm = Warm(files, lambda: spare)
    warm.start()
    warm.join(60)
    assert not warm.is_alive()
    return warm


def needs_cold(path: Path) -> None:
    if resident(path) > 0.1:
        pytest.skip("this file system keeps all in memory")


@linux
def test_a_file_comes_into_memory(cold: Path) -> None:
    needs_cold(cold)
    warmed(cold, spare=1 << 40)
    assert resident(cold) == 1.0


@linux
def test_never_more_than_there_is_room_for(cold: Path) -> None:
    needs_cold(cold)
    warmed(cold, spare=0)
    assert resident(cold) == 0.0
    warmed(cold, spare=8 * MIB)
    assert 0.3 < resident(cold) < 0.75  # the system itself reads on a little


@linux
def test_room_that_shrinks_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "large.gguf"
    with path.open("wb") as file:
        file.truncate(256 * MIB)
    asked: list[int] = []

    def spare() -> int:
        asked.append(1)
        return 1 << 40 if len(asked) == 1 else 0

    warm = Warm([path], spare)
    warm.start()
    warm.join(60)
    assert len(asked) == 2


@linux
def test_it_ends_when_it_is_stopped(cold: Path) -> None:
    needs_cold(cold)
    warm = Warm([cold, cold], lambda: 1 << 40)
    warm.stop()
    warm.start()
    warm.join(60)
    assert not warm.is_alive()
    assert resident(cold) == 0.0


def test_what_cannot_be_read_is_left_to_loading(tmp_path: Path, cold: Path) -> None:
    warmed(tmp_path / "gone.gguf", tmp_path, cold, spare=1 << 40)
    if sys.platform == "linux":
        with cold.open("rb") as file:
            assert present(file.fileno(), 0)
            assert not present(file.fileno(), 1 << 30)  # beyond its end
