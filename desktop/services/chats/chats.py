"""The chats of this person: kept, listed, binned and restored.

Invariants: nothing a person removes here is gone at once: chats go to the bin and messages get a mark, and each removal
gives back what undoes it; only `empty_bin` and `purge` end them. What a person wrote has reached the disk when `put`
returns. Searching is `search`'s affair, replies in progress are `journal`'s, models are `library`'s.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict, Unpack

from desktop.core.chat import Chat, Message, Opening, Tree
from desktop.core.errors import N_, StorageError
from desktop.core.settings import Values
from desktop.services.chats.journal import Reply, recover
from desktop.services.chats.rows import (
    CHAT,
    chat_of,
    messages,
    opening_json,
    save_chat,
    save_message,
    settings_json,
    storable,
)
from desktop.services.chats.search import Hit, Query, giants, indexed, scan, titles
from desktop.services.chats.store import Store, Work
from desktop.services.identity import new_id

Forget = Callable[[Collection[str]], Awaitable[None]]  # takes ids of chats
_SLICE = 150_000  # characters; the index takes 0.35 s for a million
_TITLE = 200  # characters; a title is one line of a narrow list


class Changes(TypedDict, total=False):
    """What `update` may set; the same names as in `Chat`."""

    title: str
    titled: bool
    pinned: bool
    tip: str | None
    model: str
    opening: Opening
    settings: Values


@dataclass(frozen=True, slots=True)
class Removed:
    """What `restore` needs to undo a removal of messages."""

    chat_id: str
    tip: str | None
    messages: tuple[str, ...]


class Chats:
    """Chats in an open store. `forget` hears of those of which what models have read of them is wanted no more."""

    def __init__(self, store: Store, forget: Forget | None = None) -> None:
        self._store = store
        self._forget = forget or _nothing

    async def recover(self) -> int:
        """At start: finishes replies that a dead process left behind; how many there were."""
        return len(await self._store.write(recover))

    async def create(self, chat: Chat | None = None, **changes: Unpack[Changes]) -> Chat:
        """A new chat, empty or with the given head; it gets an id of its own."""
        now = time.time()
        made = replace(chat or Chat("", "", now, now), id=new_id(), created=now, updated=now, tip=None, binned=None)
        made = replace(made, **changes)
        await self._store.write(lambda db: save_chat(db, made))
        return made

    async def get(self, chat_id: str) -> Chat:
        """Raises `StorageError` where it is gone."""
        return await self._store.read(lambda db: _get(db, chat_id))

    async def all(self, *, binned: bool = False) -> list[Chat]:
        """Heads for a list, pinned first, then the newest; of the bin: the last removed first."""
        order = "IS NOT NULL ORDER BY binned DESC" if binned else "IS NULL ORDER BY pinned DESC, updated DESC"
        rows = await self._store.read(lambda db: db.execute(f"SELECT {CHAT} FROM chat WHERE binned {order}").fetchall())
        return [chat_of(row) for row in rows]

    async def update(self, chat_id: str, **changes: Unpack[Changes]) -> Chat:
        """Sets parts of a chat's head; its place in the list stays. Raises `StorageError` where it is gone."""
        values = {key: _column(key, value) for key, value in changes.items()}
        columns = ", ".join(f"{key}=?" for key in values)

        def work(db: sqlite3.Connection) -> Chat:
            if values:
                db.execute(f"UPDATE chat SET {columns} WHERE id=?", (*values.values(), chat_id))
            return _get(db, chat_id)

        return await self._store.write(work)

    async def rename_model(self, old: str, new: str) -> None:
        """Lets the chats of a model that was renamed keep it."""
        await self._store.write(_run("UPDATE chat SET model=? WHERE model=?", (storable(new), old)))

    async def messages(self, chat_id: str) -> Tree:
        """Every message of a chat; one that is being written as far as it is on disk."""
        return Tree(await self.every_message(chat_id))

    async def put(self, chat_id: str, message: Message) -> None:
        """Stores a message, on disk when this returns; it becomes the chat's tip."""

        def work(db: sqlite3.Connection) -> None:
            save_message(db, chat_id, message)
            db.execute("UPDATE chat SET tip=?, updated=? WHERE id=?", (message.id, time.time(), chat_id))

        await self._store.write(work, durable=True)

    def streaming(self, chat_id: str, message: Message) -> Reply:
        """A reply in progress; `async with` it. It becomes the chat's tip."""
        return Reply(self._store, chat_id, message)

    async def every_message(self, chat_id: str) -> list[Message]:
        """What `messages` gives, as a list, oldest first."""
        return await self._store.read(lambda db: messages(db, chat_id))

    async def add_all(self, chats: Sequence[tuple[Chat, Sequence[Message]]]) -> None:
        """Adds whole chats, as an import has them, all or none; ids must be new, parents before their children.

        They are written into the bin, in slices between which a reply in progress gets its turn, and taken out at once.
        """
        ids = [(chat.id,) for chat, _ in chats]
        try:
            for chat, tree in chats:
                hidden = replace(chat, binned=time.time())
                await self._store.write(partial(save_chat, chat=hidden))
                for part in _slices(tree):
                    await self._store.write(partial(_save_all, chat_id=chat.id, part=part))
        except StorageError:
            await self._store.write(_run("DELETE FROM chat WHERE id=?", *ids))
            raise
        await self._store.write(_run("UPDATE chat SET binned=NULL WHERE id=?", *ids), durable=True)

    async def bin(self, chat_id: str) -> None:
        """Puts a chat into the bin."""
        await self._store.write(_run("UPDATE chat SET binned=? WHERE id=?", (time.time(), chat_id)))

    async def unbin(self, chat_id: str) -> None:
        """Takes a chat out of the bin."""
        await self._store.write(_run("UPDATE chat SET binned=NULL WHERE id=?", (chat_id,)))

    async def purge(self, chat_id: str) -> None:
        """Ends a chat for good."""
        await self._store.write(_run("DELETE FROM chat WHERE id=?", (chat_id,)))
        await self._forget([chat_id])

    async def empty_bin(self, before: float) -> None:
        """Ends what was removed before that time (Unix seconds): chats, and messages with what hangs below them."""
        below = """WITH RECURSIVE gone(id) AS (SELECT id FROM message WHERE deleted < ?
            UNION SELECT message.id FROM message JOIN gone ON message.parent = gone.id)"""

        def work(db: sqlite3.Connection) -> set[str]:
            touched = "SELECT id FROM chat WHERE binned < ? UNION SELECT chat FROM message WHERE deleted < ?"
            chats = {i for (i,) in db.execute(touched, (before, before))}
            db.execute("DELETE FROM chat WHERE binned < ?", (before,))
            db.execute(f"{below} DELETE FROM message WHERE id IN (SELECT id FROM gone)", (before,))
            db.execute("UPDATE chat SET tip=NULL WHERE tip NOT IN (SELECT id FROM message)")
            return chats

        await self._forget(await self._store.write(work))

    async def delete(self, chat_id: str, message_id: str) -> Removed:
        """Hides a message and what hangs below it. `restore` undoes it."""

        def work(db: sqlite3.Connection) -> Removed:
            chat = _get(db, chat_id)
            db.execute("UPDATE message SET deleted=? WHERE id=? AND deleted IS NULL", (time.time(), message_id))
            path = Tree(messages(db, chat_id)).path(chat.tip)
            tip = path[-1].id if path else None
            db.execute("UPDATE chat SET tip=? WHERE id=?", (tip, chat_id))
            return Removed(chat_id, chat.tip, (message_id,))

        return await self._store.write(work)

    async def clear(self, chat_id: str) -> Removed:
        """Returns a chat to its opening. `restore` undoes it."""

        def work(db: sqlite3.Connection) -> Removed:
            chat = _get(db, chat_id)
            first = "FROM message WHERE chat=? AND parent IS NULL AND deleted IS NULL"
            roots = tuple(i for (i,) in db.execute(f"SELECT id {first}", (chat_id,)))
            db.execute(f"UPDATE message SET deleted=? WHERE id IN (SELECT id {first})", (time.time(), chat_id))
            db.execute("UPDATE chat SET tip=NULL WHERE id=?", (chat_id,))
            return Removed(chat_id, chat.tip, roots)

        removed = await self._store.write(work)
        await self._forget([chat_id])
        return removed

    async def restore(self, removed: Removed) -> None:
        """Undoes `delete` or `clear`."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany("UPDATE message SET deleted=NULL WHERE id=?", [(i,) for i in removed.messages])
            db.execute("UPDATE chat SET tip=? WHERE id=?", (removed.tip, removed.chat_id))

        await self._store.write(work)

    async def ids(self) -> set[str]:
        """Every chat there is, those in the bin too."""
        rows = await self._store.read(lambda db: db.execute("SELECT id FROM chat").fetchall())
        return {i for (i,) in rows}

    async def search(self, text: str, limit: int = 100) -> list[Hit]:
        """Where all of the words occur, in titles first, then in messages, the newest first. "" finds nothing."""
        query = Query.of(text)
        if not query.words:
            return []
        hits = await self._store.read(lambda db: titles(db, query, limit))
        if query.indexed:
            for look in (indexed, giants):
                if len(hits) < limit:
                    hits += await self._store.read(partial(look, query=query, limit=limit - len(hits)))
            return hits
        end: int | None = None
        while len(hits) < limit:  # in slices, because a reply in progress waits meanwhile
            found, end = await self._store.read(partial(scan, query=query, limit=limit - len(hits), end=end))
            hits += found
            if end is None:
                break
        return hits


async def _nothing(_chats: Collection[str]) -> None:
    """Where no states are kept there is nothing to forget."""


def _run(sql: str, *rows: tuple[object, ...]) -> Work[None]:
    """One statement, for each of the rows. No cursor leaves the store's thread: freeing it would wait for a query."""

    def work(db: sqlite3.Connection) -> None:
        db.executemany(sql, rows)

    return work


def _save_all(db: sqlite3.Connection, chat_id: str, part: Sequence[Message]) -> None:
    for message in part:
        save_message(db, chat_id, message)


def _slices(tree: Sequence[Message]) -> Iterator[list[Message]]:
    """Runs of messages that are written within some 50 ms."""
    part: list[Message] = []
    size = 0
    for message in tree:
        part.append(message)
        size += len(message.text) + 100
        if size > _SLICE:
            yield part
            part, size = [], 0
    yield part


def _get(db: sqlite3.Connection, chat_id: str) -> Chat:
    row = db.execute(f"SELECT {CHAT} FROM chat WHERE id=?", (chat_id,)).fetchone()
    if row is None:
        raise StorageError(N_("This chat is no longer there. It may have been removed in another window."))
    return chat_of(row)


def _column(key: str, value: object) -> object:
    if isinstance(value, Opening):
        return opening_json(value)
    if key == "settings":
        return settings_json(value)  # type: ignore[arg-type]
    if key == "title":
        return storable(" ".join(str(value).split()))[:_TITLE]
    if key not in Changes.__annotations__:
        raise TypeError(key)
    return storable(value) if isinstance(value, str) else value
