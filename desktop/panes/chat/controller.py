"""The chat that is shown: opens it, asks in it, changes it, and tells the view what to show.

Invariants: a chat is made when its first message is sent, not before; what a person typed stays in `drafts` until it is
stored. Replies are followed by `replies`; title, model and settings are `head`'s, the words a person reads the view's.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Coroutine, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.chat import Chat, Role, Tree
from desktop.core.errors import UserError
from desktop.core.talk import ContextUse, TalkEvent
from desktop.panes.chat.ahead import Ahead
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Activity, ModelChoice, Notice, Talk, Tasks, Work
from desktop.panes.chat.files import ChatFiles
from desktop.panes.chat.head import Head
from desktop.panes.chat.insight import Insight
from desktop.panes.chat.listing import Listing
from desktop.panes.chat.notices import Notices
from desktop.panes.chat.pacing import PACE
from desktop.panes.chat.removals import Removals
from desktop.panes.chat.replies import Replies
from desktop.services.chats.chats import Chats

_GUIDE = ""  # the name of the built-in model in `Chat.model`


class ChatController(QObject):
    """What the view calls, and what it listens to; messages come from `replies`, the list from `listing`."""

    shown = Signal(object, list)  # Chat, its MessageViews: another chat, or the same from another side
    head_changed = Signal(object)  # Chat: title, model, opening
    found = Signal(str, str)  # message id, words to mark
    left = Signal(object)  # ids of messages that have left the context
    activity_changed = Signal(object)
    notice_changed = Signal(object)  # Notice, or None
    context_changed = Signal(object)  # ContextUse, or None where it cannot be told
    device_changed = Signal(str)  # where the model runs that was loaded for a reply
    draft_changed = Signal(str)  # what belongs into the composer
    models_changed = Signal(list)

    def __init__(
        self, chats: Chats, talk: Talk, tasks: Tasks, files: ChatFiles, drafts: MutableMapping[str, str]
    ) -> None:
        super().__init__()
        self._chats = chats
        self._talk = talk
        self._tasks = tasks
        self._drafts = drafts
        self._models: list[ModelChoice] = []
        self._asked_for = ""  # the chat opened last; loading another may end later
        self._current = self._unsaved(_GUIDE)
        self.listing = Listing(chats, tasks, self)
        self.replies = Replies(chats, talk, tasks, self)
        self.notices = Notices(talk, tasks, self)
        self.insight = Insight(talk, tasks, self)
        self.ahead = Ahead(talk, tasks, self.insight.measure, self)
        self.removals = Removals(chats, tasks, self)
        self.head = Head(self._current, chats, self.listing, tasks, self)
        self.files = files
        self.replies.show(self._current)
        self._connect()

    def _connect(self) -> None:
        replies, notices, listing, head = self.replies, self.notices, self.listing, self.head
        replies.left.connect(self.left)
        replies.device.connect(lambda _conversation, device: self.device_changed.emit(device))
        replies.stored.connect(self._on_stored)
        replies.retitled.connect(self._on_retitled)
        replies.failed.connect(self._on_failed)
        replies.activity_changed.connect(self._on_activity)
        replies.done.connect(self._on_done)
        head.changed.connect(self.head_changed)
        head.changed.connect(lambda _chat: self._show_ways_on())
        head.failed.connect(self.show_error)
        notices.changed.connect(self._on_notice)
        notices.worked.connect(self._on_activity)
        listing.gone.connect(self._on_gone)
        listing.changed.connect(self._on_listed)
        self.insight.measured.connect(self._on_measured)
        self.removals.changed.connect(lambda chat_id: self._spawn(self._reload(chat_id)))
        self.files.added.connect(listing.refresh)
        self.files.added.connect(self.open)

    # -- which chat -------------------------------------------------------------------------------------------------

    @property
    def chat(self) -> Chat:
        return self._current.chat

    @property
    def empty(self) -> bool:
        return not self._current.path()

    @property
    def activity(self) -> Activity:
        return self._current.activity

    @property
    def models(self) -> Sequence[ModelChoice]:
        return self._models

    def completes(self, name: str) -> bool:
        """Whether this model goes on with the text by itself, where the opening chooses no template."""
        return any(m.completes for m in self._models if m.name == name)

    @property
    def completion(self) -> bool:
        """Whether the chat's model goes on with the text now."""
        return self._current.completion

    def text_of(self, message_id: str) -> str:
        """A message of the chat that is shown; "" where it is not in it."""
        return self._current.tree[message_id].text if message_id in self._current.tree else ""

    def last_own(self) -> str | None:
        return None if self._current.busy else self._current.last_own()

    def start(self) -> None:
        """Reads the list, and shows an empty chat with the model used last, if it is still there."""
        self._show(self._unsaved(_GUIDE))
        self._spawn(self._begin(self._current))

    async def _begin(self, first: Conversation) -> None:
        model = await self.listing.newest_model()
        if first is self._current and not first.id and not first.busy and any(m.name == model for m in self._models):
            self.choose_model(model)

    def new_chat(self) -> None:
        """An empty chat with the model of the one before; asks nothing of the disk."""
        self._asked_for = ""
        if self._current.id:
            self._show(self._unsaved(self.chat.model))
        else:
            self.shown.emit(self.chat, [])

    def open(self, chat_id: str, message_id: str = "", words: str = "") -> None:
        """Shows a chat; at a message, where one is named."""
        self._asked_for = chat_id
        self._spawn(self._open(chat_id, message_id, words))

    async def _open(self, chat_id: str, message_id: str = "", words: str = "") -> None:
        known = self._current if self._current.id == chat_id else self.replies.of(chat_id)
        if known is None:
            known = await self._read(chat_id)
        if self._asked_for != chat_id:
            return
        if message_id and message_id in known.tree and known.view(message_id) is None and not known.busy:
            tip = known.tree.newest_leaf(message_id)  # found in another branch, where the next question belongs
            known.chat = replace(known.chat, tip=tip)
            await self._chats.update(chat_id, tip=tip)
        if self._asked_for != chat_id:
            return
        self._show(known)
        if message_id:
            self.found.emit(message_id, words)

    async def _read(self, chat_id: str) -> Conversation:
        return Conversation(await self._chats.get(chat_id), await self._chats.messages(chat_id), self.completes)

    def _unsaved(self, model: str) -> Conversation:
        now = time.time()
        return Conversation(Chat("", "", now, now, model=model), Tree(), self.completes)

    def _show(self, conversation: Conversation) -> None:
        self._current = conversation
        self.replies.show(conversation)
        self.head.show(conversation)
        self.listing.mark(conversation.id, conversation.activity.work)
        self.shown.emit(conversation.chat, conversation.views())
        self.left.emit(conversation.left)
        self.activity_changed.emit(conversation.activity)
        self.notice_changed.emit(self.notices.of(conversation))
        self.draft_changed.emit(self._drafts.get(conversation.id, ""))
        self.measure("")

    # -- asking -----------------------------------------------------------------------------------------------------

    def send(self, text: str) -> bool:
        """Asks what was written; False where a reply is still being written, and the text should stay where it is."""
        if not self.suggest(text):
            return False
        self._drafts[self._current.id] = text
        self.draft_changed.emit("")
        return True

    def suggest(self, text: str) -> bool:
        """Asks what was not written by the person, whose draft stays. False as for `send`."""
        if not text.strip() or not self._free():
            return False
        self.dismiss()
        self._current.activity = Activity(Work.STARTING)
        self._on_activity(self._current)
        self._spawn(self._send(self._current, text))
        return True

    async def _send(self, conversation: Conversation, text: str) -> None:
        before = conversation.id
        try:
            await self.head.store(conversation)
        except UserError as error:
            conversation.activity = Activity()
            self._on_activity(conversation)
            self._on_failed(conversation, error, True)
            return
        if not before and conversation is self._current:
            self._asked_for = conversation.id
        if draft := self._drafts.pop(before, ""):
            self._drafts[conversation.id] = draft
        self._start(conversation, self._talk.ask(conversation.id, text))

    def regenerate(self, message_id: str) -> None:
        if self._free():
            self._start(self._current, self._talk.regenerate(self.chat.id, message_id))

    def ask_again(self) -> None:
        if (own := self.last_own()) is not None:
            self.regenerate(own)

    def continue_reply(self, message_id: str) -> None:
        if self._free():
            self._start(self._current, self._talk.continue_reply(self.chat.id, message_id))

    def go_on(self) -> None:
        """Continues the last reply."""
        path = self._current.path()
        if path and path[-1].role is Role.ASSISTANT:
            self.continue_reply(path[-1].id)

    def edit(self, message_id: str, text: str) -> None:
        if text.strip() and self._free():
            self._start(self._current, self._talk.edit(self.chat.id, message_id, text))

    def stop(self) -> None:
        self.replies.stop(self._current)
        self.notices.stop(self._current)

    def _free(self) -> bool:
        """Whether this chat can be asked; a reply that is only still being shown is shown at once."""
        if self._current.growing is not None and self._current.growing.ended is not None:
            self.replies.catch_up(self._current)
        return not self._current.busy

    def _start(self, conversation: Conversation, events: AsyncIterator[TalkEvent]) -> None:
        self.notices.put(conversation, None)
        self.replies.start(conversation, events, PACE if conversation.chat.model == _GUIDE else 0.0)

    # -- changing the chat ------------------------------------------------------------------------------------------

    def switch(self, message_id: str, version: int) -> None:
        """Shows another version of a message, and what followed it."""
        tip = self._current.version(message_id, version)
        if tip is not None and self._free():
            before = [m.id for m in self._current.path()]
            self._current.chat = replace(self.chat, tip=tip)
            self._spawn(self._chats.update(self.chat.id, tip=tip))
            self._reshow(before)
            self.found.emit(self._current.tree.siblings(message_id)[version - 1].id, "")

    def delete(self, message_id: str) -> None:
        if self._free():
            self.removals.delete(self.chat.id, message_id)

    def clear(self) -> None:
        if self._free() and not self.empty:
            self.removals.clear(self.chat.id)

    async def _reload(self, chat_id: str) -> None:
        """Reads a chat again, if it is the one shown."""
        fresh = await self._read(chat_id)
        if chat_id == self._current.id and not self._current.busy:
            before = [m.id for m in self._current.path()]
            self._current.chat, self._current.tree = fresh.chat, fresh.tree
            if self.chat.binned is None:  # what went wrong was about other messages
                self.dismiss()
            self._reshow(before)

    def _reshow(self, before: list[str]) -> None:
        """The same chat, seen from another side: what was not changed stays where it is."""
        self.replies.show_change(self._current, before)
        self.left.emit(self._current.left)
        self.measure("")

    def choose_model(self, name: str) -> None:
        self.head.choose_model(name)
        self.measure("")

    def set_models(self, models: Sequence[ModelChoice]) -> None:
        self._models = list(models)
        self.models_changed.emit(self._models)
        self._show_ways_on()

    # -- about the prompt -------------------------------------------------------------------------------------------

    def keep_draft(self, text: str) -> None:
        """What stands in the composer, so that it is there when the chat is shown again."""
        if text:
            self._drafts[self._current.id] = text
        else:
            self._drafts.pop(self._current.id, None)

    def measure(self, draft: str) -> None:
        """Tells how full the context is with this draft."""
        self.insight.measure(self._current, draft)
        self.ahead.show(self._current, draft or self._drafts.get(self._current.id, ""))

    def show_prompt(self) -> None:
        """What the model would get now; there is nothing to get in a chat without messages."""
        if not self.empty:
            self._spawn(self.insight.make_prompt(self._current))

    def _on_measured(self, conversation: Conversation, use: ContextUse | None) -> None:
        if conversation is self._current:
            self.context_changed.emit(use)
            self.left.emit(conversation.left)

    # -- what went wrong --------------------------------------------------------------------------------------------

    def act(self, notice: Notice) -> None:
        """A notice's button that is not the window's affair: loads the model again."""
        self.notices.reload(self._current, notice)

    def dismiss(self) -> None:
        """The notice has been read."""
        self.notices.put(self._current, None)

    def show_error(self, error: UserError) -> None:
        """A failure without a place of its own is said in the chat that is shown."""
        self.notices.say(self._current, error)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.spawn(work, self.show_error)

    def _on_failed(self, conversation: Conversation, error: UserError, nothing_stored: bool) -> None:
        if nothing_stored and conversation is self._current:
            self.draft_changed.emit(self._drafts.get(conversation.id, ""))
        self.notices.failed(conversation, error)

    def _on_notice(self, conversation: Conversation, notice: Notice | None) -> None:
        if conversation is self._current:
            self.notice_changed.emit(notice)

    # -- what the replies tell --------------------------------------------------------------------------------------

    def _on_stored(self, conversation: Conversation, text: str) -> None:
        if self._drafts.get(conversation.id) == text:
            del self._drafts[conversation.id]

    def _show_ways_on(self) -> None:
        """Another model or opening may let the last reply be continued, or not any more."""
        if not self._current.busy:
            self.replies.show_last(self._current)

    def _on_retitled(self, conversation: Conversation, title: str) -> None:
        conversation.chat = replace(conversation.chat, title=title)
        self.listing.refresh()
        if conversation is self._current:
            self.head_changed.emit(conversation.chat)

    def _on_activity(self, conversation: Conversation) -> None:
        self.listing.mark(conversation.id, conversation.activity.work)
        if conversation is self._current:
            self.activity_changed.emit(conversation.activity)

    def _on_done(self, conversation: Conversation) -> None:
        self.listing.mark(conversation.id, Work.NOTHING, unread=conversation is not self._current)
        self.listing.refresh()
        if conversation is self._current:
            self.measure("")

    def _on_gone(self, chat_id: str) -> None:
        """The chat shown went to the bin: the newest other one is shown, or an empty one."""
        if chat_id == self._current.id:
            self.listing.was_open = chat_id
            self.replies.catch_up(self._current)
            self.stop()
            if self.listing.chats:
                self.open(self.listing.chats[0].id)
            else:
                self.new_chat()

    def _on_listed(self, chat_id: str) -> None:
        chat = next((c for c in self.listing.chats if c.id == chat_id), None)
        if chat is not None and chat_id == self._current.id:
            if self.chat.binned is not None:
                self.notices.put(self._current, None)
            self.head.listed(chat)
