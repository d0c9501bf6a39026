"""The running program as a screen reader meets it: every place is walked through, and nothing in it is nameless."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.access import places, tree
from tests.access.places import Place
from tests.flows.driver import tell
from tests.flows.person import Person
from tests.flows.program import Program


async def listen(visited: AsyncIterator[Place]) -> None:
    async for name, top in visited:
        read = tree.read(top)
        assert sum(1 for _node in read.walk()) > 2, name  # something was there to be read
        for fault in tree.faults(read):
            tell(f"{name}: {fault}")


async def listen_to_chats(person: Person, model: str, chat: str) -> None:
    await listen(places.chats(person, model, chat))


async def listen_to_models(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await listen(places.library(person))
    await listen(places.find(person))


async def listen_to_others(person: Person, model: str) -> None:
    await person.bring(Path(model))
    await listen(places.others(person))


def test_everything_in_the_chat_pane_can_be_heard(alcove: Program, brief: Path, tmp_path: Path) -> None:
    chat = places.chat_file(tmp_path / "all.json", brief.stem)
    assert alcove.live(listen_to_chats, brief, chat).splitlines() == []


@pytest.mark.usefixtures("stalling_hub")
def test_everything_in_the_models_pane_can_be_heard(alcove: Program, brief: Path) -> None:
    assert alcove.live(listen_to_models, brief).splitlines() == []


def test_everything_in_settings_help_and_menus_can_be_heard(alcove: Program, brief: Path) -> None:
    assert alcove.live(listen_to_others, brief).splitlines() == []
