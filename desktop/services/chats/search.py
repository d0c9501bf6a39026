"""Finding words in titles and messages, in any language.

Words of three characters and more go through the index of character triples; shorter ones (most Korean words) are
looked for by reading, newest first, in slices. Invariant: a hit is visible: its chat is not in the bin, and neither
the message nor one above it was deleted. Functions here run inside a transaction of the store; they change nothing.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_SLICE = 20_000  # messages read at once where the index cannot help: some 30 ms
_AROUND = 60  # characters shown before the first match
_SHOWN = 200
_FROM = "FROM message JOIN chat ON chat.id = message.chat"
_SEEN = "chat.binned IS NULL AND message.deleted IS NULL"
_PICK = "SELECT message.chat, chat.title, message.id, message.created, message.text"


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that matches. `marks` are the matches within `snippet`, as (start, end). `message_id` None: the title."""

    chat_id: str
    title: str
    message_id: str | None
    created: float
    snippet: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Words that must all occur, wherever; upper and lower case are alike."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Query:
        clean = unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode().replace("\0", " ")
        return cls(tuple(dict.fromkeys(clean.split()))[:12])

    @property
    def indexed(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if len(word) >= 3)

    def match(self) -> str:
        """The words that the index knows, in its own language: quoted, so that nothing in them is an operator."""
        return " ".join('"' + word.replace('"', '""') + '"' for word in self.indexed)

    def like(self, words: tuple[str, ...]) -> tuple[str, list[str]]:
        """A condition on `message.text`, and its values. LIKE folds the case of ASCII only."""
        parts: list[str] = []
        values: list[str] = []
        for word in words:
            forms = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
            parts.append("(" + " OR ".join("message.text LIKE ? ESCAPE '\\'" for _ in forms) + ")")
            values += ["%" + re.sub(r"([%_\\])", r"\\\1", form) + "%" for form in sorted(forms)]
        return " AND ".join(parts) or "1", values

    @property
    def pattern(self) -> str:
        return "|".join(re.escape(word) for word in sorted(self.words, key=len, reverse=True))

    def marks(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(self.pattern, text, re.IGNORECASE)]


def titles(db: sqlite3.Connection, query: Query, limit: int) -> list[Hit]:
    """Chats whose title holds all words."""
    hits: list[Hit] = []
    for chat_id, title, updated in db.execute(
        "SELECT id, title, updated FROM chat WHERE binned IS NULL ORDER BY updated DESC"
    ):
        folded = title.casefold()
        if len(hits) < limit and all(word.casefold() in folded for word in query.words):
            hits.append(Hit(chat_id, title, None, updated, title, tuple(query.marks(title))))
    return hits


def indexed(db: sqlite3.Connection, query: Query, limit: int) -> list[Hit]:
    """Messages found through the index."""
    short = tuple(word for word in query.words if len(word) < 3)
    condition, values = query.like(short)
    rows = db.execute(
        f"""{_PICK} FROM words CROSS JOIN message ON message.seq = words.rowid JOIN chat ON chat.id = message.chat
        WHERE words MATCH ? AND {_SEEN} AND {condition} ORDER BY words.rowid DESC""",
        (query.match(), *values),
    )
    return _hits(db, query, rows, limit)


def giants(db: sqlite3.Connection, query: Query, limit: int) -> list[Hit]:
    """Messages too long for the index."""
    condition, values = query.like(query.words)
    rows = db.execute(
        f"{_PICK} {_FROM} WHERE length(text) > 200000 AND {_SEEN} AND {condition} ORDER BY seq DESC",
        values,
    )
    return _hits(db, query, rows, limit)


def scan(db: sqlite3.Connection, query: Query, limit: int, end: int | None) -> tuple[list[Hit], int | None]:
    """Hits in the slice of messages before `end` (None: the newest), and where the next slice ends."""
    if end is None:
        end = int(db.execute("SELECT coalesce(max(seq), 0) + 1 FROM message").fetchone()[0])
    start = end - _SLICE
    condition, values = query.like(query.words)
    rows = db.execute(
        f"{_PICK} {_FROM} WHERE seq < ? AND seq >= ? AND {_SEEN} AND {condition} ORDER BY seq DESC",
        (end, start, *values),
    )
    return _hits(db, query, rows, limit), start if start > 1 else None


def _hits(db: sqlite3.Connection, query: Query, rows: Iterable[tuple[Any, ...]], limit: int) -> list[Hit]:
    hits: list[Hit] = []
    hidden: dict[str, set[str]] = {}
    for chat_id, title, message_id, created, text in rows:
        if chat_id not in hidden:
            hidden[chat_id] = _hidden(db, chat_id)
        if message_id not in hidden[chat_id]:
            hits.append(Hit(chat_id, title, message_id, created, *_snippet(query, text)))
        if len(hits) >= limit:
            break
    return hits


def _hidden(db: sqlite3.Connection, chat_id: str) -> set[str]:
    """Messages that were deleted, and those below them."""
    below = """WITH RECURSIVE gone(id) AS (SELECT id FROM message WHERE chat=? AND deleted IS NOT NULL
        UNION SELECT message.id FROM message JOIN gone ON message.parent = gone.id) SELECT id FROM gone"""
    return {message_id for (message_id,) in db.execute(below, (chat_id,))}


def _snippet(query: Query, text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """One line around the first match. Characters are replaced one by one, so that offsets hold."""
    first = re.search(query.pattern, text, re.IGNORECASE)
    start = max(0, first.start() - _AROUND) if first else 0
    shown = re.sub(r"\s", " ", text[start : start + _SHOWN])
    return shown, tuple(query.marks(shown))
