"""The database: one SQLite file, one connection, one thread that owns it; the thread's queue is the lock.

Invariants: every `read` and `write` is one transaction and happens whole or not at all. A database that a newer Alcove
made is never touched; a damaged one is set aside under another name, never overwritten; before a migration a copy is
kept in `backups`. No `sqlite3.Error` leaves here: it becomes a `StorageError`.

What is safe: once `write` has returned, the death of the program loses nothing. WAL with `synchronous=NORMAL` does not
wait for the disk, so losing power may lose the last transactions, never older ones and never the database;
`durable=True` waits (`FULL`), and is for what a person wrote and for replies that are finished
(https://www.sqlite.org/pragma.html#pragma_synchronous). Window and command line may use the file at the same time.
Tables and rows are other modules' affair.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from desktop.core.errors import N_, Notice, StorageError
from desktop.services.chats.migrations import MIGRATIONS, Migration
from desktop.services.disk import aside, refused
from desktop.services.paths import Paths

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_OURS = 0x416C636F  # "Alco", in the file's header (PRAGMA application_id)
_BUSY_S = 10.0  # how long another process may hold the file; its own writes take milliseconds, an import seconds
_CHECK_S = 0.15  # time given at start to looking for damage; a doubtful file is looked through whole
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Store:
    """An open database. `notice` is set when a damaged one was found and a fresh one begun."""

    def __init__(self, paths: Paths, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._path = paths.database
        self._backups = paths.backups
        self._migrations = migrations
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._db: sqlite3.Connection | None = None
        self._closed = False
        self.notice: Notice | None = None

    async def open(self) -> None:
        """Opens, checks and migrates. Raises `StorageError`."""
        try:
            await self._do(self._open)
        except StorageError:
            await self.close()
            raise

    async def read(self, work: Work[T]) -> T:
        """What `work` makes of one consistent view of the database."""
        return await self._do(lambda: self._transact(work, "BEGIN", False))

    async def write(self, work: Work[T], *, durable: bool = False) -> T:
        """Runs `work` as one change. A caller that is cancelled meanwhile does not undo it."""
        return await self._do(lambda: self._transact(work, "BEGIN IMMEDIATE", durable))

    def send(self, work: Work[T]) -> Future[T]:
        """`write` for callers that do not wait."""
        return self._submit(lambda: self._transact(work, "BEGIN IMMEDIATE", False))

    async def close(self) -> None:
        """Finishes what is queued and closes the file."""
        if not self._closed:
            last = self._do(self._close)
            self._closed = True
            await last
            self._thread.shutdown(wait=False)

    def _do(self, task: Callable[[], T]) -> Awaitable[T]:
        """A caller that is cancelled does not take its task out of the queue."""
        return asyncio.shield(asyncio.wrap_future(self._submit(task)))

    def _submit(self, task: Callable[[], T]) -> Future[T]:
        if self._closed:
            raise StorageError(N_("The chats are closed already. Start Alcove again."))
        return self._thread.submit(task)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _transact(self, work: Work[T], begin: str, durable: bool) -> T:
        assert self._db is not None  # `open` comes first
        try:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with self._db:  # commits, or takes back
                self._db.execute(begin)
                return work(self._db)
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _open(self) -> None:
        try:
            self._refuse_foreign()
            self._connect()
            doubtful = self._doubt.exists()
            if not self._sound(None if doubtful else _CHECK_S):
                self._begin_afresh()
            elif doubtful:
                self._doubt.unlink()
        except sqlite3.Error as error:
            self._close()
            if _code(error) not in _DAMAGED:
                raise self._explain(error) from error
            self._begin_afresh()
        except OSError as error:
            raise refused(error, self._path) from error

    def _refuse_foreign(self) -> None:
        """Looks without writing, so that a database which is not ours to change stays as it is."""
        if not self._path.exists() or self._path.stat().st_size == 0:
            return
        with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as db:
            version = _number(db, "PRAGMA user_version")
            if _number(db, "PRAGMA application_id") != _OURS and _number(db, "SELECT count(*) FROM sqlite_master"):
                raise StorageError(
                    N_("“{path}” is another program's database. It was left as it is. Move it away and start again."),
                    path=str(self._path),
                )
        if version > len(self._migrations):
            raise StorageError(
                N_("Your chats in “{path}” were last used by a newer Alcove. Nothing was changed. Update Alcove."),
                path=str(self._path),
            )

    def _connect(self) -> None:
        db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        self._db = db
        patience = time.monotonic() + _BUSY_S
        while True:  # SQLite does not wait by itself while another process switches the same file to WAL
            try:
                db.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                    raise
                time.sleep(0.02)
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA temp_store=MEMORY")
        used = _number(db, "PRAGMA user_version") > 0
        while _number(db, "PRAGMA user_version") < len(self._migrations):
            self._migrate(db, used)

    def _migrate(self, db: sqlite3.Connection, used: bool) -> None:
        """One step. The lock comes first, so that of two processes one migrates and the other finds it done."""
        with db:
            db.execute("BEGIN IMMEDIATE")
            version = _number(db, "PRAGMA user_version")
            if version < len(self._migrations):
                if used:
                    self._keep_copy(version)
                self._migrations[version](db)
                db.execute(f"PRAGMA application_id={_OURS}")
                db.execute(f"PRAGMA user_version={version + 1}")

    def _keep_copy(self, version: int) -> None:
        kept = self._backups / f"alcove-v{version}-{time.strftime('%Y%m%d-%H%M%S')}.db"
        part = kept.with_suffix(".part")
        self._backups.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        os.replace(part, kept)

    def _sound(self, seconds: float | None) -> bool:
        """Whether SQLite finds no damage, looking for at most so long."""
        assert self._db is not None
        end = time.monotonic() + seconds if seconds is not None else None
        self._db.set_progress_handler(lambda: int(end is not None and time.monotonic() > end), 2000)
        try:
            return bool(self._db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_INTERRUPT:
                raise
            return True
        finally:
            self._db.set_progress_handler(None, 0)

    @property
    def _doubt(self) -> Path:
        """Its presence says that reading met damage, so that the next start looks through the whole file."""
        return self._path.with_name(self._path.name + "-doubt")

    def _begin_afresh(self) -> None:
        self._close()
        kept = aside(self._path, time.strftime("%Y%m%d-%H%M%S"), "-wal", "-shm")
        self._doubt.unlink(missing_ok=True)
        self.notice = Notice(
            N_("Your chats could not be read: the file is damaged. It was kept as “{path}”; an empty one was begun."),
            {"path": str(kept)},
        )
        try:
            self._connect()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: sqlite3.Error) -> StorageError:
        code, path = _code(error), str(self._path)
        if code in _DAMAGED:
            try:
                self._doubt.touch()
            except OSError as refusal:
                return refused(refusal, self._doubt)
            return StorageError(
                N_("The file of your chats, “{path}”, is damaged. Start Alcove again: it keeps the file and goes on."),
                path=path,
            )
        unopened = N_("“{path}” cannot be opened. Check that its folder is there and can be written.")
        sentence = {
            sqlite3.SQLITE_FULL: N_("The disk is full: this was not saved. Earlier chats are kept. Free some space."),
            sqlite3.SQLITE_READONLY: N_("“{path}” cannot be written: this was not saved. Check its permissions."),
            sqlite3.SQLITE_CANTOPEN: unopened,
            sqlite3.SQLITE_PERM: unopened,
            sqlite3.SQLITE_CONSTRAINT: N_("This chat is no longer there. It may have been removed in another window."),
            sqlite3.SQLITE_BUSY: N_("Another Alcove keeps the chats busy: this was not saved. Try again."),
        }.get(code, N_("The disk refused to save or read your chats in “{path}” ({reason}). Earlier chats are kept."))
        return StorageError(sentence, path=path, reason=str(error))


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])


def _code(error: sqlite3.Error) -> int:
    """The primary result code: extended codes carry the detail in their upper bits."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
