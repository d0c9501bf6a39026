"""Every place of the running program, in every language: what is heard there, where Tab leads, how large it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollBar,
    QTabBar,
    QWidget,
)

from desktop.services.paths import Paths
from desktop.ui.palette import Palette
from desktop.ui.theme import TARGET
from tests.access import order, places, tree
from tests.access.places import Place
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import SETTINGS, Program

PATIENCE = 40  # looks, a twentieth of a second apart
PRESSED = (QAbstractButton, QComboBox, QAbstractSpinBox, QAbstractSlider, QLineEdit, QTabBar)
WITHIN = (QAbstractSpinBox, QComboBox, QAbstractItemView, QLineEdit)
EDITED = ("title edited", "model renamed")  # leaving the field ends it


async def visit(visited: AsyncIterator[Place]) -> None:
    async for name, top in visited:
        own = not isinstance(top, QFileDialog)  # that is Qt's, and comes only where the system has none
        faults = [*heard(top), *await measured(top), *await followed(name, top)] if own else []
        for fault in [*answered(top), *faults]:
            tell(f"{name}: {fault}")


def heard(top: QWidget) -> list[str]:
    """What a screen reader would stumble over."""
    read = tree.read(top)
    assert sum(1 for _node in read.walk()) > 2  # something was there to be read
    return tree.faults(read)


async def measured(top: QWidget) -> list[str]:
    """What is too small for an unsteady hand."""
    for _look in range(PATIENCE):
        if not any(small(top)):
            return []
        await asyncio.sleep(0.05)  # what was just unfolded has no size before it is laid out
    return list(small(top))


def small(top: QWidget) -> Iterator[str]:
    """The controls that are too small, with their sizes."""
    for control in top.findChildren(QWidget):
        if not isinstance(control, PRESSED) or isinstance(control, QScrollBar) or not control.isVisible():
            continue
        if isinstance(control.parentWidget(), WITHIN):
            continue  # a part of a control that is measured itself
        if min(control.width(), control.height()) < TARGET:
            yield f"{type(control).__name__} “{control.accessibleName()}”: {control.width()} × {control.height()}"


def answered(top: QWidget) -> list[str]:
    """What Enter does in a dialogue: there is one button for it, and the focus is in the dialogue from the start."""
    if not isinstance(top, QDialog):
        return []
    default = [b for b in top.findChildren(QPushButton) if b.isVisible() and b.isDefault()]
    faults = [] if len(default) == 1 else [f"default buttons: {[b.text() for b in default]}"]
    if not top.windowTitle() and not top.accessibleName():
        faults.append("a dialogue without a title")
    if not top.isAncestorOf(QApplication.focusWidget()):
        faults.append("the focus is not in it")
    return faults


async def followed(name: str, top: QWidget) -> list[str]:
    """The Tab key reaches everything once, in the order in which it is read, and the same way back."""
    if isinstance(top, QMenu) or name in EDITED or not top.isWindow():
        return []  # a menu is gone through by arrows
    if any(palette.isVisible() for palette in top.findChildren(Palette)):
        return []  # there Tab goes through the rows
    top.activateWindow()
    await until(top.isActiveWindow)
    if QApplication.focusWidget() is None:
        return ["the focus is on nothing"]
    there = await order.walk(top)
    back = await order.walk(top, Qt.Key.Key_Backtab)
    faults = [*order.faults(there), *order.missed(top, there)]
    both = {id(s.widget) for s in there} & {id(s.widget) for s in back}  # some come and go on the way
    ways = [[s for s in way if id(s.widget) in both] for way in (there, back)]
    forth = [id(s.widget) for s in ways[0]][::-1]
    at = forth.index(id(ways[1][0].widget))
    if forth[at:] + forth[:at] != [id(s.widget) for s in ways[1]]:
        faults.append(f"backwards it is another way: {[s.name for s in ways[1]]}")
    return faults


async def visit_chats(person: Person, model: str, chat: str) -> None:
    await visit(places.chats(person, model, chat))


async def visit_models(person: Person, model: str) -> None:
    await visit(places.library(person, model))
    await visit(places.find(person))


async def visit_others(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await visit(places.others(person))
    await visit(places.above(person))


@pytest.fixture(params=["en", "ko", "it"])
def spoken(request: pytest.FixtureRequest, alcove: Program) -> Program:
    """The program in one of its languages."""
    Paths(alcove.home).create()
    Paths(alcove.home).preferences.write_text(SETTINGS.replace('"en"', f'"{request.param}"'))
    return alcove


def test_the_chat_pane(spoken: Program, brief: Path, tmp_path: Path) -> None:
    chat = places.chat_file(tmp_path / "all.json", brief.stem)
    assert spoken.live(visit_chats, brief, chat) == ""


@pytest.mark.usefixtures("stalling_hub")
def test_the_models_pane(spoken: Program, brief: Path) -> None:
    assert spoken.live(visit_models, brief) == ""


def test_settings_help_menus_and_what_lies_above(spoken: Program, brief: Path) -> None:
    assert spoken.live(visit_others, brief) == ""
