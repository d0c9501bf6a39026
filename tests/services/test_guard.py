"""The memory guard: what it reads of this computer, and what it does about it."""

from __future__ import annotations

import asyncio
import itertools
import mmap
import sys
import time
from pathlib import Path

import pytest

from desktop.core.pressure import Level, Limits, Reading
from desktop.services import guard
from desktop.services.guard import Guard

MODEL = Path("model.gguf")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells in files")


def test_this_computer_gives_readings() -> None:
    one, other = guard.reading(), guard.reading()
    assert other.at > one.at
    assert one.available != 0
    assert other.swapped >= one.swapped >= 0
    assert other.stalled >= one.stalled >= 0.0


@linux
def test_what_linux_has_moved_out(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 7\npswpin 5\npswpout 12\nodd\n")
    assert guard.swapped(tmp_path) == 12 * mmap.PAGESIZE
    assert guard.swapped(tmp_path / "none") == 0


@linux
def test_waiting_for_memory_is_our_groups_or_else_the_computers(tmp_path: Path) -> None:
    own, groups = tmp_path / "own", tmp_path / "groups"
    own.write_text("0::/app\n")
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "memory").write_text(
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n"
    )
    assert guard.stalled(tmp_path, groups, own) == 2.5
    (groups / "app").mkdir(parents=True)
    (groups / "app" / "memory.pressure").write_text("some avg10=1.0 total=4\nfull avg10=1.0 total=1500000\n")
    assert guard.stalled(tmp_path, groups, own) == 1.5
    assert guard.stalled(tmp_path / "none", tmp_path / "nowhere", own) == 0.0


def low() -> Reading:
    return Reading(time.monotonic(), 1)


def test_what_is_watched_is_ended_once() -> None:
    async def main() -> None:
        watcher, ended = Guard(low, Limits(10, 20)), asyncio.Event()
        async with watcher.watching(MODEL, ended.set):
            await asyncio.wait_for(ended.wait(), 10)
        assert watcher.ended(MODEL)
        assert not watcher.ended(Path("other.gguf"))
        again = asyncio.Event()
        async with watcher.watching(MODEL, again.set):  # a person who goes on knows
            await asyncio.sleep(1)
        assert not again.is_set()

    asyncio.run(main())


def test_a_model_larger_than_memory_may_answer_when_a_person_goes_on() -> None:
    """Its weights are read from the disk again and again: nobody runs, but memory is not short."""
    clock = itertools.count(1.0)

    def waiting() -> Reading:
        at = next(clock)
        return Reading(at, 1 << 40, stalled=0.9 * at)

    async def main() -> None:
        watcher, ended = Guard(waiting, every_s=0.01), asyncio.Event()
        async with watcher.watching(MODEL, ended.set):
            await asyncio.wait_for(ended.wait(), 10)
        again, before = asyncio.Event(), next(clock)
        async with watcher.watching(MODEL, again.set):
            while next(clock) < before + 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not again.is_set()

    asyncio.run(main())


def test_nothing_is_ended_that_is_no_longer_watched() -> None:
    async def main() -> None:
        watcher, ended = Guard(low, Limits(10, 20)), asyncio.Event()
        async with watcher.watching(MODEL, ended.set):
            pass
        await asyncio.sleep(1)
        assert not ended.is_set()
        assert not watcher.ended(MODEL)

    asyncio.run(main())


def test_what_can_wait_asks_whether_it_is_calm() -> None:
    async def main() -> None:
        assert await Guard(limits=Limits(0, 0)).calm()
        assert not await Guard(limits=Limits(1 << 60, 1 << 61)).calm()
        assert not await Guard(lambda: Reading(1.0, word=Level.TIGHT)).calm()

    asyncio.run(main())
