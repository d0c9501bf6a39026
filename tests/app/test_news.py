"""A newer version is told in a bar, once; its button shows where it leads, and fetches nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from packaging.version import Version
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QPushButton

from desktop.app import news
from desktop.app.news import News
from desktop.core.settings import resolve
from desktop.core.update import Update
from desktop.services.paths import resources
from desktop.ui import loop, translation
from desktop.ui.bars import Bar
from desktop.ui.icons import Icon
from desktop.ui.window import MainWindow, Pane, Place

NOTES = {"en": "Faster.", "it": "Più veloce."}
FOUND = Update(Version("2.0"), datetime.now(UTC), datetime.now(UTC), "https://alcove.dev/download", NOTES, {})


class Published:
    """What `services.online.updates` would say."""

    def __init__(self) -> None:
        self.looks, self.dismissed = 0, list[str]()

    async def look(self) -> Update | None:
        self.looks += 1
        return FOUND

    async def dismiss(self, version: str) -> None:
        self.dismissed.append(version)


class Desk:
    def __init__(self, qtbot, look) -> None:
        self.updates, self.faults = Published(), []
        self.window = MainWindow(
            look, [Pane("chat", "Chat", Icon.CHAT)], Place(dict, lambda _place: None), lambda: None
        )
        qtbot.addWidget(self.window, before_close_func=lambda window: window.leave())
        self.window.show()

    def bars(self) -> list[Bar]:
        return [bar for bar in self.window.findChildren(Bar) if not bar.isHidden()]

    def live(self, act=lambda _news: None, wanted: bool = True, rest_s: float = 0.05) -> None:
        """A little of the window's life, with the switch as it is wanted; `act` comes in the middle."""

        async def life() -> None:
            tasks = loop.Tasks(self.faults.append, self.faults.append)
            told = News(self.window, self.updates, tasks)  # type: ignore[arg-type]
            told.use({**resolve(), "updates": wanted}, wait_s=0)
            await asyncio.sleep(rest_s)
            act(told)
            await asyncio.sleep(rest_s)
            await tasks.close()

        asyncio.run(life())
        assert not self.faults


@pytest.fixture
def desk(qtbot, look, monkeypatch: pytest.MonkeyPatch) -> Desk:
    translation.use("en", resources() / "locale")
    monkeypatch.setattr(news, "AGAIN_S", 0.001)
    return Desk(qtbot, look)


def test_one_bar_however_often_it_is_looked(desk: Desk) -> None:
    desk.live()
    assert desk.updates.looks > 3
    assert [bar.text for bar in desk.bars()] == ["Alcove 2.0 has been published. Faster."]


def test_nothing_is_looked_for_where_that_is_not_wanted(desk: Desk) -> None:
    desk.live(wanted=False)
    assert (desk.updates.looks, desk.bars()) == (0, [])


def test_the_switch_works_at_once(desk: Desk) -> None:
    def switched_off(told: News) -> None:
        told.use({**resolve(), "updates": False})
        desk.updates.looks = 0

    desk.live(switched_off)
    assert desk.updates.looks == 0


def test_who_closes_it_is_not_told_again(desk: Desk) -> None:
    desk.live(lambda _told: desk.bars()[0]._close.click())
    assert desk.updates.dismissed == ["2.0"]
    assert desk.bars() == []


def test_the_button_shows_the_address_before_anything_opens(desk: Desk) -> None:
    def press(_told: News) -> None:
        button = next(b for b in desk.bars()[0].findChildren(QPushButton) if b.text() == "Read more")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    desk.live(press)
    (dialog,) = desk.window.findChildren(QMessageBox)
    assert dialog.informativeText() == FOUND.page
    dialog.reject()
    assert desk.updates.dismissed == ["2.0"]
    assert desk.bars() == []
