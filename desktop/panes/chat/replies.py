"""The replies being asked for and written, of whichever chat: follows their events, and shows those of one chat.

Invariants: one reply a chat; the first asked is the one at work, the others wait for it; what a chat that is not shown
receives is kept, and shown when it is; text reaches the view at most 30 times a second; a reply that a person stops
ends where the eye is. Asking, storing and the order at the engine are `services.chats.talk`'s affair; what
the view does with a signal is its own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.core.chat import Message, Role
from desktop.core.errors import UserError
from desktop.core.generation import StopReason
from desktop.core.talk import (
    Ended,
    Left,
    MessageAdded,
    ModelLoading,
    ModelReady,
    Reading,
    Retitled,
    TalkEvent,
    Waiting,
    Written,
)
from desktop.panes.chat.conversation import Conversation, Growing
from desktop.panes.chat.edges import Activity, Talk, Tasks, Work
from desktop.panes.chat.pacing import Pacer
from desktop.services.chats.chats import Chats

_TICK_MS = 33


class Replies(QObject):
    """Signals that carry a `Conversation` come for every chat, the others for the one that is shown."""

    activity_changed = Signal(object)
    stored = Signal(object, str)  # conversation, the message's text
    retitled = Signal(object, str)
    device = Signal(object, str)  # where its model runs
    failed = Signal(object, object, bool)  # conversation, UserError, whether nothing had been stored yet
    done = Signal(object)
    message_added = Signal(object)  # MessageView
    message_changed = Signal(object)
    cut_from = Signal(str)
    written = Signal(str, str)  # message id, text
    ended = Signal(object)  # MessageView
    left = Signal(object)  # ids

    def __init__(self, chats: Chats, talk: Talk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chats = chats
        self._talk = talk
        self._tasks = tasks
        self._shown: Conversation | None = None
        self._line: list[Conversation] = []  # in the order asked; the first is at work
        self._stopped: set[str] = set()  # chats whose reply a person has stopped
        self._ticked = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    def of(self, chat_id: str) -> Conversation | None:
        """The conversation of a chat that is being answered."""
        return next((c for c in self._line if c.id == chat_id), None)

    def show(self, conversation: Conversation | None) -> None:
        """From now on this chat's text is shown; that of the one before comes out whole when it is shown again."""
        before, self._shown = self._shown, conversation
        for left in (before, conversation):
            if left is not None and left.growing is not None:
                left.growing.pacer.rest()  # `growing.message` has it
                self._settle(left)

    def start(self, conversation: Conversation, events: AsyncIterator[TalkEvent], pace: float) -> None:
        """Follows a reply to its end; `pace` in characters a second, 0 for as it comes."""
        self._line.append(conversation)
        self._busy(conversation, Work.STARTING if self._line[0] is conversation else Work.WAITING)
        self.show_last(conversation)
        self._tasks.spawn(self._follow(conversation, events, pace))

    def stop(self, conversation: Conversation) -> None:
        """Ends this chat's reply; what has been shown of it stays."""
        if conversation.growing is not None and conversation.growing.ended is not None:
            self._cut(conversation)
        elif conversation in self._line:
            self._stopped.add(conversation.id)
            self._tasks.spawn(self._talk.stop(conversation.id))

    async def _follow(self, conversation: Conversation, events: AsyncIterator[TalkEvent], pace: float) -> None:
        stored = False
        try:
            async with aclosing(events) as stream:  # type: ignore[type-var]
                async for event in stream:
                    stored = stored or isinstance(event, MessageAdded)
                    self._take(conversation, event, pace)
        except UserError as error:
            self.failed.emit(conversation, error, not stored)
        finally:
            self._leave(conversation)

    def _take(self, conversation: Conversation, event: TalkEvent, pace: float) -> None:
        match event:
            case MessageAdded(message):
                self._added(conversation, message, pace)
            case Written(_, text) if conversation.growing is not None:
                self._busy(conversation, Work.WRITING)
                conversation.growing.parts.append(text)
                if conversation is self._shown:
                    conversation.growing.pacer.add(text)
                    self._awake()
            case Reading(done, total):
                self._busy(conversation, Work.READING, done, total)
            case ModelLoading(fraction):
                self._busy(conversation, Work.LOADING, int(fraction * 1000), 1000)
            case Waiting():
                self._busy(conversation, Work.WAITING)
            case ModelReady(info):
                self._busy(conversation, Work.STARTING)
                self.device.emit(conversation, info.device)
            case Ended(message):
                self._ended(conversation, message)
            case Left(ids):
                conversation.left = ids
                if conversation is self._shown:
                    self.left.emit(ids)
            case Retitled(_, title):
                self.retitled.emit(conversation, title)

    def _added(self, conversation: Conversation, message: Message, pace: float) -> None:
        before = conversation.path()
        conversation.add(message)
        new = message.id not in {m.id for m in before}
        if message.role is Role.ASSISTANT and (message.stop_reason is None or not new):
            conversation.growing = Growing(message, Pacer(pace))
            self._busy(conversation, Work.STARTING)
        self.stored.emit(conversation, message.text)
        if conversation is self._shown:
            if new:
                self.show_change(conversation, [m.id for m in before])
            else:
                self.message_changed.emit(conversation.view(message.id))

    def show_change(self, conversation: Conversation, before: list[str]) -> None:
        """Tells how the path differs from what it was: what goes, whose last place is taken, what comes."""
        path = [m.id for m in conversation.path()]
        same = sum(1 for old, new in zip(before, path, strict=False) if old == new)
        if same < len(before):
            self.cut_from.emit(before[same])
        if same:
            self.message_changed.emit(conversation.view(before[same - 1]))  # whether it is the last has changed
        for message_id in path[same:]:
            self.message_added.emit(conversation.view(message_id))

    def show_last(self, conversation: Conversation) -> None:
        """The last message can be asked again, or continued, or no longer."""
        path = conversation.path()
        if path and conversation is self._shown:
            self.message_changed.emit(conversation.view(path[-1].id))

    def _ended(self, conversation: Conversation, message: Message) -> None:
        if conversation.growing is None:
            conversation.tree.put(message)
            return
        conversation.growing.ended = message
        if conversation.id in self._stopped and conversation is self._shown:
            self._cut(conversation)
        elif message.stop_reason is StopReason.CANCELLED or conversation is not self._shown:
            self.catch_up(conversation)

    def _leave(self, conversation: Conversation) -> None:
        """The reply's stream is over, however that came; the next in line is at work."""
        self._line.remove(conversation)
        self._stopped.discard(conversation.id)
        if conversation.growing is not None and conversation.growing.ended is None:
            conversation.growing.ended = replace(conversation.growing.message, stop_reason=StopReason.DIED)
            self.catch_up(conversation)
        self._settle(conversation)
        if self._line and self._line[0].activity.work is Work.WAITING:
            self._busy(self._line[0], Work.STARTING)

    def _busy(self, conversation: Conversation, work: Work, done: int = 0, total: int = 0) -> None:
        activity = Activity(work, done, total)
        if activity != conversation.activity:
            conversation.activity = activity
            self.activity_changed.emit(conversation)

    # -- showing ----------------------------------------------------------------------------------------------------

    def _awake(self) -> None:
        if not self._timer.isActive():
            self._ticked = time.monotonic()
            self._timer.start()

    def _tick(self) -> None:
        now = time.monotonic()
        elapsed, self._ticked = now - self._ticked, now
        shown = self._shown
        if shown is None or shown.growing is None:
            self._timer.stop()
            return
        text = shown.growing.pacer.take(elapsed)
        if text:
            self.written.emit(shown.growing.begun.id, text)
        self._settle(shown)

    def _cut(self, conversation: Conversation) -> None:
        """The engine may be long done, but what the person has seen is where they stopped it: that is the reply."""
        growing = conversation.growing
        withheld = growing.pacer.withheld if growing is not None else 0
        if growing is None or growing.ended is None or not withheld:
            self.catch_up(conversation)
            return
        growing.pacer.rest()
        text = growing.ended.text[:-withheld]
        growing.ended = replace(growing.ended, text=text, stop_reason=StopReason.CANCELLED)
        storing = self._chats.put(conversation.id, growing.ended)
        self._tasks.spawn(storing, lambda error: self.failed.emit(conversation, error, False))
        self._settle(conversation)

    def catch_up(self, conversation: Conversation) -> None:
        """Shows at once what the pace still held back."""
        growing = conversation.growing
        if growing is None:
            return
        text = growing.pacer.rest()
        if text and conversation is self._shown:
            self.written.emit(growing.begun.id, text)
        self._settle(conversation)

    def _settle(self, conversation: Conversation) -> None:
        """A reply that has ended and is wholly shown takes its place in the tree."""
        growing = conversation.growing
        if growing is not None and growing.ended is not None and not len(growing.pacer):
            conversation.finish(growing.ended)
            if conversation is self._shown:
                self.ended.emit(conversation.view(growing.ended.id))
        if conversation.growing is None and conversation not in self._line and conversation.busy:
            self._busy(conversation, Work.NOTHING)
            self.show_last(conversation)
            self.done.emit(conversation)
