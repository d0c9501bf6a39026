"""Memory that is there now: what programs may take, what a container allows, and what ending the engine returns.

Invariant: a figure is what the operating system says at this moment, never a share of what is built in, and asking for
it takes microseconds. Linux counts what it can drop at once; macOS counts free and inactive pages and leaves out what
it could still compress; Windows counts free and standby pages. On Linux the mapped pages of a model are among what can
be dropped, unless they are locked, so ending the engine returns the rest; elsewhere they are not, and all is returned.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from desktop.engine.groups import own_groups

# Linux maps a model's file with all of its pages (MAP_POPULATE); elsewhere they come as they are first used.
MAPS_AT_ONCE = sys.platform == "linux"
_NAMES_2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))
_NAMES_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
_NO_LIMIT = 1 << 60  # version 1 says the largest whole number of pages where there is none


def total() -> int:
    """Bytes built in, or allowed to this container."""
    return min([psutil.virtual_memory().total, *(limit for limit, _ in _limits())])


def available() -> int:
    """Bytes that programs may take now without anything being pushed out to disk."""
    return max(0, min([psutil.virtual_memory().available, *(limit - used for limit, used in _limits())]))


def returned(pid: int | None) -> int:
    """Bytes that become available when a process ends.

    On Linux that is all but its files' pages, which count as available already where they are not locked. Elsewhere
    pages in use do not count as available; psutil's `uss` would walk through all of them, and macOS may forbid it.
    """
    try:
        if not pid:
            return 0
        state = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    if sys.platform != "linux":
        return int(state.rss)
    return max(0, state.rss - state.shared + min(state.shared, _locked(Path(f"/proc/{pid}/status"))))


def files(pid: int | None) -> int:
    """Bytes of a process's memory that are pages of files; where the system does not tell, as if all were there."""
    try:
        if not pid or sys.platform != "linux":
            return sys.maxsize
        return int(psutil.Process(pid).memory_info().shared)
    except psutil.Error:
        return 0


def resident(pid: int | None) -> int:
    """Bytes of memory a process holds, its files' pages included; 0 where it is gone."""
    try:
        return psutil.Process(pid).memory_info().rss if pid else 0
    except psutil.Error:
        return 0


def _locked(status: Path) -> int:
    """Bytes that a process keeps from being moved out of memory. https://man7.org/linux/man-pages/man5/proc.5.html"""
    try:
        rows = [line.split() for line in status.read_text().splitlines() if line.startswith("VmLck:")]
    except OSError:
        return 0
    return sum(int(row[1]) << 10 for row in rows if len(row) == 3)


def _limits(*where: Path) -> list[tuple[int, int]]:
    """Limit and use, in bytes, of every control group this process is in. What can be dropped does not count as used.

    `where` as `own_groups`.
    """
    groups = own_groups("memory", *where)
    found = [_limit(group, *(_NAMES_2 if second else _NAMES_1)) for group, second in groups]
    return [(limit, used) for limit, used in found if 0 < limit < _NO_LIMIT]


def _limit(group: Path, most: str, current: str, droppable: tuple[str, str]) -> tuple[int, int]:
    limit = _number(group / most)
    return limit, max(0, _number(group / current) - _sum(group / "memory.stat", droppable)) if limit else 0


def _number(file: Path) -> int:
    """0 where the file is not there or says "max"."""
    try:
        text = file.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def _sum(file: Path, names: tuple[str, str]) -> int:
    try:
        rows = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return 0
    return sum(int(row[1]) for row in rows if len(row) == 2 and row[0] in names and row[1].isdecimal())
