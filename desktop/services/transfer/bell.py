"""Tells listeners on the event loop that something has changed, at most ten times a second.

Invariant: after the last `ring` every listener is called once more, so that none is left with an old picture. What has
changed is for the listeners to look up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

_INTERVAL_S = 0.1  # no eye follows figures that change faster

Heard = Callable[[], object]


class Bell:
    """Used on the event loop's thread only."""

    def __init__(self) -> None:
        self._listeners: list[Heard] = []
        self._rung_at = -_INTERVAL_S
        self._due: asyncio.TimerHandle | None = None

    def listen(self, heard: Heard) -> Callable[[], None]:
        """Calls `heard` from now on; returns what ends that."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard) if heard in self._listeners else None

    def ring(self) -> None:
        """Something has changed: tells it soon, or when a tenth of a second has passed since the last time."""
        if self._due is None:
            wait = max(0.0, self._rung_at + _INTERVAL_S - monotonic())
            self._due = asyncio.get_running_loop().call_later(wait, self._tell)

    def close(self) -> None:
        """Is silent from now on."""
        self._listeners.clear()
        if self._due is not None:
            self._due.cancel()

    def _tell(self) -> None:
        self._due, self._rung_at = None, monotonic()
        for heard in tuple(self._listeners):
            heard()
