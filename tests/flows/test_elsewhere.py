"""While something else is in front: an end by the system, another palette, the bin, a copy beside an offer to undo."""

from __future__ import annotations

import asyncio

from PySide6.QtWidgets import QApplication, QLineEdit

from desktop.panes.chat.view import ChatView
from desktop.ui.bars import Bar
from desktop.ui.menus import Command
from tests.flows.person import Person, until
from tests.flows.program import Program

EVERYTHING, MODELS = "Search commands, chats and models", "Choose a model for this chat"


def command(person: Person, command: Command) -> None:
    person.window.menus.action(command).trigger()


async def be_ended(person: Person) -> None:
    """By the Dock or the session, where closing the window would not end the program."""
    await person.ask("Which model suits my computer?")
    await person.answered()
    person.window.stays = lambda: True
    QApplication.quit()
    assert person.window.isVisible()  # nothing has closed yet: the loop does that, in its order
    await asyncio.sleep(60)


async def choose_while_searching(person: Person) -> None:
    """The palette of models takes the place of the whole one; the same keys again close it."""
    for wanted in (Command.PALETTE, Command.CHOOSE_MODEL):
        command(person, wanted)
    await until(lambda: person.all(QLineEdit, MODELS))
    assert not person.all(QLineEdit, EVERYTHING)
    command(person, Command.CHOOSE_MODEL)
    await until(lambda: not person.all(QLineEdit, MODELS))


async def undo_in_sight(person: Person) -> None:
    """A copy does not take the offer to undo away; what goes to the bin comes into sight, with the list."""
    await person.ask("Which model suits my computer?")
    await person.answered()
    view = person.window.shown
    assert isinstance(view, ChatView)
    view.undo_bar.say("Message deleted", {}, "Undo")
    command(person, Command.COPY_REPLY)
    assert view.undo_bar.text == "Message deleted"
    view.undo_bar.hide()
    command(person, Command.COPY_REPLY)
    assert view.undo_bar.text == "The reply was copied."
    person.window.show_pane("settings")
    command(person, Command.CHAT_LIST)
    command(person, Command.BIN)
    await until(lambda: "The chat is in the bin" in [bar.text for bar in person.all(Bar)])
    assert person.window.pane == "chat"


def test_the_system_ends_it_in_order(alcove: Program) -> None:
    alcove.live(be_ended)


def test_one_palette_takes_the_place_of_the_other(alcove: Program) -> None:
    alcove.live(choose_while_searching)


def test_what_can_be_undone_stays_in_sight(alcove: Program) -> None:
    alcove.live(undo_in_sight)
