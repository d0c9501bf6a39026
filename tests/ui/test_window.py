"""The main window, by clicks, keys and drops, around panes of no content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QMenu, QPlainTextEdit, QPushButton

from desktop.core.errors import StorageError
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton
from desktop.ui.drops import DropHint
from desktop.ui.icons import Icon
from desktop.ui.labels import Label
from desktop.ui.menus import Command
from desktop.ui.report import ReportDialog
from desktop.ui.window import MainWindow, Pane, Place


class Shell:
    def __init__(self, qtbot: Any, look: Any, place: dict[str, Any] | None = None) -> None:
        self.saved: list[Any] = []
        self.closes: list[bool] = []
        self.asked: list[Command] = []
        self.models: list[list[Path]] = []
        self.chats: list[list[Path]] = []
        self.sidebar = QListWidget()
        self.field = QLineEdit()
        panes = [
            Pane("chat", "Chat", Icon.CHAT),
            Pane("models", "Models", Icon.MODELS),
            Pane("settings", "Settings", Icon.SETTINGS),
            Pane("help", "Help", Icon.INFO),
        ]
        place_of = Place(lambda: place or {}, self.saved.append)
        self.window = MainWindow(look, panes, place_of, lambda: self.closes.append(True))
        self.window.fill(self.sidebar, lambda name: self.field if name == "chat" else QLineEdit())
        self.window.asked.connect(self.asked.append)
        self.window.models_dropped.connect(self.models.append)
        self.window.chats_dropped.connect(self.chats.append)
        qtbot.addWidget(self.window, before_close_func=lambda window: window.leave())
        self.window.show()
        self.window.activateWindow()
        QTest.qWaitForWindowActive(self.window)

    def button(self, name: str) -> IconButton:
        return next(b for b in self.window.findChildren(IconButton) if b.accessibleName() == name and b.isVisible())

    def click(self, name: str) -> None:
        QTest.mouseClick(self.button(name), Qt.MouseButton.LeftButton, pos=QPoint(12, 12))

    def bars(self) -> list[Bar]:
        return [bar for bar in self.window.findChildren(Bar) if bar.isVisibleTo(self.window)]

    def choose(self, menu: str, entry: str) -> None:
        (found,) = [m for m in self.window.menuBar().findChildren(QMenu) if m.title().replace("&", "") == menu]
        next(a for a in found.actions() if a.text() == entry).trigger()

    def drop(self, *paths: str) -> bool:
        """Whether the drop was welcome."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path) for path in paths])
        here, buttons, keys = QPoint(400, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(here, Qt.DropAction.CopyAction, data, buttons, keys)
        enter.ignore()
        QApplication.sendEvent(self.window, enter)
        if enter.isAccepted():
            assert self.window.findChild(DropHint).isVisible()
            QApplication.sendEvent(
                self.window, QDropEvent(QPointF(here), Qt.DropAction.CopyAction, data, buttons, keys)
            )
            assert not self.window.findChild(DropHint).isVisible()
        return enter.isAccepted()


@pytest.fixture
def shell(qtbot, look) -> Shell:
    return Shell(qtbot, look)


def test_navigation_by_buttons(shell: Shell) -> None:
    shell.click("Models")
    assert shell.window.pane == "models"
    shell.click("Settings")
    assert shell.button("Settings").isChecked()
    assert not shell.button("Models").isChecked()
    shell.click("Settings")  # a second click goes back to the chat
    assert shell.window.pane == "chat"


def test_navigation_by_keys_and_menu(shell: Shell) -> None:
    QTest.keyClick(shell.window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    assert shell.window.pane == "settings"
    QTest.keyClick(shell.window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert shell.window.pane == "models"
    shell.choose("View", "Help")
    assert shell.window.pane == "help"
    assert shell.button("Help").isChecked()


def test_commands_are_passed_on(shell: Shell) -> None:
    QTest.keyClick(shell.window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    for entry in ("Import model…", "Import chats…", "Export chat…", "Export all chats…"):
        shell.choose("File", entry)
    shell.choose("Help", "About Alcove")
    assert shell.asked == [
        Command.NEW_CHAT,
        Command.IMPORT_MODEL,
        Command.IMPORT_CHATS,
        Command.EXPORT_CHAT,
        Command.EXPORT_ALL_CHATS,
        Command.ABOUT,
    ]


def test_editing_reaches_the_focused_field(shell: Shell) -> None:
    shell.field.setText("한글")
    shell.field.setFocus()
    shell.choose("Edit", "Select all")
    shell.choose("Edit", "Cut")
    assert shell.field.text() == ""
    shell.choose("Edit", "Paste")
    assert shell.field.text() == "한글"
    shell.choose("Edit", "Undo")
    assert shell.field.text() == ""
    shell.sidebar.setFocus()
    shell.choose("Edit", "Paste")  # nowhere to go: nothing happens


def test_closing_is_asked_for_and_the_place_remembered(shell: Shell, qtbot, look) -> None:
    shell.window.resize(770, 600)  # the screen off screen has 800 by 800 pixels
    QTest.keyClick(shell.window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert shell.closes == [True]
    assert shell.window.isVisible()
    again = Shell(qtbot, look, shell.saved[-1])
    assert again.window.size() == shell.window.size()


def test_a_strange_place_is_no_reason_to_fail(qtbot, look) -> None:
    shell = Shell(qtbot, look, {"geometry": "쓰레기", "folded": "perhaps"})
    assert shell.sidebar.isVisible()


def test_the_list_folds_where_the_window_is_narrow(shell: Shell) -> None:
    shell.window.resize(760, 520)
    assert not shell.sidebar.isVisible()
    shell.click("Models")
    shell.click("Chat")
    assert shell.window.pane == "chat"
    shell.click("Show chat list")
    assert shell.sidebar.isVisible()
    shell.window.resize(1200, 700)
    assert shell.sidebar.isVisible()


def test_the_list_folds_by_hand_and_stays_so(shell: Shell, qtbot, look) -> None:
    shell.window.resize(1200, 700)
    QTest.keyClick(shell.window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert not shell.sidebar.isVisible()
    shell.window.resize(1100, 700)
    assert not shell.sidebar.isVisible()
    shell.window.close()
    assert not Shell(qtbot, look, shell.saved[-1]).sidebar.isVisible()


def test_drops_are_told_apart(shell: Shell) -> None:
    assert shell.drop("/tmp/모델.GGUF", "/tmp/chat.json", "/tmp/note.md")
    assert shell.models == [[Path("/tmp/모델.GGUF")]]
    assert shell.chats == [[Path("/tmp/chat.json"), Path("/tmp/note.md")]]
    assert not shell.drop("/tmp/photo.png")


def test_notices_stay_until_they_are_closed(shell: Shell) -> None:
    shell.window.notify("Your settings were kept as “{path}”.", {"path": "/x"})
    shell.window.warn(StorageError("The disk is full."))
    assert [bar.text for bar in shell.bars()] == ["Your settings were kept as “/x”.", "The disk is full."]
    close = next(b for b in shell.bars()[0].findChildren(IconButton) if b.accessibleName() == "Close")
    QTest.mouseClick(close, Qt.MouseButton.LeftButton)
    assert [bar.text for bar in shell.bars()] == ["The disk is full."]


def test_the_status_line(shell: Shell) -> None:
    shell.window.set_status("CPU · Guide · 60 MB")
    assert any(label.text() == "CPU · Guide · 60 MB" for label in shell.window.findChildren(Label))


def test_progress_stands_in_the_title(shell: Shell) -> None:
    assert shell.window.windowTitle() == "Alcove"
    shell.window.show_progress(0.129)
    assert shell.window.windowTitle() == "12 % · Alcove"
    shell.window.retranslate()
    assert shell.window.windowTitle() == "12 % · Alcove"
    for share, title in ((0.29, "29 % · Alcove"), (0.999, "99 % · Alcove"), (1.0, "100 % · Alcove")):
        shell.window.show_progress(share)
        assert shell.window.windowTitle() == title
    shell.window.show_progress(None)
    assert shell.window.windowTitle() == "Alcove"


def test_a_bug_offers_a_report_once(shell: Shell) -> None:
    try:
        raise ValueError(f"in {Path.home()}/chats")
    except ValueError as bug:
        shell.window.show_report(bug)
        shell.window.show_report(bug)
    (dialog,) = shell.window.findChildren(ReportDialog)
    copy = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy")
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert "ValueError: in ~/chats" in text
    assert text == dialog.findChild(QPlainTextEdit).toPlainText()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_every_button_has_a_name(shell: Shell) -> None:
    for width in (760, 1200):
        shell.window.resize(width, 600)
        for button in shell.window.findChildren(IconButton):
            assert button.accessibleName()
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_language_switch_reaches_everything(shell: Shell) -> None:
    QApplication.sendEvent(shell.window, QEvent(QEvent.Type.LanguageChange))
    assert shell.button("Models").text() == "Models"


def test_tab_goes_through_the_list_and_then_the_other_panes(qtbot, look):
    shell = Shell(qtbot, look)
    side = shell.window._side
    order = [side._toggle, shell.sidebar, *(side._buttons[name] for name in ("models", "settings", "help"))]
    order[0].setFocus()
    for widget, after in zip(order, [*order[1:], shell.field], strict=True):
        assert QApplication.focusWidget() is widget
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is after
