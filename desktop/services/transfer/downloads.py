"""The downloads: a queue that survives a restart, of which one runs at a time; while it waits for its server, another.

Invariants: a download ends as a model of the library, whole and verified, or it says why not; what a person paused
stays paused, what ran goes on at the next start. A command holds at once, whatever the network does meanwhile.
Listeners are told at most ten times a second. How bytes come is `transfer`'s, where they lie `part`'s.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from desktop.core.errors import N_, ModelFileError, StorageError, TransferError, UserError
from desktop.core.gguf import size_in_words
from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import Download, Pace, State
from desktop.services.identity import new_id
from desktop.services.models.modelfiles import MARGIN, Origin
from desktop.services.online.web import Web
from desktop.services.transfer.bell import Bell, Heard
from desktop.services.transfer.consignment import errands, on_disk, places, target
from desktop.services.transfer.folders import make_folder, remove_empty
from desktop.services.transfer.opening import UNSOUND
from desktop.services.transfer.part import Busy
from desktop.services.transfer.queue import Queue
from desktop.services.transfer.shelf import Shelf
from desktop.services.transfer.transfer import Transfer, free_space

_TICK_S, _CLOSE_S = 0.1, 0.8
_CARRY = "carry "  # names of tasks
_LONG_S = 10.0  # a wait that lets the next download begin
_WINDOW_S = 5.0  # the speed that is shown is that of the last seconds
_OVER = frozenset((State.PAUSED, State.FAILED, State.DONE))
_BUG = N_(
    "The download of “{name}” ended because of an error in Alcove; its log says more. What arrived is kept. Retry."
)
_CANCELLED = N_("The download was cancelled. Nothing of it was kept.")

log = logging.getLogger(__name__)


class Downloads:
    """Made by `opened`; belongs to the event loop. Nothing runs before `start`, but for what is added or resumed."""

    def __init__(self, file: Path, shelf: Shelf, web: Web, free: Callable[[Path], int] = free_space) -> None:
        self._queue = Queue(file)
        self._shelf = shelf
        self._web = web
        self._free = free
        self._rows: dict[str, Download] = {}
        self._wanted: set[str] = set()  # what may run in this program
        self._transfers: dict[str, Transfer] = {}
        self._lingering: dict[str, asyncio.Event] = {}  # threads that were stopped and have not ended
        self._arrivals: dict[str, list[asyncio.Future[Download]]] = {}
        self._changed: dict[str, Download | None] = {}
        self._turn, self._folders = threading.Lock(), asyncio.Lock()  # who asks; who makes or removes folders
        self._bell = Bell()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    @classmethod
    async def opened(cls, file: Path, shelf: Shelf, web: Web, free: Callable[[Path], int] = free_space) -> Downloads:
        """The downloads of the file, as they stood. Raises `StorageError`."""
        made = cls(file, shelf, web, free)
        made._rows = await asyncio.to_thread(made._as_on_disk)
        return made

    def all(self) -> list[Download]:
        """In the order of the queue."""
        return list(self._rows.values())

    def start(self) -> None:
        """Goes on with what ran when the program ended last."""
        self._wanted.update(self._rows)
        self._work()

    async def add(self, repo: str, commit: str, variant: Variant) -> Download:
        """Puts a variant into the queue; one that is there already goes on. Raises `StorageError`, `TransferError`."""
        row = Download(new_id(), repo, commit, variant.label, variant.files, variant.size)
        return await self._add(row)

    async def add_url(self, url: str) -> Download:
        """As `add`, for a file of another host: its size is learned on the way, its checksum is published nowhere."""
        name = unquote(urlsplit(url).path).rpartition("/")[2]
        row = Download(new_id(), urlsplit(url).hostname or "", "", name, (RepoFile(name, 0),), 0, url=url)
        return await self._add(row)

    def pause(self, id_: str) -> None:
        """Ends it for now; what has arrived is kept."""
        if id_ in self._rows and self._rows[id_].state not in _OVER:
            self._stop(id_)
            self._put(self._resting(id_, State.PAUSED), save=True)

    def resume(self, id_: str) -> None:
        """Goes on with what is paused, tries again what failed, and ends a wait."""
        row = self._rows.get(id_)
        if row is None or row.state is State.DONE:
            return
        if row.state in _OVER:
            self._put(self._resting(id_, State.WAITING), save=True)
        elif id_ in self._transfers:
            self._transfers[id_].hurry()
        self._wanted.add(id_)
        self._work()

    def cancel(self, id_: str) -> None:
        """Takes it out of the queue, and removes its own unfinished files and the folders it made, if empty."""
        row = self._rows.get(id_)
        if row is None:
            return
        if row.state is not State.DONE:
            transfer = self._stop(id_)
            self._changed[id_] = self._resting(id_, State.PAUSED)  # in the file until its parts are gone
            self._spawn(f"cancel {id_}", self._remove(row, transfer))
        else:
            self._changed[id_] = None
        del self._rows[id_]
        self._arrive(id_, TransferError(_CANCELLED))
        self._save()
        self._bell.ring()

    def clear(self, id_: str) -> None:
        """Takes off the list what is over: a model that has arrived stays."""
        if id_ in self._rows and self._rows[id_].state in _OVER:
            self.cancel(id_)

    async def wait(self, id_: str) -> Download:
        """Until it has arrived, or is paused by a person. Raises what ended it otherwise."""
        row = self._rows.get(id_)
        if row is None:
            raise TransferError(_CANCELLED)
        if row.state not in _OVER:
            arrival: asyncio.Future[Download] = asyncio.get_running_loop().create_future()
            self._arrivals.setdefault(id_, []).append(arrival)
            return await arrival
        if row.problem is not None:
            raise row.problem
        return row

    def listen(self, heard: Heard) -> Callable[[], None]:
        """Calls `heard` on the loop when something has changed, at most ten times a second; returns what ends that."""
        return self._bell.listen(heard)

    async def close(self) -> None:
        """Ends within a second; what ran goes on at the next start."""
        self._closed = True
        self._bell.close()
        for id_ in list(self._transfers):
            self._stop(id_)
        pending = [task for name, task in self._tasks.items() if name != "save"]
        for name, task in self._tasks.items():
            if name.startswith(_CARRY):
                task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=_CLOSE_S / 2)
        ends = [asyncio.ensure_future(event.wait()) for event in self._lingering.values()]
        if ends:
            await asyncio.wait(ends, timeout=_CLOSE_S / 2)
        for end in ends:
            end.cancel()
        if self._changed:
            self._save()  # what the disk refused before
        await asyncio.gather(*(task for name, task in self._tasks.items() if name == "save"))

    # -- the queue -----------------------------------------------------------------------------------------------------

    async def _add(self, row: Download) -> Download:
        target(self._shelf.folder, row, row.files[0])  # or it has a name that cannot be
        for known in self._rows.values():
            if (known.repo, known.url, known.files) == (row.repo, row.url, row.files):
                if known.state is State.DONE:
                    self._put(replace(known, state=State.WAITING, received=0, model=""), save=True)
                self.resume(known.id)
                return self._rows[known.id]
        await self._require_space(row)
        self._put(row, save=True)
        self._wanted.add(row.id)
        self._work()
        return row

    async def _require_space(self, row: Download) -> None:
        """For this one and all that are under way. Raises `StorageError`."""
        folder, others = self._shelf.folder, [r for r in self._rows.values() if r.state not in _OVER]

        def work() -> tuple[int, int]:
            wanted = max(0, row.size - on_disk(folder, row)) + sum(max(0, r.size - r.received) for r in others)
            return self._free(folder), wanted

        free, needed = await asyncio.to_thread(work)
        if free < needed + MARGIN:
            raise StorageError(
                N_(
                    "The disk has {free} free, but this download, with those that are under way, needs {needed}. "
                    "Free some space, or choose a smaller variant."
                ),
                free=size_in_words(free),
                needed=size_in_words(needed + MARGIN),
            )

    def _as_on_disk(self) -> dict[str, Download]:
        folder, rows = self._shelf.folder, self._queue.read()
        for id_, row in rows.items():
            if row.state is not State.DONE:
                with suppress(TransferError):
                    here = on_disk(folder, row)
                    rows[id_] = replace(row, received=min(here, row.size or here))
        return rows

    def _work(self) -> None:
        """Begins the next one that waits, unless one is under way that does not only wait for its server."""
        under_way = [name for name in self._tasks if name.startswith(_CARRY) and self._busy(name)]
        if self._closed or not all(self._idle(name.removeprefix(_CARRY)) for name in under_way):
            return
        for row in self._rows.values():
            if row.state is State.WAITING and row.id in self._wanted and _CARRY + row.id not in under_way:
                self._spawn(_CARRY + row.id, self._carry(row.id))
                return

    def _idle(self, id_: str) -> bool:
        row = self._rows.get(id_)
        return row is not None and (row.retry_in > _LONG_S or isinstance(row.problem, Busy))

    async def _carry(self, id_: str) -> None:
        while id_ in self._lingering:
            await self._lingering[id_].wait()
        row, ended, loop = self._rows.get(id_), asyncio.Event(), asyncio.get_running_loop()
        if row is None or row.state is not State.WAITING:
            return  # paused or cancelled meanwhile

        def end() -> None:
            with suppress(RuntimeError):  # the loop is closed: the program has ended without waiting for this thread
                loop.call_soon_threadsafe(self._ended, id_, ended)

        try:
            row = await self._with_folders(row)
            todo = errands(self._shelf.folder, row, self._web.endpoint)
        except UserError as error:
            self._fail(id_, error)
            return
        if self._rows.get(id_) is not row:
            return  # paused or cancelled meanwhile
        transfer = Transfer(self._web, todo, row.repo if not row.url else "", end, self._free, self._turn)
        self._transfers[id_], self._lingering[id_] = transfer, ended
        self._put(replace(row, state=State.RUNNING, problem=None))
        transfer.start()
        await self._watch(id_, transfer, ended)

    async def _watch(self, id_: str, transfer: Transfer, ended: asyncio.Event) -> None:
        """Shows how it stands until its thread has ended, or has been told to."""
        pace = Pace(_WINDOW_S)
        while not ended.is_set() and not transfer.stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _TICK_S)
            transfer.heed_the_seal()
            if not transfer.stopping:
                self._put(transfer.shown(self._rows[id_], pace))
                self._work()
        if not transfer.stopping:
            del self._transfers[id_]  # from here on it arrives, whatever is asked
            await self._finish(id_, transfer)

    def _ended(self, id_: str, ended: asyncio.Event) -> None:
        ended.set()
        self._lingering.pop(id_, None)

    async def _with_folders(self, row: Download) -> Download:
        """The folders made that the files lie in, and remembered, so that cancelling can remove them."""
        within, wanted = self._shelf.folder, places(self._shelf.folder, row)
        await asyncio.to_thread(self._shelf.require_folder)
        async with self._folders:
            made = await asyncio.to_thread(lambda: [str(one) for place in wanted for one in make_folder(place, within)])
        if made and self._rows.get(row.id) is row:
            row = replace(row, made=(*row.made, *made))
            self._put(row, save=True)
        return row

    async def _finish(self, id_: str, transfer: Transfer) -> None:
        outcome = transfer.outcome
        if outcome is None or outcome is False:
            self._fail(id_, TransferError(_BUG, name=self._rows[id_].label))
        elif isinstance(outcome, UserError):
            self._fail(id_, outcome)
        else:
            row = replace(self._resting(id_, State.VERIFYING), received=transfer.received, size=transfer.received)
            self._put(row)
            path = target(self._shelf.folder, row, row.files[0])
            sums = [errand.part.sha256 for errand in transfer.errands]
            origin = Origin(row.repo, row.commit, row.files[0].path, sums[0], tuple(sums[1:]))
            try:
                model = await self._shelf.add(path, origin)
            except ModelFileError as error:
                log.warning("%s: %s", path.name, error)
                ours = await asyncio.to_thread(transfer.take_back)
                self._fail(id_, TransferError(UNSOUND, name=path.name) if ours else error)
                return
            except UserError as error:
                self._fail(id_, error)
                return
            if id_ in self._rows:
                self._put(replace(row, state=State.DONE, model=model.id), save=True)

    def _fail(self, id_: str, error: UserError) -> None:
        """Says why it cannot go on. What the disk refused goes on when a person has made room."""
        if id_ in self._rows:
            log.warning("Download %s: %s", self._rows[id_].label, error)
            state = State.PAUSED if isinstance(error, StorageError) else State.FAILED
            self._put(replace(self._resting(id_, state), problem=error), save=True)

    def _stop(self, id_: str) -> Transfer | None:
        if (transfer := self._transfers.pop(id_, None)) is not None:
            transfer.stop()
        return transfer

    async def _remove(self, row: Download, transfer: Transfer | None) -> None:
        if row.id in self._lingering:
            await self._lingering[row.id].wait()
        async with self._folders:
            with suppress(TransferError):
                todo = errands(self._shelf.folder, row, self._web.endpoint)
                used = {f for r in self._rows.values() if r.state not in _OVER for f in places(self._shelf.folder, r)}

                def work() -> None:
                    if transfer is not None:
                        transfer.take_back()  # it was whole in that moment
                    for errand in todo:
                        errand.part.discard()
                    remove_empty([folder for folder in map(Path, row.made) if folder not in used])

                await asyncio.to_thread(work)
        self._changed[row.id] = None
        self._save()

    # -- telling -------------------------------------------------------------------------------------------------------

    def _resting(self, id_: str, state: State) -> Download:
        row = self._rows[id_]
        return replace(row, state=state, speed=0.0, seconds_left=None, problem=None, retry_in=0.0)

    def _put(self, row: Download, save: bool = False) -> None:
        if self._rows.get(row.id) == row:
            return
        self._rows[row.id] = row
        if save:
            self._changed[row.id] = row
            self._save()
        if row.state in _OVER:
            self._arrive(row.id, row.problem)
        self._bell.ring()

    def _arrive(self, id_: str, problem: UserError | None) -> None:
        for arrival in self._arrivals.pop(id_, []):
            if arrival.done():
                continue
            if problem is not None:
                arrival.set_exception(problem)
            else:
                arrival.set_result(self._rows[id_])

    def _save(self) -> None:
        if not self._busy("save"):
            self._spawn("save", self._save_all())

    async def _save_all(self) -> None:
        while self._changed:
            changed, self._changed = self._changed, {}
            try:
                await asyncio.to_thread(self._queue.write, changed)
            except StorageError as error:
                log.warning("The list of downloads: %s", error)
                self._changed = {**changed, **self._changed}  # with the next change, or at the end
                return

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """One task of each name, kept until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._over(name, task))

    def _over(self, name: str, task: asyncio.Task[None]) -> None:
        """Forgets a task; an error of ours in it is logged, and what it carried does not wait for ever."""
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("The task “%s” failed", name, exc_info=bug)
            row = self._rows.get(name.removeprefix(_CARRY))
            if row is not None:
                self._stop(row.id)
                self._fail(row.id, TransferError(_BUG, name=row.label))
        self._work()

    def _busy(self, name: str) -> bool:
        """Whether that task will still look at what has changed: one that has ended is forgotten a little later."""
        return name in self._tasks and not self._tasks[name].done()
