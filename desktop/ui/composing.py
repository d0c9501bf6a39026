"""Fields under an input method: what is being composed is seen in them, but is not their text yet.

Invariant: no syllable is lost, doubled or taken by half: a field that loses the focus has the input method finish
first, and the keys that may end a composition are the input method's as long as there is one. What the text is for is
not known here.
"""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QTextBlock
from PySide6.QtWidgets import QPlainTextEdit

_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_ENDING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


def ends_composition(event: QEvent) -> bool:
    """Whether this key, pressed while something is being composed, is meant for the input method alone.

    Most systems keep such a key to themselves, or commit before they let it through; on others it comes first.
    """
    if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or event.key() not in _ENDING:
        return False
    if event.key() != Qt.Key.Key_Escape:
        QGuiApplication.inputMethod().commit()
    event.accept()
    return True


def writes(event: QKeyEvent) -> bool:
    """Whether this key is a letter, which was meant for a field where none has the focus."""
    text = event.text()
    return bool(text.strip()) and text.isprintable() and not event.modifiers() & _COMMAND


def joined(text: str, at: int, composing: str) -> str:
    """The text with what is being composed in its place; `at` counts as Qt does, in halves of UTF-16."""
    if not composing:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    parts = units[: 2 * at], composing.encode("utf-16-le", "surrogatepass"), units[2 * at :]
    return b"".join(parts).decode("utf-16-le", "surrogatepass")


def seen(block: QTextBlock) -> str:
    """A paragraph with what is being composed in it."""
    layout = block.layout()
    return joined(block.text(), layout.preeditAreaPosition(), layout.preeditAreaText())


class Composed(Protocol):
    """A field: what is being composed in it, and its text with that."""

    @property
    def composing(self) -> str: ...
    @property
    def seen(self) -> str: ...


def settle(field: Composed) -> None:
    """Has the input method finish, where there is something to finish."""
    if field.composing:
        QGuiApplication.inputMethod().commit()


def taken(field: Composed) -> str:
    """All of a field's text, for good: it is not asked again."""
    settle(field)
    if field.composing:  # the input method would answer too late
        QGuiApplication.inputMethod().reset()
    return field.seen


class Prose(QPlainTextEdit):
    """A field of several lines."""

    @property
    def composing(self) -> str:
        """What is being composed."""
        layout = self.textCursor().block().layout()
        return layout.preeditAreaText() if layout is not None else ""  # none while a document is being replaced

    @property
    def seen(self) -> str:
        """The text with what is being composed."""
        document = self.document()
        return "\n".join(seen(document.findBlockByNumber(at)) for at in range(document.blockCount()))

    def settle(self) -> None:
        """Has the input method finish."""
        settle(self)

    def taken(self) -> str:
        """All of the text, for good: the field is not asked again."""
        return taken(self)

    def event(self, event: QEvent) -> bool:
        return (bool(self.composing) and ends_composition(event)) or super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.settle()
        super().focusOutEvent(event)
