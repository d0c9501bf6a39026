"""Two starts over one data folder: there is one window."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt

from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import PATIENCE_S, Process, Program


async def wait_minimised(person: Person, leave: str) -> None:
    """Lies low until another start brings the window forward."""
    person.window.showMinimized()
    await until(person.window.isMinimized)
    tell("minimised")
    await until(lambda: not person.window.isMinimized() and person.window.isVisible())
    tell("raised")
    await until(Path(leave).exists)


async def look(_person: Person) -> None:
    tell("looked")


async def stay(person: Person) -> None:
    tell("open")
    await until(lambda: person.window.windowState() == Qt.WindowState.WindowFullScreen)  # never


async def close_slowly(person: Person) -> None:
    """The disk is slow: the window is hidden already, and not all is written yet."""
    person.window.close()
    while person.window.isVisible():  # noqa: ASYNC110 - seen at once, or never
        await asyncio.sleep(0)
    tell("hidden")
    time.sleep(1.5)  # noqa: ASYNC251 - nothing else goes on meanwhile


async def close_beside_a_busy_engine(person: Person, model: str) -> None:
    """It stands still, as if the disk were slow; the system ends such a process when nobody is left to wake it."""
    await person.with_model(model)
    await person.ask("x")
    await person.answered()
    (engine,) = psutil.Process().children()
    engine.suspend()
    atexit.register(lambda: tell(engine.status()))


def line(process: Process) -> str:
    """The next thing that is told."""
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.readline().decode().strip() or process.stderr.read().decode()


def test_a_second_start_raises_the_first_window(alcove: Program, tmp_path: Path) -> None:
    with alcove.at_the_window(wait_minimised, tmp_path / "leave") as first:
        assert line(first) == "minimised"
        second = alcove.run()
        assert (second.status, second.out) == (0, "")
        assert line(first) == "raised"
        (tmp_path / "leave").touch()
        assert first.wait(PATIENCE_S) == 0


def test_a_start_while_the_window_closes_opens_a_new_one(alcove: Program) -> None:
    with alcove.at_the_window(close_slowly) as first:
        assert line(first) == "hidden"
        assert alcove.live(look) == "looked\n"
        assert first.wait(PATIENCE_S) == 0


@pytest.mark.skipif(os.name == "nt", reason="only POSIX lets a process pause")
def test_closing_does_not_wait_for_the_engine(alcove: Program, brief: Path) -> None:
    alcove.run("models", "import", brief, "--link")
    assert alcove.live(close_beside_a_busy_engine, brief.stem) == f"{psutil.STATUS_STOPPED}\n"


def test_another_data_folder_has_a_window_of_its_own(alcove: Program, tmp_path: Path) -> None:
    with alcove.at_the_window(wait_minimised, tmp_path / "leave") as first:
        assert line(first) == "minimised"
        assert Program(tmp_path / "다른 곳").live(look) == "looked\n"
        assert first.poll() is None


def test_the_lock_of_a_killed_window_is_taken_over(alcove: Program) -> None:
    with alcove.at_the_window(stay) as first:
        assert line(first) == "open"
        first.kill()
    assert (alcove.home / "window.lock").exists()
    assert alcove.live(look) == "looked\n"
    assert not (alcove.home / "window.lock").exists()


def test_the_command_line_works_beside_the_window(alcove: Program, brief: Path) -> None:
    with alcove.at_the_window(stay) as window:
        assert line(window) == "open"
        made = alcove.run("models", "import", brief, "--link", "--json")
        assert (made.status, json.loads(made.out)["name"]) == (0, "brief-chat")
        assert alcove.run("chat", "brief", "-p", "x", "--threads", "1").status == 0
        assert window.poll() is None
