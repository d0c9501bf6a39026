"""The way of the Tab key: in every place of the running program everything is reached once, in the order it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu

from tests.access import order, places
from tests.access.places import Place
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import Program


async def follow(visited: AsyncIterator[Place]) -> None:
    async for name, top in visited:
        if isinstance(top, QMenu) or name in ("title edited", "model renamed"):
            continue  # gone through by arrows; there leaving ends it
        top.activateWindow()
        await until(top.isActiveWindow)
        if QApplication.focusWidget() is None:
            tell(f"{name}: the focus is on nothing")
            continue
        there = await order.walk(top)
        back = await order.walk(top, Qt.Key.Key_Backtab)
        for fault in [*order.faults(there), *order.missed(top, there)]:
            tell(f"{name}: {fault}")
        both = {id(s.widget) for s in there} & {id(s.widget) for s in back}  # some come and go on the way
        ways = [[s for s in way if id(s.widget) in both] for way in (there, back)]
        forth = [id(s.widget) for s in ways[0]][::-1]
        at = forth.index(id(ways[1][0].widget))
        if forth[at:] + forth[:at] != [id(s.widget) for s in ways[1]]:
            tell(f"{name}: backwards it is another way: {[s.name for s in ways[1]]}")


async def follow_chats(person: Person, model: str, chat: str) -> None:
    await follow(places.chats(person, model, chat))


async def follow_models(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await follow(places.library(person))
    await follow(places.find(person))


async def follow_others(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await follow(places.others(person))


def test_the_way_through_the_chat_pane(alcove: Program, brief: Path, tmp_path: Path) -> None:
    chat = places.chat_file(tmp_path / "all.json", brief.stem)
    assert alcove.live(follow_chats, brief, chat).splitlines() == []


@pytest.mark.usefixtures("stalling_hub")
def test_the_way_through_the_models_pane(alcove: Program, brief: Path) -> None:
    assert alcove.live(follow_models, brief).splitlines() == []


def test_the_way_through_settings_and_help(alcove: Program, brief: Path) -> None:
    assert alcove.live(follow_others, brief).splitlines() == []


async def lose_nothing(person: Person, model: str, chat: str) -> None:
    """What is done by keys, one thing after the other; the focus is on something that can be seen after each."""
    control = Qt.KeyboardModifier.ControlModifier
    await person.bring(Path(model))
    person.drop([Path(chat)])
    await person.press("Models")
    await until(lambda: any("Everything" in row for row in person.rows()))
    await person.active()
    for number in (1, 2, 3, 4, 1):
        person.key(Qt.Key(Qt.Key.Key_0 + number), control)
        tell_where(f"pane {number}")
    person.key(Qt.Key.Key_F, control)
    tell_where("search")
    person.key(Qt.Key.Key_B, control)
    tell_where("folded")
    person.key(Qt.Key.Key_B, control)
    rows = person.list("Chats")
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    person.key(Qt.Key.Key_Delete)
    await until(lambda: person.sees("Undo"))
    tell_where("deleted")
    undo = next(b for b in person.all(QAbstractButton, "Undo"))
    undo.setFocus()
    person.key(Qt.Key.Key_Space)
    await until(lambda: not person.sees("Undo"))
    tell_where("undone")


def tell_where(action: str) -> None:
    here = QApplication.focusWidget()
    if here is None or not order.in_view(here):
        tell(f"{action}: the focus is on {here and order.called(here)}")


def test_the_focus_is_never_lost(alcove: Program, brief: Path, tmp_path: Path) -> None:
    chat = places.chat_file(tmp_path / "all.json", brief.stem)
    assert alcove.live(lose_nothing, brief, chat).splitlines() == []
