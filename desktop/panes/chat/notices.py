"""What went wrong in which chat, in a sentence with a way out, and the way out itself: loading the model again.

Invariant: a chat has at most one notice, which stays until it is read, acted upon, or the next reply begins, also while
another chat is shown. Words and buttons are the view's.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from desktop.core.chat import Role
from desktop.core.errors import N_, EngineDied, LoadError, MemoryShort, PromptTooLong, TemplateError, UserError
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Action, Activity, Notice, Talk, Tasks, Work

_ACTIONS = (
    (EngineDied, Action.RELOAD),
    (LoadError, Action.RELOAD),
    (TemplateError, Action.TEMPLATE),
    (PromptTooLong, Action.SETTINGS),
)
_SAFER = N_("The model has stopped more than once. Safer settings ask less of the computer.")
_BINNED = Notice(N_("This chat is in the bin."), {}, Action.RESTORE)


class Notices(QObject):
    """Notices by chat. `worked` tells that the conversation's activity has changed."""

    changed = Signal(object, object)  # conversation, Notice or None
    worked = Signal(object)

    def __init__(self, talk: Talk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._talk = talk
        self._tasks = tasks
        self._by_chat: dict[str, Notice] = {}
        self._reloads: dict[str, asyncio.Task[None]] = {}

    def of(self, conversation: Conversation) -> Notice | None:
        if not conversation.id:
            return conversation.notice
        return self._by_chat.get(conversation.id) or (_BINNED if conversation.chat.binned is not None else None)

    def put(self, conversation: Conversation, notice: Notice | None) -> None:
        conversation.notice = notice
        if conversation.id and notice is not None:
            self._by_chat[conversation.id] = notice
        else:
            self._by_chat.pop(conversation.id, None)
        self.changed.emit(conversation, notice)

    def say(self, conversation: Conversation, error: UserError) -> None:
        """Says what could not be done in a chat, or with it."""
        action = next((action for kind, action in _ACTIONS if isinstance(error, kind)), Action.NOTHING)
        self.put(conversation, Notice(error.message, error.fields, action))

    def failed(self, conversation: Conversation, error: UserError) -> None:
        """A reply failed: says it where the reply does not say it itself, and how to get on."""
        path = conversation.path()
        died = isinstance(error, EngineDied | LoadError | MemoryShort)
        told = died and bool(path) and bool(path[-1].note)
        if not told:
            self.say(conversation, error)
        notice = self.of(conversation)
        if notice and notice.action in (Action.NOTHING, Action.RELOAD) and path and path[-1].role is Role.USER:
            self.put(conversation, replace(notice, action=Action.AGAIN))
        elif notice and notice.action is Action.RELOAD and path:
            self.put(conversation, replace(notice, action=Action.GO_ON))
        if died:
            self._tasks.spawn(self._offer_safer(conversation, UserError(_SAFER) if told else error))

    async def _offer_safer(self, conversation: Conversation, error: UserError) -> None:
        """Where the model has brought the engine down before, safer settings are offered with this sentence."""
        try:
            settings = await self._talk.safer(conversation.id)
        except UserError:
            return  # the model itself is gone, and that has been said
        if settings:
            self.put(conversation, Notice(error.message, error.fields, Action.SAFER, settings))

    def reload(self, conversation: Conversation, notice: Notice) -> None:
        """Loads the chat's model again, with the notice's settings if it has any."""
        if conversation.id and not conversation.busy:
            self._reloads[conversation.id] = self._tasks.spawn(self._reload(conversation, notice))

    def stop(self, conversation: Conversation) -> None:
        """Gives up a load that `reload` began."""
        task = self._reloads.get(conversation.id)
        if task is not None:
            task.cancel()

    async def _reload(self, conversation: Conversation, notice: Notice) -> None:
        self.put(conversation, None)
        self._work(conversation, Work.LOADING)
        settings = notice.settings
        try:
            await self._talk.reload(conversation.id, settings)
            if settings:
                conversation.chat = replace(conversation.chat, settings={**conversation.chat.settings, **settings})
        except UserError as error:
            self.say(conversation, error)
            if isinstance(error, EngineDied | LoadError):
                await self._offer_safer(conversation, error)
        finally:
            del self._reloads[conversation.id]
            self._work(conversation, Work.NOTHING)

    def _work(self, conversation: Conversation, work: Work) -> None:
        conversation.activity = Activity(work)
        self.worked.emit(conversation)
