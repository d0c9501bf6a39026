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
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.core.errors import N_, HubError, NetworkError, Sealed, StorageError, TransferError, UserError
from desktop.core.gguf import size_in_words
from desktop.core.transfer import Answer, Download, Fault, Pace, State, Take, judged, question, ranged, wait_s
from desktop.services.online.faults import SEALED, refused, retry_after, sentence
from desktop.services.online.network import is_loopback
from desktop.services.online.web import Line, Web
from desktop.services.transfer.consignment import Errand
from desktop.services.transfer.part import Busy, Part

if TYPE_CHECKING:
    import httpx2

PURPOSE = N_("Download of a model")
MARGIN = 256 << 20  # bytes left free on the disk before a download begins, as `modelfiles` leaves them
_FLOOR = 64 << 20  # and while it runs: chats are still saved
_ASKED_BYTES = 16 << 20  # how often the disk is asked what is free
_BUSY_S = 2.0
_SEAL_S = 0.2
_MAGIC = b"GGUF"
_SHA256 = re.compile("[0-9a-f]{64}")

_FAULTS = {
    Fault.IGNORED: N_("{host} sends the file from its beginning, although its rest was asked for."),
    Fault.LIED: N_("{host} sends another part of the file than was asked for."),
    Fault.REFUSED: N_("{host} says that the file ends before its end."),
    Fault.CHANGED: N_("{host} has another version of the file now. It is fetched from its beginning."),
    Fault.EXPIRED: N_("{host} does not accept the Hub's address any more. The Hub is asked for a new one."),
    Fault.BUSY: N_("{host} asks for a pause: too many requests."),
    Fault.ILL: N_("{host} has a problem of its own (status {status})."),
}
_STALLED = N_("Nothing comes from {host} any more. The connection is made again.")


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
    """How it stands. `again_at` is a monotonic time; `checking` is true while files are read or verified."""

    checking: bool = False
    problem: UserError | None = None
    again_at: float = 0.0


class Transfer:
    """Fetches files one after the other. `ended` is called in the thread, when `outcome` stands.

    `free` tells how many bytes the disk of a folder has left.
    """

    def __init__(
        self,
        web: Web,
        errands: Sequence[Errand],
        repo: str,
        ended: Callable[[], None],
        free: Callable[[Path], int],
    ) -> None:
        self.seen = Seen(checking=True)
        self.outcome: UserError | bool | None = None  # True: whole and named; False: stopped
        self._web = web
        self.errands = tuple(errands)
        self._repo = repo
        self._ended = ended
        self._free = free
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._line = Line()
        self._current = self.errands[0].url
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
        if seen.problem is not None:
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
                errand.part.close()
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
        while not part.held.whole:
            self._sealed()
            before = part.received
            try:
                self._attempt(errand, ranged(strikes))
                if not part.size:
                    part.size = part.received  # it had no length, and came to its end
            except _Again as again:
                strikes = 0 if part.received > before else strikes + 1
                self._wait(again.problem, wait_s(max(0, strikes - 1), random.random(), again.wished))
            else:
                strikes = 0 if part.received > before else strikes + 1
        self.seen = Seen(checking=True)
        part.verify()
        self.seen = Seen()

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
                take = self._judged(part, rest, response, httpx2.URL(errand.url))
                self._learn(part, response)
                part.begin(response.headers.get("ETag", ""), take.size, take.anew)
                self._take(part, response, take.skip)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            self._going()
            problem = sentence(error, self._repo)
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
        if judgement is Fault.CHANGED:
            part.let_go()
        wished = retry_after(headers, time.time())
        kind = NetworkError if judgement in (Fault.BUSY, Fault.ILL) else HubError
        raise _Again(kind(_FAULTS[judgement], host=host, status=response.status_code), wished)

    def _learn(self, part: Part, response: httpx2.Response) -> None:
        """The Hub's own word on the file (huggingface_hub: `get_hf_file_metadata`): better before 7 GB than after."""
        for hop in (*response.history, response):
            told = hop.headers.get("X-Linked-Etag", "").strip('"')
            if not _SHA256.fullmatch(told):
                continue
            if part.sha256 and part.sha256 != told:
                raise TransferError(
                    N_("“{name}” has been changed on the Hub since its list was read. Open the repository again."),
                    name=part.target.name,
                )
            part.sha256 = told

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
                self._write(part, fresh)
            if part.held.whole:
                return  # whatever else it would send
            pace.note(time.monotonic(), came)
            if pace.stalled:
                raise _Again(NetworkError(_STALLED, host=response.url.host))
            if came - asked >= _ASKED_BYTES:
                asked = came
                self._refuse_if_full(part.target.parent, _FLOOR)
        if part.size:
            raise _Again(NetworkError(_STALLED, host=response.url.host))  # less than it promised, and in good order

    def _write(self, part: Part, data: bytes) -> None:
        if not (part.received or part.sha256 or data.startswith(_MAGIC)):  # else the checksum tells at the end
            part.discard()
            raise TransferError(
                N_("“{name}” is no GGUF model: it begins otherwise. Nothing of it was kept."), name=part.target.name
            )
        part.write(data)


def free_space(folder: Path) -> int:
    """Bytes that the disk of a folder has left."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return 1 << 62  # a disk that does not tell is not asked again before it refuses
