"""The menu bar by its keys."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow

from desktop.panes.chat.writing import Writing
from desktop.ui.bars import Bar
from desktop.ui.boxes import Line
from desktop.ui.menus import Command, Menus, keys


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


def test_finding_stands_in_the_edit_menu_with_its_key(window):
    edit = next(action.menu() for action in window.menuBar().actions() if action.text() == "&Edit")
    entry = edit.actions()[-1]
    assert (entry.text(), entry.shortcut().toString()) == ("Find…", "Ctrl+F")


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


def test_undo_leaves_a_bar_alone_that_offers_something_else(window, look):
    """Whatever its button says: "Undo" may be a translation of another message."""
    acted = []
    bar = Bar(look, window)
    bar.acted.connect(lambda: acted.append(True))
    bar.say("The download has stopped.", action="Try again")
    undo = next(a for _title, entries in window.menus.sections() for a in entries if a.data() == "Undo")
    assert not window.menus.possible(undo)
    undo.trigger()
    assert acted == []
    bar.say("Message deleted", action="Undo")
    assert window.menus.possible(undo)
    undo.trigger()
    assert acted == [True]
    assert not bar.isVisible()


# Qt's own table of standard keys (qplatformtheme.cpp, keyBindings), as far as menus and text fields use it.
STANDARD = {
    "windows": {
        "New": "Ctrl+N", "Close": "Ctrl+F4 Ctrl+W", "Find": "Ctrl+F", "ZoomIn": "Ctrl++", "ZoomOut": "Ctrl+-",
        "HelpContents": "F1", "Undo": "Ctrl+Z Alt+Backspace", "Redo": "Ctrl+Y Ctrl+Shift+Z Alt+Shift+Backspace",
        "Cut": "Ctrl+X Shift+Del", "Copy": "Ctrl+C Ctrl+Ins", "Paste": "Ctrl+V Shift+Ins", "SelectAll": "Ctrl+A",
    },
    "mac": {
        "New": "Ctrl+N", "Close": "Ctrl+W Ctrl+F4", "Find": "Ctrl+F", "ZoomIn": "Ctrl++", "ZoomOut": "Ctrl+-",
        "HelpContents": "Ctrl+?", "Undo": "Ctrl+Z", "Redo": "Ctrl+Shift+Z", "Cut": "Ctrl+X Meta+K",
        "Copy": "Ctrl+C", "Paste": "Ctrl+V Meta+Y", "SelectAll": "Ctrl+A",
    },
    "linux": {
        "New": "Ctrl+N", "Close": "Ctrl+W", "Find": "Ctrl+F", "ZoomIn": "Ctrl++", "ZoomOut": "Ctrl+-",
        "HelpContents": "F1", "Undo": "Ctrl+Z F14", "Redo": "Ctrl+Shift+Z", "Cut": "Ctrl+X Shift+Del F20",
        "Copy": "Ctrl+C Ctrl+Ins F16", "Paste": "Ctrl+V Shift+Ins Ctrl+Shift+Ins F18", "SelectAll": "Ctrl+A",
    },
}  # fmt: skip
# What text fields do with a command key there, and what the system keeps for itself.
TAKEN = {
    "windows": "Ctrl+Left Ctrl+Right Ctrl+Home Ctrl+End Ctrl+Backspace Ctrl+Del Alt+F4 Ctrl+Esc",
    "mac": (
        "Ctrl+Left Ctrl+Right Ctrl+Up Ctrl+Down Ctrl+Backspace Ctrl+Tab Ctrl+Shift+Tab Ctrl+Space Ctrl+H Ctrl+M "
        "Ctrl+` Meta+A Meta+E Meta+F Meta+B Meta+N Meta+P Meta+D Meta+H Meta+V Meta+Up Meta+Down Meta+Space"
    ),
    "linux": (  # Ctrl+K deletes to the end of the line, and fields leave it to the window: `boxes.leaves_key`
        "Ctrl+Left Ctrl+Right Ctrl+Home Ctrl+End Ctrl+Backspace Ctrl+Del Ctrl+E Ctrl+U Ctrl+D Ctrl+H Alt+F4 "
        "Ctrl+Shift+U Ctrl+Alt+T"
    ),
}  # fmt: skip


def written(key, platform):
    """The keys of a platform, as text."""
    texts = [key] if isinstance(key, str) else STANDARD[platform][key.name].split()
    return [QKeySequence(text).toString(QKeySequence.SequenceFormat.PortableText) for text in texts]


@pytest.mark.parametrize("platform", STANDARD)
def test_on_no_platform_a_key_means_two_things(platform, qapp):
    commands = [key for command in Command for key in keys(command, mac=platform == "mac")]
    panes = [f"Ctrl+{number}" for number in range(1, 5)] + ["Ctrl+,"]
    editing = [QKeySequence.StandardKey[name] for name in ("Undo", "Redo", "Cut", "Copy", "Paste", "SelectAll")]
    all_of_them = [text for key in [*commands, *panes, *editing] for text in written(key, platform)]
    assert "" not in all_of_them  # all are keys that Qt knows
    assert sorted(all_of_them) == sorted(set(all_of_them))
    taken = {text for key in TAKEN[platform].split() for text in written(key, platform)}
    assert not taken & set(all_of_them)


def test_the_keys_here_are_those_of_the_table(window):
    for command in Command:
        if keys(command):
            assert window.menus.action(command).shortcuts(), command


def test_every_command_stands_in_exactly_one_menu(window):
    entries = [action.data() for _title, actions in window.menus.sections() for action in actions]
    assert sorted(e for e in entries if e not in ("Chat", "Settings")) == sorted(
        [command.value for command in Command] + ["Undo", "Redo", "Cut", "Copy", "Paste", "Select all"]
    )


@pytest.mark.parametrize("command", [command for command in Command if keys(command)])
def test_every_key_is_heard_from_a_text_field(window, command):
    """Also where text is marked, and in the field that a message is written in."""
    for field in (Line("some text"), Writing()):
        window.setCentralWidget(field)
        field.show()
        field.setFocus()
        for sequence in window.menus.action(command).shortcuts():
            window.heard.clear()
            QTest.keySequence(window.windowHandle(), sequence)
            assert window.heard == [command], sequence.toString()


def test_a_menu_that_is_open_offers_what_could_do_anything(window):
    window.menus.able = lambda command: command is not Command.REGENERATE
    menu = next(action.menu() for action in window.menuBar().actions() if "Regenerate" in texts(action.menu()))
    menu.aboutToShow.emit()
    enabled = {action.text(): action.isEnabled() for action in menu.actions()}
    assert (enabled["Regenerate"], enabled["Next chat"]) == (False, True)
    menu.aboutToHide.emit()
    assert window.menus.action(Command.REGENERATE).isEnabled()  # a shortcut is judged when it is pressed


def texts(menu):
    return [action.text() for action in menu.actions()]


def test_every_menu_opens_by_a_letter_of_its_own(window, monkeypatch):
    letters = [QKeySequence.mnemonic(a.text()).toString() for a in window.menuBar().actions()]
    assert letters == ["Alt+F", "Alt+E", "Alt+V", "Alt+C", "Alt+H"]
    korean = {"File": "파일", "Edit": "편집", "View": "보기", "Chat": "대화", "Help": "도움말"}
    monkeypatch.setattr("desktop.ui.menus._", lambda text: korean.get(text, text))
    window.menus.retranslate()
    assert [a.text() for a in window.menuBar().actions()] == [
        "파일(&F)",
        "편집(&E)",
        "보기(&V)",
        "대화(&C)",
        "도움말(&H)",
    ]
    italian = {"File": "File", "Edit": "Modifica", "View": "Vista", "Chat": "Chat", "Help": "Aiuto"}
    monkeypatch.setattr("desktop.ui.menus._", lambda text: italian.get(text, text))
    window.menus.retranslate()
    assert [a.text() for a in window.menuBar().actions()] == ["&File", "&Modifica", "&Vista", "&Chat", "&Aiuto"]
    monkeypatch.setattr("desktop.ui.menus.sys.platform", "darwin")  # a Mac has no such letters
    window.menus.retranslate()
    assert [a.text() for a in window.menuBar().actions()] == ["File", "Modifica", "Vista", "Chat", "Aiuto"]
