"""For those who hear the window: what a drawn widget is, and sentences that a screen reader says at once.

Invariant: where no screen reader listens, nothing is made and nothing is said. What is said, and when, is others'
affair; names and descriptions are the widgets' own.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleInterface
from PySide6.QtWidgets import QAbstractButton, QAccessibleWidget, QWidget


def tell_roles() -> None:
    """From now on a widget whose class has a `ROLE` is that to a screen reader, and not just a place to draw in."""
    QAccessible.installFactory(_face)


def _face(_kind: str, thing: QObject) -> QAccessibleInterface | None:
    role = getattr(type(thing), "ROLE", None)
    if not isinstance(thing, QWidget) or role is None:
        return None
    return _Tab(thing, role) if role is QAccessible.Role.PageTab else QAccessibleWidget(thing, role)


class _Tab(QAccessibleWidget):
    """A button that leads to a page, which Qt would call a check box: it tells which of them is shown."""

    def state(self) -> QAccessible.State:
        state, button = super().state(), self._button
        state.selectable, state.selected = True, button.isChecked()
        return state

    def actionNames(self) -> list[str]:
        return [self.pressAction(), *super().actionNames()]

    def doAction(self, name: str) -> None:
        if name == self.pressAction():
            self._button.click()
        else:
            super().doAction(name)

    @property
    def _button(self) -> QAbstractButton:
        button = self.object()
        assert isinstance(button, QAbstractButton)
        return button


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
