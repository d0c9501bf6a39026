"""What is said while the person is elsewhere: a window that is not in front, and a note of what the system was told."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QSystemTrayIcon

from desktop.app import background
from desktop.app.background import Background, Tray
from desktop.core.settings import resolve
from desktop.core.transfer import Download, State
from desktop.ui.bars import Bar
from desktop.ui.icons import Icon
from desktop.ui.window import MainWindow, Pane, Place


class Note:
    """A tray that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shown = False

    def show(self) -> None:
        self.shown = True

    def hide(self) -> None:
        self.shown = False

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def retranslate(self) -> None: ...


class Elsewhere:
    def __init__(self, qtbot, look, tray: bool = True) -> None:
        self.note, self.closed, self.led = Note(), [], []
        panes = [Pane("chat", "Chat", Icon.CHAT), Pane("settings", "Settings", Icon.SETTINGS)]
        self.window = MainWindow(look, panes, Place(dict, lambda _place: None), lambda: self.closed.append(True))
        qtbot.addWidget(self.window, before_close_func=lambda window: window.leave())
        self.background = Background(self.window, lambda: self.note if tray else None)
        self.use()

    def use(self, **settings) -> None:
        self.background.use({**resolve(), **settings})

    def reply(self, seconds: float, monkeypatch) -> None:
        """A reply that takes so long."""
        clock = iter([100.0, 100.0 + seconds])
        monkeypatch.setattr(background.time, "monotonic", lambda: next(clock))
        self.background.reply_began("a")
        self.background.reply_ended("a", "날씨", lambda: self.led.append("a"))
        monkeypatch.undo()

    def download(self, name: str, state: State, *, seen: bool = False) -> None:
        """A download that has come to this."""
        ended = Download(name, f"x/{name}-GGUF", "0" * 40, "Q4_K_M", (), 100, state=state)
        show, chat = (lambda: self.led.append("downloads")), (lambda: self.led.append("chat"))
        self.background.download_ended(ended, show, chat, seen=seen)

    def bars(self) -> list[Bar]:
        return [bar for bar in self.window.findChildren(Bar) if not bar.isHidden()]


@pytest.fixture
def away(qtbot, look) -> Elsewhere:
    qtbot.waitUntil(lambda: QApplication.activeWindow() is None)  # the window of an earlier test
    return Elsewhere(qtbot, look)


def front(window) -> None:
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)


def test_a_long_reply_is_told_and_leads_to_its_chat(away, monkeypatch):
    away.reply(11, monkeypatch)
    assert away.note.said == ["The answer in “날씨” has ended."]
    assert away.note.shown
    away.background.lead()
    away.background.lead()
    assert away.led == ["a"]


def test_a_short_reply_is_not_worth_a_word(away, monkeypatch):
    away.reply(9, monkeypatch)
    assert away.note.said == []


def test_nothing_is_said_to_somebody_who_looks(away, monkeypatch):
    front(away.window)
    away.reply(60, monkeypatch)
    away.download("mistral", State.DONE)
    assert away.note.said == []


def test_nothing_is_said_where_that_is_switched_off(away, monkeypatch):
    away.use(notify=False)
    away.reply(60, monkeypatch)
    away.download("mistral", State.DONE)
    assert away.note.said == []


def test_a_download_is_told_whether_it_is_whole_or_not(away):
    away.download("mistral-7b", State.DONE)
    away.download("phi-2", State.FAILED)
    said = [
        "“mistral-7b-GGUF · Q4_K_M” was downloaded and is ready to chat.",
        "The download of “phi-2-GGUF · Q4_K_M” has stopped.",
    ]
    assert away.note.said == said
    away.background.lead()
    assert away.led == ["downloads"]
    assert [bar.text for bar in away.bars()] == said


def test_a_download_that_ends_while_something_else_is_shown_is_told_by_a_bar(away):
    front(away.window)
    for state, label, led in ((State.DONE, "Chat with it", "chat"), (State.FAILED, "Show the download", "downloads")):
        away.download("phi-2", state)
        (bar,) = away.bars()
        button = next(b for b in bar.findChildren(QPushButton) if b.text() == label)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert away.led.pop() == led
        assert away.bars() == []
    away.download("phi-2", State.FAILED, seen=True)
    assert away.bars() == []
    assert away.note.said == []


def test_one_bar_tells_of_a_download_and_goes_when_it_goes_on(away):
    front(away.window)
    away.download("mistral-7b", State.PAUSED)
    away.download("phi-2", State.FAILED)
    away.download("phi-2", State.FAILED)
    assert len(away.bars()) == 2
    away.background.download_began("phi-2")
    away.background.download_began("phi-2")
    assert [bar.text for bar in away.bars()] == ["The download of “mistral-7b-GGUF · Q4_K_M” has stopped."]
    QTest.keyClick(away.bars()[0], Qt.Key.Key_Escape)
    assert away.bars() == []
    away.background.download_began("mistral-7b")


def test_without_a_tray_nothing_fails(qtbot, look, monkeypatch):
    away = Elsewhere(qtbot, look, tray=False)
    away.use(tray=True)
    away.reply(60, monkeypatch)
    away.window.show()
    away.window.close()
    assert away.closed == [True]


def test_the_icon_goes_when_the_person_is_back(away, monkeypatch):
    away.reply(60, monkeypatch)
    assert away.note.shown
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert not away.note.shown


def test_closing_ends_the_program_unless_it_is_kept_in_the_tray(away):
    front(away.window)
    away.window.close()
    assert away.closed == [True]
    away.use(tray=True)
    assert away.note.shown
    away.window.close()
    assert away.closed == [True]
    assert not away.window.isVisible()
    assert away.note.said == ["Alcove goes on here. To end it, choose “Quit”."]
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)  # by a dialogue, say
    assert not away.window.isVisible()
    assert away.note.shown
    away.window.show()
    away.window.close()
    assert len(away.note.said) == 1  # it is known now
    away.window.show()
    QTest.keyClick(away.window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert away.closed == [True, True]
    away.use(tray=False)
    assert not away.note.shown


def test_a_mac_goes_on_without_its_window_and_the_dock_leads_back(away, monkeypatch):
    monkeypatch.setattr(background.sys, "platform", "darwin")
    front(away.window)
    away.window.close()
    assert (away.closed, away.note.said, away.note.shown) == ([], [], False)
    assert not away.window.isVisible()
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert away.window.isVisible()


def test_what_was_said_last_leads_nowhere_when_it_is_only_that_the_program_goes_on(away, monkeypatch):
    away.reply(60, monkeypatch)
    away.use(tray=True)
    away.window.close()
    away.background.lead()
    assert away.led == []


def test_the_key_that_closes_does_what_the_cross_does(away):
    front(away.window)
    away.use(tray=True)
    QTest.keyClick(away.window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert away.closed == []
    assert not away.window.isVisible()


def test_the_tray_has_a_menu_in_the_language_in_use(qtbot, monkeypatch):
    assert Tray.where_there_is_one(QApplication.instance()) is None  # there is no tray off screen
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    tray = Tray.where_there_is_one(QApplication.instance())
    heard: list[str] = []
    for name, signal in (
        ("open", tray.opened),
        ("new", tray.new_wanted),
        ("quit", tray.quit_wanted),
        ("led", tray.followed),
    ):
        signal.connect(lambda name=name: heard.append(name))
    icon = tray.findChild(QSystemTrayIcon)
    entries = [action for action in icon.contextMenu().actions() if not action.isSeparator()]
    assert [action.text() for action in entries] == ["Show Alcove", "New chat", "Quit"]
    for action in entries:
        action.trigger()
    assert heard == ["open", "new", "quit"]
    icon.messageClicked.emit()
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    assert heard[3:] == ["led", "open"]
    monkeypatch.setattr(background, "_", lambda text: {"Quit": "종료"}.get(text, text))
    tray.retranslate()
    assert entries[-1].text() == "종료"
    tray.deleteLater()
