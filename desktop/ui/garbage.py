"""Cyclic garbage is collected in the window's thread only, because Qt's objects may not end in another one.

Invariant: while `collected_here` lasts, no thread of ours starts Python's own collection, which runs wherever the next
object happens to be made and would there destroy forgotten timers and widgets; a timer does it instead, in the order
of generations that Python keeps. What no cycle holds ends at once, as ever.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_EVERY_MS = 1000  # garbage of a second is some hundred kilobytes; the oldest generation comes every two minutes at most


@contextmanager
def collected_here(every_ms: int = _EVERY_MS) -> Iterator[None]:
    """In the thread of the event loop, around it. Nothing changes where the collector was off before."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    timer = QTimer()
    timer.timeout.connect(_collect)
    timer.start(every_ms)
    try:
        yield
    finally:
        timer.stop()
        gc.unfreeze()
        gc.enable()


def _collect() -> None:
    """The oldest generation whose turn it is: counts and thresholds are those of `gc`.

    What outlives the first full collection is the program itself, 70,000 objects of modules and classes. It is not
    looked at again: that takes 100 ms, in which the window would stand still.
    """
    due = [n for n, (count, most) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)) if count > most]
    if due:
        gc.collect(due[-1])
    if due and due[-1] == 2 and not gc.get_freeze_count():
        gc.freeze()
