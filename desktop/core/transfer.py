"""A download as values and rules: what to ask a server for, what its answer is worth, and how long to wait after it.

Invariant: bytes are taken only where the answer says that they begin where ours end, or begins at the file's own
beginning; whatever a server does, what is asked for again is bounded by what it failed to give. The sockets are
`services.online.web`'s, files and the order of several downloads those of `services.transfer`.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from desktop.core.errors import UserError
from desktop.core.repos import RepoFile

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")  # RFC 9110, 14.4
_LENGTH = re.compile(r"bytes \*/(\d{1,18})")  # in a 416: how long the file is
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0  # a network that is back is found within a minute
_LEAST = 16 << 10  # bytes in the time of one patience, below which a connection counts as stalled; our choice
_SAMPLES = 20


class State(StrEnum):
    """Where a download stands. WAITING with a `problem` tries again in `retry_in` seconds; without one it is queued."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"  # with a `problem` where it paused itself: the disk is full
    VERIFYING = "verifying"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Download:
    """One variant on its way. `size` is 0 while unknown; `speed` is bytes per second; `model` is its library id."""

    id: str
    repo: str
    commit: str
    label: str
    files: tuple[RepoFile, ...]
    size: int
    received: int = 0
    state: State = State.WAITING
    speed: float = 0.0
    seconds_left: float | None = None
    problem: UserError | None = None
    retry_in: float = 0.0
    model: str = ""
    made: tuple[str, ...] = ()  # folders that were made for it
    url: str = ""  # where the file lies, if not on the Hub: then nobody has published its checksum


@dataclass(frozen=True, slots=True)
class Held:
    """What of a file is here. `size` is 0 while unknown; `etag` is that of the answer the bytes came with."""

    size: int
    received: int
    etag: str = ""
    sha256: str = ""

    @property
    def whole(self) -> bool:
        return 0 < self.size == self.received


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a server's answer, and whether that server is the one the address names: the Hub, not its CDN."""

    status: int
    etag: str = ""
    content_range: str = ""
    content_length: int | None = None
    encoding: str = ""
    kind: str = ""  # Content-Type
    origin: bool = True


class Fault(StrEnum):
    """Why an answer's bytes are not taken."""

    IGNORED = "ignored"  # all of the file, although a part was asked for
    LIED = "lied"  # a part, but not the one that was asked for
    REFUSED = "refused"  # 416: there is no such part
    SIZE = "size"  # of a file that is not as long as ours is to be
    CHANGED = "changed"  # of another file than what is here: begin anew
    EXPIRED = "expired"  # the CDN does not accept the Hub's signature any more: ask the Hub again
    BUSY = "busy"  # 429
    ILL = "ill"  # 5xx, and whatever is no answer to such a question
    FINAL = "final"  # it will not be otherwise next time


@dataclass(frozen=True, slots=True)
class Take:
    """The body is good from its byte `skip` on. `anew` lets go of what is here; `size` is 0 where it is not told."""

    skip: int = 0
    anew: bool = False
    size: int = 0


def ranged(strikes: int) -> bool:
    """Whether to ask for the rest only: every third time in a row without success, the whole is asked for instead.

    A server that cannot do ranges is served so, and one that failed once is not made to send everything.
    """
    return strikes % 3 != 2


def question(held: Held, rest: bool) -> dict[str, str]:
    """The headers to ask with. `If-Range` takes strong validators only (RFC 9110, 13.1.5)."""
    if not held.received or not rest:
        return {}
    asked = {"Range": f"bytes={held.received}-"}
    return {**asked, "If-Range": held.etag} if strong(held.etag) else asked


def judged(held: Held, rest: bool, answer: Answer) -> Take | Fault:
    """What an answer to `question(held, rest)` is worth."""
    if answer.status in (200, 206) and answer.kind.startswith("text/html"):
        return Fault.ILL  # a page of the network's own: a hotel that wants its terms accepted
    if answer.status == 206:
        return _judged_part(held, rest, answer)
    if answer.status == 200:
        return _judged_whole(held, rest, answer)
    if answer.status == 416 and held.received and rest:
        told = _LENGTH.fullmatch(answer.content_range.strip())
        return Fault.SIZE if told and held.size and int(told[1]) != held.size else Fault.REFUSED
    if answer.status == 429:
        return Fault.BUSY
    if answer.status == 408 or answer.status >= 500 or answer.status < 400:
        return Fault.ILL
    return Fault.FINAL if answer.origin else Fault.EXPIRED


def _judged_part(held: Held, rest: bool, answer: Answer) -> Take | Fault:
    told = _RANGE.fullmatch(answer.content_range.strip())
    if not (held.received and rest and told) or answer.encoding not in ("", "identity"):
        return Fault.LIED
    start, last, total = int(told[1]), int(told[2]), 0 if told[3] == "*" else int(told[3])
    if start != held.received or last < start or (total and last >= total):
        return Fault.LIED
    if _differ(held.etag, answer.etag):
        return Fault.CHANGED
    if held.size and total and total != held.size:
        return Fault.SIZE
    return Take(size=total)


def _judged_whole(held: Held, rest: bool, answer: Answer) -> Take | Fault:
    size = answer.content_length or 0 if answer.encoding in ("", "identity") else 0
    other = bool(size and held.size and size != held.size)
    if not held.received:
        return Fault.SIZE if other else Take(size=size)
    if _differ(held.etag, answer.etag) or not (held.sha256 or strong(held.etag)):
        return Take(anew=True, size=size)
    if other:
        return Fault.SIZE
    return Fault.IGNORED if rest else Take(skip=held.received, size=size)


def strong(etag: str) -> bool:
    """Whether the mark promises the same bytes, not merely the same meaning (RFC 9110, 8.8.3)."""
    return etag.startswith('"')


def _differ(ours: str, theirs: str) -> bool:
    """Whether two validators name different bytes; a missing one says nothing, nor does a weak one."""
    return strong(ours) and strong(theirs) and ours != theirs


def wait_s(strikes: int, chance: float, wished: float | None = None) -> float:
    """Seconds to wait after so many failures in a row: doubled each time, spread by `chance` in 0..1.

    What the server wishes is waited for, and a little more, so that not all come back at once.
    """
    if wished is not None:
        return wished + chance
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(strikes, 10)) * (0.5 + chance / 2)


class Pace:
    """How fast bytes come, over the last `window_s` seconds of a clock that never goes back."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, now: float, received: int) -> None:
        """So many bytes are here at that time; fewer than before means that they are counted anew."""
        samples = self._samples
        if samples and received < samples[-1][1]:
            samples.clear()
        if len(samples) > 1 and now - samples[-2][0] < self._window_s / _SAMPLES:
            samples[-1] = (now, received)
        else:
            samples.append((now, received))
        while len(samples) > 2 and now - samples[1][0] >= self._window_s:
            samples.popleft()

    @property
    def speed(self) -> float:
        """Bytes per second; 0 before there is anything to judge by."""
        if len(self._samples) < 2:
            return 0.0
        (begun, first), (now, last) = self._samples[0], self._samples[-1]
        return (last - first) / (now - begun) if now > begun else 0.0

    def seconds_left(self, size: int) -> float | None:
        """Until `size` bytes are here; None where that cannot be said."""
        if not self._samples or not size or self.speed <= 0:
            return None
        return (size - self._samples[-1][1]) / self.speed

    @property
    def stalled(self) -> bool:
        """Whether a whole window brought next to nothing."""
        (begun, first), (now, last) = self._samples[0], self._samples[-1]
        return now - begun >= self._window_s and last - first < _LEAST
