"""Where the rows of a conversation stand: what belongs together, and what is beside or below it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QAbstractButton

from desktop.core.generation import Timings, Usage
from desktop.panes.chat.rows import Part, Row
from desktop.panes.chat.transcript import Transcript
from desktop.ui.buttons import IconButton
from desktop.ui.labels import Elided
from desktop.ui.theme import Theme
from tests.panes.chat.views import asked, replied, talk


def place(row: Row) -> QRect:
    assert row.widget is not None
    return row.widget.geometry()


def rows_of(transcript: Transcript, message_id: str) -> dict[Part, Row]:
    return {row.part: row for row in transcript.realised() if row.entry.view.id == message_id}


def test_question_and_answer_belong_together_and_turns_are_apart(transcript: Transcript) -> None:
    transcript.show_chat(talk(2))
    question, answer = rows_of(transcript, "q0")[Part.PLAIN], rows_of(transcript, "a0")[Part.TEXT]
    following = rows_of(transcript, "q1")[Part.PLAIN]
    within = place(answer).top() - place(question).bottom()
    between = place(following).top() - place(answer).bottom()
    assert 0 < within <= 20
    assert between >= 3 * within
    assert place(question).top() >= 20  # not glued to the line above


def test_actions_of_a_question_stand_beside_it_and_take_no_room(transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "A question?"), replied("r", "An answer.", last=True)])
    rows = rows_of(transcript, "q")
    before = [place(row) for row in transcript.realised()]
    assert rows[Part.ACTIONS].height == 0
    assert place(rows[Part.ACTIONS]).right() < place(rows[Part.PLAIN]).left()
    assert place(rows[Part.PLAIN]).contains(place(rows[Part.PLAIN]).left(), place(rows[Part.ACTIONS]).center().y())
    transcript.hover(rows[Part.PLAIN].entry)
    assert [place(row) for row in transcript.realised()] == before


def test_actions_that_do_not_fit_beside_a_question_stand_below_it(transcript: Transcript, look: Theme) -> None:
    transcript.show_chat([asked("q", "word " * 80, versions=3, version=2), replied("r", "An answer.", last=True)])
    look.use("light", 200)
    rows = rows_of(transcript, "q")
    assert rows[Part.ACTIONS].height > 0
    assert place(rows[Part.ACTIONS]).top() > place(rows[Part.PLAIN]).bottom() - 1
    assert place(rows_of(transcript, "r")[Part.TEXT]).top() > place(rows[Part.ACTIONS]).bottom()


def test_the_versions_of_a_question_are_turned_below_its_right_edge(transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "Hm?", versions=2, version=2), replied("r", "An answer.", last=True)])
    rows = rows_of(transcript, "q")
    stops = rows[Part.ACTIONS].widget.stops()
    assert [b.accessibleName() for b in stops] == ["Copy", "Edit", "Delete", "Earlier version"]
    later = next(b for b in rows[Part.ACTIONS].widget.findChildren(IconButton) if b.accessibleName() == "Later version")
    canvas, bubble = transcript.widget(), place(rows[Part.PLAIN])
    right = later.mapTo(canvas, later.rect().topRight())
    assert abs(right.x() - bubble.right()) <= 1
    assert 0 <= right.y() - bubble.bottom() <= 8
    lefts = [b.mapTo(canvas, b.rect().topLeft()).x() for b in stops]
    assert lefts == sorted(lefts)


def test_a_click_beside_a_question_meets_its_button(qtbot, transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "A question?"), replied("r", "An answer.", last=True)])
    edit = next(b for b in rows_of(transcript, "q")[Part.ACTIONS].widget.stops() if b.accessibleName() == "Edit")
    middle = edit.mapTo(transcript.window(), edit.rect().center())
    assert transcript.window().childAt(middle) is edit


@pytest.mark.parametrize("width", [580, 800, 1400])
def test_the_figures_of_a_reply_are_not_cut(transcript: Transcript, width: int) -> None:
    transcript.window().resize(width, 600)
    usage, timings = Usage(1234, 250, 1000), Timings(generation_per_s=12.3, first_token_s=1.4)
    transcript.show_chat([asked("q", "Why?"), replied("r", "So.", last=True, usage=usage, timings=timings)])
    actions = rows_of(transcript, "r")[Part.ACTIONS].widget
    assert actions is not None
    figures = actions.findChild(Elided)
    assert figures is not None
    assert figures.fontMetrics().horizontalAdvance(figures.text()) <= figures.width()
    assert actions.rect().contains(figures.geometry())


def way_down(transcript: Transcript) -> QAbstractButton:
    return next(b for b in transcript.findChildren(QAbstractButton) if b.accessibleName() == "To the end")


def test_there_is_no_way_down_where_nothing_is_below(transcript: Transcript) -> None:
    transcript.show_chat([asked("q", "Why?"), replied("r", "So.", last=True)])
    transcript.edit("q")
    assert not way_down(transcript).isVisible()
    transcript.show_chat(talk(12))
    transcript.verticalScrollBar().setValue(0)
    assert way_down(transcript).isVisible()
