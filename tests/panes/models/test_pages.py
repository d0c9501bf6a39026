"""The switch between the pages of the models pane."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLabel, QWidget

from desktop.panes.models.library.controller import ModelsController
from desktop.panes.models.library.library_view import LibraryView
from desktop.panes.models.tabs import Tabs
from desktop.panes.models.view import ModelsView, Page
from desktop.services.models.library import Library
from desktop.services.paths import Paths
from desktop.services.preferences import Preferences
from tests.models import tiny_model


class Pane:
    def __init__(self, qtbot: Any, look: Any, tmp_path: Path) -> None:
        paths = Paths(tmp_path / "home")
        paths.create()
        (tmp_path / "resources" / "guide").mkdir(parents=True)
        tiny_model(tmp_path / "resources" / "guide" / "guide.gguf")
        library = asyncio.run(Library.open(paths, tmp_path / "resources"))
        self.controller = ModelsController(library, Preferences(paths.preferences), lambda work, _show: work.close())
        self.made: list[Page] = []
        pages = {Page.FIND: lambda: self.page(Page.FIND), Page.DOWNLOADS: lambda: self.page(Page.DOWNLOADS)}
        self.view = ModelsView(look, self.controller, pages)
        qtbot.addWidget(self.view)
        self.view.resize(700, 500)
        self.view.show()
        self.tabs = self.view.findChild(Tabs)

    def page(self, page: Page) -> QWidget:
        self.made.append(page)
        return QLabel(page.name)

    def click(self, at: int) -> None:
        QTest.mouseClick(self.tabs, Qt.MouseButton.LeftButton, pos=self.tabs.tabRect(at).center())


@pytest.fixture
def pane(qtbot: Any, look: Any, tmp_path: Path) -> Pane:
    return Pane(qtbot, look, tmp_path)


def in_front(pane: Pane) -> str:
    pages = [w.text() for w in pane.view.findChildren(QLabel) if w.text() in ("FIND", "DOWNLOADS") and w.isVisible()]
    return pages[0] if pages else "LIBRARY" if pane.view.findChild(LibraryView).isVisible() else ""


def test_a_page_is_made_when_it_is_first_seen(pane: Pane) -> None:
    assert in_front(pane) == "LIBRARY"
    assert pane.made == []
    pane.click(1)
    assert (in_front(pane), pane.made) == ("FIND", [Page.FIND])
    pane.click(2)
    pane.click(1)
    assert (in_front(pane), pane.made) == ("FIND", [Page.FIND, Page.DOWNLOADS])


def test_arrow_keys_turn_the_pages(pane: Pane) -> None:
    pane.tabs.setFocus()
    QTest.keyClick(pane.tabs, Qt.Key.Key_Right)
    assert in_front(pane) == "FIND"
    assert pane.view.page is Page.FIND
    QTest.keyClick(pane.tabs, Qt.Key.Key_Left)
    assert in_front(pane) == "LIBRARY"


def test_what_is_on_its_way_is_counted(pane: Pane) -> None:
    pane.view.count(Page.DOWNLOADS, 0, 0)
    places = [pane.tabs.tabRect(at) for at in range(3)]
    for going, paused, said in ((2, 0, "Downloads (2)"), (1, 1, "Downloads (1)"), (0, 3, "Downloads (3 paused)")):
        pane.view.count(Page.DOWNLOADS, going, paused)
        assert pane.tabs.tabText(2) == said
        assert [pane.tabs.tabRect(at) for at in range(2)] == places[:2]  # what stands beside it does not move
        assert (pane.tabs.tabRect(2) == places[2]) is bool(going)
    pane.view.count(Page.DOWNLOADS, 0, 0)
    assert pane.tabs.tabText(2) == "Downloads"
    pane.tabs.grab()  # painting must not fail


def test_the_library_leads_to_the_search(pane: Pane) -> None:
    button = next(b for b in pane.view.findChildren(QAbstractButton) if b.text() == "Find a model…" and b.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert in_front(pane) == "FIND"


def test_choosing_files_leads_to_the_library(pane: Pane) -> None:
    pane.click(1)
    pane.view.ask_for_files()
    assert in_front(pane) == "LIBRARY"
    pane.view.findChild(QFileDialog).close()


def test_a_pane_of_one_page_has_no_switch(qtbot: Any, look: Any, pane: Pane) -> None:
    alone = ModelsView(look, pane.controller)
    qtbot.addWidget(alone)
    alone.show()
    assert not alone.findChild(Tabs).isVisible()


@pytest.mark.parametrize(("percent", "width", "titled"), [(100, 700, True), (200, 664, False), (200, 1100, True)])
def test_the_switch_has_room_at_any_size_of_text(look: Any, pane: Pane, percent: int, width: int, titled: bool) -> None:
    look.use("light", percent)
    pane.view.resize(width, 500)
    title = next(label for label in pane.view.findChildren(QLabel) if label.text() == "Models")
    assert title.isVisible() is titled
    assert pane.tabs.mapTo(pane.view, pane.tabs.rect().topRight()).x() <= width
