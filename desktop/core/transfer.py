"""A download as values and rules: what to ask a server for, what its answer is worth, and how long to wait after it.

Invariant: bytes are taken only where the answer says that they begin where ours end, or begins at the file's own
beginning; whatever a server does, what is asked for again is bounded by what it failed to give. The sockets are
`services.web`'s, the files `services.part`'s, the order of several downloads `services.downloads`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from desktop.core.errors import UserError
from desktop.core.repos import RepoFile


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
    url: str = ""  # where the file lies, if not on the Hub: then nobody has published its checksum
