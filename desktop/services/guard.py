"""The memory guard: watches memory while a model is loaded or answers, and ends that before the computer suffers.

Invariants: nothing is ended that was not watched; each thing at most once for want of room alone, or for reading files
again and again, as a model larger than memory makes a computer do: a person who goes on all the same is only stopped
when memory is moved out to disk, or when all wait for it while little is left. Readings are taken in a thread, for a
computer short of memory may take its time with them. What they mean is `core.pressure`'s affair.
"""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import psutil

from desktop.core.errors import N_, LoadError, MemoryShort
from desktop.core.pressure import Level, Limits, Pressure, Reading
from desktop.engine.cores import sysctl
from desktop.engine.groups import own_groups
from desktop.services import memory

_EVERY_S = 0.25  # a reading takes 0.4 ms of a core here: 0.2 % of one
_PROC = Path("/proc")
_LEVELS = {1: Level.CALM, 2: Level.TIGHT, 4: Level.STOP}  # of macOS: xnu, bsd/sys/kern_memorystatus.h


class Guard:
    """Made and used on the event loop's thread."""

    def __init__(
        self, read: Callable[[], Reading] | None = None, limits: Limits | None = None, every_s: float = _EVERY_S
    ) -> None:
        self.read = read or reading
        self.every_s = every_s
        self.limits = limits or Limits.of(memory.total())
        self._ended: set[Path] = set()

    def ended(self, model: Path) -> bool:
        """Whether loading this model, or a reply of its, was ended since the application started."""
        return model in self._ended

    async def calm(self) -> bool:
        """Whether there is memory now for what could as well wait."""
        return Pressure(self.limits).feed(await asyncio.to_thread(self.read)) is Level.CALM

    @asynccontextmanager
    async def watching(self, model: Path, end: Callable[[], None], *, loading: bool = False) -> AsyncIterator[None]:
        """While a model is loaded or used: `end` is called, once, when that should end."""
        first = model not in self._ended
        pressure = Pressure(self.limits, floor=first, standstill=first and not loading)
        watch = asyncio.create_task(self._watch(pressure, model, end))
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self, pressure: Pressure, model: Path, end: Callable[[], None]) -> None:
        while True:
            if pressure.feed(await asyncio.to_thread(self.read)) is Level.STOP:
                self._ended.add(model)
                end()
                return
            await asyncio.sleep(self.every_s)


def reply_ended() -> MemoryShort:
    """The error for a reply that was ended; what there is of it is kept."""
    return MemoryShort(
        N_(
            "The computer was running out of memory, so the answer was ended early; what is there is kept. Close other "
            "programs and go on, or use settings that need less memory."
        )
    )


def reading_ended() -> MemoryShort:
    """The error for a reply that was ended before its first word."""
    return MemoryShort(
        N_(
            "The computer was running out of memory, so no answer could be written; your question is kept. Close other "
            "programs and try again, or use settings that need less memory."
        )
    )


def load_ended(name: str) -> LoadError:
    """The error for a load that was ended."""
    return LoadError(
        N_(
            "The computer was running out of memory, so loading “{name}” was ended. Close other programs and try "
            "again, or use settings that need less memory."
        ),
        name=name,
    )


def reading() -> Reading:
    """What this computer says now."""
    now = time.monotonic()
    if sys.platform == "linux":
        return Reading(now, memory.available(), swapped(_PROC), stalled(_PROC))
    if sys.platform == "darwin":  # which moves memory out long before it suffers: only its own word tells
        return Reading(now, word=_LEVELS.get(sysctl("kern.memorystatus_vm_pressure_level"), Level.CALM))
    available = psutil.virtual_memory().available
    return Reading(now, available, word=Level.STOP if _windows_is_low() else Level.CALM)


def swapped(proc: Path) -> int:
    """Bytes that Linux has moved out to swap since its start; 0 where it does not tell."""
    for line in _text(proc / "vmstat").splitlines():
        name, _, pages = line.partition(" ")
        if name == "pswpout" and pages.isdecimal():
            return int(pages) * mmap.PAGESIZE
    return 0


def stalled(proc: Path, *where: Path) -> float:
    """Seconds in which all of our control group, or else all of the computer, waited for memory; `where` as
    `own_groups`. https://docs.kernel.org/accounting/psi.html
    """
    own = next((group for group, second in own_groups("memory", *where) if second), None)
    text = (_text(own / "memory.pressure") if own else "") or _text(proc / "pressure" / "memory")
    for line in text.splitlines():
        kind, *fields = line.split()
        if kind == "full":
            total = fields[-1].removeprefix("total=")
            return int(total) / 1e6 if total.isdecimal() else 0.0
    return 0.0


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


@cache
def _notification() -> int:
    """Windows' handle of the event that says that memory is low; it ends with the process."""
    if sys.platform != "win32":
        return 0
    create = ctypes.windll.kernel32.CreateMemoryResourceNotification
    create.restype = ctypes.c_void_p
    return int(create(0) or 0)  # LowMemoryResourceNotification


def _windows_is_low() -> bool:
    """https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-querymemoryresourcenotification"""
    state = ctypes.c_int(0)
    if sys.platform == "win32" and _notification():
        ctypes.windll.kernel32.QueryMemoryResourceNotification(ctypes.c_void_p(_notification()), ctypes.byref(state))
    return bool(state.value)
