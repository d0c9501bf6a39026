"""A reply in progress, on disk as it comes.

Invariant: text given to `append` is on disk at most `_BEHIND_S` plus one small write later, and each character is
written once while it streams: the journal grows by rows, it is never rewritten. When the reply ends, one transaction
puts the whole message in its place and drops the journal. A reply whose process is gone is recovered from its journal
by `recover`, and by nobody while its process lives: window and command line share the database.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType

import psutil

from desktop.core.chat import Message
from desktop.core.errors import N_
from desktop.core.generation import StopReason
from desktop.services.chats.rows import save_message, storable
from desktop.services.chats.store import Store

_BEHIND_S = 0.1  # the promise is 0.25 s; the rest is room for a busy disk
CLOSED = N_("Alcove was closed while this was being written.")
BROKEN = N_("Something went wrong while this was being written.")


class Reply:
    """`async with` it, `append` what comes, `finish` at the end; the message as it stands is in `message`.

    Left without `finish`, the text so far is kept: as stopped when the task was cancelled, else as broken off. Text
    that the disk refuses is kept and offered again with the next; if the last write fails too, leaving raises
    `StorageError`, and `message` still holds everything.
    """

    def __init__(self, store: Store, chat_id: str, message: Message) -> None:
        self._store = store
        self._chat_id = chat_id
        self._begun = replace(message, text=storable(message.text), stop_reason=None)
        self._parts = [self._begun.text]
        self._written = 1  # parts that are on disk
        self._sent = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writing = False
        self._end: Message | None = None

    @property
    def message(self) -> Message:
        """The message with all text so far."""
        return self._end or replace(self._begun, text="".join(self._parts))

    def append(self, text: str) -> None:
        """Adds text; does not wait for the disk."""
        if text:
            self._parts.append(text)
            self._schedule()

    def finish(self, message: Message) -> None:
        """The reply as it ended, with its whole text; written when the block is left."""
        self._end = message

    def _schedule(self) -> None:
        if self._timer is None and not self._writing and self._end is None:
            wait = self._sent + _BEHIND_S - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(wait, 0.0), self._flush)

    def _flush(self) -> None:
        """One row for what has come since the last; one at a time, so that a refused one is offered again in order."""
        self._timer, self._writing, self._sent = None, True, time.monotonic()
        upto = len(self._parts)
        values = (self._begun.id, storable("".join(self._parts[self._written :])))
        row = "INSERT INTO journal(message, text) VALUES (?,?)"
        writing = self._store.send(lambda db: db.execute(row, values).rowcount)
        loop = asyncio.get_running_loop()
        writing.add_done_callback(lambda done: loop.call_soon_threadsafe(self._flushed, done, upto))

    def _flushed(self, done: Future[int], upto: int) -> None:
        self._writing = False
        if done.exception() is None:
            self._written = upto
        if self._written < len(self._parts):
            self._schedule()

    async def __aenter__(self) -> Reply:
        begun, chat_id, writer = self._begun, self._chat_id, _myself()

        def begin(db: sqlite3.Connection) -> None:
            save_message(db, chat_id, begun)
            db.execute("UPDATE chat SET tip=?, updated=? WHERE id=?", (begun.id, time.time(), chat_id))
            db.execute("INSERT OR REPLACE INTO streaming VALUES (?,?)", (begun.id, writer))

        await self._store.write(begin)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._end is None:
            self._end = _broken_off(self.message, error)
        chat_id, message = self._chat_id, self.message

        def end(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM streaming WHERE message=?", (message.id,))
            save_message(db, chat_id, message)
            db.execute("UPDATE chat SET updated=? WHERE id=?", (time.time(), chat_id))

        await self._store.write(end, durable=True)


def _broken_off(message: Message, error: BaseException | None) -> Message:
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return replace(message, stop_reason=StopReason.CANCELLED)
    return replace(message, stop_reason=StopReason.DIED, note=BROKEN)


def recover(db: sqlite3.Connection) -> list[str]:
    """Finishes the replies of processes that are gone; gives their message ids."""
    found = [m for m, writer in db.execute("SELECT message, writer FROM streaming").fetchall() if not _lives(writer)]
    for message_id in found:
        rows = db.execute("SELECT text FROM journal WHERE message=? ORDER BY seq", (message_id,))
        db.execute(
            "UPDATE message SET text = text || ?, stop_reason=?, note=? WHERE id=?",
            ("".join(text for (text,) in rows.fetchall()), StopReason.DIED.value, CLOSED, message_id),
        )
        db.execute("DELETE FROM streaming WHERE message=?", (message_id,))
    return found


def _myself() -> str:
    return f"{os.getpid()} {psutil.Process().create_time()}"


def _lives(writer: str) -> bool:
    """Whether the process still runs; a later one with the same number began at another time."""
    pid, began = writer.split()
    try:
        process = psutil.Process(int(pid))
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - float(began)) < 2.0
    except psutil.Error:
        return False
