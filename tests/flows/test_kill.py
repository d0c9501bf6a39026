"""Processes that are killed while a reply streams: the window's, and the engine's."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QLabel

from desktop.assembly import Assembly
from desktop.core.chat import Message
from desktop.core.generation import StopReason
from desktop.panes.chat.body import NoteBody
from desktop.services.paths import Paths
from tests.flows.driver import tell
from tests.flows.person import SOON_S, Person, until
from tests.flows.program import PATIENCE_S, SETTINGS, Program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")

KILLS = 20
BEHIND_S = 0.25  # how much of the last text may be lost
QUESTION = "go"


def alphabet(length: int) -> str:
    return "".join(islice(cycle("abcdefghijklmnopqrstuvwxyz"), length))


async def ask_and_watch(person: Person, model: str) -> None:
    """Asks, and tells how many letters of the reply are seen, and since when."""
    await person.with_model(model)
    await person.ask(QUESTION)
    told = 0
    while True:
        seen = sum(map(len, person.conversation[1:]))
        if seen > told:
            told = seen
            tell(f"{time.monotonic()} {seen}")
        await asyncio.sleep(SOON_S)


def killed_while_streaming(alcove: Program, model: str, after_s: float) -> tuple[int, int]:
    """Kills the window so long after a first letter was seen: how many letters must be there, and how many might."""
    with alcove.at_the_window(ask_and_watch, model) as window:
        assert window.stdout is not None
        assert window.stderr is not None
        begun = window.stdout.readline()
        assert begun, window.stderr.read().decode()
        time.sleep(after_s)  # the random moment
        engines = psutil.Process(window.pid).children()
        at = time.monotonic()
        window.kill()
        told = [(float(line.split()[0]), int(line.split()[1])) for line in (begun, *window.stdout)]
    _gone, alive = psutil.wait_procs(engines, timeout=PATIENCE_S)
    assert alive == []  # no engine outlives its window
    return max(count for when, count in told if when <= max(at - BEHIND_S, told[0][0])), told[-1][1]


async def recovered(home: Path) -> list[Message]:
    """What the newest chat holds when the program is started again."""
    async with Assembly.opened(Paths(home)) as alcove:
        chat = max(await alcove.chats.all(), key=lambda chat: chat.created)
        return (await alcove.chats.messages(chat.id)).path(chat.tip)


def test_what_was_shown_survives_the_window(alcove: Program, endless: Path) -> None:
    alcove.run("models", "import", endless, "--link")
    Paths(alcove.home).preferences.write_text(SETTINGS)
    moments = random.Random(2)
    for _kill in range(KILLS):
        must, might = killed_while_streaming(alcove, endless.stem, moments.uniform(0.0, 1.0))
        question, reply = asyncio.run(recovered(alcove.home))
        assert question.text == QUESTION
        assert reply.stop_reason is StopReason.DIED
        assert reply.note
        assert reply.text == alphabet(len(reply.text))
        assert must <= len(reply.text), (must, len(reply.text), might)


async def lose_the_engine_twice(person: Person, model: str) -> None:
    """The engine is killed: the window says so and goes on; the second time it offers safer settings."""
    await person.with_model(model)
    await person.ask(QUESTION)
    kept = await engine_killed(person)
    await person.press("Continue the reply")
    await until(lambda: len(person.conversation[1]) > len(kept), lambda: person.conversation)
    await person.press("Stop")
    await person.answered()
    await person.ask("again")
    await until(lambda: len(person.conversation) == 4 and person.conversation[3], lambda: person.conversation)
    assert person.conversation[1].startswith(kept)
    await engine_killed(person)
    await person.press("Use safer settings")
    await until(engines)
    await person.answered()
    await person.ask("a third time")
    await until(lambda: len(person.conversation) == 6 and person.conversation[5], lambda: person.conversation)
    await person.press("Stop")
    assert (await person.answered())[5] == alphabet(len(person.conversation[5]))


def engines() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


async def engine_killed(person: Person) -> str:
    """Kills the engine as soon as some of the last reply is seen; the text that stays, which is marked."""
    notes = len(person.all(NoteBody))
    await until(lambda: len(person.conversation) % 2 == 0 and person.conversation[-1], lambda: person.conversation)
    seen = person.conversation[-1]
    (engine,) = engines()
    engine.kill()
    await person.answered()
    await until(lambda: len(person.all(NoteBody)) == notes + 1)
    assert any("ended from outside" in label.text() for label in person.all(QLabel)), person.sentences
    assert person.conversation[-1].startswith(seen)
    return person.conversation[-1]


def test_the_window_outlives_its_engine(alcove: Program, endless: Path) -> None:
    alcove.run("models", "import", endless, "--link")
    alcove.live(lose_the_engine_twice, endless.stem)

    async def chosen() -> Mapping[str, object]:
        async with Assembly.opened(Paths(alcove.home)) as program:
            (chat,) = await program.chats.all()
            return chat.settings

    assert asyncio.run(chosen())
