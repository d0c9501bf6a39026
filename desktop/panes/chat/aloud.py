"""A reply as it is heard: what of it is said to a screen reader, and when.

Invariant: nothing is said twice or letter by letter: whole sentences, at most one announcement a second, then what is
left, and how it ended; of code only that it is there, of thoughts that there are some. Without a screen reader nothing
is read at all. What is shown is not known here.
"""

from __future__ import annotations

import re
import time

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from desktop.core.errors import N_
from desktop.core.generation import StopReason
from desktop.panes.chat.edges import Activity, Work
from desktop.panes.chat.message import ENDINGS, MessageView, Reply
from desktop.ui import formats, hearing, markdown
from desktop.ui.markdown import Kind, Segment, Segments
from desktop.ui.translation import _, ngettext

PAUSE_S = 1.0  # between two announcements: a fast model writes several sentences meanwhile, said as one
_SENTENCE = re.compile(r".*(?:(?<!\d)[.!?…:][\"'”’»)\]*_]*(?=\s)|[。！？]|\n)", re.DOTALL)
_WORKS = {
    Work.LOADING: N_("Loading the model…"),
    Work.WAITING: N_("Waiting for the model to be free…"),
}


class Recital:
    """One reply. What its methods return is to be said now; "" is silence."""

    def __init__(self) -> None:
        self._reply = Reply()
        self._answer: Segments = self._reply.answer
        self._settled, self._at = 0, 0  # segments said whole, and how much of the one that grows
        self._due: list[str] = []
        self._aside = ""  # what is said of its thoughts, before the reply itself
        self._spoke = float("-inf")
        self._begun = self._thought = False

    def more(self, text: str, now: float) -> str:
        """More of the reply; `now` in seconds."""
        self._reply.append(text)
        self._gather(over=False)
        return self._said(now) if now - self._spoke >= PAUSE_S else ""

    def end(self) -> str:
        """What is left of it."""
        self._gather(over=True)
        return self._said(0.0)

    def _gather(self, *, over: bool) -> None:
        reply = self._reply
        if reply.answer is not self._answer:  # what seemed to be the answer was a thought
            self._answer, self._settled, self._at = reply.answer, 0, 0
            self._begun = False
        if reply.thinking and not self._thought:
            self._thought = True
            self._aside = _("Thinking…")
        for segment in self._answer.settled[self._settled :]:
            length, at = len(segment.source), self._at
            self._take(segment, max(length, at))
            self._settled += 1
            self._at = max(0, at - length) if segment.kind is Kind.TEXT else 0  # the last block may go on by itself
        for segment in self._answer.live:
            found = None if segment.kind is Kind.CODE else _SENTENCE.match(segment.source, self._at)
            end = len(segment.source) if over else found.end() if found else self._at
            self._take(segment, end)

    def _take(self, segment: Segment, end: int) -> None:
        if segment.kind is Kind.TEXT:
            self._due.append(markdown.plain(segment.source[self._at : end]))
        elif end and not segment.continued:
            lines = segment.source.count("\n") + 1
            count = formats.number(lines)
            self._due.append(ngettext("Code, {lines} line.", "Code, {lines} lines.", lines, lines=count))
        self._at = max(self._at, end)

    def _said(self, now: float) -> str:
        said = " ".join(filter(None, self._due))
        self._due.clear()
        if said and not self._begun:
            self._begun = True
            said = _("Reply: {text}", text=said)
        aside, self._aside = self._aside, ""
        if said or aside:
            self._spoke = now
        return " ".join(filter(None, (aside, said)))


def ending(view: MessageView) -> tuple[str, bool]:
    """How a reply ended, in words, and whether that is urgent."""
    reason, note = view.message.stop_reason, view.message.note
    if reason is StopReason.DIED:
        return _(note or ENDINGS[reason]), True
    return (_(ENDINGS[reason]), False) if reason in ENDINGS else (_("The reply is complete."), False)


class Aloud(QObject):
    """Says the reply of the chat that is shown, from `widget`."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._id = ""
        self._recital = Recital()
        self._work = Work.NOTHING

    def write(self, message_id: str, text: str) -> None:
        if not hearing.heard():
            return
        if message_id != self._id:
            self._id, self._recital = message_id, Recital()
        hearing.say(self._widget, self._recital.more(text, time.monotonic()))

    def end(self, view: MessageView) -> None:
        if not hearing.heard():
            return
        rest = self._recital.end() if view.id == self._id else ""
        self._id = ""
        said, urgent = ending(view)
        hearing.say(self._widget, " ".join(filter(None, (rest, said))), urgent=urgent)

    def work(self, activity: Activity) -> None:
        """What is waited for, once."""
        if activity.work is not self._work:
            self._work = activity.work
            hearing.say(self._widget, _(_WORKS[activity.work]) if activity.work in _WORKS else "")
