"""What went wrong in which chat, in a sentence with a way out, and the way out itself: loading the model again.

Invariant: a chat has at most one notice, which stays until it is read, acted upon, or the next reply begins, also while
another chat is shown. Words and buttons are the view's.
"""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QObject, Signal

from desktop.core.chat import Role
from desktop.core.errors import EngineDied, LoadError, PromptTooLong, TemplateError, UserError
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Action, Activity, Notice, Talk, Tasks, Work

_ACTIONS = (
    (EngineDied, Action.RELOAD),
    (LoadError, Action.RELOAD),
    (TemplateError, Action.TEMPLATE),
    (PromptTooLong, Action.SETTINGS),
)


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

    def of(self, chat_id: str) -> Notice | None:
        return self._by_chat.get(chat_id)

    def put(self, conversation: Conversation, notice: Notice | None) -> None:
        if notice is None:
            self._by_chat.pop(conversation.id, None)
        else:
            self._by_chat[conversation.id] = notice
        self.changed.emit(conversation, notice)

    def failed(self, conversation: Conversation, error: UserError) -> None:
        """Says the error; where the model has brought the engine down before, safer settings are offered with it."""
        action = next((action for kind, action in _ACTIONS if isinstance(error, kind)), Action.NOTHING)
        path = conversation.path()
        if action in (Action.NOTHING, Action.RELOAD) and path and path[-1].role is Role.USER:
            action = Action.AGAIN
        if not (action is Action.RELOAD and path and path[-1].note):  # the reply says it itself, with the same button
            self.put(conversation, Notice(error.message, error.fields, action))
        if action in (Action.RELOAD, Action.AGAIN) and conversation.id:
            self._tasks.spawn(self._offer_safer(conversation, error))

    async def _offer_safer(self, conversation: Conversation, error: UserError) -> None:
        settings = await self._talk.safer(conversation.id)
        if settings:
            self.put(conversation, Notice(error.message, error.fields, Action.SAFER, settings))

    def reload(self, conversation: Conversation, notice: Notice | None = None) -> None:
        """Loads the chat's model again, with the notice's settings if it has any."""
        if conversation.id and not conversation.busy:
            self._reloads[conversation.id] = self._tasks.spawn(self._reload(conversation, notice))

    def stop(self, conversation: Conversation) -> None:
        """Gives up a load that `reload` began."""
        task = self._reloads.get(conversation.id)
        if task is not None:
            task.cancel()

    async def _reload(self, conversation: Conversation, notice: Notice | None) -> None:
        self.put(conversation, None)
        self._work(conversation, Work.LOADING)
        try:
            await self._talk.reload(conversation.id, notice.settings if notice else None)
        except UserError as error:
            self.failed(conversation, error)
        finally:
            del self._reloads[conversation.id]
            self._work(conversation, Work.NOTHING)

    def _work(self, conversation: Conversation, work: Work) -> None:
        conversation.activity = Activity(work)
        self.worked.emit(conversation)
