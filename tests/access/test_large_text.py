"""At 200 % text on a small window, by keys alone: a question, a stop, another model; and what has the focus is seen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPlainTextEdit, QWidget

from desktop.services.paths import Paths
from tests.access import order
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import SETTINGS, Program

SMALL = (900, 600)
PANES = ("Models", "Settings", "Help", "Chat")


async def tab_to(person: Person, start: str) -> QWidget:
    """Presses Tab until the focus is on what is called so, or begins so where that ends in a space."""
    for _stop in range(order.MOST):
        here = QApplication.focusWidget()
        assert here is not None
        if called(here) == start or (start.endswith(" ") and called(here).startswith(start)):
            return here
        person.key(Qt.Key.Key_Tab)
    raise AssertionError(f"the Tab key does not come to {start}")


def called(widget: QWidget) -> str:
    return widget.accessibleName() or str(getattr(widget, "text", str)())


def in_view(person: Person, widget: QWidget) -> bool:
    """Whether all of it can be seen."""
    shown = QRect(widget.mapTo(person.window, QPoint(0, 0)), widget.size())
    return person.window.rect().contains(shown) and widget.visibleRegion().boundingRect().size() == widget.size()


async def by_keys_alone(person: Person, quick: str, long: str) -> None:
    person.window.resize(*SMALL)
    await person.bring(Path(quick), Path(long))
    await person.active()
    for name in PANES:
        (await tab_to(person, name)).setFocus()
        person.key(Qt.Key.Key_Space)
        await until(lambda: QApplication.focusWidget() is not None)
        assert person.window.size().toTuple() == SMALL, name  # nothing needs more room than there is
    await tab_to(person, "Message")
    for model in ("endless-chat", "brief-chat"):
        button = await tab_to(person, "Model: ")
        assert in_view(person, button)
        person.key(Qt.Key.Key_Space)
        menu = await until(QApplication.activePopupWidget)
        while not menu.activeAction() or not menu.activeAction().text().startswith(model):
            QTest.keyClick(menu, Qt.Key.Key_Down)
        QTest.keyClick(menu, Qt.Key.Key_Return)
        await until(partial(person.all, QAbstractButton, f"Model: {model}"))
        field = await tab_to(person, "Message")
        assert isinstance(field, QPlainTextEdit)
        assert in_view(person, field)
        person.type("tell me", field)
        person.key(Qt.Key.Key_Return)
        await until(lambda: not person.sees("Send"))
        await person.active()  # off screen nobody brings it forward when the menu has gone
        if model == "endless-chat":
            await until(lambda: len(person.conversation) == 2 and person.conversation[1], lambda: person.conversation)
            stop = await tab_to(person, "Stop")
            assert in_view(person, stop)
            person.key(Qt.Key.Key_Space)
        await person.answered()
        assert QApplication.focusWidget() is not None
    tell(person.conversation[-1])


def test_large_text_on_a_small_window_by_keys_alone(alcove: Program, brief: Path, endless: Path) -> None:
    Paths(alcove.home).create()
    Paths(alcove.home).preferences.write_text(SETTINGS + "text_size = 200\n")
    assert alcove.live(by_keys_alone, brief, endless).splitlines() == ["the 한글"]
