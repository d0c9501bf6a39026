"""Chats as JSON that other programs can read, and back; nothing in a file is trusted.

A chat is `{"format": "alcove-chat", "version": 1, "title", "titled", "created", "updated", "pinned", "model",
"opening": {"instruction", "turns": [{"role", "text"}], "completion", "template"}, "settings": {key: value}, "tip",
"messages": [{"id", "parent", "role", "text", "created", "model", "stop_reason", "usage": {"prompt_tokens",
"cached_tokens", "completion_tokens"}, "timings": {"load_s", "first_token_s", "prompt_per_s", "generation_per_s"},
"note"}]}`; several are `{"format": "alcove-chats", "version": 1, "chats": [...]}`. Times are Unix seconds; `parent` and
`tip` are ids or null, and without `tip` the newest branch is shown; roles are "system", "user", "assistant";
`stop_reason` is a `StopReason` or null. Fields that are not named here are passed over.

Invariant: what `read` gives is a sound tree (every parent there, no circle), with every value within its bounds; what
`write` wrote reads back equal, without the messages that were deleted. The Markdown form is `transcript_markdown`;
files are the services' affair.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from desktop.core import settings
from desktop.core.chat import Chat, Message, Opening, Role, Turn
from desktop.core.errors import N_, ChatFileError
from desktop.core.generation import StopReason, Timings, Usage
from desktop.core.templates import BY_NAME

ONE, SEVERAL = "alcove-chat", "alcove-chats"
VERSION = 1
NOT_OURS = N_("This file is not a chat exported from Alcove. Nothing was imported.")
NEWER = N_("This file was exported by a newer Alcove. Nothing was imported. Update Alcove and try again.")
DAMAGED = N_("This chat file is damaged: its “{field}” is wrong. Nothing was imported. Export the chat again.")
_LATEST = 32_503_680_000.0  # seconds: the year 3000; times beyond cannot be shown
_MOST_TOKENS = 1 << 53  # the largest whole number every JSON reader keeps exact
_LONGEST_NAME = 4000  # characters of a title, a model's name, a note
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A chat with its messages, oldest first."""

    chat: Chat
    messages: tuple[Message, ...]


def kept(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Without what was deleted and what hangs below it. Parents come before their children, as they were made."""
    found: dict[str, Message] = {}
    for message in messages:
        if not message.deleted and (message.parent is None or message.parent in found):
            found[message.id] = message
    return tuple(found.values())


def write(transcript: Transcript) -> str:
    """One chat as JSON."""
    return json.dumps(_chat_row(transcript), ensure_ascii=False, indent=1)


def write_all(transcripts: Iterable[Transcript]) -> str:
    """Several chats as JSON."""
    rows = [_chat_row(transcript) for transcript in transcripts]
    return json.dumps({"format": SEVERAL, "version": VERSION, "chats": rows}, ensure_ascii=False, indent=1)


def read(text: str) -> list[Transcript]:
    """The chats in JSON. Raises `ChatFileError`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ChatFileError(NOT_OURS) from None
    if not isinstance(document, dict) or document.get("format") not in (ONE, SEVERAL):
        raise ChatFileError(NOT_OURS)
    if document["format"] == ONE:
        return [_transcript(document)]
    _require_version(document)
    return [_transcript(row) for row in _rows(document, "chats")]


def _chat_row(transcript: Transcript) -> dict[str, Any]:
    chat, messages = transcript.chat, kept(transcript.messages)
    tip = chat.tip if any(m.id == chat.tip for m in messages) else None
    return {**head_row(chat), "tip": tip, "messages": [message_row(m) for m in messages]}


def head_row(chat: Chat) -> dict[str, Any]:
    """A chat without its messages."""
    whole = asdict(chat)
    names = ("title", "titled", "created", "updated", "pinned", "model", "opening", "settings")
    return {"format": ONE, "version": VERSION, **{name: whole[name] for name in names}}


def message_row(message: Message) -> dict[str, Any]:
    """A message with all its fields."""
    row = asdict(message)
    del row["deleted"]
    return row


def _transcript(row: object) -> Transcript:
    chat = head(row)
    assert isinstance(row, dict)
    messages = _ordered([message(one) for one in _rows(row, "messages")])
    tip = row["tip"] if "tip" in row else _newest_leaf(messages)
    if tip is not None and not any(m.id == tip for m in messages):
        raise ChatFileError(DAMAGED, field="tip")
    return Transcript(replace(chat, tip=tip), tuple(messages))


def head(row: object) -> Chat:
    """A chat from its row, without id and tip. Raises `ChatFileError`."""
    if not isinstance(row, dict) or row.get("format") != ONE:
        raise ChatFileError(NOT_OURS)
    _require_version(row)
    return Chat(
        id="",
        title=_name(row, "title"),
        created=_time(row, "created"),
        updated=_time(row, "updated"),
        pinned=row.get("pinned") is True,
        model=_name(row, "model"),
        opening=_opening(_table(row, "opening")),
        settings=_settings(_table(row, "settings")),
        titled=row.get("titled") is True,
    )


def message(row: object) -> Message:
    """A message from its row. Raises `ChatFileError`."""
    if not isinstance(row, dict):
        raise ChatFileError(DAMAGED, field="messages")
    parent = row.get("parent")
    if parent is not None and not isinstance(parent, str):
        raise ChatFileError(DAMAGED, field="parent")
    usage, timings = _table(row, "usage"), _table(row, "timings")
    return Message(
        id=_name(row, "id"),
        parent=parent,
        role=_choice(Role, row, "role"),
        text=_text(row, "text"),
        created=_time(row, "created"),
        model=_name(row, "model"),
        stop_reason=None if row.get("stop_reason") is None else _choice(StopReason, row, "stop_reason"),
        usage=Usage(*(_whole(usage, f.name) for f in fields(Usage))),
        timings=Timings(*(_number(timings, f.name) for f in fields(Timings))),
        note=_name(row, "note"),
    )


def _require_version(row: Mapping[str, Any]) -> None:
    version = row.get("version")
    if type(version) is not int or version < 1:
        raise ChatFileError(DAMAGED, field="version")
    if version > VERSION:
        raise ChatFileError(NEWER)


def _ordered(messages: list[Message]) -> list[Message]:
    """Parents before their children. Every id once, and every message reached from a first one: there is no circle."""
    below: dict[str | None, list[Message]] = {}
    for one in messages:
        below.setdefault(one.parent, []).append(one)
    ids = {m.id for m in messages}
    if len(ids) < len(messages) or "" in ids:
        raise ChatFileError(DAMAGED, field="id")
    reached = list(below.get(None, ()))
    for one in reached:  # grows meanwhile
        reached += below.get(one.id, ())
    if len(reached) < len(messages):
        raise ChatFileError(DAMAGED, field="parent")
    return messages if len(kept(messages)) == len(messages) else reached


def _newest_leaf(messages: list[Message]) -> str | None:
    """The end of the branch written last; of equally old ones the last in the file."""
    parents = {m.parent for m in messages}
    leaves = [m for m in reversed(messages) if m.id not in parents]
    return max(leaves, key=lambda m: m.created).id if leaves else None


def _opening(row: Mapping[str, Any]) -> Opening:
    template = _name(row, "template")
    return Opening(
        instruction=_text(row, "instruction") if "instruction" in row else "",
        turns=tuple(turn(one) for one in _rows(row, "turns")) if "turns" in row else (),
        completion=row.get("completion") is True,
        template=template if template in BY_NAME else "",
    )


def turn(row: object) -> Turn:
    """An opening turn from its row. Raises `ChatFileError`."""
    if not isinstance(row, dict):
        raise ChatFileError(DAMAGED, field="turns")
    return Turn(_choice(Role, row, "role"), _text(row, "text"))


def _settings(row: Mapping[str, Any]) -> settings.Values:
    """The values a chat may have and that are still valid; others may be another version's."""
    return {
        key: value for key, value in settings.valid(row).items() if settings.BY_KEY[key].scope is settings.Scope.ANY
    }


def _rows(row: Mapping[str, Any], key: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, list):
        raise ChatFileError(DAMAGED, field=key)
    return value


def _table(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = row.get(key, {})
    if not isinstance(value, dict):
        raise ChatFileError(DAMAGED, field=key)
    return value


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise ChatFileError(DAMAGED, field=key)
    return value


def _name(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ChatFileError(DAMAGED, field=key)
    return value


def _choice(kind: type[E], row: Mapping[str, Any], key: str) -> E:
    try:
        return kind(str(row.get(key)))
    except ValueError:
        raise ChatFileError(DAMAGED, field=key) from None


def _time(row: Mapping[str, Any], key: str) -> float:
    value = _number(row, key)
    if value > _LATEST:
        raise ChatFileError(DAMAGED, field=key)
    return value


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key, 0.0)
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise ChatFileError(DAMAGED, field=key)
    try:
        return float(value)
    except OverflowError:
        raise ChatFileError(DAMAGED, field=key) from None


def _whole(row: Mapping[str, Any], key: str) -> int:
    value = row.get(key, 0)
    if type(value) is not int or not 0 <= value < _MOST_TOKENS:
        raise ChatFileError(DAMAGED, field=key)
    return value
