"""Chats as Markdown that people read, with remarks from which the active path comes back exactly.

Every heading is followed by a remark that Markdown does not show, `<!-- alcove:N {…} -->`, and then by the text itself.
Invariant: N is chosen so that no text contains such a remark itself, so headings, fences and copies of other exports
inside a text are only text. A person may edit the texts. Versions beside the active path are not here: that is
`transcript`'s JSON, whose fields the remarks share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from desktop.core.chat import Chat, Message, Opening, Role, Tree, Turn
from desktop.core.errors import N_, ChatFileError
from desktop.core.transcript import DAMAGED, NOT_OURS, ONE, Transcript, head, head_row, kept, message, message_row, turn

Say = Callable[[str], str]  # translates a heading
When = Callable[[float], str]  # shows a time
_REMARK = re.compile(r"^<!-- alcove:(\d+) (\{.*\}) -->(\r?)$", re.MULTILINE)
_HEADING = re.compile(r"\n\n#{1,2} [^\n]*\n\n\Z")
_ROLES = {Role.SYSTEM: N_("Instruction"), Role.USER: N_("You"), Role.ASSISTANT: N_("Answer")}
_EXAMPLES = {**_ROLES, Role.USER: N_("You (example)"), Role.ASSISTANT: N_("Answer (example)")}


def write(transcripts: Iterable[Transcript], say: Say = str, when: When = str) -> str:
    """Chats as Markdown, one after the other."""
    shown = [(t.chat, Tree(kept(t.messages)).path(t.chat.tip)) for t in transcripts]
    mark = _free_mark(shown)
    return "\n\n".join(part for chat, path in shown for part in _parts(chat, path, mark, say, when)) + "\n"


def read(text: str) -> list[Transcript]:
    """The chats in a Markdown file of ours; messages are numbered from 1. Raises `ChatFileError`."""
    first = _REMARK.search(text)
    if first is None:
        raise ChatFileError(NOT_OURS)
    if first[3]:  # an editor has changed the line ends
        text = text.replace("\r\n", "\n")
    remarks = [found for found in _REMARK.finditer(text) if found[1] == first[1]]
    ends = [found.start() for found in remarks[1:]] + [len(text)]
    bodies = [_body(text[found.end() : end], end == len(text)) for found, end in zip(remarks, ends, strict=True)]
    rows = [_row(found[2]) for found in remarks]
    starts = [n for n, row in enumerate(rows) if row.get("format") == ONE]
    if not starts or starts[0] != 0:
        raise ChatFileError(NOT_OURS)
    stops = [*starts[1:], len(rows)]
    return [_transcript(rows[a:b], bodies[a:b]) for a, b in zip(starts, stops, strict=True)]


def _free_mark(shown: Sequence[tuple[Chat, list[Message]]]) -> int:
    texts = [text for chat, path in shown for text in (*_said_before(chat.opening), *(m.text for m in path))]
    return next(n for n in count(1) if not any(f"<!-- alcove:{n} " in text for text in texts))


def _said_before(opening: Opening) -> list[str]:
    return [opening.instruction, *(t.text for t in opening.turns)]


def _parts(chat: Chat, path: list[Message], mark: int, say: Say, when: When) -> list[str]:
    row = head_row(chat)
    del row["opening"]["instruction"], row["opening"]["turns"]
    parts = [f"# {' '.join(chat.title.split())}", _remark(mark, row)]
    if chat.opening.instruction:
        parts += [f"## {say(_ROLES[Role.SYSTEM])}", _remark(mark, {"opening": "instruction"}), chat.opening.instruction]
    for said in chat.opening.turns:
        parts += [f"## {say(_EXAMPLES[said.role])}", _remark(mark, {"opening": said.role.value}), said.text]
    for one in path:
        row = {key: value for key, value in message_row(one).items() if key not in ("id", "parent", "text")}
        parts += [f"## {say(_ROLES[one.role])} · {when(one.created)}", _remark(mark, row), one.text]
    return parts


def _remark(mark: int, row: dict[str, Any]) -> str:
    """One line; nothing in it can end the remark early."""
    return f"<!-- alcove:{mark} {json.dumps(row).replace('>', chr(92) + 'u003e')} -->"


def _body(text: str, last: bool) -> str:
    """What stands between a remark and the next heading, without the empty lines around it."""
    if last:
        return text.removesuffix("\n").removeprefix("\n\n")
    heading = _HEADING.search(text)
    return (text[: heading.start()] if heading else text.rstrip("\n")).removeprefix("\n\n")


def _row(text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise ChatFileError(DAMAGED, field=text[:40]) from None
    assert isinstance(row, dict)  # the pattern asks for braces
    return row


def _transcript(rows: list[dict[str, Any]], bodies: list[str]) -> Transcript:
    chat = head(rows[0])
    instruction, turns, messages = "", list[Turn](), list[Message]()
    for row, body in zip(rows[1:], bodies[1:], strict=True):
        if row.get("opening") == "instruction":
            instruction = body
        elif "opening" in row:
            turns.append(turn({"role": row["opening"], "text": body}))
        else:
            number = len(messages)
            parent = str(number) if number else None
            messages.append(message({**row, "id": str(number + 1), "parent": parent, "text": body}))
    opening = replace(chat.opening, instruction=instruction, turns=tuple(turns))
    return Transcript(replace(chat, opening=opening, tip=messages[-1].id if messages else None), tuple(messages))
