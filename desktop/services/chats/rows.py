"""How chats and messages become rows of the database, and back.

Invariant: what `save_message` stored, `messages` gives back equal, except characters that no text may hold (NUL, lone
surrogates), which become U+FFFD. A message that is being written reads as its row plus its journal. Functions here run
inside a transaction of the store; they open none.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping

from desktop.core.chat import Chat, Message, Opening, Role, Turn
from desktop.core.generation import StopReason, Timings, Usage
from desktop.core.settings import Value, Values

CHAT = "id, title, created, updated, tip, pinned, binned, model, opening, settings, titled"
_MESSAGE = "id, parent, role, text, created, model, stop_reason, usage, timings, deleted, note"


def storable(text: str) -> str:
    """The text without what UTF-8 or SQLite cannot hold; a split surrogate pair is joined."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def opening_json(opening: Opening) -> str:
    if opening == Opening():
        return ""
    turns = [[t.role.value, storable(t.text)] for t in opening.turns]
    return _json([storable(opening.instruction), turns, opening.completion, opening.template])


def _opening(text: str) -> Opening:
    if not text:
        return Opening()
    instruction, turns, completion, template = json.loads(text)
    return Opening(instruction, tuple(Turn(Role(role), said) for role, said in turns), completion, template)


def settings_json(settings: Mapping[str, object]) -> str:
    return _json(dict(settings)) if settings else ""


def _settings(text: str) -> Values:
    values: dict[str, Value] = json.loads(text) if text else {}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def save_chat(db: sqlite3.Connection, chat: Chat) -> None:
    """Adds a chat."""
    db.execute(
        f"INSERT INTO chat({CHAT}) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            chat.id,
            storable(chat.title),
            chat.created,
            chat.updated,
            chat.tip,
            chat.pinned,
            chat.binned,
            storable(chat.model),
            opening_json(chat.opening),
            settings_json(chat.settings),
            chat.titled,
        ),
    )


def chat_of(row: tuple[object, ...]) -> Chat:
    id_, title, created, updated, tip, pinned, binned, model, opening, settings, titled = row
    return Chat(
        *(id_, title, created, updated, tip, bool(pinned), binned, model),  # type: ignore[arg-type]
        _opening(str(opening)),
        _settings(str(settings)),
        bool(titled),
    )


def save_message(db: sqlite3.Connection, chat_id: str, message: Message) -> None:
    """Adds a message, or replaces the content of the one with its id."""
    m = message
    db.execute(
        f"""INSERT INTO message({_MESSAGE}, chat) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET
        text=excluded.text, model=excluded.model, stop_reason=excluded.stop_reason, usage=excluded.usage,
        timings=excluded.timings, deleted=excluded.deleted, note=excluded.note""",
        (
            *(m.id, m.parent, m.role.value, storable(m.text), m.created, storable(m.model)),
            m.stop_reason.value if m.stop_reason else None,
            _usage_json(m.usage),
            _timings_json(m.timings),
            time.time() if m.deleted else None,
            m.note,
            chat_id,
        ),
    )


def messages(db: sqlite3.Connection, chat_id: str) -> list[Message]:
    """All messages of a chat, deleted ones too, oldest first."""
    rows = db.execute(f"SELECT {_MESSAGE} FROM message WHERE chat=? ORDER BY seq", (chat_id,))
    growing: dict[str, str] = {}
    journal = """SELECT journal.message, journal.text FROM streaming JOIN journal USING (message)
        JOIN message ON message.id = streaming.message WHERE message.chat=? ORDER BY journal.seq"""
    for message_id, text in db.execute(journal, (chat_id,)):
        growing[message_id] = growing.get(message_id, "") + text
    return [_message(row, growing.get(row[0], "")) for row in rows]


def _message(row: tuple[object, ...], more: str) -> Message:
    id_, parent, role, text, created, model, stop_reason, usage, timings, deleted, note = row
    return Message(
        *(id_, parent, Role(role), f"{text}{more}", created, model),  # type: ignore[arg-type]
        StopReason(str(stop_reason)) if stop_reason else None,
        Usage(*json.loads(str(usage))) if usage else Usage(),
        Timings(*json.loads(str(timings))) if timings else Timings(),
        deleted is not None,
        str(note),
    )


def _usage_json(usage: Usage) -> str:
    if usage == Usage():
        return ""
    return _json([usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens])


def _timings_json(timings: Timings) -> str:
    if timings == Timings():
        return ""
    return _json([timings.load_s, timings.first_token_s, timings.prompt_per_s, timings.generation_per_s])
