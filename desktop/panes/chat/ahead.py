"""While a person types in a chat or looks at it, the talk is told, so that what is certain to come can be read already.

Invariant: a chat that is only passed by is not told of: one that is shown must stay for a while. What is read, and
whether it may be, is the talk's affair; that something was is told to whoever measures.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from desktop.core.chat import Chat
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Talk, Tasks

_STAYS_MS = 700  # what the list of chats is gone through with keys stays shorter (our judgement, not measured)


class Ahead(QObject):
    """Knows the chat that is shown and its draft. `measure` is called after something was read."""

    def __init__(
        self, talk: Talk, tasks: Tasks, measure: Callable[[Conversation, str], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._talk, self._measure = talk, measure
        self._tasks = tasks
        self._conversation: Conversation | None = None
        self._draft = ""
        self._staying = QTimer(self, singleShot=True, interval=_STAYS_MS)
        self._staying.timeout.connect(self._tell)

    def show(self, conversation: Conversation, draft: str) -> None:
        """This chat is shown now, or seen from another side."""
        self._conversation, self._draft = conversation, draft
        self._staying.start()

    def type(self, draft: str) -> None:
        """The draft of the chat shown, as it is just now."""
        self._draft = draft
        self._staying.stop()
        self._tell()

    def _tell(self) -> None:
        shown = self._conversation
        if shown is not None and shown.chat.binned is None:
            self._tasks.spawn(self._read(shown.chat))

    async def _read(self, chat: Chat) -> None:
        """What was read may be of the chat that is shown by then, which had left it to this call."""
        if await self._talk.ahead(chat, self._draft) and self._conversation is not None:
            self._measure(self._conversation, self._draft)
