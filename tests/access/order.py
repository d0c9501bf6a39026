"""The way of the Tab key through a window: where it stops, in which order, and what is wrong with that.

Invariant: only the Tab key is pressed, wherever the focus is; nothing is known of what stands in the window.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QWidget
from shiboken6 import isValid

from desktop.ui.reading import Reading
from desktop.ui.translation import _

MOST = 400  # stops after which it is certain that there is no end
SLACK = 6  # pixels by which things in one line may stand higher or lower


@dataclass(frozen=True, slots=True)
class Step:
    """A stop, with where it and the one before stood at that moment."""

    widget: QWidget
    name: str
    rect: QRect
    before: QRect | None
    said: bool  # whether the one before is text
    seen: bool  # whether any of it was in view


def called(widget: QWidget) -> str:
    return f"{type(widget).__name__} “{widget.accessibleName() or getattr(widget, 'text', str)()}”"


def place(widget: QWidget) -> QRect:
    return QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())


def in_view(widget: QWidget) -> bool:
    """Whether some of it is within everything that it stands in."""
    shown, around = place(widget), widget.parentWidget()
    while around is not None and not widget.isWindow():
        shown, around = shown.intersected(place(around)), None if around.isWindow() else around.parentWidget()
    return widget.isVisible() and shown.height() > 1 and shown.width() > 1


async def walk(window: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> list[Step]:
    """Once around, from where one step leads: a field may be gone when it is left."""
    QTest.keyClick(QApplication.focusWidget() or window, key)
    first = before = QApplication.focusWidget()
    assert first is not None
    steps: list[Step] = []
    for _stop in range(MOST):
        QTest.keyClick(QApplication.focusWidget() or window, key)
        await asyncio.sleep(0)
        here = QApplication.focusWidget()
        if here is None:
            steps.append(Step(window, "nothing", QRect(), None, False, False))
            return steps
        if here is not before:  # else it has gone on to a link in the same text
            from_ = place(before) if isValid(before) else None
            steps.append(Step(here, called(here), place(here), from_, isinstance(before, Reading), in_view(here)))
            before = here
        if here is first:
            return steps
    return steps


def faults(steps: list[Step]) -> list[str]:
    found = [f"cannot be seen: {s.name}" for s in steps if not s.seen]
    widgets = [s.widget for s in steps]
    found += [f"visited twice: {s.name}" for i, s in enumerate(steps) if s.widget in widgets[:i]]
    if len(steps) >= MOST:
        found.append(f"never comes around: {[s.name for s in steps[-4:]]}")
    turns = [s for s in steps if _backwards(s)]
    if len(turns) > 1:  # once it begins anew
        found += [
            f"{s.name} at {s.rect.getRect()} after what stands at {s.before and s.before.getRect()}" for s in turns
        ]
    return found


def _backwards(step: Step) -> bool:
    here, before = step.rect, step.before
    if before is None or before.contains(here) or here.contains(before):
        return False
    if step.said:  # what can be done with a text may stand before it in its line, but comes after it
        return here.bottom() < before.top()
    return here.top() < before.bottom() - SLACK and here.left() < before.right() - SLACK


def missed(window: QWidget, steps: list[Step]) -> list[str]:
    """What takes the Tab key and can be seen, but is no stop."""
    stops = {id(step.widget) for step in steps}
    found = []
    for widget in window.findChildren(QWidget):
        inner = isinstance(widget.parentWidget(), QComboBox | QAbstractSpinBox) or widget.focusProxy() is not None
        takes = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and not inner
        if (
            takes
            and _("To the end") not in called(widget)
            and widget.isVisible()
            and widget.isEnabled()
            and id(widget) not in stops
        ):
            found.append(f"no stop: {called(widget)}")
    return found
