"""Whether memory is about to run out, from readings over time.

Invariants: memory that is in use but can still grow alarms nobody: it takes two readings at the very end, or memory
being moved out to disk while little is left, or a computer that stands still for want of it. What fills memory with
pages of files, which can be dropped, is no pressure. Once it was tight, it is calm only after a while of being well.
Readings are `services.guard`'s to take.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

MIB = 1 << 20
_SPAN_S = 4.0  # looked back at; no source: long enough for a browser's tab to come and go
_SWAPPED = 16 * MIB  # moved out within the span: with plenty left, Linux moves out old pages by the way
_STALLED = 0.2  # of the time, little being left; systemd-oomd ends programs at 0.6 of 30 s (oomd.conf(5))
_STANDSTILL = 0.6  # of the time, over the whole span, whatever is left: pages of files are being read again and again
_REST_S = 3.0  # well for as long before it is calm again


class Level(IntEnum):
    """How it stands with memory."""

    CALM = 0
    TIGHT = 1  # nothing should be begun that can wait
    STOP = 2  # what is under way should end


@dataclass(frozen=True, slots=True)
class Reading:
    """What a computer says at a moment: seconds on a steady clock, bytes, and counters since some start.

    `available` is negative where the system tells by its own `word` only.
    """

    at: float
    available: int = -1  # what programs may take without anything being moved out
    swapped: int = 0  # moved out to disk so far
    stalled: float = 0.0  # seconds so far in which all that wanted to run waited for memory
    word: Level = Level.CALM  # the system's own


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes available: under `scarce` it is tight, under `floor` it is time to stop."""

    floor: int
    scarce: int

    @classmethod
    def of(cls, total: int) -> Limits:
        """For a computer, or container, with this much memory: on 8 GB 164 and 512 MiB.

        The shares have no source; on Linux the kernel begins to move memory out at about 1 % of it left.
        """
        floor = min(max(total // 50, 128 * MIB), 384 * MIB)
        return cls(floor, min(max(total // 16, 3 * floor), 1024 * MIB))


class Pressure:
    """Judges readings one after the other. Without `floor`, memory may be used to its end as long as nothing suffers;
    without `standstill`, it may also take its time with files.
    """

    def __init__(self, limits: Limits, *, floor: bool = True, standstill: bool = True) -> None:
        self._limits, self._floor, self._standstill = limits, floor, standstill
        self._readings: deque[Reading] = deque()
        self._unwell: float | None = None
        self.level = Level.CALM

    def feed(self, reading: Reading) -> Level:
        """The level now."""
        self._readings.append(reading)
        while reading.at - self._readings[0].at > _SPAN_S and len(self._readings) > 2:
            self._readings.popleft()
        level = Level.STOP if self._ending() else Level.TIGHT if self._scarce(reading) else Level.CALM
        if level is not Level.CALM:
            self._unwell = reading.at
        elif self._unwell is not None and reading.at - self._unwell < _REST_S:
            level = Level.TIGHT
        self.level = level
        return level

    def _scarce(self, reading: Reading) -> bool:
        return reading.word >= Level.TIGHT or 0 <= reading.available < self._limits.scarce

    def _out(self, reading: Reading) -> bool:
        return reading.word is Level.STOP or (self._floor and 0 <= reading.available < self._limits.floor)

    def _ending(self) -> bool:
        if len(self._readings) < 2:
            return False
        *_, before, last = self._readings
        if self._out(before) and self._out(last):
            return True
        first = self._readings[0]
        seconds = last.at - first.at
        share = (last.stalled - first.stalled) / seconds if seconds > 0 else 0.0
        if self._scarce(before) and self._scarce(last):
            return last.swapped - first.swapped >= _SWAPPED or (seconds >= _SPAN_S / 4 and share >= _STALLED)
        return self._standstill and seconds >= _SPAN_S * 0.9 and share >= _STANDSTILL
