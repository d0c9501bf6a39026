"""The search for models: words that are typed, the rows that come back, and what is opened.

Invariant: only the newest search is listened to; one that was overtaken is cancelled and its rows never appear. Without
words the shelf of starting points is shown, which needs no network. What a repository holds is `offer`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.core.errors import UserError
from desktop.core.repos import Pasted, Repository, Variant
from desktop.panes.models.find.offer import Fit, Offer
from desktop.services.online.hub import Hub, Search, Sort

__all__ = ["FIRST_SHELF", "FindController", "Query", "Repository", "Sort"]

FIRST_SHELF = "TheBloke"  # whose repositories hold every quantisation of the models most people ask for
_TYPING_MS = 300  # without a key, before the Hub is asked
_PAGE = 20  # rows: two screens of them
Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], "asyncio.Task[None]"]  # `ui.loop.Tasks.spawn`


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. `author` "" is everyone."""

    words: str = ""
    author: str = FIRST_SHELF
    sort: Sort = Sort.DOWNLOADS


class FindController(QObject):
    changed = Signal()  # the rows, or what is to be said of them
    opened = Signal()  # a repository: `offer` has it
    closed = Signal()  # back to the rows

    def __init__(self, hub: Hub, offer: Offer, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.offer = offer
        self._hub, self._spawn = hub, spawn
        self.query = Query()
        self.rows: tuple[Repository, ...] = ()
        self.problem: UserError | None = None
        self._search: Search | None = None
        self._task: asyncio.Task[None] | None = None
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._typing.timeout.connect(self._begin)

    def start(self) -> None:
        """Shows the shelf, when the page is first seen."""
        if self._search is None and not self.rows:
            self._begin()
            self.offer.prepared.connect(self.changed)  # the shelf says how its models fit
            self.offer.prepare()

    @property
    def shelf(self) -> bool:
        """Whether the rows are the starting points."""
        return not self.query.words

    @property
    def address(self) -> bool:
        """Whether the words name something that Enter opens."""
        return self._hub.pasted(self.query.words) is not None

    @property
    def searching(self) -> bool:
        return self._typing.isActive() or (self._task is not None and not self._task.done())

    @property
    def age(self) -> float:
        """Seconds since the rows were fetched, where the Hub could not be asked again; 0 where they are of now."""
        return self._search.age if self._search and self._search.problem else 0.0

    @property
    def more_to_come(self) -> bool:
        return self._search is not None and not self._search.finished and self.problem is None

    def best(self, row: Repository) -> tuple[Variant, Fit] | None:
        """What a starting point offers this computer: the recommended variant, and how it fits; None for other rows."""
        return self.offer.best(row) if row.catalogue else None

    def advised(self) -> str:
        """The id of the starting point to begin with."""
        return self.offer.advised()

    # -- what the person does -----------------------------------------------------------------------------------------

    def type(self, text: str, *, pasted: bool = False) -> None:
        """Other words, while they are typed; an address that is pasted opens what it points at."""
        words = " ".join(text.split())
        same = words == self.query.words
        self.query = replace(self.query, words=words)
        target = self._hub.pasted(words) if pasted else None
        if target is not None:
            self._go(target)
        elif same:
            return
        elif words:
            self._typing.start()
            self.changed.emit()
        else:
            self._begin()

    def enter(self) -> None:
        """Enter in the field: an address opens what it points at, words are searched for at once."""
        target = self._hub.pasted(self.query.words)
        if target is not None:
            self._go(target)
        elif self._typing.isActive():
            self._begin()

    def filter(self, author: str, sort: Sort) -> None:
        """Whose repositories, and in which order."""
        wanted = replace(self.query, author=author, sort=sort)
        if wanted != self.query:
            self.query = wanted
            self._begin()

    def more(self) -> None:
        """The next page, when the end of the rows is seen."""
        if self.more_to_come and not self.searching and self._search is not None:
            self._task = self._spawn(self._fetch(self._search), self._fail)

    def retry(self) -> None:
        """The same again, after something went wrong."""
        self._begin()

    def reconnect(self) -> None:
        """The network was switched on or off: what could not be asked is asked again."""
        if self.problem is not None:
            self._begin()

    def open(self, row: Repository, file: str = "") -> None:
        """A repository, by its row; `file`: the variant that is looked at."""
        self.offer.open(row, file)
        self.opened.emit()

    def close(self) -> None:
        """Back to the rows."""
        self.offer.leave()
        self.closed.emit()

    # -- searching ----------------------------------------------------------------------------------------------------

    def _go(self, target: Pasted) -> None:
        self._typing.stop()
        self._cancel()
        self.offer.open_pasted(target)
        self.opened.emit()

    def _begin(self) -> None:
        self._typing.stop()
        self._cancel()
        self.problem = None
        if self.shelf:
            self._search = None
            self.rows = tuple(listing.repository for listing in self._hub.starting_points())
        else:
            self._search = self._hub.search(self.query.words, self.query.author, self.query.sort)
            self._task = self._spawn(self._fetch(self._search, first=True), self._fail_first)
        self.changed.emit()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _fetch(self, search: Search, *, first: bool = False) -> None:
        found = await search.more(_PAGE)
        if search is self._search:
            self.rows = found if first else (*self.rows, *found)
            self._task, self.problem = None, search.problem
            self.changed.emit()

    def _fail(self, error: UserError) -> None:
        self.problem, self._task = error, None
        self.changed.emit()

    def _fail_first(self, error: UserError) -> None:
        """The Hub cannot be asked: what the words name of the starting points is known without it."""
        rows = (listing.repository for listing in self._hub.starting_points())
        words = self.query.words.lower().split()
        self.rows = tuple(row for row in rows if all(word in row.id.lower() for word in words))
        self._fail(error)
