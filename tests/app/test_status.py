"""The quiet line is not asked for where nobody can read it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLabel

from desktop.app import status
from desktop.app.status import Status, _runs
from desktop.core.chat import Message, Role
from desktop.core.generation import LoadSettings, ModelInfo, Timings, Usage
from desktop.panes.chat.message import MessageView
from desktop.ui.icons import Icon
from desktop.ui.window import MainWindow, Pane, Place


class Chat(QObject):
    """What a status hears of the chat; it is its own replies."""

    device_changed = Signal(str)
    ended = Signal(object)

    @property
    def replies(self) -> Chat:
        return self


class Engine:
    """One without a model, which counts how often it is asked."""

    asked = 0

    @property
    def loaded(self) -> None:
        self.asked += 1


def test_it_is_quiet_while_the_window_is_closed(qtbot, look, monkeypatch):
    monkeypatch.setattr(status, "STATUS_MS", 5)
    window = MainWindow(look, [Pane("chat", "Chat", Icon.CHAT)], Place(dict, lambda _place: None), lambda: None)
    qtbot.addWidget(window, before_close_func=lambda window: window.leave())
    engine, chat = Engine(), Chat()
    Status(window, SimpleNamespace(engine=engine), chat).start()
    qtbot.wait(60)
    assert engine.asked == 0
    window.show()
    qtbot.waitUntil(lambda: engine.asked > 1)


@pytest.mark.parametrize(("tokens", "told"), [(100, True), (1, False)])
def test_the_speed_of_a_few_words_is_not_told(qtbot, look, tokens: int, told: bool) -> None:
    window = MainWindow(look, [Pane("chat", "Chat", Icon.CHAT)], Place(dict, lambda _place: None), lambda: None)
    qtbot.addWidget(window, before_close_func=lambda window: window.leave())
    info = ModelInfo("guide", "", 0, 0, 0, 0, 0, "CPU", "", "", (), 0.0, 0, 0, True)
    engine = SimpleNamespace(loaded=(Path("guide.gguf"), LoadSettings(), info), pid=1)
    machine, library = SimpleNamespace(resident=lambda _pid: 1), SimpleNamespace(all=list)
    chat = Chat()
    status = Status(window, SimpleNamespace(engine=engine, machine=machine, library=library), chat)
    usage, timings = Usage(0, 0, tokens), Timings(generation_per_s=20.0)
    chat.ended.emit(MessageView(Message("a", None, Role.ASSISTANT, "Hi", 0.0, usage=usage, timings=timings)))
    shown = [label.text() for label in window.findChildren(QLabel) if "of memory" in label.text()]
    assert ["20.0 tokens/s" in text for text in shown] == [told], status


@pytest.mark.parametrize(("threads", "said"), [(1, "CPU, 1 thread"), (6, "CPU, 6 threads")])
def test_one_thread_is_one(threads: int, said: str) -> None:
    assert _runs("CPU", threads) == f"It runs on: {said}"
