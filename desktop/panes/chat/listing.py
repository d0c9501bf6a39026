"""The list of chats: by day, found by words, or in the bin; and what a person does to a chat in it.

Invariant: `rows` is all the sidebar shows, in order; a chat that leaves the list goes to the bin and can be taken back.
A `QObject` on QtCore only; it draws nothing and knows nothing of messages.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.chat import Chat
from desktop.core.errors import N_
from desktop.panes.chat.edges import Tasks, Work
from desktop.panes.chat.snippet import tidy
from desktop.services.chats.chats import Chats
from desktop.services.chats.search import Hit


class RowKind(Enum):
    HEADER = auto()  # `text` is a message id, or "" for the month of `when`
    CHAT = auto()
    HIT = auto()
    BIN = auto()  # the bin itself, closed or open
    BINNED = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the sidebar. `marks` are (start, end) in `snippet`; `work` and `unread` are about its reply."""

    kind: RowKind
    text: str = ""
    chat_id: str = ""
    message_id: str = ""
    snippet: str = ""
    marks: tuple[tuple[int, int], ...] = ()
    when: float = 0.0
    pinned: bool = False
    open: bool = False
    count: int = 0
    work: Work = Work.NOTHING
    unread: bool = False


def by_day(chats: Sequence[Chat], now: datetime) -> list[tuple[str, float, list[Chat]]]:
    """Groups of chats, each with the message id of its heading ("" for a month of its own) and a time within it."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week, month = midnight - timedelta(days=midnight.weekday()), midnight.replace(day=1)
    limits = (
        (midnight.timestamp(), N_("Today")),
        ((midnight - timedelta(days=1)).timestamp(), N_("Yesterday")),
        (week.timestamp(), N_("This week")),
        (month.timestamp(), N_("This month")),
    )
    groups: dict[tuple[str, tuple[int, int]], tuple[float, list[Chat]]] = {}
    for chat in chats:
        heading = N_("Pinned") if chat.pinned else next((h for limit, h in limits if chat.updated >= limit), "")
        key = (heading, (0, 0) if heading else _month_of(chat.updated))
        groups.setdefault(key, (chat.updated, []))[1].append(chat)
    return [(heading, when, members) for (heading, _), (when, members) in groups.items()]


def _month_of(when: float) -> tuple[int, int]:
    day = datetime.fromtimestamp(when)
    return day.year, day.month


class Listing(QObject):
    """Reads and changes chats for the sidebar."""

    rows_changed = Signal(list)
    marked = Signal(object)  # the one Row whose marks have changed
    found = Signal()  # the rows shown are the results of a search just asked for
    binned = Signal()  # a chat that can be taken back
    gone = Signal(str)  # the id of a chat that left the list
    reopened = Signal(str)  # the id of a chat that was open when it was binned, and is taken back
    changed = Signal(str)  # the id of one with another title or pin, or that came back

    def __init__(self, chats: Chats, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chats = chats
        self._tasks = tasks
        self._kept: list[Chat] = []
        self._in_bin: list[Chat] = []
        self._hits: list[Hit] = []
        self._query = ""
        self._bin_open = False
        self._work: dict[str, Work] = {}
        self._unread: set[str] = set()
        self._last_binned = ""
        self.was_open = ""  # the chat that left while it was shown

    @property
    def chats(self) -> Sequence[Chat]:
        """Those not in the bin."""
        return self._kept

    def refresh(self) -> None:
        self._tasks.spawn(self.load())

    async def load(self) -> None:
        """Reads the list anew; also what a search found."""
        self._kept = await self._chats.all()
        self._in_bin = await self._chats.all(binned=True)
        if self._query:
            self._hits = await self._chats.search(self._query)
        self._show()

    async def newest_model(self) -> str:
        """Reads the list, and tells the model of the chat used last."""
        await self.load()
        return max(self._kept, key=lambda chat: chat.updated).model if self._kept else ""

    def search(self, text: str) -> None:
        """Shows what was found; an empty text shows the list again."""
        self._query = text.strip()
        if self._query:
            self._tasks.spawn(self._find(self._query))
        else:
            self._show()

    async def _find(self, text: str) -> None:
        hits = await self._chats.search(text)
        if text == self._query:  # a later search may have overtaken this one
            self._hits = hits
            self._show()
            self.found.emit()

    def mark(self, chat_id: str, work: Work, unread: bool = False) -> None:
        """What goes on in a chat, for a mark beside its title."""
        if self._work.get(chat_id, Work.NOTHING) is work and (chat_id in self._unread) is unread:
            return
        self._work[chat_id] = work
        (self._unread.add if unread else self._unread.discard)(chat_id)
        chat = next((c for c in self._kept if c.id == chat_id), None)
        if chat is not None and not self._query:
            self.marked.emit(self._row(RowKind.CHAT, chat))

    def rename(self, chat_id: str, title: str) -> None:
        if title.strip():
            self._tasks.spawn(self._changing(chat_id, self._chats.update(chat_id, title=title, titled=True)))

    def pin(self, chat_id: str, pinned: bool) -> None:
        self._tasks.spawn(self._changing(chat_id, self._chats.update(chat_id, pinned=pinned)))

    async def _changing(self, chat_id: str, change: Coroutine[Any, Any, object]) -> None:
        await change
        await self.load()
        self.changed.emit(chat_id)

    def bin(self, chat_id: str) -> None:
        self._tasks.spawn(self._bin(chat_id))

    async def _bin(self, chat_id: str) -> None:
        await self._chats.bin(chat_id)
        self._last_binned = chat_id
        await self.load()
        self.gone.emit(chat_id)
        self.binned.emit()

    def undo(self) -> None:
        """Takes the chat binned last back."""
        if self._last_binned:
            self._tasks.spawn(self._undo(self._last_binned))
            self._last_binned = ""

    async def _undo(self, chat_id: str) -> None:
        await self._changing(chat_id, self._chats.unbin(chat_id))
        if chat_id == self.was_open:
            self.reopened.emit(chat_id)

    def restore(self, chat_id: str) -> None:
        self._tasks.spawn(self._changing(chat_id, self._chats.unbin(chat_id)))

    def open_bin(self, open_it: bool) -> None:
        self._bin_open = open_it
        self._show()

    def purge(self, chat_id: str) -> None:
        """Ends one chat for good."""
        self._tasks.spawn(self._purge(chat_id))

    async def _purge(self, chat_id: str) -> None:
        await self._chats.purge(chat_id)
        await self.load()
        self.gone.emit(chat_id)

    def empty_bin(self) -> None:
        self._tasks.spawn(self._empty())

    async def _empty(self) -> None:
        for chat in self._in_bin:
            await self._chats.purge(chat.id)
        await self.load()

    @property
    def rows(self) -> list[Row]:
        return self._found() if self._query else self._all()

    def _show(self) -> None:
        self.rows_changed.emit(self.rows)

    def _found(self) -> list[Row]:
        head = Row(RowKind.HEADER, N_("Found") if self._hits else N_("Nothing found"))
        return [head] + [self._hit(hit) for hit in self._hits]

    def _hit(self, hit: Hit) -> Row:
        snippet, marks = tidy(hit.snippet, hit.marks) if hit.message_id else ("", ())  # of a title: it says it itself
        return Row(RowKind.HIT, hit.title, hit.chat_id, hit.message_id or "", snippet, marks, hit.created)

    def _all(self) -> list[Row]:
        rows: list[Row] = []
        for heading, when, members in by_day(self._kept, datetime.now()):
            rows.append(Row(RowKind.HEADER, heading, when=when))
            rows += [self._row(RowKind.CHAT, chat) for chat in members]
        if self._in_bin:
            rows.append(Row(RowKind.BIN, open=self._bin_open, count=len(self._in_bin)))
            if self._bin_open:
                rows += [self._row(RowKind.BINNED, chat) for chat in self._in_bin]
        return rows

    def _row(self, kind: RowKind, chat: Chat) -> Row:
        return Row(
            kind,
            chat.title,
            chat.id,
            when=chat.updated,
            pinned=chat.pinned,
            work=self._work.get(chat.id, Work.NOTHING),
            unread=chat.id in self._unread,
        )
