"""One variant on its way from a server to the disk, in a thread of its own: asked for, hashed, written, verified.

Invariants: what the thread does not have verified it does not give a name, and all files of a split model get theirs
together; whatever the network or a server does, it is tried again from where it stands, for as long as it takes. Only
values leave the thread: `seen`, and at the end `outcome`. Which download runs, and what is done with a file that is
whole, are `services.transfer.downloads`'.
"""

from __future__ import annotations

import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.core.errors import N_, HubError, NetworkError, Sealed, StorageError, TransferError, UserError
from desktop.core.gguf import size_in_words
from desktop.core.transfer import Answer, Download, Fault, Pace, State, Take, judged, question, ranged, wait_s
from desktop.services.models.modelfiles import MARGIN
from desktop.services.online.faults import SEALED, refused, retry_after, sentence
from desktop.services.online.network import is_loopback
from desktop.services.online.web import Line, Web
from desktop.services.transfer.consignment import Errand
from desktop.services.transfer.opening import Opening
from desktop.services.transfer.part import Busy, Part

if TYPE_CHECKING:
    import httpx2

PURPOSE = N_("Download of a model")
_FLOOR = 64 << 20  # and while it runs: chats are still saved
_ASKED_BYTES = 16 << 20  # how often the disk is asked what is free
_REST_S = 0.001  # as often: 3 % at 500 MB/s, so that the process stays below one core; nothing at a network's speed
_BUSY_S = 2.0
_SEAL_S = 0.2
_TURN_S = 0.1
_DISPUTES = 3  # so often a server may name another size, with nothing new between
_SHA256 = re.compile("[0-9a-f]{64}")

_FAULTS = {
    Fault.IGNORED: N_("{host} sends the file from its beginning, although its rest was asked for."),
    Fault.LIED: N_("{host} sends another part of the file than was asked for."),
    Fault.REFUSED: N_("{host} says that the file ends before its end."),
    Fault.SIZE: N_("{host} gives the file another size than it should have."),
    Fault.CHANGED: N_("{host} has another version of the file now. It is fetched from its beginning."),
    Fault.EXPIRED: N_("{host} does not accept the Hub's address any more. The Hub is asked for a new one."),
    Fault.BUSY: N_("{host} asks for a pause: too many requests."),
    Fault.ILL: N_("{host} has a problem of its own (status {status})."),
}
_STALLED = N_("Nothing comes from {host} any more. The connection is made again.")
_SIZES = N_(
    "“{name}” should have {listed} bytes, but its server gives it {told}. What has arrived is kept. Open the "
    "repository again, or choose another file."
)


class Stopped(Exception):
    """Ends the thread's work at once; never seen outside."""


class _Again(Exception):
    """This attempt has ended; the next one follows after the wait."""

    def __init__(self, problem: UserError, wished: float | None = None) -> None:
        super().__init__()
        self.problem = problem
        self.wished = wished


@dataclass(frozen=True, slots=True)
class Seen:
    """How it stands. `again_at` is a monotonic time; `checking` is true while files are read or verified.

    `queued`: another download has the turn.
    """

    checking: bool = False
    queued: bool = False
    problem: UserError | None = None
    again_at: float = 0.0


class Transfer:
    """Fetches files one after the other. `ended` is called in the thread, when `outcome` stands.

    `free` tells how many bytes the disk of a folder has left; who has the `turn` may ask a server.
    """

    def __init__(
        self,
        web: Web,
        errands: Sequence[Errand],
        repo: str,
        ended: Callable[[], None],
        free: Callable[[Path], int],
        turn: threading.Lock,
    ) -> None:
        self.seen = Seen(checking=True)
        self.outcome: UserError | bool | None = None  # True: whole and named; False: stopped
        self._web = web
        self.errands = tuple(errands)
        self._repo = repo
        self._ended = ended
        self._free = free
        self._turn = turn
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._line = Line()
        self._current = self.errands[0].url
        self._opening = Opening()
        self._disputes = 0
        self._thread = threading.Thread(target=self._run, name="download", daemon=True)

    @property
    def received(self) -> int:
        return sum(errand.part.received for errand in self.errands)

    @property
    def size(self) -> int:
        sizes = [errand.part.size for errand in self.errands]
        return sum(sizes) if all(sizes) else 0

    def shown(self, row: Download, pace: Pace) -> Download:
        """The row as it stands now; `pace` is told what has come."""
        seen, now, received, size = self.seen, time.monotonic(), self.received, row.size or self.size
        state = State.VERIFYING if seen.checking else State.RUNNING
        shown = replace(row, size=size, received=received, state=state, problem=seen.problem, retry_in=0.0)
        if seen.queued:
            shown = replace(shown, state=State.WAITING)
        elif seen.problem is not None:
            shown = replace(shown, state=State.WAITING, retry_in=float(ceil(max(0.0, seen.again_at - now))))
        if shown.state is not State.RUNNING:
            return replace(shown, speed=0.0, seconds_left=None)
        pace.note(now, received)
        return replace(shown, speed=pace.speed, seconds_left=pace.seconds_left(size))

    def start(self) -> None:
        self._thread.start()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """Ends it: at once, but for a connection that is being made, which ends by itself and changes nothing."""
        self._stop.set()
        self._hurry.set()
        self._line.cut()

    def hurry(self) -> None:
        """Ends a wait before the next attempt."""
        self._hurry.set()

    def take_back(self) -> bool:
        """Removes the files that got their names here; whether that is all. Blocks; for when the thread has ended."""
        taken = [errand.part.take_back() for errand in self.errands]
        return all(taken)

    def heed_the_seal(self) -> None:
        """Ends the connection if the network has been sealed; the transfer waits until it is open again."""
        if self._web.network.sealed and not self._local(self._current):
            self._line.cut()

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with self._web.network.purpose(PURPOSE):
                self._fetch_all()
            self.outcome = True
        except Stopped:
            self.outcome = False
        except UserError as error:
            self.outcome = error
        finally:
            for errand in self.errands:
                errand.part.leave()
            self._ended()

    def _going(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _fetch_all(self) -> None:
        for errand in self.errands:
            self._take_up(errand.part)
        self.seen = Seen()
        self._require_space()
        for errand in self.errands:
            if not errand.part.whole:
                self._fetch(errand)
        for errand in self.errands:
            if not errand.part.named:
                errand.part.give_name()

    def _take_up(self, part: Part) -> None:
        while True:
            self._going()
            self.seen = Seen(checking=True)
            try:
                if not part.found_whole(self._going):
                    part.open(self._going)
                return
            except Busy as busy:
                self._wait(busy, _BUSY_S)

    def _require_space(self) -> None:
        needed = sum(part.size - part.received for part in (e.part for e in self.errands) if not part.whole)
        folder = self.errands[0].part.target.parent
        self._refuse_if_full(folder, needed + MARGIN if needed > 0 else 0)

    def _refuse_if_full(self, folder: Path, needed: int) -> None:
        free = self._free(folder)
        if free < needed:
            raise StorageError(
                N_("The disk has {free} free, and {needed} are needed. What has arrived is kept. Free some space."),
                free=size_in_words(free),
                needed=size_in_words(needed),
            )

    def _fetch(self, errand: Errand) -> None:
        part, strikes, self._current = errand.part, 0, errand.url
        self._opening, self._disputes = Opening(), 0
        while not part.complete:
            self._sealed()
            before = part.received
            try:
                with self._having_turn():
                    self._attempt(errand, ranged(strikes))
                if not part.size:
                    part.size = part.received  # it had no length, and came to its end
            except _Again as again:
                strikes = self._strikes(strikes, part.received > before)
                self._wait(again.problem, wait_s(max(0, strikes - 1), random.random(), again.wished))
            else:
                strikes = self._strikes(strikes, part.received > before)
        self.seen = Seen(checking=True)
        part.verify()
        self.seen = Seen()

    @contextmanager
    def _having_turn(self) -> Iterator[None]:
        """One asks at a time; while it waits for its server, another may."""
        while not self._turn.acquire(timeout=_TURN_S):
            self.seen = Seen(queued=True)
            self._going()
        if self.seen.queued:
            self.seen = Seen()
        try:
            yield
        finally:
            self._turn.release()

    def _strikes(self, strikes: int, progress: bool) -> int:
        if progress:
            self._disputes = 0
        return 0 if progress else strikes + 1

    @staticmethod
    def _local(url: str) -> bool:
        import httpx2

        return is_loopback(httpx2.URL(url).host)

    def _sealed(self) -> None:
        while self._web.network.sealed and not self._local(self._current):
            self._wait(Sealed(SEALED), _SEAL_S)
        self._going()

    def _wait(self, problem: UserError, seconds: float) -> None:
        self.seen = Seen(problem=problem, again_at=time.monotonic() + seconds)
        self._hurry.wait(seconds)
        self._hurry.clear()
        self._going()

    def _attempt(self, errand: Errand, rest: bool) -> None:
        """Asks once, and takes what comes. Raises `_Again` where something is left to ask for."""
        import httpx2  # late, as everywhere: see `services.online.web`

        part = errand.part
        self._line = Line()
        self._going()
        try:
            with self._web.get(errand.url, question(part.held, rest), self._line) as response:
                self._learn(part, response)
                take = self._judged(part, rest, response, httpx2.URL(errand.url))
                part.begin(response.headers.get("ETag", ""), take.size, take.anew)
                if not part.received:
                    self._opening = Opening()
                self._take(part, response, take.skip)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            self._going()
            problem = sentence(error, self._repo)
            if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
                raise problem from error  # it would be the same next time
            raise _Again(problem) from error

    def _judged(self, part: Part, rest: bool, response: httpx2.Response, asked: httpx2.URL) -> Take:
        host, headers = response.url.host, response.headers
        length = headers.get("Content-Length", "")
        judgement = judged(
            part.held,
            rest,
            Answer(
                response.status_code,
                headers.get("ETag", ""),
                headers.get("Content-Range", ""),
                int(length) if length.isdecimal() else None,
                headers.get("Content-Encoding", "").lower(),
                headers.get("Content-Type", "").lower(),
                response.url.origin == asked.origin,
            ),
        )
        if isinstance(judgement, Take):
            return judgement
        if judgement is Fault.FINAL:
            raise refused(response, self._repo)
        if judgement is Fault.SIZE:
            self._dispute(part, headers.get("Content-Range", "").rpartition("/")[2] or length)
        if judgement is Fault.CHANGED:
            part.let_go()
        wished = retry_after(headers, time.time())
        kind = NetworkError if judgement in (Fault.BUSY, Fault.ILL) else HubError
        raise _Again(kind(_FAULTS[judgement], host=host, status=response.status_code), wished)

    def _dispute(self, part: Part, told: object) -> None:
        self._disputes += 1
        if self._disputes >= _DISPUTES:
            raise TransferError(_SIZES, name=part.target.name, listed=part.size, told=told)

    def _learn(self, part: Part, response: httpx2.Response) -> None:
        """The Hub's own word on the file (huggingface_hub: `get_hf_file_metadata`): better before 7 GB than after."""
        for hop in (*response.history, response):
            told, size = hop.headers.get("X-Linked-Etag", "").strip('"'), hop.headers.get("X-Linked-Size", "")
            if not _SHA256.fullmatch(told):
                continue
            if part.sha256 and part.sha256 != told:
                raise TransferError(
                    N_("“{name}” has been changed on the Hub since its list was read. Open the repository again."),
                    name=part.target.name,
                )
            part.sha256 = told
            if part.promised and size.isdecimal() and int(size) != part.promised:
                raise TransferError(_SIZES, name=part.target.name, listed=part.promised, told=size)

    def _take(self, part: Part, response: httpx2.Response, skip: int) -> None:
        self.seen = Seen()
        pace, came, asked = Pace(self._web.patience_s), 0, 0
        for piece in response.iter_bytes():
            self._going()
            came += len(piece)
            fresh = piece[skip:] if skip else piece
            skip = max(0, skip - len(piece))
            if part.size:
                fresh = fresh[: part.size - part.received]
            if fresh:
                part.write(fresh)
                self._opening.look(part)
            if part.held.whole:
                return  # whatever else it would send
            pace.note(time.monotonic(), came)
            if pace.stalled:
                raise _Again(NetworkError(_STALLED, host=response.url.host))
            if came - asked >= _ASKED_BYTES:
                asked = came
                self._refuse_if_full(part.target.parent, _FLOOR)
                time.sleep(_REST_S)
        if part.size and not part.complete:  # less than it promised, and in good order
            self._dispute(part, part.received)
            raise _Again(NetworkError(_STALLED, host=response.url.host))


def free_space(folder: Path) -> int:
    """Bytes that the disk of a folder has left."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return 1 << 62  # a disk that does not tell is not asked again before it refuses
