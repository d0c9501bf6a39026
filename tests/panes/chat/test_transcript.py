"""The transcript, driven by mouse and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPlainTextEdit

from desktop.core.generation import StopReason, Usage
from desktop.panes.chat.actions import ActionsBody
from desktop.panes.chat.body import CodeBody
from desktop.panes.chat.rows import Part
from desktop.panes.chat.transcript import Transcript
from desktop.ui.reading import Reading
from desktop.ui.theme import Theme
from tests.panes.chat.views import asked, replied, talk


def button(transcript: Transcript, name: str, nth: int = -1) -> QAbstractButton:
    found = [b for b in transcript.findChildren(QAbstractButton) if b.accessibleName() == name and b.isVisible()]
    return found[nth]


def click(transcript: Transcript, name: str, nth: int = -1) -> None:
    QTest.mouseClick(button(transcript, name, nth), Qt.MouseButton.LeftButton)


def texts(transcript: Transcript) -> list[str]:
    return [r.toPlainText() for r in in_order(transcript)]


def in_order(transcript: Transcript) -> list[Reading]:
    found = [r for row in transcript.realised() if row.widget for r in row.widget.findChildren(Reading)]
    return [r for r in found if r.isVisible()]


def bottom(transcript: Transcript) -> bool:
    bar = transcript.verticalScrollBar()
    return bar.value() == bar.maximum()


def test_chat_opens_at_its_end_with_few_widgets(transcript: Transcript) -> None:
    transcript.show_chat(talk(500))
    assert bottom(transcript)
    assert texts(transcript)[-1].startswith("Answer 499")
    assert len(transcript.realised()) < 60
    assert sum(entry.rows is not None for entry in transcript.entries) < 40


def test_scrolling_to_the_top_shows_the_first_message(transcript: Transcript) -> None:
    transcript.show_chat(talk(200))
    transcript.setFocus()
    QTest.keyClick(transcript, Qt.Key.Key_Home)
    assert texts(transcript)[0] == "Question 0?"
    assert not transcript.following
    click(transcript, "To the end")
    assert bottom(transcript)
    assert transcript.following


def test_corrected_estimates_move_nothing(transcript: Transcript) -> None:
    transcript.show_chat(talk(200, 2_000))
    bar = transcript.verticalScrollBar()
    for _step in range(30):
        before = {id(row): row.widget.mapTo(transcript, QPoint(0, 0)).y() for row in transcript.realised()}
        bar.setValue(bar.value() - 90)
        moved = {
            row.widget.mapTo(transcript, QPoint(0, 0)).y() - before[id(row)]
            for row in transcript.realised()
            if id(row) in before
        }
        assert moved == {90}


def test_streaming_follows_the_end_but_never_fights_the_reader(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([*talk(20), replied("r", "", streaming=True, last=True)])
    for _batch in range(20):
        transcript.stream("r", "Some words that go on. " * 20 + "\n\n")
    qtbot.waitUntil(lambda: "Some words" in texts(transcript)[-1])
    assert bottom(transcript)
    transcript.setFocus()
    QTest.keyClick(transcript, Qt.Key.Key_PageUp)
    seen = transcript.verticalScrollBar().value()
    bar = transcript.verticalScrollBar()
    for _batch in range(6):
        with qtbot.waitSignal(bar.rangeChanged):
            transcript.stream("r", "More words that go on. " * 40 + "\n\n")
        assert bar.value() == seen
    assert button(transcript, "To the end")
    QTest.keyClick(transcript, Qt.Key.Key_End)
    assert bottom(transcript)


def test_streamed_text_is_the_text(qtbot, transcript: Transcript) -> None:
    text = "# Title\n\nSome **bold** words.\n\n```py\nx = 1\n```\n\nThe end."
    transcript.show_chat([asked("q", "?"), replied("r", "", streaming=True, last=True)])
    for at in range(0, len(text), 5):
        transcript.stream("r", text[at : at + 5])
    transcript.finish(replied("r", text, last=True))
    assert texts(transcript) == ["?", "Title\nSome bold words.", "x = 1", "The end."]


def test_update_while_streaming_changes_no_text(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "Begun", streaming=True, status="Reading 5 of 9 tokens")])
    transcript.stream("r", " well")
    transcript.update_message(replied("r", "Begun well and more", streaming=True))
    assert texts(transcript) == ["Begun well"]


def test_copy_leaves_thoughts_out(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "<think>Hm.</think>\n\nThe *answer*.", last=True)])
    with qtbot.waitSignal(transcript.copied) as told:
        click(transcript, "Copy")
    assert told.args == ["r"]
    assert QGuiApplication.clipboard().text() == "The *answer*."
    assert button(transcript, "Copied")


def test_code_is_copied_whole_though_shown_in_parts(transcript: Transcript) -> None:
    code = "\n".join(f"line {n}" for n in range(600))
    transcript.show_chat([replied("r", f"Look:\n\n```c\n{code}\n```", last=True)])
    transcript.setFocus()
    QTest.keyClick(transcript, Qt.Key.Key_Home)
    click(transcript, "Copy code", 0)
    assert QGuiApplication.clipboard().text() == code


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("Regenerate", "regenerate_requested"),
        ("Continue", "continue_requested"),
        ("Delete", "delete_requested"),
        ("Continue the reply", "continue_requested"),
    ],
)
def test_actions_say_what_is_wanted(qtbot, transcript: Transcript, name: str, signal: str) -> None:
    died = replied("r", "Half", last=True, can_continue=True, stop_reason=StopReason.DIED)
    transcript.show_chat([asked("q", "?"), died])
    with qtbot.waitSignal(getattr(transcript, signal)) as told:
        click(transcript, name)
    assert told.args == ["r"]


def test_versions_are_switched(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "Hi", versions=3, version=2)])
    for name, version in (("Earlier version", 1), ("Later version", 3)):
        with qtbot.waitSignal(transcript.switch_requested) as told:
            click(transcript, name)
        assert told.args == ["r", version]
    transcript.update_message(replied("r", "Hi", versions=3, version=3))
    assert not button(transcript, "Later version").isEnabled()


def test_editing_in_place(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "Helo"), replied("r", "Hi", last=True)])
    click(transcript, "Edit", 0)
    field = transcript.findChild(QPlainTextEdit)
    assert QApplication.focusWidget() is field
    QTest.keyClicks(field, "!")
    with qtbot.waitSignal(transcript.edit_submitted) as told:
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert told.args == ["q", "Helo!"]
    assert texts(transcript)[0] == "Helo"
    click(transcript, "Edit", 0)
    field = next(f for f in transcript.findChildren(QPlainTextEdit) if f.isVisible())
    with qtbot.assertNotEmitted(transcript.edit_submitted):
        QTest.keyClicks(field, "?")
        QTest.keyClick(field, Qt.Key.Key_Escape)
    assert texts(transcript)[0] == "Helo"


def test_leaving_an_edit_keeps_the_place_and_the_focus(transcript: Transcript) -> None:
    transcript.show_chat(talk(12))
    click(transcript, "Edit")
    field = next(f for f in transcript.findChildren(QPlainTextEdit) if f.isVisible())
    before = transcript.verticalScrollBar().value()
    assert before > 0
    QTest.keyClick(field, Qt.Key.Key_Escape)
    focused = QApplication.focusWidget()
    edited = next(r for r in transcript.realised() if r.widget and focused and r.widget.isAncestorOf(focused))
    assert edited.entry is transcript.entries[-1]
    assert transcript.verticalScrollBar().value() == min(before, transcript.verticalScrollBar().maximum())


@pytest.mark.parametrize("text", ["one", "one\ntwo", "하나\n둘\n셋", "word " * 80])
def test_edited_text_is_all_in_view(qtbot, transcript: Transcript, text: str) -> None:
    transcript.show_chat([asked("q", text + "\n\n ")])
    click(transcript, "Edit")
    field = transcript.findChild(QPlainTextEdit)
    qtbot.wait(50)
    assert field.verticalScrollBar().maximum() == 0
    field.insertPlainText("x\n\n")
    with qtbot.waitSignal(transcript.edit_submitted) as told:
        QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert told.args[1].endswith("x")


def test_long_paragraph_shows_no_gap_where_it_is_cut(transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "One more sentence. " * 150)])
    rows = [r for r in transcript.realised() if r.part is Part.TEXT]
    assert len(rows) > 1
    assert [r.gap for r in rows[1:]] == [0] * (len(rows) - 1)
    shown = in_order(transcript)[:-1]
    assert [r.document().lastBlock().blockFormat().bottomMargin() for r in shown] == [0] * len(shown)


def test_what_is_there_at_times_moves_no_other_action(transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "Hi", last=True)])
    before = button(transcript, "Delete").x()
    transcript.update_message(replied("r", "Hi", last=True, can_continue=True))
    assert button(transcript, "Delete").x() == before < button(transcript, "Continue").x()


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier])
def test_a_new_line_in_an_edit(qtbot, transcript: Transcript, modifier: Qt.KeyboardModifier) -> None:
    transcript.show_chat([asked("q", "One")])
    click(transcript, "Edit")
    field = transcript.findChild(QPlainTextEdit)
    with qtbot.assertNotEmitted(transcript.edit_submitted):
        QTest.keyClick(field, Qt.Key.Key_Return, modifier)
        QTest.keyClicks(field, "Two")
    with qtbot.waitSignal(transcript.edit_submitted) as told:
        QTest.keyClick(field, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert told.args == ["q", "One\nTwo"]


def test_composed_syllable_is_not_cut_by_saving(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "한")])
    click(transcript, "Edit")
    field = transcript.findChild(QPlainTextEdit)
    QApplication.sendEvent(field, QInputMethodEvent("그", []))
    with qtbot.assertNotEmitted(transcript.edit_submitted):
        QTest.keyClick(field, Qt.Key.Key_Return)
    commit = QInputMethodEvent()
    commit.setCommitString("글")
    QApplication.sendEvent(field, commit)
    with qtbot.waitSignal(transcript.edit_submitted) as told:
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert told.args == ["q", "한글"]


def test_thoughts_fold(transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "<think>Secret plan.</think>\n\nAnswer.", last=True)])
    assert texts(transcript) == ["Answer."]
    click(transcript, "Show the thoughts")
    assert texts(transcript) == ["Secret plan.", "Answer."]
    click(transcript, "Hide the thoughts")
    assert texts(transcript) == ["Answer."]


def test_thoughts_are_open_while_they_stream_and_close_after(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "", streaming=True)])
    transcript.stream("r", "<think>Secret")
    qtbot.waitUntil(lambda: texts(transcript) == ["Secret"])
    assert button(transcript, "Hide the thoughts").text() == "Thinking…"
    transcript.stream("r", " plan.</think>Answer.")
    qtbot.waitUntil(lambda: texts(transcript) == ["Answer."])
    assert button(transcript, "Show the thoughts").text() == "Thoughts"


def test_link_is_asked_for(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "[a long link to click on](https://a.example)", last=True)])
    reading = in_order(transcript)[0]
    with qtbot.waitSignal(transcript.link_requested) as told:
        QTest.mouseClick(reading.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, 14))
    assert told.args == ["r", "https://a.example"]


def test_tab_goes_through_everything_in_order_and_out(transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "?"), replied("r", "Hi\n\n```py\nx\n```", last=True)])
    transcript.setFocus()
    names: list[str] = []
    for _stop in range(20):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        if not transcript.isAncestorOf(focused):
            break
        names.append(focused.accessibleName())
    assert names == [
        *("You wrote", "Copy", "Edit", "Delete"),
        *("Reply", "Copy code", "Code", "Copy", "Edit", "Regenerate", "Delete"),
    ]
    assert QApplication.focusWidget().text() == "after"


def test_everything_that_can_be_pressed_has_a_name(transcript: Transcript) -> None:
    transcript.show_chat(
        [
            asked("q", "?"),
            replied("r", "<think>a</think>```py\nx\n```", versions=2, can_continue=True, stop_reason=StopReason.DIED),
        ]
    )
    assert all(b.accessibleName() or b.text() for b in transcript.findChildren(QAbstractButton))
    assert all(r.accessibleName() for r in transcript.findChildren(Reading))


def test_actions_show_under_the_pointer(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "Hi", usage=Usage(5, 0, 128)), asked("q", "?")])
    actions = next(r.widget for r in transcript.realised() if r.part is Part.ACTIONS)
    assert isinstance(actions, ActionsBody)
    assert not any(label.isVisible() for label in labels(actions))
    QTest.mouseMove(in_order(transcript)[0])
    qtbot.waitUntil(lambda: any("128 tokens" in label.text() for label in labels(actions) if label.isVisible()))


def labels(actions: ActionsBody) -> list:
    from desktop.panes.chat.actions import Elided

    return actions.findChildren(Elided)


def test_search_result_is_shown_and_marked(transcript: Transcript) -> None:
    messages = [*talk(100), replied("long", "word\n\n" * 3_000 + "The needle is here.\n\n" + "word\n\n" * 3_000)]
    transcript.show_chat([*messages, *talk(50)])
    transcript.scroll_to("long", "NEEDLE")
    marked = [r for r in in_order(transcript) if r.extraSelections()]
    assert [s.cursor.selectedText() for r in marked for s in r.extraSelections()] == ["needle"]
    area = transcript.viewport().rect()
    assert area.contains(marked[0].mapTo(transcript.viewport(), marked[0].cursorRect().topLeft()))


def test_what_left_the_context_is_faded(transcript: Transcript) -> None:
    transcript.show_chat(talk(2, 20))
    transcript.set_faded(["q0", "a0"])
    assert next(row.faded for row in transcript.realised())
    assert [r.part for r in transcript.realised()].count(Part.LEFT) == 1
    transcript.set_faded([])
    assert not any(row.faded or row.part is Part.LEFT for row in transcript.realised())


def test_messages_are_removed_and_added(transcript: Transcript) -> None:
    transcript.show_chat(talk(3, 20))
    transcript.remove_from("q1")
    transcript.append_message(asked("new", "New?"))
    assert [t[:10] for t in texts(transcript)] == ["Question 0", "Answer 0. ", "New?"]
    assert bottom(transcript)


def test_same_chat_from_another_side_keeps_the_place(transcript: Transcript) -> None:
    messages = talk(30, 400)
    transcript.show_chat(messages)
    transcript.scroll_to("a20")
    kept = {id(row.widget) for row in transcript.realised() if row.entry.view.id == "a19"}
    value = transcript.verticalScrollBar().value()
    transcript.show_chat([*messages[:41], replied("other", "Another answer. " * 40, versions=2, version=2, last=True)])
    assert "Another answer" in texts(transcript)[-1]
    assert kept == {id(row.widget) for row in transcript.realised() if row.entry.view.id == "a19"}
    assert abs(transcript.verticalScrollBar().value() - value) < transcript.viewport().height()
    transcript.show_chat([asked("else", "Another chat")])
    assert texts(transcript) == ["Another chat"]


def test_giant_paste_is_shown_by_parts(transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "five megabytes of words in a line " * 150_000), replied("r", "Long.", last=True)])
    assert len(transcript.realised()) < 20
    assert texts(transcript)[-1] == "Long."
    transcript.verticalScrollBar().setValue(transcript.verticalScrollBar().maximum() // 2)
    assert len(transcript.realised()) < 40


def test_no_text_can_harm_the_window(transcript: Transcript) -> None:
    awful = "a\0b \ud800 <script>x</script> ![p](http://a.example/p.png) " + "[" * 5_000 + "\n" * 3_000
    transcript.show_chat([asked("q", awful), replied("r", awful)])
    transcript.verticalScrollBar().setValue(0)
    assert "<script>" in texts(transcript)[0]


def test_theme_and_width_change_keep_the_place(qtbot, look: Theme, transcript: Transcript) -> None:
    transcript.show_chat(talk(60, 1_500))
    transcript.scroll_to("q30")
    look.use("dark", 130)
    transcript.window().resize(520, 600)
    qtbot.waitUntil(lambda: transcript.metrics.width < 500)
    place = next(r for r in in_order(transcript) if r.toPlainText() == "Question 30?")
    top = place.mapTo(transcript.viewport(), QPoint(0, 0)).y()
    assert 0 <= top < transcript.viewport().height() // 3


def test_selection_survives_streaming(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "Hello there", streaming=True)])
    reading = in_order(transcript)[0]
    QTest.mouseDClick(reading.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(10, 14))
    assert reading.textCursor().selectedText() == "Hello"
    transcript.stream("r", ", how are you?")
    qtbot.waitUntil(lambda: "how are" in texts(transcript)[-1])
    assert reading.textCursor().selectedText() == "Hello"


def test_code_gets_its_colours(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([replied("r", "```python\nreturn 1\n```")])
    code = transcript.findChild(CodeBody)
    qtbot.waitUntil(lambda: "Python" in [child.text() for child in code.children() if hasattr(child, "text")])
