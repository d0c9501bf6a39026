"""Whether this computer runs on its battery just now.

Invariant: asking never blocks the event loop, and the system is asked at most twice a minute. A computer without a
battery, or one that does not tell, counts as plugged in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import psutil

ASKED_EVERY_S = 30.0  # so long may reading ahead go on after the plug was pulled


def unplugged() -> bool:
    """Asks the system: microseconds on Linux, up to milliseconds on Windows."""
    ask = getattr(psutil, "sensors_battery", None)  # not on every system psutil knows
    try:
        battery = ask() if ask is not None else None
    except (OSError, RuntimeError):  # a driver that answers nonsense
        return False
    return battery is not None and battery.power_plugged is False


class Power:
    """Remembers the answer for a while."""

    def __init__(self, ask: Callable[[], bool] = unplugged, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._until = float("-inf")
        self._unplugged = False

    async def on_battery(self) -> bool:
        if self._clock() >= self._until:
            self._until = self._clock() + ASKED_EVERY_S
            self._unplugged = await asyncio.to_thread(self._ask)
        return self._unplugged
