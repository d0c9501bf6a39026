"""Files that are opened with Alcove: named at the start, by a second start, or by macOS, which sends an event."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import PATIENCE_S, Program
from tests.flows.test_instance import line, stay


async def link(person: Person, file: str) -> None:
    tell("open")
    await person.link(Path(file))
    tell("taken")


async def link_of_event(person: Person, file: str) -> None:
    application = QApplication.instance()
    assert application is not None
    QApplication.postEvent(application, QFileOpenEvent(QUrl("https://example.org/page")))  # no file: nothing happens
    QApplication.postEvent(application, QFileOpenEvent(file))
    await link(person, file)


def test_a_start_with_a_file_asks_how_it_is_to_be_taken(alcove: Program, brief: Path) -> None:
    assert alcove.live(link, brief, "--", brief) == "open\ntaken\n"


def test_a_second_start_hands_its_file_to_the_first_window(alcove: Program, brief: Path) -> None:
    with alcove.at_the_window(link, brief) as first:
        assert line(first) == "open"
        second = alcove.run(brief)
        assert (second.status, second.out) == (0, "")
        assert line(first) == "taken"
        assert first.wait(PATIENCE_S) == 0


def test_an_event_of_the_system_opens_a_file(alcove: Program, brief: Path) -> None:
    assert alcove.live(link_of_event, brief) == "open\ntaken\n"


def test_quit_ends_the_open_window_and_waits_for_it(alcove: Program) -> None:
    assert alcove.run("quit").status == 0  # there is none
    with alcove.at_the_window(stay) as first:
        assert line(first) == "open"
        assert alcove.run("quit").status == 0
        assert first.poll() is not None or first.wait(1) == 0  # it lets go of the folder last of all
        assert first.returncode == 0
    assert alcove.run("quit").status == 0


async def be_minimised(person: Person) -> None:
    """A window nobody looks at ends, too."""
    person.window.showMinimized()
    tell("minimised")
    await until(lambda: False)


def test_quit_ends_a_window_that_lies_low(alcove: Program) -> None:
    with alcove.at_the_window(be_minimised) as first:
        assert line(first) == "minimised"
        assert alcove.run("quit").status == 0
        assert first.wait(PATIENCE_S) == 0
