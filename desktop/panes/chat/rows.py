"""A conversation as rows that are made, measured and dropped as it is scrolled: the model behind the transcript.

Invariant: a message far from view costs one estimate and nothing else; a row keeps its widget and its height as long
as what it shows stays equal. An estimate is replaced by the measured height once the row has been realised at the
present width. No widget is made or moved here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from desktop.core.generation import StopReason
from desktop.panes.chat.body import Body
from desktop.panes.chat.message import MessageView, Reply, pieces, showable
from desktop.ui import theme
from desktop.ui.markdown import Kind, Segment

_LONGEST = 1_000_000  # characters of a reply that are read as Markdown; a longer one is shown as it is


class Part(StrEnum):
    TEXT = "text"
    CODE = "code"
    PLAIN = "plain"
    FOLD = "fold"
    THOUGHT = "thought"
    NOTE = "note"
    ACTIONS = "actions"
    EDITOR = "editor"
    LEFT = "left"  # the line below the last message that has left the context


_FIXED = {Part.FOLD: 28, Part.NOTE: 56, Part.ACTIONS: 32, Part.EDITOR: 160, Part.LEFT: 28}


@dataclass(frozen=True, slots=True)
class Plain:
    """One part of what a person wrote."""

    text: str
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Why a reply was interrupted ("" if unknown), and whether it is the last."""

    sentence: str
    last: bool


Content = Segment | Plain | Note | MessageView | str | tuple[bool, bool]


@dataclass(slots=True, eq=False)
class Row:
    """A row shows `content`. `gap` is the space above it; `height` is an estimate until `measured`."""

    entry: Entry
    part: Part
    content: Content
    faded: bool
    gap: int
    height: int
    measured: bool = False
    stale: bool = True  # the widget, if there is one, shows something older
    widget: Body | None = None

    @property
    def extent(self) -> int:
        return self.gap + self.height


@dataclass(slots=True)
class Metrics:
    """What an estimate needs: the column's width, the text's scale."""

    width: int
    scale: float

    def height(self, characters: int, breaks: int) -> int:
        """About how tall a text is."""
        in_line = max(10.0, self.width / (7.4 * self.scale))
        lines = max(breaks + 1, characters / in_line + breaks * 0.4)
        return round(lines * 23 * self.scale) + 8


class Entry:
    """One message and its rows; `rows` is None until it first comes near the view."""

    def __init__(self, view: MessageView, metrics: Metrics) -> None:
        self.view = view
        self.rows: list[Row] | None = None
        self.opened: bool | None = None  # thoughts opened or closed by the reader
        self.editing = False
        self.faded = False
        self.boundary = False  # the last of those that have left the context
        self.highlight = ""
        self._metrics = metrics
        self._reply: Reply | None = None
        self._pending: list[str] = []
        self.extent = self._estimate()  # pixels from top to bottom, all rows

    @property
    def text(self) -> str:
        """What Copy copies: the answer without the thoughts."""
        if not self.view.reply:
            return self.view.message.text
        reply = self._reply or Reply(self.view.message.text, self.view.starts_thinking)
        return reply.answer_text

    def tops(self, top: int) -> list[int]:
        """Where each row's space begins, and the end."""
        return list(accumulate((row.extent for row in self.rows or ()), initial=top))

    def split(self) -> None:
        """Makes the rows, if that has not been done."""
        if self.rows is None:
            self.rows = []
            self.sync()

    def append(self, text: str) -> None:
        """More of the reply; the rows change at the next `sync`."""
        self._pending.append(text)

    def change(self, view: MessageView) -> list[Body]:
        """The message has changed; returns widgets that are no longer needed.

        While a reply streams, its text is what was streamed, whatever `view` holds of it.
        """
        growing = view.streaming and self.view.streaming
        if not growing and not self._shows(view.message.text):
            self._reply = None
            self._pending.clear()
        self.view = view
        return self.sync()

    def _shows(self, text: str) -> bool:
        return self._reply is not None and self._reply.text + "".join(self._pending) == showable(text)

    def sync(self) -> list[Body]:
        """Brings the rows in line with the message; equal ones stay. Returns widgets that are no longer needed."""
        if self.rows is None:
            self.extent = self._estimate()
            return []
        old, self.rows = self.rows, []
        before: Part | None = None
        for index, (part, content) in enumerate(self._wanted()):
            gap, before = self._gap(index, part, content, before), part
            row = old[index] if index < len(old) and old[index].part is part else None
            if row is None:
                row = Row(self, part, content, self.faded, gap, 0)
                row.height = self._row_height(part, content)
            elif (row.content is not content and row.content != content) or row.faded != self.faded:
                row.content, row.faded, row.stale = content, self.faded, True
            row.gap = gap
            self.rows.append(row)
        self.extent = sum(row.extent for row in self.rows)
        kept = {id(row) for row in self.rows}
        return [row.widget for row in old if id(row) not in kept and row.widget is not None]

    def measured(self, row: Row, height: int) -> bool:
        """Row's height is known; true if it differs from what was assumed."""
        changed = height != row.height
        self.extent += height - row.height
        row.height, row.measured = height, True
        return changed

    def loosen(self) -> None:
        """The width or the type has changed: heights are estimates again."""
        if self.rows is None:
            self.extent = self._estimate()
        for row in self.rows or ():
            row.measured = False
            row.stale = True

    def _wanted(self) -> list[tuple[Part, Content]]:
        if self.editing:
            return [(Part.EDITOR, self.view)]
        found = self._reply_parts() if self.view.reply and len(self.view.message.text) < _LONGEST else self._plain()
        message = self.view.message
        if message.stop_reason is StopReason.DIED:
            found.append((Part.NOTE, Note(message.note, self.view.last)))
        found.append((Part.ACTIONS, self.view))
        if self.boundary:
            found.append((Part.LEFT, ""))
        return found

    def _plain(self) -> list[tuple[Part, Content]]:
        parts = pieces(showable(self.view.message.text))
        last = len(parts) - 1
        return [(Part.PLAIN, Plain(part, i == 0, i == last)) for i, part in enumerate(parts)]

    def _reply_parts(self) -> list[tuple[Part, Content]]:
        if self._reply is None:
            self._reply = Reply(showable(self.view.message.text), self.view.starts_thinking)
        if self._pending:
            self._reply.append(showable("".join(self._pending)))
            self._pending.clear()
        reply, found = self._reply, list[tuple[Part, Content]]()
        if reply.thoughts is not None:
            thinking = reply.thinking and self.view.streaming
            opened = thinking if self.opened is None else self.opened
            found.append((Part.FOLD, (thinking, opened)))
            if opened:
                found += [(Part.THOUGHT, s) for s in (*reply.thoughts.settled, *reply.thoughts.live)]
        for segment in (*reply.answer.settled, *reply.answer.live):
            found.append((Part.CODE if segment.kind is Kind.CODE else Part.TEXT, segment))
        return found

    def _gap(self, index: int, part: Part, content: Content, before: Part | None) -> int:
        if index == 0:
            return theme.L if self.view.reply else theme.XL  # an answer belongs to its question; turns are apart
        if part is Part.ACTIONS:
            return theme.S if self.view.reply else 0
        if part is Part.PLAIN or (isinstance(content, Segment) and content.continued):
            return 0
        if part is not before and before in (Part.CODE, Part.THOUGHT):
            return theme.M
        return theme.M if part in (Part.CODE, Part.NOTE) else theme.XS

    def _row_height(self, part: Part, content: Content) -> int:
        if isinstance(content, Segment) and part is Part.CODE:
            return round(content.source.count("\n") * 20 * self._metrics.scale) + 70
        if isinstance(content, Segment):
            return self._metrics.height(len(content.source), content.source.count("\n"))
        if isinstance(content, Plain):
            return self._metrics.height(len(content.text), content.text.count("\n"))
        return round(_FIXED[part] * self._metrics.scale)

    def _estimate(self) -> int:
        text = self.view.message.text
        return self._metrics.height(len(text), text.count("\n")) + round(56 * self._metrics.scale)
