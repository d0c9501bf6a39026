"""A chat pane's controller over a real database and a scripted talk, inside the event loop of a running application."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import UserError
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.edges import ModelChoice, Work
from desktop.panes.chat.files import ChatFiles
from desktop.panes.chat.transcript import Transcript
from desktop.panes.chat.view import ChatView
from desktop.services.chats.chats import Chats
from desktop.services.chats.store import Store
from desktop.services.chats.transcripts import Transcripts
from desktop.services.paths import Paths
from desktop.ui.loop import Tasks
from desktop.ui.theme import Theme
from tests.panes.chat.screen import Screen
from tests.panes.chat.scripted import ScriptedTalk

os.environ["QT_API"] = "pyside6"
import qasync

T = TypeVar("T")
Wait = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture
def wait(qtbot, qapp) -> Iterator[Wait[Any]]:
    """Runs a coroutine to its end while the application goes on."""
    loop = qasync.QEventLoop(already_running=True)
    asyncio.set_event_loop(loop)

    def until_done(coroutine: Coroutine[Any, Any, T]) -> T:
        task = loop.create_task(coroutine)
        qtbot.waitUntil(task.done, timeout=5_000)
        return task.result()

    yield until_done
    loop.stop()  # also tells the application to quit, which lasts until it has run and quit once more
    QTimer.singleShot(0, qapp.quit)
    qapp.exec()
    asyncio.events._set_running_loop(None)
    loop.close()
    asyncio.set_event_loop(None)


@dataclass
class Pane:
    """What a test of the pane holds."""

    controller: ChatController
    chats: Chats
    talk: ScriptedTalk
    wait: Wait[Any]
    drafts: dict[str, str]
    errors: list[UserError]
    bugs: list[BaseException]
    qtbot: Any

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=5_000)

    def idle(self) -> None:
        """Until the chat shown is not busy any more."""
        self.until(lambda: self.controller.activity.work is Work.NOTHING)

    def texts(self) -> list[str]:
        """The chat shown, as the database has it."""
        chat = self.wait(self.chats.get(self.controller.chat.id))
        return [m.text for m in self.wait(self.chats.messages(chat.id)).path(chat.tip)]


@pytest.fixture
def pane(wait, qtbot, tmp_path: Path) -> Iterator[Pane]:
    paths = Paths(tmp_path / "김철수")
    paths.create()
    store = Store(paths)
    wait(store.open())
    chats, errors, bugs, drafts = Chats(store), [], [], {}
    tasks = Tasks(errors.append, bugs.append)
    talk = ScriptedTalk(chats)
    controller = ChatController(chats, talk, tasks, ChatFiles(Transcripts(chats), tasks), drafts)
    controller.set_models([ModelChoice("", "Guide"), ModelChoice("mistral", "Mistral 7B", "Q4_K_M · 4.4 GB")])
    yield Pane(controller, chats, talk, wait, drafts, errors, bugs, qtbot)
    wait(tasks.close())
    wait(store.close())
    controller.deleteLater()  # now and here: a timer in it may not end in the thread that happens to tidy up memory
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert bugs == []


@pytest.fixture
def screen(pane):
    return Screen(pane.controller)


@pytest.fixture
def model_chat(pane):
    """A chat with a model whose replies are not paced."""
    chat = pane.wait(pane.chats.create(model="mistral"))
    pane.wait(pane.controller.listing.load())
    pane.controller.open(chat.id)
    pane.until(lambda: pane.controller.chat.id == chat.id)
    return chat


@pytest.fixture
def view(pane, look, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    view = ChatView(look, pane.controller)
    line = QHBoxLayout(window)
    line.addWidget(view.sidebar, 1)
    line.addWidget(view, 3)
    window.resize(1100, 700)
    window.show()
    pane.controller.start()
    pane.wait(pane.controller.listing.load())
    view.pane = pane
    yield view
    window.close()


@pytest.fixture
def transcript(qtbot, look: Theme) -> Iterator[Transcript]:
    window = QWidget()
    QVBoxLayout(window)
    made = Transcript(look, window)
    window.layout().addWidget(made)
    other = QPushButton("after", window)
    window.layout().addWidget(other)
    window.resize(800, 600)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    yield made
    window.close()
