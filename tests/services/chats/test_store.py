"""The database file: what is kept, set aside, refused, and shared."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from desktop.core.errors import StorageError
from desktop.services.chats.migrations import MIGRATIONS
from desktop.services.chats.store import Store
from desktop.services.paths import Paths
from tests.services.database import opened, run


async def _used(paths: Paths) -> None:
    async with opened(paths) as chats:
        await chats.create(title="보관 📦")


def test_a_change_is_whole_or_not_at_all(paths: Paths) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise KeyError

    async def main() -> None:
        store = Store(paths)
        await store.open()
        with pytest.raises(KeyError):
            await store.write(half)
        tables = await store.read(lambda db: db.execute("SELECT name FROM sqlite_master WHERE name='half'").fetchall())
        assert tables == []
        await store.close()

    run(main())


def test_a_cancelled_caller_does_not_undo_its_change(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            task = asyncio.create_task(chats.create(title="kept"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [c.title for c in await chats.all()] == ["kept"]

    run(main())


def test_a_copy_is_kept_before_each_migration(paths: Paths) -> None:
    async def main() -> None:
        await _used(paths)
        more = (*MIGRATIONS, lambda db: db.execute("CREATE TABLE later (x)"), lambda db: db.execute("DROP TABLE chat"))
        store = Store(paths, more)  # type: ignore[arg-type]
        await store.open()
        await store.close()

    run(main())
    copies = sorted(paths.backups.iterdir())
    assert [c.name.split("-")[1] for c in copies] == [f"v{len(MIGRATIONS)}", f"v{len(MIGRATIONS) + 1}"]
    for copy in copies:
        with sqlite3.connect(copy) as db:
            assert db.execute("SELECT title FROM chat").fetchall() == [("보관 📦",)]
        db.close()


def test_a_migration_that_fails_leaves_the_version_before(paths: Paths) -> None:
    def broken(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        db.execute("SELECT * FROM nothing")

    async def main() -> None:
        await _used(paths)
        with pytest.raises(StorageError):
            await Store(paths, (*MIGRATIONS, broken)).open()
        async with opened(paths) as chats:
            assert len(await chats.all()) == 1

    run(main())


def test_a_newer_database_is_refused_and_not_touched(paths: Paths) -> None:
    async def main() -> None:
        await _used(paths)
        with sqlite3.connect(paths.database) as db:
            db.execute("PRAGMA user_version=999")
        db.close()
        before = paths.database.read_bytes()
        with pytest.raises(StorageError, match="newer Alcove"):
            await Store(paths).open()
        assert paths.database.read_bytes() == before

    run(main())


def test_a_database_of_another_program_is_refused_and_not_touched(paths: Paths) -> None:
    with sqlite3.connect(paths.database) as db:
        db.execute("CREATE TABLE recipes (x)")
    db.close()
    before = paths.database.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        run(Store(paths).open())
    assert paths.database.read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "middle", "short"])
def test_a_damaged_database_is_set_aside_and_a_fresh_one_begun(paths: Paths, damage: str) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            for number in range(200):
                await chats.create(title=f"chat {number} " + "x" * 150)
        whole = paths.database.read_bytes()
        broken = {
            "text": b"not a database at all" * 1000,
            "middle": whole[:4096] + os.urandom(len(whole) - 8192) + whole[-4096:],
            "short": whole[: len(whole) // 2],
        }[damage]
        paths.database.write_bytes(broken)
        paths.database.with_name("alcove.db-wal").write_bytes(b"")
        for expected in (1, 2):
            store = Store(paths)
            await store.open()
            await store.close()
            assert store.notice is not None
            assert "It was kept as" in str(store.notice)
            kept = list(paths.home.glob("alcove-damaged-*.db"))
            assert len(kept) == expected
            assert all(p.read_bytes() == broken for p in kept)
            paths.database.write_bytes(broken)

    run(main())


def test_damage_met_while_reading_makes_the_next_start_look_through_the_file(paths: Paths) -> None:
    async def main() -> None:
        store = Store(paths)
        await store.open()

        def damaged(db: sqlite3.Connection) -> None:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error

        with pytest.raises(StorageError, match="is damaged"):
            await store.read(damaged)
        await store.close()
        assert paths.home.joinpath("alcove.db-doubt").exists()
        await store_again(paths)
        assert not paths.home.joinpath("alcove.db-doubt").exists()

    async def store_again(paths: Paths) -> None:
        async with opened(paths) as chats:
            assert await chats.all() == []

    run(main())


def test_a_full_disk_is_said_and_earlier_chats_stay(paths: Paths) -> None:
    async def main() -> None:
        store = Store(paths)
        await store.open()
        await store.write(lambda db: db.execute("CREATE TABLE filler (x)").rowcount)

        def fill(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO filler VALUES (zeroblob(4000000))")

        await store.read(lambda db: db.execute("PRAGMA max_page_count=100").rowcount)
        with pytest.raises(StorageError, match="disk is full"):
            await store.write(fill)
        assert await store.read(lambda db: db.execute("SELECT count(*) FROM chat").fetchone()) == (0,)
        await store.close()

    run(main())


def test_a_database_that_cannot_be_written_is_said(paths: Paths) -> None:
    async def main() -> None:
        store = Store(paths)
        await store.open()
        await store.read(lambda db: db.execute("PRAGMA query_only=ON").rowcount)
        with pytest.raises(StorageError, match="cannot be written"):
            await store.write(lambda db: db.execute("DELETE FROM chat").rowcount)
        await store.close()

    run(main())


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        run(Store(Paths(tmp_path / "missing")).open())


def test_a_closed_store_says_so_and_leaves_no_thread(paths: Paths) -> None:
    async def main() -> None:
        store = Store(paths)
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(StorageError, match="closed"):
            await store.read(lambda db: None)
        with pytest.raises(StorageError, match="closed"):
            store.send(lambda db: None)
        with pytest.raises(StorageError, match="cannot be opened"):
            await Store(Paths(paths.home / "missing")).open()

    run(main())
    assert not [t for t in threading.enumerate() if t.name.startswith("store") and t.is_alive() and _waits(t)]


def _waits(thread: threading.Thread) -> bool:
    thread.join(5)
    return thread.is_alive()


_WRITER = """
import asyncio, sys
from pathlib import Path
from desktop.services.chats.chats import Chats
from desktop.services.paths import Paths
from desktop.services.chats.store import Store
async def main():
    store = Store(Paths(Path(sys.argv[1])))
    await store.open()
    for number in range(25):
        await Chats(store).create(title=sys.argv[2])
    await store.close()
asyncio.run(main())
"""


def test_several_processes_open_and_write_the_same_new_database(paths: Paths) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(paths.home), name], stderr=subprocess.PIPE)
        for name in ("window", "command line", "third")
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=60)
        assert writer.returncode == 0, said.decode()

    async def main() -> None:
        async with opened(paths) as chats:
            titles = [c.title for c in await chats.all()]
            assert sorted(set(titles)) == ["command line", "third", "window"]
            assert len(titles) == 75

    run(main())
