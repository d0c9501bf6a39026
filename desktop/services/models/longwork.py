"""Long disk work in a thread, with progress, that ends when its waiter is cancelled.

Invariant: whoever waits gets control back only when the thread has ended, so nothing is still being written after a
cancellation. The work calls its report often; that is where it is stopped.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
Report = Callable[[float], None]
_PROGRESS_S = 0.1


class _Cancelled(Exception):
    """Ends the work in its thread; never seen outside."""


async def watched(work: Callable[[Report], T], progress: Report | None = None) -> T:
    """What `work` returns or raises; `progress` gets 0..1 on the caller's loop, at most ten times a second."""
    loop = asyncio.get_running_loop()
    stop = threading.Event()
    last = 0.0

    def report(fraction: float) -> None:
        nonlocal last
        if stop.is_set():
            raise _Cancelled
        if progress is not None and (fraction == 1 or time.monotonic() - last > _PROGRESS_S):
            last = time.monotonic()
            loop.call_soon_threadsafe(progress, fraction)

    task = asyncio.create_task(asyncio.to_thread(work, report))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
