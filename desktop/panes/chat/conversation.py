"""One chat while the window knows it: its head, its tree, and the reply that grows in it.

Invariant: what it says of itself is what the database holds or is about to hold; a reply that is being written is in
`growing` and nowhere else, and its text so far is always complete, however little of it the eye has been given. No Qt,
no storing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from desktop.core.chat import Chat, Message, Role, Tree
from desktop.core.generation import StopReason
from desktop.panes.chat.edges import Activity, Notice, Work
from desktop.panes.chat.message import MessageView
from desktop.panes.chat.pacing import Pacer


@dataclass(slots=True)
class Growing:
    """A reply in progress: `begun` as it was, the text that came since, and what of it has not been shown yet."""

    begun: Message
    pacer: Pacer
    parts: list[str] = field(default_factory=list)
    ended: Message | None = None  # as stored; waits until the eye has caught up

    @property
    def message(self) -> Message:
        return self.ended or replace(self.begun, text=self.begun.text + "".join(self.parts), stop_reason=None)


class Conversation:
    """A chat that is shown, or that is being answered, or both."""

    def __init__(self, chat: Chat, tree: Tree, completes: Callable[[str], bool]) -> None:
        """`completes`: whether the model of this name goes on with the text by itself."""
        self.chat = chat
        self.tree = tree
        self._completes = completes
        self.activity = Activity()
        self.notice: Notice | None = None
        self.left: frozenset[str] = frozenset()
        self.growing: Growing | None = None

    @property
    def id(self) -> str:
        return self.chat.id

    @property
    def busy(self) -> bool:
        return self.activity.work is not Work.NOTHING

    @property
    def completion(self) -> bool:
        """Whether the model goes on with the text instead of answering, as `services.chats.prompts` decides it."""
        opening = self.chat.opening
        if not self.chat.model:
            return False  # the guide has no opening
        return opening.completion or (not opening.template and self._completes(self.chat.model))

    def path(self) -> list[Message]:
        path = self.tree.path(self.chat.tip)
        growing = self.growing
        return [growing.message if growing and growing.begun.id == m.id else m for m in path]

    def views(self) -> list[MessageView]:
        path = self.path()
        return [self._view(message, message is path[-1]) for message in path]

    def view(self, message_id: str) -> MessageView | None:
        """None where the message is not on the active path."""
        return next((v for v in self.views() if v.id == message_id), None)

    def add(self, message: Message) -> None:
        """A message is on the active path now; a reply of the model is about to grow."""
        self.tree.put(message)
        self.chat = replace(self.chat, tip=message.id)

    def finish(self, message: Message) -> None:
        self.tree.put(message)
        self.growing = None

    def last_own(self) -> str | None:
        """The newest message of the person."""
        return next((m.id for m in reversed(self.path()) if m.role is Role.USER), None)

    def version(self, message_id: str, number: int) -> str | None:
        """The tip that shows version `number` (from 1) of a message; None if there is none."""
        versions = self.tree.siblings(message_id)
        return self.tree.newest_leaf(versions[number - 1].id) if 1 <= number <= len(versions) else None

    def _view(self, message: Message, last: bool) -> MessageView:
        versions = [m.id for m in self.tree.siblings(message.id)]
        streaming = self.growing is not None and self.growing.begun.id == message.id
        cut_short = message.stop_reason not in (None, StopReason.STOP) or self.completion
        return MessageView(
            message,
            version=versions.index(message.id) + 1 if message.id in versions else 1,
            versions=max(1, len(versions)),
            last=last,
            streaming=streaming,
            can_continue=last and message.role is Role.ASSISTANT and not streaming and cut_short,
            unanswered=last and message.role is Role.USER and not self.busy,
        )
