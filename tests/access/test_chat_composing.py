"""Composing in the chat pane: sending, stopping, searching, renaming, and going elsewhere in mid-syllable."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from desktop.panes.chat.edges import Work
from desktop.panes.chat.listing import RowKind
from desktop.panes.chat.revision import EditorBody
from tests.access.method import FIRST, JAPANESE, LATE, MAC, SYSTEMS
from tests.panes.chat.hands import button, click_row, row_of, shown_rows, write
from tests.panes.chat.scripted import Script

ALL = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
EITHER = pytest.mark.parametrize("system", [MAC, LATE], ids=lambda system: system.name)
CONTROL = Qt.KeyboardModifier.ControlModifier
HELLO = "안녕하세요"


@ALL
def test_enter_sends_whole_or_not_at_all(view, pane, play, system):
    pane.controller.choose_model("mistral")
    method, field = play(system), view.composer.field
    field.setFocus()
    method.compose(HELLO)
    method.enter()
    if system.enter != "then the key":
        assert pane.controller.empty
        assert view.composer.text == HELLO
        method.enter()
    pane.until(lambda: not pane.controller.empty)
    pane.idle()
    assert pane.texts()[0] == HELLO
    assert view.composer.text == ""
    assert len(pane.texts()) == 2


@ALL
def test_the_button_sends_what_is_being_composed_too(view, pane, play, system):
    pane.controller.choose_model("mistral")
    method = play(system)
    view.composer.field.setFocus()
    method.compose(HELLO)
    QTest.mouseClick(view.composer.button, Qt.MouseButton.LeftButton)
    method.finish()  # one that answers late
    pane.until(lambda: not pane.controller.empty)
    pane.idle()
    assert pane.texts()[0] == HELLO
    assert view.composer.text == ""


@EITHER
def test_stopping_does_not_touch_what_is_being_composed(view, pane, play, system):
    pane.talk.scripts = [Script(("One ", "two"), hold=1)]
    pane.controller.choose_model("mistral")
    write_only(view, "Count")
    pane.until(lambda: pane.controller.activity.work is Work.WRITING)
    method = play(system)
    method.compose(HELLO)
    QTest.mouseClick(view.composer.button, Qt.MouseButton.LeftButton)
    pane.idle()
    method.finish()
    assert view.composer.text == HELLO
    assert pane.texts() == ["Count", "One "]


def write_only(view, text):
    view.composer.field.setFocus()
    QTest.keyClicks(view.composer.field, text)
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)


@EITHER
def test_another_chat_takes_nothing_of_what_was_being_composed(view, pane, play, system):
    write(view, "Hello")
    method = play(system)
    view.composer.field.setFocus()
    method.compose(HELLO)
    view.new_chat()  # by its shortcut: the focus stays where it is
    method.finish()
    assert view.composer.text == ""
    click_row(view, row_of(view, "Hello"))
    pane.until(lambda: view.composer.text != "")
    method.finish()
    assert view.composer.text == HELLO


@EITHER
def test_what_is_being_composed_is_kept_with_the_draft(view, pane, play, system):
    method = play(system)
    view.composer.field.setFocus()
    method.compose(HELLO)
    pane.until(lambda: pane.drafts.get("") == HELLO)
    method.compose("반")  # and goes on as it was
    method.finish()
    assert view.composer.text == HELLO + "반"


@EITHER
def test_a_pane_that_is_left_keeps_what_was_being_composed(view, pane, play, system):
    method = play(system)
    view.composer.field.setFocus()
    method.compose(HELLO)
    view.hide()
    method.finish()
    view.show()
    assert view.composer.text == HELLO
    assert pane.drafts[""] == HELLO


@EITHER
def test_chats_are_found_while_the_word_is_composed(view, pane, play, system):
    write(view, "김치를 먹을까요")
    view.new_chat()
    method = play(system)
    view.sidebar.search.setFocus()
    method.compose("김치")
    pane.until(lambda: any(row.kind is RowKind.HIT for row in shown_rows(view)))
    hit = next(row for row in shown_rows(view) if row.message_id)
    assert [hit.snippet[a:b] for a, b in hit.marks] == ["김치"]
    assert view.sidebar.search.text() == "김"  # nothing was taken from the input method
    method.show("칟")
    pane.until(lambda: not any(row.message_id for row in shown_rows(view)))
    method.show("치")
    method.finish()
    pane.until(lambda: any(row.message_id for row in shown_rows(view)))
    assert view.sidebar.search.text() == "김치"


@ALL
def test_a_chat_is_renamed_whole_in_the_list(view, pane, play, system):
    write(view, "Hello")
    method, chats = play(system), view.sidebar.list
    chats.setFocus()
    chats.setCurrentIndex(view.sidebar.rows.index(row_of(view, "Hello")))
    QTest.keyClick(chats, Qt.Key.Key_F2)
    field = chats.findChild(QLineEdit)
    field.selectAll()
    method.compose(HELLO)
    method.enter()
    if system.enter != "then the key":
        assert chats.editing
        method.enter()
    pane.until(lambda: any(row.text == HELLO for row in shown_rows(view)))


@ALL
def test_a_title_that_is_left_in_the_list_is_whole(view, pane, play, system):
    write(view, "Hello")
    method, chats = play(system), view.sidebar.list
    chats.setFocus()
    chats.setCurrentIndex(view.sidebar.rows.index(row_of(view, "Hello")))
    QTest.keyClick(chats, Qt.Key.Key_F2)
    chats.findChild(QLineEdit).selectAll()
    method.compose(HELLO)
    view.composer.field.setFocus()
    pane.until(lambda: any(row.text == HELLO for row in shown_rows(view)))
    method.finish()
    assert view.composer.text == ""


@ALL
def test_the_title_above_is_taken_whole(view, pane, play, system):
    write(view, "Hello")
    method = play(system)
    view.header.edit()
    method.compose(HELLO)
    method.enter()
    if system.enter != "then the key":
        assert view.header.field.isVisible()
        method.enter()
    pane.until(lambda: pane.controller.chat.title == HELLO)
    assert not view.header.field.isVisible()


@ALL
def test_an_edited_message_is_saved_whole(view, pane, play, system):
    write(view, "Hello")
    method = play(system)
    view.transcript.edit(pane.controller.last_own())
    editor = view.findChild(EditorBody)
    field = editor.findChild(QPlainTextEdit)
    field.setFocus()
    field.selectAll()
    method.compose(HELLO)
    QTest.mouseClick(button(editor, "Save"), Qt.MouseButton.LeftButton)
    method.finish()
    pane.until(lambda: pane.texts()[0] == HELLO)
    pane.idle()


@pytest.mark.parametrize("system", [MAC, JAPANESE, FIRST], ids=lambda system: system.name)
def test_an_edited_message_is_saved_whole_by_keys(view, pane, play, system):
    write(view, "Hello")
    method = play(system)
    view.transcript.edit(pane.controller.last_own())
    view.findChild(EditorBody).findChild(QPlainTextEdit).selectAll()
    method.compose(HELLO)
    method.enter(CONTROL)
    if system.enter != "then the key":
        assert view.findChild(EditorBody).isVisible()
        method.enter(CONTROL)
    pane.until(lambda: pane.texts()[0] == HELLO)
    pane.idle()


@EITHER
def test_a_syllable_begun_in_the_list_goes_on_in_the_message(view, pane, play, system):
    write(view, "Hello")
    method, chats = play(system), view.sidebar.list
    click_row(view, row_of(view, "Hello"))
    chats.setFocus()
    method.compose(HELLO[:1])
    assert view.composer.field.composing == HELLO[:1]
    method.compose(HELLO[1:])
    method.finish()
    assert view.composer.text == HELLO
    assert QApplication.focusWidget() is view.composer.field
