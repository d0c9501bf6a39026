"""A chat as an immutable tree of messages: an edit or a regeneration is a second child, a branch is a tip.

Invariant: every message but the first of a branch has its parent in the tree, and a message never changes its place.
Storage and display are elsewhere; this module only answers questions about the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from desktop.core.generation import StopReason, Timings, Usage


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said, before it has a place in a tree: an opening turn, or input to a template."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A node. Times are Unix seconds. `stop_reason` is None while streaming and for messages of the person."""

    id: str
    parent: str | None
    role: Role
    text: str
    created: float
    model: str = ""
    stop_reason: StopReason | None = None
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    deleted: bool = False
    note: str = ""  # why an interrupted reply ended, as a message id; "" if it ended by itself


@dataclass(frozen=True, slots=True)
class Opening:
    """What comes before the first message: an instruction, example turns, and how the model is addressed."""

    instruction: str = ""
    turns: tuple[Turn, ...] = ()
    completion: bool = False  # a base model goes on with the text; no template
    template: str = ""  # name of a built-in template chosen by the person; "" = the model's own


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation's head; the messages are kept beside it. `tip` is the last message of the active path."""

    id: str
    title: str
    created: float
    updated: float
    tip: str | None = None
    pinned: bool = False
    binned: float | None = None  # when it went to the bin
    model: str = ""  # library name; "" = the built-in guide
    opening: Opening = field(default_factory=Opening)
    settings: Mapping[str, object] = field(default_factory=dict)  # chat-level overrides, by setting key
    titled: bool = False  # the person gave the title; it is not made again


class Tree:
    """The messages of one chat, indexed. Deleted messages and what hangs below them are not seen."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._nodes = {m.id: m for m in messages}
        self._children: dict[str | None, list[str]] = {}
        for m in sorted(self._nodes.values(), key=lambda m: (m.created, m.id)):
            self._children.setdefault(m.parent, []).append(m.id)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, message_id: str) -> Message:
        return self._nodes[message_id]

    def put(self, message: Message) -> None:
        """Adds a message, or replaces the one with its id (a reply that has grown)."""
        if message.id not in self._nodes:
            self._children.setdefault(message.parent, []).append(message.id)
        self._nodes[message.id] = message

    def path(self, tip: str | None) -> list[Message]:
        """Messages from the first to `tip`; a deleted one ends the path before it."""
        found: list[Message] = []
        seen: set[str] = set()
        while tip is not None and tip in self._nodes and tip not in seen:
            seen.add(tip)
            found.append(self._nodes[tip])
            tip = self._nodes[tip].parent
        found.reverse()
        for index, message in enumerate(found):
            if message.deleted:
                return found[:index]
        return found

    def siblings(self, message_id: str) -> list[Message]:
        """The versions of a message, itself included, oldest first: what ‹2/3› counts."""
        parent = self._nodes[message_id].parent
        return [self._nodes[i] for i in self._children.get(parent, ()) if not self._nodes[i].deleted]

    def newest_leaf(self, message_id: str) -> str:
        """The end of the branch below a message, following the newest child: where a switch of version leads."""
        seen = {message_id}  # a damaged file may hold a circle
        while True:
            children = [i for i in self._children.get(message_id, ()) if not self._nodes[i].deleted]
            if not children or children[-1] in seen:
                return message_id
            message_id = children[-1]
            seen.add(message_id)
