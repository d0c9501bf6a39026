"""The settings pane and the dialogue of a chat, by clicks and keys, over a real preferences file."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QWidget,
)

from desktop.core.errors import UserError
from desktop.core.levels import Level, Levels
from desktop.panes.settings.controller import SettingsController
from desktop.panes.settings.dialog import ChatSettingsDialog
from desktop.panes.settings.view import SettingsView
from desktop.services.preferences import Preferences
from desktop.ui.bars import Bar
from desktop.ui.forms import Row

MODEL = "Mistral 한국어"


def at_once(work: Coroutine[Any, Any, Any], show: Callable[[UserError], None]) -> None:
    try:
        asyncio.run(work)
    except UserError as error:
        show(error)


class Pane:
    def __init__(self, qtbot: Any, look: Any, home: Path) -> None:
        self.file = home / "preferences.toml"
        self.preferences = Preferences(self.file)
        self.models = [MODEL]
        self.controller = SettingsController(self.preferences, lambda: self.models, home, at_once)
        self.window: list[dict[str, Any]] = []
        self.controller.window_changed.connect(self.window.append)
        self.view = SettingsView(look, self.controller)
        qtbot.addWidget(self.view)
        self.view.resize(800, 700)
        self.view.show()

    def stored(self) -> dict[str, Any]:
        return tomllib.loads(self.file.read_text(encoding="utf-8"))

    def press(self, label: str) -> None:
        button = next(b for b in self.view.findChildren(QPushButton) if b.text() == label)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    @property
    def level(self) -> QComboBox:
        return next(c for c in self.view.findChildren(QComboBox) if c.accessibleName() == "For which chats")

    @property
    def bar(self) -> Bar:
        return self.view.findChild(Bar)


@pytest.fixture
def pane(qtbot, look, tmp_path: Path) -> Pane:
    return Pane(qtbot, look, tmp_path)


def control(within: QWidget, key: str, kind: type[QWidget]) -> Any:
    QApplication.processEvents()  # a layout shows what was added to it from the event loop
    row = next(r for r in within.findChildren(Row) if r.field.row.key == key and r.isVisibleTo(within))
    return next(w for w in row.findChildren(kind) if w.isVisibleTo(within))


def enter(within: QWidget, key: str, text: str) -> None:
    box = control(within, key, QAbstractSpinBox)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def test_a_value_is_stored_the_moment_it_is_entered(pane: Pane) -> None:
    enter(pane.view, "context", "8192")
    assert pane.stored()["settings"] == {"context": 8192}
    assert pane.window == []


def test_values_for_a_model_are_kept_apart(pane: Pane) -> None:
    enter(pane.view, "temperature", "0.5")
    QTest.keyClick(pane.level, Qt.Key.Key_Down)
    assert pane.level.currentText() == f"For {MODEL}"
    assert control(pane.view, "temperature", QAbstractSpinBox).text() == "0.50"
    enter(pane.view, "temperature", "1")
    assert pane.stored()["models"] == {MODEL: {"temperature": 1.0}}
    assert pane.stored()["settings"] == {"temperature": 0.5}
    QTest.keyClick(pane.level, Qt.Key.Key_Up)
    assert control(pane.view, "temperature", QAbstractSpinBox).text() == "0.50"


def test_the_window_hears_of_its_own_settings_at_once(pane: Pane) -> None:
    combo = next(r for r in pane.view.findChildren(Row) if r.field.row.key == "appearance").findChild(QComboBox)
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_End)
    assert [w["appearance"] for w in pane.window] == ["dark"]
    enter(pane.view, "text_size", "130")
    assert (pane.window[-1]["appearance"], pane.window[-1]["text_size"]) == ("dark", 130)


def test_a_switch_turned_twice_stays_as_it_was_turned_last(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is slow: what was set first is written, and told of, when it has been set anew."""
    writing: list[Coroutine[Any, Any, Any]] = []
    monkeypatch.setattr(pane.controller, "_spawn", lambda work, _show: writing.append(work))
    switch = control(pane.view, "offline", QCheckBox)
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert pane.preferences.values() == {"offline": True}
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    for work in writing:
        asyncio.run(work)
        assert not switch.isChecked()
    assert [w["offline"] for w in pane.window] == [False, False]
    assert pane.stored()["settings"] == {}


def test_reset_all_can_be_undone(pane: Pane) -> None:
    enter(pane.view, "context", "8192")
    enter(pane.view, "text_size", "130")
    pane.press("Reset all")
    assert pane.stored()["settings"] == {}
    assert pane.window[-1]["text_size"] == 100
    assert control(pane.view, "context", QAbstractSpinBox).text() == "4,096"
    pane.press("Undo")
    assert pane.stored()["settings"] == {"context": 8192, "text_size": 130}
    assert not pane.bar.isVisible()
    pane.press("Reset all")
    assert pane.bar.isVisible()
    QTest.keyClick(pane.level, Qt.Key.Key_Down)
    assert not pane.bar.isVisible()  # it was about the other level


def test_what_cannot_be_stored_is_said_in_place(pane: Pane) -> None:
    pane.file.mkdir()  # a folder stands where the file belongs
    enter(pane.view, "context", "8192")
    assert pane.bar.isVisible()
    assert str(pane.file) in pane.bar.text


class Opened(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[QUrl] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.urls.append(url)


def test_the_data_folder_opens(pane: Pane, tmp_path: Path) -> None:
    opened = Opened()
    QDesktopServices.setUrlHandler("file", opened, "open")
    try:
        pane.press("Open data folder")
    finally:
        QDesktopServices.unsetUrlHandler("file")
    assert [Path(url.toLocalFile()) for url in opened.urls] == [tmp_path]


def test_a_removed_model_leaves_the_choice(pane: Pane) -> None:
    QTest.keyClick(pane.level, Qt.Key.Key_Down)
    pane.controller.choose("gone")
    assert pane.level.currentText() == "For all chats"


def test_without_models_there_is_nothing_to_choose(pane: Pane) -> None:
    enter(pane.view, "temperature", "0.5")
    QTest.keyClick(pane.level, Qt.Key.Key_Down)
    enter(pane.view, "temperature", "1")
    level = pane.level
    assert level.isVisible()
    pane.view.hide()
    pane.models.clear()
    pane.view.show()
    assert not level.isVisible()
    assert control(pane.view, "temperature", QAbstractSpinBox).text() == "0.50"  # all chats, not the removed model


def test_stop_strings_are_written_and_shown_with_escapes(pane: Pane) -> None:
    edit = control(pane.view, "stop", QPlainTextEdit)
    edit.setFocus()
    QTest.keyClicks(edit, r"\nUser:\t")
    pane.level.setFocus()
    assert pane.stored()["settings"] == {"stop": ["\nUser:\t"]}
    QTest.keyClick(pane.level, Qt.Key.Key_Down)
    assert control(pane.view, "stop", QPlainTextEdit).toPlainText() == r"\nUser:\t"


def test_the_dialogue_of_a_chat_hands_on_every_change(qtbot, look) -> None:
    kept: list[dict[str, Any]] = []
    levels = Levels(Level.CHAT, {"seed": 7}, ((Level.MODEL, {"top_k": 5}), (Level.ALL, {})))
    dialog = ChatSettingsDialog(look, "김치", levels, kept.append)
    qtbot.addWidget(dialog)
    dialog.open()
    enter(dialog, "temperature", "0")
    assert kept == [{"seed": 7, "temperature": 0.0}]
    enter(dialog, "top_k", "5")
    assert len(kept) == 1  # it is that already
    reset = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Reset all")
    QTest.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert kept[-1] == {}
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_numbers_in_the_dialogue_have_their_edge_all_around(qtbot, look) -> None:
    dialog = ChatSettingsDialog(look, "김치", Levels(Level.CHAT, {}, ((Level.ALL, {}),)), lambda _own: None)
    qtbot.addWidget(dialog)
    dialog.open()
    for key in ("temperature", "top_k"):
        image = control(dialog, key, QAbstractSpinBox).grab().toImage()
        right, bottom = image.width() - 1, image.height() - 1
        places = [(0, bottom // 2), (right, bottom // 2), (right // 2, 0), (right // 2, bottom)]
        assert [image.pixelColor(*place).name() for place in places] == [look.colours.edge] * 4


def test_the_first_setting_gets_the_focus_and_space_opens_nothing_outside(qtbot, pane: Pane) -> None:
    stack, field = QStackedWidget(), QLineEdit()
    qtbot.addWidget(stack)
    pane.models.clear()  # with models, the choice among them comes first
    pane.view.hide()
    stack.addWidget(field)
    stack.addWidget(pane.view)
    stack.show()
    stack.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    stack.setCurrentWidget(pane.view)
    language = control(pane.view, "language", QComboBox)
    qtbot.waitUntil(language.hasFocus)
    pane.view.setParent(None)


def test_a_setting_that_is_led_to_may_be_gone_at_once(qtbot, pane: Pane) -> None:
    pane.view.show_setting("context")
    qtbot.wait(20)
    for level in (MODEL, None):
        pane.controller.choose(level)
        qtbot.wait(30)  # the one before is deleted, the new one laid out: its range changes
    assert control(pane.view, "context", QAbstractSpinBox).isVisible()
