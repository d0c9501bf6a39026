"""The head of the chat that is shown: title, pin, model, opening and settings, as the person changes them.

Invariant: a chat without a place in the database keeps every change in memory, and `store` gives it that place once;
looking at its settings or its opening stores nothing. Messages are not known here, and the list is `listing`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Unpack

from PySide6.QtCore import QObject, Signal

from desktop.core.chat import Chat, Opening
from desktop.core.errors import UserError
from desktop.core.settings import Value
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Tasks
from desktop.panes.chat.listing import Listing
from desktop.services.chats.chats import Changes, Chats

_PARTS = ("title", "titled", "pinned", "model", "opening", "settings")


class Head(QObject):
    """Changes the head of one conversation, the one shown last."""

    changed = Signal(object)  # the Chat
    failed = Signal(object)  # a UserError

    def __init__(
        self, conversation: Conversation, chats: Chats, listing: Listing, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._conversation = conversation
        self._chats = chats
        self._listing = listing
        self._tasks = tasks

    def show(self, conversation: Conversation) -> None:
        """From now on this one is meant."""
        self._conversation = conversation

    def rename(self, title: str) -> None:
        if not title.strip():
            return
        if self._conversation.id:
            self._listing.rename(self._conversation.id, title)
        else:
            self._set(title=title.strip(), titled=True)

    def pin(self, pinned: bool) -> None:
        if self._conversation.id:
            self._listing.pin(self._conversation.id, pinned)
        else:
            self._set(pinned=pinned)

    def to_bin(self) -> None:
        if self._conversation.id:
            self._listing.bin(self._conversation.id)

    def restore(self) -> None:
        """Takes the chat out of the bin."""
        self._listing.restore(self._conversation.id)

    def set_opening(self, opening: Opening) -> None:
        self._set(opening=opening)

    def choose_model(self, name: str) -> None:
        self._set(model=name)

    def set_settings(self, settings: Mapping[str, Value]) -> None:
        """All that is set for this chat."""
        self._set(settings=dict(settings))

    def listed(self, chat: Chat) -> None:
        """What the list says of this chat now."""
        now = self._conversation.chat
        self._put(replace(now, title=chat.title, titled=chat.titled, pinned=chat.pinned, binned=chat.binned))

    async def store(self, conversation: Conversation) -> None:
        """Gives the chat its place in the list, where it has none. Raises `StorageError`."""
        given = conversation.chat
        if given.id and given.binned is None:
            return
        if given.id:
            await self._chats.unbin(given.id)
            conversation.chat = replace(conversation.chat, binned=None)
        else:
            made = await self._chats.create(given)
            now = conversation.chat
            conversation.chat = replace(now, id=made.id, created=made.created, updated=made.updated)
            meanwhile = {part: getattr(now, part) for part in _PARTS if getattr(now, part) != getattr(given, part)}
            if meanwhile:
                await self._chats.update(made.id, **meanwhile)
        await self._listing.load()
        if conversation is self._conversation:
            self.changed.emit(conversation.chat)

    def _set(self, **changes: Unpack[Changes]) -> None:
        chat = replace(self._conversation.chat, **changes)
        self._put(chat)
        if chat.id:
            self._tasks.spawn(self._chats.update(chat.id, **changes), self._fail)

    def _put(self, chat: Chat) -> None:
        self._conversation.chat = chat
        self.changed.emit(chat)

    def _fail(self, error: UserError) -> None:
        self.failed.emit(error)
