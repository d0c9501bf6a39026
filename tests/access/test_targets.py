"""What is pressed is large enough for an unsteady hand: every control of the running program is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

from desktop.ui.theme import TARGET
from tests.access import places
from tests.access.places import Place
from tests.flows.driver import tell
from tests.flows.person import Person
from tests.flows.program import Program

PATIENCE = 40  # looks, a twentieth of a second apart
PRESSED = (QAbstractButton, QComboBox, QAbstractSpinBox, QAbstractSlider, QLineEdit, QTabBar)
WITHIN = (QAbstractSpinBox, QComboBox, QAbstractItemView, QLineEdit)


def small(top: QWidget) -> Iterator[str]:
    """The controls that are too small, with their sizes."""
    for control in top.findChildren(QWidget):
        if not isinstance(control, PRESSED) or isinstance(control, QScrollBar) or not control.isVisible():
            continue
        if isinstance(control.parentWidget(), WITHIN):
            continue  # a part of a control that is measured itself
        if min(control.width(), control.height()) < TARGET:
            yield f"{type(control).__name__} “{control.accessibleName()}”: {control.width()} × {control.height()}"


async def measure(visited: AsyncIterator[Place]) -> None:
    async for name, top in visited:
        for _ in range(PATIENCE):
            if not any(small(top)):
                break
            await asyncio.sleep(0.05)  # what was just unfolded has no size before it is laid out
        for fault in small(top):
            tell(f"{name}: {fault}")


async def measure_chats(person: Person, model: str, chat: str) -> None:
    await measure(places.chats(person, model, chat))


async def measure_models(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await measure(places.library(person))
    await measure(places.find(person))


async def measure_others(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await measure(places.others(person))


def test_targets_of_the_chat_pane(alcove: Program, brief: Path, tmp_path: Path) -> None:
    chat = places.chat_file(tmp_path / "all.json", brief.stem)
    assert alcove.live(measure_chats, brief, chat).splitlines() == []


@pytest.mark.usefixtures("stalling_hub")
def test_targets_of_the_models_pane(alcove: Program, brief: Path) -> None:
    assert alcove.live(measure_models, brief).splitlines() == []


def test_targets_of_settings_help_and_dialogues(alcove: Program, brief: Path) -> None:
    assert alcove.live(measure_others, brief).splitlines() == []
