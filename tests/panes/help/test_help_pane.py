"""The help pane, by clicks and keys, over pages of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget

from desktop.panes.help.controller import HelpController
from desktop.panes.help.view import HelpView
from desktop.services.help import Help
from desktop.services.paths import resources
from desktop.ui.labels import Label
from desktop.ui.reading import Reading

PAGES = {
    "about": "# What Alcove is\n\nA place to talk.\n\nIt costs nothing.",
    "gguf": "# The GGUF format\n\nUse a `.gguf` file.\nNot <b>another</b>.",
    "stop": "# Stopping a reply\n\nPress Stop. Nothing is lost; see GGUF.",
}


class Pane:
    def __init__(self, qtbot: Any, look: Any, folder: Path) -> None:
        for language, prefix in (("en", ""), ("ko", "한 ")):
            pages = folder / "help" / language
            pages.mkdir(parents=True)
            for topic, text in PAGES.items():
                (pages / f"{topic}.md").write_text(text.replace("# ", f"# {prefix}"), encoding="utf-8")
        self.look = look
        self.controller = HelpController(Help(folder))
        self.view = HelpView(look, self.controller)
        qtbot.addWidget(self.view)
        self.view.resize(800, 600)
        self.view.show()
        self.list = self.view.findChild(QListWidget)
        self.search = self.view.findChild(QLineEdit)

    def titles(self) -> list[str]:
        """What can be opened; the headings between them cannot."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.text() for item in items if item.flags() & Qt.ItemFlag.ItemIsSelectable]

    def headings(self) -> list[str]:
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.text() for item in items if item.text() not in self.titles()]

    def read(self) -> list[str]:
        """The open page: heading and paragraphs."""
        QApplication.processEvents()  # a layout shows what was added to it from the event loop
        headings = [w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view)]
        return [*headings, *filter(None, self.view.findChild(Reading).toPlainText().split("\n"))]


@pytest.fixture
def pane(qtbot, look, tmp_path: Path) -> Pane:
    return Pane(qtbot, look, tmp_path)


def test_it_opens_with_what_alcove_is(pane: Pane) -> None:
    assert pane.titles() == ["What Alcove is", "Stopping a reply", "The GGUF format"]
    assert pane.headings() == ["Getting to know Alcove", "Chats", "Models"]
    assert pane.list.currentItem().text() == "What Alcove is"
    assert pane.read() == ["What Alcove is", "A place to talk.", "It costs nothing."]


def test_a_page_is_clicked_and_read_as_plain_text(pane: Pane) -> None:
    item = next(item for item in pane.list.findItems("The GGUF format", Qt.MatchFlag.MatchExactly))
    QTest.mouseClick(pane.list.viewport(), Qt.MouseButton.LeftButton, pos=pane.list.visualItemRect(item).center())
    assert pane.read() == ["The GGUF format", "Use a .gguf file. Not <b>another</b>."]
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in pane.view.findChildren(Label))


def test_a_page_is_as_high_as_its_text_at_any_width(pane: Pane, qtbot) -> None:
    text = pane.view.findChild(Reading)
    for width in (500, 1200, 700):
        pane.view.resize(width, 600)
        qtbot.waitUntil(lambda: 0 < text.width() <= pane.look.column)
        qtbot.waitUntil(lambda: text.height() == text.document().size().toSize().height())


def test_search_filters_and_titles_come_first(pane: Pane) -> None:
    QTest.keyClicks(pane.search, "gGuF")
    assert pane.titles() == ["The GGUF format", "Stopping a reply"]
    assert pane.headings() == []
    QTest.keyClick(pane.search, Qt.Key.Key_Down)
    assert pane.read()[0] == "The GGUF format"
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    assert pane.read()[0] == "Stopping a reply"
    QTest.keyClick(pane.search, Qt.Key.Key_Escape)
    assert len(pane.titles()) == 3


def test_the_best_hit_is_marked_and_read_at_once(pane: Pane) -> None:
    pane.view.show_page("stop")
    QTest.keyClicks(pane.search, "gguf")
    assert pane.list.currentItem().text() == pane.read()[0] == "The GGUF format"
    QTest.keyClick(pane.search, Qt.Key.Key_Down)
    assert pane.list.currentItem().text() == pane.read()[0] == "The GGUF format"


@pytest.mark.parametrize(
    ("language", "words", "topic"),
    [
        ("ko", "느려요", "speed"),
        ("ko", "느려", "speed"),
        ("ko", "멈췄어요", "stop"),
        ("it", "lento", "speed"),
        ("it", "si blocca", "crash"),
        ("en", "too slow", "speed"),
    ],
)
def test_everyday_words_find_pages_that_say_it_otherwise(language: str, words: str, topic: str) -> None:
    controller = HelpController(Help(resources()))
    controller.speak(language)
    controller.search(words)
    assert topic in [page.topic for page in controller.pages()]


@pytest.mark.parametrize("words", ["pizza", "qwertz", "!?", "carbonara"])
def test_what_no_page_is_about_finds_none(words: str) -> None:
    controller = HelpController(Help(resources()))
    controller.search(words)
    assert controller.pages() == []


def test_headings_are_stepped_over(pane: Pane) -> None:
    pane.list.setFocus()
    heading = pane.list.findItems("Chats", Qt.MatchFlag.MatchExactly)[0]
    QTest.mouseClick(pane.list.viewport(), Qt.MouseButton.LeftButton, pos=pane.list.visualItemRect(heading).center())
    assert pane.read()[0] == "What Alcove is"
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    assert pane.read()[0] == "Stopping a reply"
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    assert pane.read()[0] == "The GGUF format"
    QTest.keyClick(pane.list, Qt.Key.Key_Home)
    assert pane.read()[0] == "What Alcove is"


def test_nothing_found_says_so(pane: Pane) -> None:
    QTest.keyClicks(pane.search, "zebra")
    assert pane.titles() == []
    assert "No page holds these words." in pane.read()


def test_show_page_from_elsewhere(pane: Pane) -> None:
    QTest.keyClicks(pane.search, "zebra")
    pane.view.show_page("stop")
    assert pane.read()[0] == "Stopping a reply"
    assert pane.list.currentItem().text() == "Stopping a reply"
    pane.view.show_page("no such page")
    assert pane.read()[0] == "Stopping a reply"


def test_another_language_keeps_the_page(pane: Pane) -> None:
    pane.view.show_page("gguf")
    pane.controller.speak("ko")
    assert pane.read()[0] == "한 The GGUF format"
    assert pane.list.currentItem().text() == "한 The GGUF format"
