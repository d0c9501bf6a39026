"""The database's history: a numbered list of functions and nothing else.

Invariant: a function that has been released is never changed; what comes next is appended. The version of a database
is the number of functions it has been through (`PRAGMA user_version`). When and how they run is `store`'s affair.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Migration = Callable[[sqlite3.Connection], None]


def _chats(db: sqlite3.Connection) -> None:
    db.execute("""CREATE TABLE chat (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL, tip TEXT,
        pinned INTEGER NOT NULL, binned REAL, model TEXT NOT NULL, opening TEXT NOT NULL, settings TEXT NOT NULL,
        titled INTEGER NOT NULL)""")
    # Deferred, so that a tree may be written in any order and a chat may go in one statement, however deep it is.
    db.execute("""CREATE TABLE message (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL REFERENCES chat(id) ON DELETE CASCADE,
        parent TEXT REFERENCES message(id) DEFERRABLE INITIALLY DEFERRED, role TEXT NOT NULL, text TEXT NOT NULL,
        created REAL NOT NULL, model TEXT NOT NULL, stop_reason TEXT, usage TEXT NOT NULL, timings TEXT NOT NULL,
        deleted REAL, note TEXT NOT NULL)""")
    db.execute("CREATE INDEX message_of_chat ON message(chat)")
    db.execute("CREATE INDEX message_parent ON message(parent)")


def _search(db: sqlite3.Connection) -> None:
    # Three characters in a row, because Korean words are not separated from their particles. Indexing is slow for
    # megabytes (0.3 s each), so a giant text is left out and searched by reading it: there are few of them.
    db.execute("""CREATE VIRTUAL TABLE words USING fts5(
        text, content='message', content_rowid='seq', tokenize='trigram')""")
    db.execute("CREATE INDEX message_giant ON message(seq) WHERE length(text) > 200000")
    add = "INSERT INTO words(rowid, text) VALUES (new.seq, new.text)"
    drop = "INSERT INTO words(words, rowid, text) VALUES ('delete', old.seq, old.text)"
    for event, side, statement in (
        ("INSERT", "new", add),
        ("UPDATE OF text", "new", add),
        ("DELETE", "old", drop),
        ("UPDATE OF text", "old", drop),
    ):
        moment = "AFTER" if side == "new" else "BEFORE"
        db.execute(f"""CREATE TRIGGER words_{event[:6].lower()}_{side} {moment} {event} ON message
            WHEN length({side}.text) <= 200000 BEGIN {statement}; END""")


def _journal(db: sqlite3.Connection) -> None:
    db.execute("""CREATE TABLE streaming (
        message TEXT PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE, writer TEXT NOT NULL)""")
    db.execute("""CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, message TEXT NOT NULL REFERENCES streaming(message) ON DELETE CASCADE,
        text TEXT NOT NULL)""")
    db.execute("CREATE INDEX journal_of_message ON journal(message)")


MIGRATIONS: tuple[Migration, ...] = (_chats, _search, _journal)
