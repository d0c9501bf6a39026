"""What the settings tell of the states of chats, by clicks and keys, over real files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QCheckBox, QPushButton

from desktop.core.errors import UserError
from desktop.core.settings import resolve
from desktop.engine.client import Engine
from desktop.panes.settings.controller import SettingsController
from desktop.panes.settings.states import StatesController
from desktop.panes.settings.view import SettingsView
from desktop.services.chats.states import States
from desktop.services.preferences import Preferences
from desktop.ui.forms import Row
from desktop.ui.labels import Label
from tests.services.chats.kept import keep


def at_once(work: Coroutine[Any, Any, Any], show: Callable[[UserError], None]) -> None:
    asyncio.run(work)


class Pane:
    def __init__(self, qtbot: Any, look: Any, home: Path) -> None:
        self.folder = home / "states"
        preferences = Preferences(home / "preferences.toml")
        settings = SettingsController(preferences, lambda: ["Mistral"], home, at_once)
        kept = States(self.folder, Engine(), lambda: int(str(resolve(preferences.values())["state_budget"])) * 10**9)
        self.states = StatesController(kept, at_once)
        settings.window_changed.connect(lambda _: QTimer.singleShot(0, self.states.keep_within))  # as a task would
        self.settings, self.view = settings, SettingsView(look, settings, states=self.states)
        qtbot.addWidget(self.view)
        self.view.resize(800, 700)

    def show(self) -> None:
        self.view.show()
        QApplication.processEvents()

    def row(self, key: str) -> Row:
        rows = self.view.findChildren(Row)
        return next(r for r in rows if r.field.row.key == key and r.isVisibleTo(self.view))

    def said(self) -> str:
        labels = self.row("state_budget").findChildren(Label)
        return "\n".join(w.text() for w in labels if w.isVisibleTo(self.view))

    def clear(self) -> QPushButton | None:
        buttons = self.row("state_budget").findChildren(QPushButton)
        return next((b for b in buttons if b.text() == "Clear" and b.isVisibleTo(self.view)), None)


@pytest.fixture
def pane(qtbot: Any, look: Any, tmp_path: Path) -> Pane:
    return Pane(qtbot, look, tmp_path)


def test_what_is_kept_is_told_and_cleared(pane: Pane) -> None:
    keep(pane.folder, "a", 700_000_000)
    keep(pane.folder, "a", 200_000_000)
    keep(pane.folder, "b", 300_000_000)
    pane.show()
    assert "Used now: 1.2 GB in 2 chats" in pane.said()
    button = pane.clear()
    assert button is not None
    assert button.accessibleDescription() == "Your chats stay. What you open next is read anew, once."
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert "Nothing is kept now." in pane.said()
    assert pane.clear() is None
    assert not any(path.stat().st_size for path in pane.folder.rglob("*") if path.is_file())


def test_without_a_folder_nothing_is_kept(pane: Pane) -> None:
    pane.show()
    assert "Nothing is kept now." in pane.said()


def test_it_is_counted_anew_when_it_comes_into_view(pane: Pane) -> None:
    pane.show()
    pane.view.hide()
    keep(pane.folder, "a", 5_000_000)
    pane.show()
    assert "Used now: 5.0 MB in 1 chat" in pane.said()


def test_a_smaller_budget_acts_at_once(pane: Pane) -> None:
    keep(pane.folder, "old", 900_000_000, age_s=60)
    keep(pane.folder, "new", 900_000_000)
    pane.show()
    box = pane.row("state_budget").findChild(QAbstractSpinBox)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "1")
    QTest.keyClick(box, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert "Used now: 900.0 MB in 1 chat" in pane.said()
    nothing = next(c for c in pane.row("state_budget").findChildren(QCheckBox) if c.text() == "keep nothing")
    nothing.setFocus()
    QTest.keyClick(nothing, Qt.Key.Key_Space)
    QApplication.processEvents()
    assert "Nothing is kept now." in pane.said()


def test_for_a_model_there_is_no_budget(pane: Pane) -> None:
    keep(pane.folder, "a", 5_000_000)
    pane.show()
    pane.settings.choose("Mistral")
    QApplication.processEvents()
    assert not [r for r in pane.view.findChildren(Row) if r.isVisible() and r.field.row.key == "state_budget"]
    pane.settings.choose(None)
    QApplication.processEvents()
    assert "Used now: 5.0 MB in 1 chat" in pane.said()


def test_reading_ahead_on_battery_means_nothing_without_reading_ahead(pane: Pane) -> None:
    pane.show()
    ahead = pane.row("read_ahead").findChild(QCheckBox)
    battery = pane.row("read_ahead_on_battery").findChild(QCheckBox)
    assert battery.isEnabled()
    ahead.setFocus()
    QTest.keyClick(ahead, Qt.Key.Key_Space)
    assert not battery.isEnabled()
    QTest.mouseClick(battery, Qt.MouseButton.LeftButton)
    assert not battery.isChecked()
    QTest.keyClick(ahead, Qt.Key.Key_Space)
    assert battery.isEnabled()
