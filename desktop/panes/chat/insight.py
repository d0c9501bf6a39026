"""What the model gets to see: how full its context is, the exact prompt, the prompt that an opening would make.

Invariant: looking changes nothing; where it cannot be told, nothing is shown instead of a guess.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from desktop.core.chat import Opening
from desktop.core.errors import UserError
from desktop.core.talk import ExactPrompt
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.edges import Talk, Tasks


class Insight(QObject):
    """Asks the talk and tells what came back."""

    measured = Signal(object, object)  # conversation, ContextUse or None
    prompt_made = Signal(object)  # ExactPrompt

    def __init__(self, talk: Talk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._talk = talk
        self._tasks = tasks

    def measure(self, conversation: Conversation, draft: str) -> None:
        """How full the context of a chat is with this draft."""
        if conversation.id:
            unknown: Callable[[UserError], None] = lambda _: self.measured.emit(conversation, None)  # noqa: E731
            self._tasks.spawn(self._measure(conversation, draft), unknown)
        else:
            self.measured.emit(conversation, None)

    async def _measure(self, conversation: Conversation, draft: str) -> None:
        use = await self._talk.context_use(conversation.id, draft)
        conversation.left = use.left
        self.measured.emit(conversation, use)

    async def make_prompt(self, conversation: Conversation) -> None:
        made: ExactPrompt = await self._talk.exact_prompt(conversation.id)
        self.prompt_made.emit(made)

    def preview(
        self, opening: Opening, model: str, show: Callable[[str], None], fail: Callable[[UserError], None]
    ) -> None:
        """Gives `show` the prompt that an opening makes, or `fail` the reason why it makes none."""
        self._tasks.spawn(self._preview(opening, model, show), fail)

    async def _preview(self, opening: Opening, model: str, show: Callable[[str], None]) -> None:
        show(await self._talk.preview(opening, model))
