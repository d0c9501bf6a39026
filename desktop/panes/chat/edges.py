"""What the chat pane needs from outside, as types, and what it asks of the window.

Invariant: nothing here does anything; `services.chats.talk.Talk` fits `Talk`, `ui.loop.Tasks` fits `Tasks`, and tests
put a scripted talk in its place. Chats are stored by `services.chats.chats`, which tests use as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from desktop.core.chat import Chat, Opening
from desktop.core.errors import UserError
from desktop.core.settings import Value
from desktop.core.talk import ContextUse, ExactPrompt, TalkEvent


class Talk(Protocol):
    """Where replies come from. Every method may raise `UserError`."""

    def ask(self, chat_id: str, text: str) -> AsyncIterator[TalkEvent]: ...
    def regenerate(self, chat_id: str, message_id: str) -> AsyncIterator[TalkEvent]: ...
    def edit(self, chat_id: str, message_id: str, text: str) -> AsyncIterator[TalkEvent]: ...
    def continue_reply(self, chat_id: str, message_id: str) -> AsyncIterator[TalkEvent]: ...
    async def stop(self, chat_id: str) -> None: ...
    async def ahead(self, chat: Chat, draft: str) -> bool: ...
    async def exact_prompt(self, chat_id: str) -> ExactPrompt: ...
    async def context_use(self, chat_id: str, draft: str = "") -> ContextUse: ...
    async def preview(self, opening: Opening, model_name: str) -> str: ...
    async def reload(self, chat_id: str, override: Mapping[str, Value] | None = None) -> None: ...
    async def safer(self, chat_id: str) -> Mapping[str, Value]: ...


class Tasks(Protocol):
    """What keeps a coroutine running; `show` says its `UserError` where the person is."""

    def spawn(
        self, coro: Coroutine[Any, Any, Any], show: Callable[[UserError], None] | None = None
    ) -> asyncio.Task[None]: ...


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model a chat can use. `name` is what `Chat.model` holds: "" for the built-in guide."""

    name: str
    label: str
    detail: str = ""  # "Q4_K_M · 4.4 GB", written in the window's language
    completes: bool = False  # a base model without a template: it goes on with the text unless one is chosen


class Work(StrEnum):
    """What a chat is busy with."""

    NOTHING = ""
    WAITING = "waiting"  # until the engine has done something else, mostly the reply of another chat
    STARTING = "starting"
    LOADING = "loading"
    READING = "reading"
    WRITING = "writing"


@dataclass(frozen=True, slots=True)
class Activity:
    """`done` of `total` tokens while reading, per mille while loading; total 0: not known."""

    work: Work = Work.NOTHING
    done: int = 0
    total: int = 0


class Action(StrEnum):
    """What a notice offers."""

    NOTHING = ""
    RELOAD = "reload"
    AGAIN = "again"  # the question has no reply yet: asks for it once more
    GO_ON = "go on"  # the reply is not whole: loads the model again, if it must be, and goes on with it
    SAFER = "safer"
    TEMPLATE = "template"
    SETTINGS = "settings"
    RESTORE = "restore"  # out of the bin


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence in the conversation: a message id and its fields. `settings` are those a `SAFER` click would set."""

    message: str
    fields: Mapping[str, object]
    action: Action = Action.NOTHING
    settings: Mapping[str, Value] | None = None
