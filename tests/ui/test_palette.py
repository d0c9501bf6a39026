"""The command palette by keys, by an input method and by the mouse, with offers that only say that they were chosen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from desktop.ui.icons import Icon
from desktop.ui.palette import Palette
from desktop.ui.palette_rows import Offer
from tests.access import tree

KEYS = Qt.Key


class Desk:
    """A window with a field of its own, and the palette over it."""

    def __init__(self, qtbot, look) -> None:
        self.window = QWidget()
        self.field = QLineEdit(self.window)
        self.palette = Palette(look, self.window)
        self.done: list[str] = []
        self.heard: list[str] = []
        self.searched: list[str] = []
        self.palette.searched.connect(self.searched.append)
        qtbot.addWidget(self.window)
        self.window.resize(760, 520)
        self.window.show()
        self.window.activateWindow()
        QTest.qWaitForWindowActive(self.window)
        self.field.setFocus()

    def open(self, *recent: str) -> None:
        self.palette.open(
            [
                self.offer("New chat", "Commands", "Ctrl+N"),
                self.offer("Import model…", "Commands"),
                self.offer("새 대화", "Chats", "오늘"),
                self.offer("Ricetta del ragù", "Chats"),
                self.offer("mistral-7b", "Models", "Q4_K_M · 4.4 GB", "weights"),
                self.offer("Max tokens", "Settings", rare=True),
            ],
            recent,
            "Search",
        )

    def offer(self, text: str, kind: str, detail: str = "", also: str = "", rare: bool = False) -> Offer:
        return Offer(text, Icon.CHAT, text, kind, lambda: self.done.append(text), detail, {also} if also else (), rare)

    def type(self, text: str) -> None:
        QTest.keyClicks(self.palette.field, text)

    def compose(self, preedit: str, commit: str = "") -> None:
        event = QInputMethodEvent(preedit, [])
        event.setCommitString(commit)
        QApplication.sendEvent(self.palette.field, event)

    def key(self, *keys: Qt.Key) -> None:
        for key in keys:
            QTest.keyClick(self.palette.field, key)

    @property
    def rows(self) -> list[str]:
        return [row.text for row in self.palette.rows.all]

    @property
    def current(self) -> str:
        return str(self.palette.list.currentIndex().data())


@pytest.fixture
def desk(qtbot, look) -> Desk:
    return Desk(qtbot, look)


def test_before_anything_is_typed_a_few_of_each_kind_stand_under_headings(desk):
    desk.open()
    assert desk.rows == [
        *("Commands", "New chat", "Import model…", "Chats", "새 대화", "Ricetta del ragù", "Models", "mistral-7b"),
    ]
    assert desk.current == "New chat"
    assert desk.palette.field.hasFocus()


def test_what_was_used_last_comes_first(desk):
    desk.open("mistral-7b", "is gone", "Max tokens")
    assert desk.rows[:4] == ["Recently used", "mistral-7b", "Max tokens", "Commands"]
    assert desk.rows.count("mistral-7b") == 1
    assert desk.current == "mistral-7b"


@pytest.mark.parametrize(
    ("typed", "first"),
    [("nc", "New chat"), ("RAGU", "Ricetta del ragù"), ("weights", "mistral-7b"), ("max", "Max tokens")],
)
def test_enter_chooses_the_best(desk, typed, first):
    desk.open()
    desk.type(typed)
    assert desk.current == first
    desk.key(KEYS.Key_Return)
    assert desk.done == [first]
    assert not desk.palette.isVisible()
    assert desk.field.hasFocus()  # back where it was


@pytest.mark.parametrize("steps", [["ㅅ", "ㅅㄷ", "ㅅㄷㅎ"], ["ㅅ", "새"], ["샏", "새대", "새댛", "새대호", "새대화"]])
def test_a_syllable_finds_while_it_is_composed(desk, steps):
    desk.open()
    for preedit in steps:
        desk.compose(preedit)
        assert desk.rows[0] == "새 대화"
    desk.key(KEYS.Key_Down, KEYS.Key_Up)  # they are the input method's
    assert desk.done == []
    desk.compose("", commit=steps[-1])
    assert desk.palette.field.text() == steps[-1]
    desk.key(KEYS.Key_Return)
    assert desk.done == ["새 대화"]


def test_enter_and_escape_while_composing_choose_and_lose_nothing(desk):
    desk.open()
    desk.type("chat ")
    desk.compose("ㄴ")
    desk.key(KEYS.Key_Return, KEYS.Key_Escape)
    assert desk.palette.isVisible()
    assert desk.done == []
    assert desk.palette.field.seen == "chat ㄴ"
    desk.compose("", commit="나")
    assert desk.palette.field.text() == "chat 나"


def test_what_is_composed_in_the_middle_counts_there(desk):
    desk.open()
    desk.compose("", commit="새화")
    desk.palette.field.setCursorPosition(1)
    desk.compose("대")
    assert desk.palette.field.seen == "새대화"
    assert desk.rows == ["새 대화"]


def test_arrows_pages_and_tab_go_through_the_rows_and_leave_headings_out(desk):
    desk.open()
    desk.key(KEYS.Key_Down)
    assert desk.current == "Import model…"
    desk.key(KEYS.Key_Down)
    assert desk.current == "새 대화"
    desk.key(KEYS.Key_Up, KEYS.Key_Up, KEYS.Key_Up)
    assert desk.current == "mistral-7b"  # from the beginning to the end
    desk.key(KEYS.Key_Down)
    assert desk.current == "New chat"
    desk.key(KEYS.Key_PageDown)
    assert desk.current == "mistral-7b"
    desk.key(KEYS.Key_PageDown, KEYS.Key_PageUp)
    assert desk.current == "New chat"
    desk.key(KEYS.Key_Tab)
    assert desk.current == "Import model…"
    desk.key(KEYS.Key_Backtab)
    assert desk.current == "New chat"
    assert desk.palette.field.hasFocus()


def test_escape_closes_and_gives_the_focus_back(desk):
    desk.open()
    desk.type("nc")
    desk.key(KEYS.Key_Escape)
    assert not desk.palette.isVisible()
    assert desk.field.hasFocus()
    desk.open()
    assert desk.palette.field.text() == ""  # it begins anew


def test_a_widget_that_is_gone_gets_no_focus(desk, qtbot):
    desk.open()
    desk.field.deleteLater()
    QApplication.sendPostedEvents(desk.field, QEvent.Type.DeferredDelete)
    desk.key(KEYS.Key_Escape)
    assert not desk.palette.isVisible()


def test_focus_that_goes_elsewhere_closes_it(desk):
    desk.open()
    desk.field.setFocus()
    assert not desk.palette.isVisible()
    assert desk.field.hasFocus()


def test_nothing_found_is_said_and_enter_does_nothing(desk):
    desk.open()
    desk.type("zzzz")
    assert desk.rows == []
    desk.key(KEYS.Key_Return, KEYS.Key_Down)
    assert desk.done == []
    assert desk.palette.isVisible()


def test_the_pointer_chooses_and_a_press_outside_closes(desk):
    desk.open()
    view = desk.palette.list
    place = view.visualRect(view.model().index(2, 0)).center()
    QTest.mouseMove(view.viewport(), place)
    QTest.mouseMove(view.viewport(), place + QPoint(1, 1))
    assert desk.current == "Import model…"
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert desk.done == ["Import model…"]
    desk.open()
    QTest.mouseClick(desk.palette, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert not desk.palette.isVisible()
    desk.open()
    heading = view.visualRect(view.model().index(0, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=heading)
    assert desk.palette.isVisible()
    assert desk.done == ["Import model…"]


def test_what_a_search_elsewhere_finds_is_added_below(desk, qtbot):
    desk.open()
    desk.type("ragu")
    qtbot.waitUntil(lambda: desk.searched == ["ragu"])
    desk.palette.add("something else", [desk.offer("too late", "Messages")])
    assert desk.rows == ["Ricetta del ragù"]
    desk.palette.add("ragu", [desk.offer("…il ragù cuoce", "Messages")])
    assert desk.rows == ["Ricetta del ragù", "…il ragù cuoce"]
    assert desk.current == "Ricetta del ragù"
    desk.key(KEYS.Key_Down, KEYS.Key_Return)
    assert desk.done == ["…il ragù cuoce"]


def test_the_current_row_is_said(desk, qtbot, monkeypatch):
    heard: list[str] = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: heard.append(event.message()))
    desk.open()
    qtbot.waitUntil(lambda: heard == ["New chat, Ctrl+N, Commands"])
    desk.key(KEYS.Key_Down)
    assert heard[1:] == ["Import model…, Commands"]
    desk.type("mis")
    qtbot.waitUntil(lambda: heard[2:] == ["mistral-7b, Q4_K_M · 4.4 GB, Models"])
    desk.type("zz")
    qtbot.waitUntil(lambda: heard[-1] == "Nothing found")


@pytest.mark.parametrize(("percent", "size"), [(100, (760, 520)), (200, (760, 520)), (100, (1280, 800))])
def test_it_stands_within_the_window_at_any_size(desk, look, percent, size):
    look.use("dark", percent)
    desk.window.resize(*size)
    desk.open()
    panel = desk.palette.field.parentWidget()
    assert desk.window.rect().contains(panel.geometry())
    assert desk.palette.rect() == desk.window.rect()
    assert desk.palette.list.height() >= look.px(40)
    desk.window.resize(size[0] + 60, size[1] + 40)
    assert desk.window.rect().contains(panel.geometry())
    assert abs(panel.geometry().center().x() - desk.window.rect().center().x()) <= 1


def test_another_language_closes_it(desk):
    desk.open()
    QApplication.sendEvent(desk.palette, QEvent(QEvent.Type.LanguageChange))
    assert not desk.palette.isVisible()


@pytest.mark.parametrize("typed", ["", "mis", "zzzz"])
def test_a_screen_reader_finds_a_name_for_everything(desk, typed):
    desk.open("New chat")
    desk.type(typed)
    top = tree.read(desk.palette)
    assert tree.faults(top) == []
    assert {"Command palette", "Search", "Results" if typed != "zzzz" else "Nothing found"} <= {
        n.name for n in top.walk()
    }
