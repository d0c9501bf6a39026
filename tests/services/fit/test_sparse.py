"""Stand-ins for files that are elsewhere."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from desktop.core.errors import StorageError
from desktop.services.fit.sparse import StandIn, stand_ins


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_stand_in_has_name_header_and_length_and_takes_no_place(tmp_path: Path) -> None:
    files = [StandIn(f"m-0000{n}-of-00002.gguf", b"GGUF" * n, 7_700_000_000) for n in (1, 2)]

    async def main() -> None:
        async with stand_ins(files) as path:
            assert path.name == files[0].name
            for one in files:
                made = path.with_name(one.name)
                assert made.stat().st_size == one.length
                with made.open("rb") as file:
                    assert file.read(12) == one.header.ljust(12, b"\0")
                if os.name == "posix":
                    assert made.stat().st_blocks * 512 < 1 << 20

    asyncio.run(main())
    assert not list(tmp_path.iterdir())


def test_it_is_gone_when_the_block_is_left_by_an_error(tmp_path: Path) -> None:
    async def fail() -> None:
        async with stand_ins([StandIn("m.gguf", b"GGUF", 100)]):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(fail())

    async def cancelled() -> None:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    async def waiting() -> None:
        async with stand_ins([StandIn("m.gguf", b"GGUF" * 1_000_000, 100)]):
            await asyncio.sleep(60)

    asyncio.run(cancelled())
    assert not list(tmp_path.iterdir())


def test_what_a_dead_process_left_is_cleared_away(tmp_path: Path) -> None:
    dead, living = tmp_path / "alcove-shape-999999999-x", tmp_path / f"alcove-shape-{os.getpid()}-x"
    other = tmp_path / "alcove-shape-of-things"
    for folder in (dead, living, other):
        folder.mkdir()

    async def main() -> None:
        async with stand_ins([StandIn("m.gguf", b"GGUF", 100)]):
            assert (dead.exists(), living.exists(), other.exists()) == (False, True, True)

    asyncio.run(main())


def test_a_disk_that_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(one: StandIn) -> None:
        async with stand_ins([one]):
            pass

    with pytest.raises(StorageError):
        asyncio.run(main(StandIn("m.gguf", b"GGUF", 1 << 63 - 1)))  # no file can be as long
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError):
        asyncio.run(main(StandIn("m.gguf", b"GGUF", 100)))
