"""The conversation: a scroll area that holds a thousand messages and realises only the rows near what is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from desktop.panes.chat.message import MessageView
from desktop.ui.theme import Theme


class Transcript(QScrollArea):
    """Shows the active path of one chat. Every signal carries the message's id first."""

    copy_requested = Signal(str)  # copied already; for a passing note
    edit_submitted = Signal(str, str)  # id, the new text
    regenerate_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
    switch_requested = Signal(str, int)  # id, the version wanted, from 1
    reload_requested = Signal(str)
    link_requested = Signal(str)  # an address: ask before opening

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None: ...
    def show_chat(self, messages: Sequence[MessageView]) -> None:
        """Replaces everything and goes to the end."""

    def append_message(self, view: MessageView) -> None:
        """A new message below the last; goes to the end if it is the person's own."""

    def update_message(self, view: MessageView) -> None:
        """The message with this id has changed."""

    def stream(self, message_id: str, text: str) -> None:
        """More text of a reply; shown within a thirtieth of a second."""

    def finish(self, view: MessageView) -> None:
        """A streamed reply has ended; `view` holds all of it."""

    def remove_from(self, message_id: str) -> None:
        """Takes this message and all below it away."""

    def scroll_to(self, message_id: str, highlight: str = "") -> None:
        """Shows the message, and marks where `highlight` stands in it."""

    def set_faded(self, ids: Iterable[str]) -> None:
        """Messages that have left the context."""

    def edit(self, message_id: str) -> None:
        """Opens the message's editor in place."""
