"""The menu bar by its keys."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow

from desktop.panes.chat.writing import Writing
from desktop.ui.bars import Bar
from desktop.ui.boxes import Line
from desktop.ui.menus import Command, Menus


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.menus = Menus(window.menuBar(), [("chat", "Chat"), ("settings", "Settings")])
    window.heard = []
    window.menus.asked.connect(window.heard.append)
    window.setCentralWidget(QLineEdit())
    window.show()
    window.activateWindow()
    window.centralWidget().setFocus()
    return window


@pytest.mark.parametrize("key", [Qt.Key.Key_F, Qt.Key.Key_K])
def test_finding_is_asked_for_from_wherever_the_focus_is(window, key):
    QTest.keyClick(window.centralWidget(), key, Qt.KeyboardModifier.ControlModifier)
    assert window.heard == [Command.FIND]


def test_finding_stands_in_the_edit_menu_with_its_key(window):
    edit = next(action.menu() for action in window.menuBar().actions() if action.text() == "Edit")
    entry = edit.actions()[-1]
    assert (entry.text(), entry.shortcut().toString()) == ("Find…", "Ctrl+F")


def test_no_key_means_two_things(window):
    keys = [
        key.toString() for menu in window.menuBar().actions() for a in menu.menu().actions() for key in a.shortcuts()
    ]
    assert len(keys) == len(set(keys))


def test_undo_means_the_text_and_without_any_the_bar_that_offers_it(window, qtbot, look):
    field, acted = Line(), []
    window.setCentralWidget(field)
    field.setFocus()
    bar = Bar(look, window)
    bar.acted.connect(lambda: acted.append(True))
    bar.say("Message deleted", action="Undo")
    QTest.keyClicks(field, "a")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (field.text(), acted) == ("", [])
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert acted == [True]
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert acted == [True]  # it is hidden now
    writing = Writing()
    window.setCentralWidget(writing)
    writing.show()
    writing.setFocus()
    bar.say("Message deleted", action="Undo")
    QTest.keyClick(writing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert acted == [True, True]
