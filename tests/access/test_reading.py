"""A conversation read by the arrow keys: on from one message into the next, and who says what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from desktop.panes.chat.transcript import Transcript
from desktop.ui import hearing
from desktop.ui.reading import Reading
from tests.access import tree
from tests.panes.chat.views import asked, replied

REPLY = "First line.\n\nSecond line.\n\n```py\nx = 1\n```\n\nThe end."


@pytest.fixture
def transcript(qtbot: Any, look: Any) -> Iterator[Transcript]:
    hearing.tell_roles()
    window = QWidget()
    qtbot.addWidget(window)
    transcript = Transcript(look, window)
    QVBoxLayout(window).addWidget(transcript)
    window.resize(700, 600)
    window.show()
    window.activateWindow()
    transcript.show_chat([asked("q", "What is it?"), replied("r", REPLY, last=True), asked("n", "Thank you")])
    transcript.setFocus()
    qtbot.waitUntil(transcript.hasFocus)
    yield transcript
    window.close()


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def test_arrows_lead_from_text_to_text_and_back(transcript: Transcript) -> None:
    QTest.keyClick(transcript, Qt.Key.Key_Tab)
    texts = [focused()]
    for _step in range(20):
        QTest.keyClick(focused(), Qt.Key.Key_Down)
        if focused() is not texts[-1]:
            texts.append(focused())
    said = [text.toPlainText() for text in texts if isinstance(text, Reading)]
    assert said == ["What is it?", "First line.\nSecond line.", "x = 1", "The end.", "Thank you"]
    assert [text.accessibleName() for text in texts] == ["You wrote", "Reply", "Code", "Reply", "You wrote"]
    back = [focused()]
    for _step in range(20):
        QTest.keyClick(focused(), Qt.Key.Key_Up)
        if focused() is not back[-1]:
            back.append(focused())
    assert back == texts[::-1]


def test_each_message_is_an_element_that_says_whose_it_is(transcript: Transcript) -> None:
    read = tree.read(transcript)
    assert (read.role, read.name) == (QAccessible.Role.Grouping, "Conversation")
    texts = [node for node in read.walk() if isinstance(node.object, Reading)]
    assert sorted((node.name, node.value) for node in texts) == [
        ("Code", "x = 1"),
        ("Reply", "First line.\nSecond line."),
        ("Reply", "The end."),
        ("You wrote", "Thank you"),
        ("You wrote", "What is it?"),
    ]
    assert all(node.state.readOnly and node.state.focusable for node in texts)


def test_a_reply_that_comes_anew_is_no_edit_to_a_screen_reader(qtbot: Any) -> None:
    """Qt tells of every change of a document as of an edit: all of it erased, all of it written."""
    window = QWidget()
    qtbot.addWidget(window)
    text = Reading("Reply", window)
    window.show()
    edits: list[tuple[int, int, int]] = []
    text.document().contentsChange.connect(lambda *edit: edits.append(edit))
    text.replace("<p>It is</p>")
    height = text.tall(300)
    text.replace("<p>It is</p><p>easy</p>")
    assert edits == []
    assert text.toPlainText() == "It is\neasy"
    assert text.tall(300) > height
    assert tree.read(text).value == "It is\neasy"  # who asks is told
    window.close()
