"""Messages for the transcript's tests."""

from __future__ import annotations

from typing import Any

from desktop.core.chat import Message, Role
from desktop.panes.chat.message import MessageView

_OF_VIEW = ("version", "versions", "last", "streaming", "can_continue", "starts_thinking", "status")


def view(name: str, role: Role, text: str, **fields: Any) -> MessageView:
    """A message and its view in one call."""
    shown = {key: fields.pop(key) for key in _OF_VIEW if key in fields}
    return MessageView(Message(name, None, role, text, 0.0, **fields), **shown)


def asked(name: str, text: str, **fields: Any) -> MessageView:
    return view(name, Role.USER, text, **fields)


def replied(name: str, text: str, **fields: Any) -> MessageView:
    return view(name, Role.ASSISTANT, text, **fields)


def talk(pairs: int, length: int = 200) -> list[MessageView]:
    """So many questions and answers: q0, a0, q1, …"""
    found: list[MessageView] = []
    for i in range(pairs):
        found += [asked(f"q{i}", f"Question {i}?"), replied(f"a{i}", f"Answer {i}. " + "word " * (length // 5))]
    return found
