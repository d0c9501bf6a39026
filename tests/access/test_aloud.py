"""What is said of a reply to a screen reader, and when."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest

from desktop.core.errors import EngineDied
from desktop.core.generation import StopReason
from desktop.panes.chat.aloud import PAUSE_S, Recital, ending
from desktop.ui import hearing
from desktop.ui.markdown import plain
from tests.panes.chat.hands import write
from tests.panes.chat.scripted import Script
from tests.panes.chat.views import replied


class Reader:
    """A screen reader at the edge: it is there, or not, and hears."""

    AnnouncementPoliteness = QAccessible.AnnouncementPoliteness

    def __init__(self) -> None:
        self.there = True
        self.heard: list[tuple[str, bool]] = []

    def isActive(self) -> bool:
        return self.there

    def updateAccessibility(self, event: Any) -> None:
        self.heard.append((event.message(), event.politeness() is self.AnnouncementPoliteness.Assertive))

    @property
    def sentences(self) -> list[str]:
        return [said for said, _urgent in self.heard]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    reader = Reader()
    monkeypatch.setattr(hearing, "QAccessible", reader)
    return reader


def recited(*pieces: str, apart: float = PAUSE_S) -> list[str]:
    """What is said of a reply that comes in these pieces, so many seconds apart; the last is its end."""
    recital = Recital()
    said = [recital.more(piece, apart * at) for at, piece in enumerate(pieces)]
    return [sentence for sentence in (*said, recital.end()) if sentence]


def test_whole_sentences_are_said_as_they_come() -> None:
    said = recited("It is", " easy. You", " may ask", " again.", " Goodbye")
    assert said == ["Reply: It is easy.", "You may ask again.", "Goodbye"]


def test_sentences_of_other_scripts() -> None:
    assert recited("안녕하세요. ", "반갑", "습니다! 그럼") == ["Reply: 안녕하세요.", "반갑습니다!", "그럼"]
    assert recited("你好。", "再见。") == ["Reply: 你好。", "再见。"]


def test_a_number_ends_no_sentence() -> None:
    assert recited("It takes 3.", "5 GB, e.g. here.\n") == ["Reply: It takes 3.5 GB, e.g. here."]


def test_a_fast_reply_is_said_in_larger_parts() -> None:
    said = recited(*["One more sentence. "] * 40, apart=PAUSE_S / 10)
    assert len(said) <= 6
    assert " ".join(said).count("One more sentence.") == 40


def test_nothing_is_said_twice_however_the_text_is_cut() -> None:
    words = [f"Word{n} ends here. " + ("\n\n" if n % 7 == 0 else "") for n in range(300)]
    said = " ".join(recited(*words))
    for n in range(300):
        assert said.count(f"Word{n} ") == 1


def test_code_is_counted_and_not_read_out() -> None:
    said = recited("Look:\n\n```py\nprint(1)\n", "print(2)\n```\n\nThat ", "is all.")
    assert said == ["Reply: Look:", "Code, 2 lines.", "That is all."]


def test_thoughts_are_only_mentioned() -> None:
    said = recited("<think>", "Hm, let me see. Yes.", "</think>", "It is so.")
    assert said == ["Thinking…", "Reply: It is so."]


def test_marks_are_not_read_out() -> None:
    assert plain("# A *heading*\n\n- [one](https://a.org) `x`\n- **two**\nmore") == "A heading one x two more"


def test_how_it_ended() -> None:
    assert ending(replied("r", "x", stop_reason=StopReason.STOP)) == ("The reply is complete.", False)
    assert ending(replied("r", "x", stop_reason=StopReason.CANCELLED)) == ("stopped by you", False)
    assert ending(replied("r", "x", stop_reason=StopReason.DIED, note="It broke.")) == ("It broke.", True)


def test_a_reply_is_heard_in_the_pane(view: Any, pane: Any, reader: Reader) -> None:
    pane.talk.scripts = [Script(("It is easy. ", "Ask again."))]
    write(view, "How?")
    assert " ".join(reader.sentences) == "Reply: It is easy. Ask again. The reply is complete."
    assert not any(urgent for _said, urgent in reader.heard)


def test_a_reply_that_is_stopped_says_so(view: Any, pane: Any, reader: Reader) -> None:
    pane.talk.scripts = [Script(("One. ", "two"), hold=1)]
    pane.controller.choose_model("mistral")
    QTest.keyClicks(view.composer.field, "Count")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: bool(reader.heard))
    QTest.keyClick(view.composer.field, Qt.Key.Key_Escape)
    pane.idle()
    assert reader.sentences[-1].endswith("stopped by you")


def test_what_goes_wrong_interrupts(view: Any, pane: Any, reader: Reader) -> None:
    pane.talk.scripts = [Script(("It was",), error=EngineDied("The model stopped."), note="The model stopped.")]
    write(view, "How?")
    pane.until(lambda: any(urgent for _said, urgent in reader.heard))
    urgent = [said for said, urgent in reader.heard if urgent]
    assert any("The model stopped." in said for said in urgent)


def test_without_a_screen_reader_nothing_is_made(view: Any, pane: Any, reader: Reader) -> None:
    reader.there = False
    write(view, "How?")
    assert reader.heard == []
    assert view._aloud._id == ""
