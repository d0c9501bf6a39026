import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from desktop.panes.chat.writing import LEAST_LINES, LONGEST_LINE, Writing, cleaned


@pytest.fixture
def editor(qtbot):
    editor = Writing()
    qtbot.addWidget(editor)
    editor.resize(500, 40)
    editor.show()
    editor.setFocus()
    editor.sent = []
    editor.submitted.connect(lambda: editor.sent.append(editor.text()))
    return editor


def compose(editor, preedit, commit=""):
    event = QInputMethodEvent(preedit, [])
    event.setCommitString(commit)
    QApplication.sendEvent(editor, event)


def paste(editor, text):
    data = QMimeData()
    data.setText(text)
    editor.insertFromMimeData(data)


def test_enter_sends_and_shift_enter_breaks_the_line(editor):
    QTest.keyClicks(editor, "one")
    QTest.keyClick(editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(editor, "two")
    assert editor.sent == []
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.sent == ["one\ntwo"]


def test_a_committed_syllable_is_sent_whole_by_one_enter(editor):
    for preedit in ("ㅎ", "하", "한"):
        compose(editor, preedit)
    compose(editor, "", "한")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.sent == ["한"]


def test_enter_during_composition_belongs_to_the_input_method(editor):
    compose(editor, "하")
    compose(editor, "한")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.sent == []
    assert "\n" not in editor.text()
    compose(editor, "", "한")  # what the input method makes of that Enter
    assert editor.sent == []
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.sent == ["한"]


def test_a_syllable_that_follows_another_without_a_pause(editor):
    compose(editor, "한")
    compose(editor, "ㄱ", "한")
    compose(editor, "글")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    compose(editor, "", "글")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.sent == ["한글"]


def test_the_send_button_waits_for_a_late_commit(editor):
    compose(editor, "안")
    editor.submit()
    assert editor.sent == []
    compose(editor, "", "안")
    assert editor.sent == ["안"]


def test_losing_focus_during_composition_neither_sends_nor_doubles(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    editor, other = Writing(window), QLineEdit(window)
    layout = QVBoxLayout(window)
    layout.addWidget(editor)
    layout.addWidget(other)
    sent = []
    editor.submitted.connect(lambda: sent.append(editor.text()))
    window.show()
    editor.setFocus()
    compose(editor, "국")
    other.setFocus()
    compose(editor, "", "국")
    editor.setFocus()
    assert editor.text() == "국"
    assert sent == []
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert sent == ["국"]


def test_up_recalls_only_from_an_empty_field(editor, qtbot):
    with qtbot.waitSignal(editor.recalled):
        QTest.keyClick(editor, Qt.Key.Key_Up)
    compose(editor, "한")
    with qtbot.assertNotEmitted(editor.recalled):
        QTest.keyClick(editor, Qt.Key.Key_Up)
    compose(editor, "", "한")
    with qtbot.assertNotEmitted(editor.recalled):
        QTest.keyClick(editor, Qt.Key.Key_Up)


def test_it_grows_to_whole_lines_within_its_limit_and_shrinks_again(editor):
    heights = [editor.height()]
    line = editor.fontMetrics().height()
    editor.limit(10 * line + line // 2)
    for _ in range(20):
        QTest.keyClick(editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
        heights.append(editor.height())
    one = heights[0]
    assert heights[-1] == pytest.approx(one + 9 * line, abs=10)  # whole pixels each
    assert heights[-1] == heights[9]
    editor.limit(0)
    assert editor.height() == heights[LEAST_LINES - 1]
    editor.set_text("")
    assert editor.height() == one


def test_a_giant_line_comes_back_as_it_was_also_after_undo_and_redo(editor):
    text = "가나다 라마바 " * 3 * LONGEST_LINE + "\nend"
    QTest.keyClicks(editor, "a")
    paste(editor, text)
    assert (
        max(len(editor.document().findBlockByNumber(n).text()) for n in range(editor.blockCount())) <= 2 * LONGEST_LINE
    )
    assert editor.text() == "a" + text
    editor.undo()
    editor.redo()
    assert editor.text() == "a" + text


def test_a_line_break_inside_a_split_line_is_kept(editor):
    paste(editor, "x" * (LONGEST_LINE + 5))
    QTest.keyClick(editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    paste(editor, "y\nz")
    assert editor.text() == "x" * (LONGEST_LINE + 5) + "\ny\nz"


def test_what_cannot_be_stored_is_left_out(editor):
    assert cleaned("a\0b\ud800c\r\nd\u2028e") == "abc\nd\ne"
    paste(editor, "nul\0l 😀\r\nzwei")
    assert editor.text() == "null 😀\nzwei"
