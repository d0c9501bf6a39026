"""For those who hear the window: what a drawn widget is, and sentences that a screen reader says at once.

Invariant: where no screen reader listens, nothing is made and nothing is said. What is said, and when, is others'
affair; names and descriptions are the widgets' own.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget


def tell_roles() -> None:
    """From now on a widget whose class has a `ROLE` is that to a screen reader, and not just a place to draw in."""
    QAccessible.installFactory(_face)


def _face(_kind: str, thing: QObject) -> QAccessibleInterface | None:
    role = getattr(type(thing), "ROLE", None)
    return QAccessibleWidget(thing, role) if isinstance(thing, QWidget) and role is not None else None


def heard() -> bool:
    """Whether somebody listens."""
    return QAccessible.isActive()


def say(widget: QWidget, sentence: str, *, urgent: bool = False) -> None:
    """Says a sentence, in the person's language; one that is urgent interrupts what is being said."""
    if not sentence or not heard():
        return
    event = QAccessibleAnnouncementEvent(widget, sentence)
    if urgent:
        event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
    QAccessible.updateAccessibility(event)
