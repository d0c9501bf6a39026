"""While a person types in a chat or looks at it, the talk is told, so that what is certain to come can be read already.

Invariant: a chat that is only passed by is not told of: one that is shown must stay for a while. What is read, and
whether it may be, is the talk's affair; nothing is shown.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Talk, Tasks

_STAYS_MS = 700  # what the list of chats is gone through with keys stays shorter (our judgement, not measured)


class Ahead(QObject):
    """Knows the chat that is shown and its draft."""

    def __init__(self, talk: Talk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._talk = talk
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
            self._tasks.spawn(self._talk.ahead(shown.chat, self._draft))
