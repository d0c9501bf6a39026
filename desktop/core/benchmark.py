"""What `alcove bench` found out about a model on a computer, as values.

Invariant: a figure that is not there says why, and one that is there says how far its runs lay apart. Nothing is
measured, worded or drawn here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from desktop.core.fit import Source
from desktop.core.generation import LoadSettings


class Why(StrEnum):
    """Why a figure is missing, or not what its name says."""

    NONE = ""
    CONTEXT = "context"  # it does not fit the context
    TIME = "time"  # it would have taken longer than was allowed
    ENDED = "ended"  # the model ended its replies too soon
    DIED = "died"  # the engine did
    READ_AGAIN = "read-again"  # what had been read could not serve again


class Moment(StrEnum):
    """When a first token was waited for."""

    COLD = "cold"  # right after loading the model, the file on the disk where the system lets go of it
    NEW = "new"  # the model loaded, a whole chat that it has not read yet
    WARM = "warm"  # a short question in that chat, at the tenth reply
    TYPED = "typed"  # a long question in that chat
    AHEAD = "read-ahead"  # one as long, read while it was typed
    REOPENED = "reopened"  # a short question after the engine ended and the model was loaded again


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure measured several times."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """None where there are none; those that are 0 told nothing."""
        told = [value for value in values if value > 0]
        return cls(median(told), min(told), max(told), len(told)) if told else None


@dataclass(frozen=True, slots=True)
class Depth:
    """Speeds behind `depth` tokens: `prompt_tokens` were read there, and written was after those."""

    depth: int
    prompt_tokens: int = 0
    prompt_per_s: Spread | None = None
    first_token_s: Spread | None = None
    generation_per_s: Spread | None = None
    why: Why = Why.NONE


@dataclass(frozen=True, slots=True)
class FirstToken:
    """Seconds from asking to the first token, without `load_s`; tokens of the last run."""

    moment: Moment
    seconds: Spread | None = None
    load_s: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    why: Why = Why.NONE


@dataclass(frozen=True, slots=True)
class Lookup:
    """Writing what repeats the prompt, with drafts and without; tokens of all runs."""

    generation_per_s: Spread | None = None
    without_per_s: Spread | None = None
    drafted: int = 0
    accepted: int = 0
    why: Why = Why.NONE


@dataclass(frozen=True, slots=True)
class Memory:
    """The most that the engine process held, against the estimate; bytes."""

    engine_bytes: int
    estimate_bytes: int
    device_bytes: int  # of the estimate, on graphics cards
    source: Source


@dataclass(frozen=True, slots=True)
class Computer:
    """Where it was measured. `load` is the number of programs that wanted a core before; `busy` the share of cores."""

    cpu: str
    performance_cores: int
    physical_cores: int
    logical_cores: int
    memory_bytes: int
    system: str
    load: float = 0.0
    busy: float = 0.0
    on_battery: bool = False

    @property
    def disturbed(self) -> bool:
        """Whether other programs took so much that the figures are too low. The quarter has no source."""
        return self.load > self.logical_cores or self.busy > 0.25


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that was measured."""

    name: str
    size_bytes: int
    quantisation: str
    architecture: str
    parameters: int


@dataclass(frozen=True, slots=True)
class Benchmark:
    """All of it. `versions` are pairs of a name and a version."""

    model: Subject
    device: str
    context: int
    settings: LoadSettings
    load_s: float
    depths: tuple[Depth, ...]
    first_tokens: tuple[FirstToken, ...]
    lookup: Lookup
    memory: Memory
    computer: Computer
    versions: tuple[tuple[str, str], ...]
    took_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long at the most, loading aside; what the time is not enough for is left out.

    A chat of 4,000 tokens takes a laptop one to two minutes to read, so four minutes see it once and no more there.
    """

    depths: tuple[int, ...] = (0, 512, 2048, 4096, 8192, 16384)
    runs: int = 3
    chat_tokens: int = 4000
    limit_s: float = 240.0
    chosen: bool = False  # whether a person asked for these depths, who is told which of them cannot be had


QUICK = Plan((0, 512), 1, 1000, 30.0)
