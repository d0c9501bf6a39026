"""The processor's cores: which compute best, which there are beside them, and how many of them are for us.

Invariant: an answer is never worse than what the operating system says at least, and never more than this process may
use: `taskset`, a container's quota and its set of processors count. Threads default to physical cores, as two threads
of one core share its arithmetic; where no thread of the processor would be left to the rest of the computer, one is.
Speeds are not measured here.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
import sys
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from desktop.engine.groups import own_groups

_SYSTEM = Path("/sys/devices")
_FEW = 4  # with no more threads than this a processor is busy for us as long as we compute
_CAPABLE = 0.6  # of the best core's `cpu_capacity`: Cortex-A78 beside X1 has 0.83, A55 beside A76 0.52
_QUICK = 0.8  # of the best core's frequency: Turbo Boost Max differs by 0.05, Zen 5c from Zen 5 by 0.35


@dataclass(frozen=True, slots=True)
class Cores:
    """Those this process may use: `performance` are physical and fast, `physical` all such, `logical` with threads."""

    performance: int
    physical: int
    logical: int

    @property
    def writing(self) -> int:
        """Threads that write an answer: slow cores would make the fast ones wait for them at every step."""
        return self._left(self.performance)

    @property
    def reading(self) -> int:
        """Threads that read a prompt, whose larger steps are shared out by what each core has done."""
        return self._left(self.physical)

    def _left(self, threads: int) -> int:
        return threads - 1 if threads == self.logical > _FEW else threads


@cache
def of_this_computer() -> Cores:
    """The cores of this computer, as far as this process may use them; found out once."""
    logical = psutil.cpu_count() or os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    if sys.platform == "linux":
        allowed, most = os.sched_getaffinity(0), quota()
        return of_linux(allowed, most) or bounded(Cores(0, physical, logical), min(len(allowed), most))
    if sys.platform == "darwin":
        return bounded(Cores(sysctl("hw.perflevel0.physicalcpu"), physical, logical), logical)
    return bounded(Cores(fastest_cores(_cpu_sets()), physical, logical), logical)


def threads(writing: int, reading: int) -> tuple[int, int]:
    """Threads that write and threads that read: those chosen, and for 0 those that suit this computer."""
    if writing > 0 and reading > 0:
        return writing, reading
    found = of_this_computer()
    return writing if writing > 0 else found.writing, reading if reading > 0 else found.reading


def bounded(cores: Cores, most: float) -> Cores:
    """The cores where no more than `most` threads of the processor may run; what is not known (0, -1) is filled in."""
    whole = max(1, math.ceil(most))
    logical = max(1, min(cores.logical, whole))
    physical = max(1, min(cores.physical, logical))
    return Cores(min(cores.performance, physical) if cores.performance > 0 else physical, physical, logical)


# -- Linux ----------------------------------------------------------------------------------------------------------


def of_linux(allowed: Set[int], most: float = math.inf, system: Path = _SYSTEM) -> Cores | None:
    """The cores of the processors allowed, or None where the system does not tell them apart.

    https://docs.kernel.org/admin-guide/cputopology.html
    """
    folder = system / "system" / "cpu"
    siblings = {n: _siblings(folder / f"cpu{n}" / "topology") for n in allowed}
    if not all(siblings.values()):
        return None
    fast = _fast(allowed, folder, system)
    cores = Cores(len({siblings[n] for n in fast}), len(set(siblings.values())), len(allowed))
    return bounded(cores, min(cores.logical, most))


def _siblings(topology: Path) -> str:
    return _text(topology / "thread_siblings_list") or _text(topology / "core_cpus_list")


def _fast(allowed: Set[int], folder: Path, system: Path) -> Set[int]:
    """Of a mixed processor those that are fast; all where they are alike, or where only slow ones are allowed."""
    intel = set(expanded(_text(system / "cpu_core" / "cpus"))) & allowed
    if intel:
        return intel
    for name, share in (("cpu_capacity", _CAPABLE), ("cpufreq/cpuinfo_max_freq", _QUICK)):
        said = {n: _text(folder / f"cpu{n}" / name) for n in allowed}
        if all(text.isdecimal() for text in said.values()):
            best = max(int(text) for text in said.values())
            return {n for n in allowed if int(said[n]) >= share * best}
    return allowed


def quota(*where: Path) -> float:
    """Processors' worth of time that this container gets; infinite where it is not bounded. `where` as `own_groups`."""
    found = [math.inf]
    for group, second in own_groups("cpu", *where):
        if second:
            most, _, period = _text(group / "cpu.max").partition(" ")
        else:
            most, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        if most.isdecimal() and period.isdecimal() and int(period):
            found.append(int(most) / int(period))
    return min(found)


def expanded(ranges: str) -> list[int]:
    """The numbers of a Linux list of processors, such as "0-3,8"; what is no such list has none."""
    spans = [part.partition("-") for part in ranges.strip().split(",")]
    sound = [(first, last or first) for first, _, last in spans if first.isdecimal() and (last or first).isdecimal()]
    return [n for first, last in sound for n in range(int(first), int(last) + 1)]


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


# -- macOS and Windows ----------------------------------------------------------------------------------------------


def sysctl(name: str) -> int:
    """A number of macOS's; -1 where it has none."""
    value, size = ctypes.c_int64(0), ctypes.c_size_t(8)
    found = ctypes.CDLL(None).sysctlbyname(name.encode(), ctypes.byref(value), ctypes.byref(size), None, 0)
    return value.value if found == 0 else -1


def fastest_cores(cpu_sets: bytes) -> int:
    """Physical cores of the highest efficiency class, in the bytes `GetSystemCpuSetInformation` writes.

    https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-system_cpu_set_information
    """
    cores: dict[tuple[int, int], int] = {}
    at = 0
    while at + 20 <= len(cpu_sets):
        (size,) = struct.unpack_from("<I", cpu_sets, at)
        group, core, speed = struct.unpack_from("<H", cpu_sets, at + 12)[0], cpu_sets[at + 15], cpu_sets[at + 18]
        cores[group, core] = speed
        at += max(size, 20)
    return Counter(cores.values())[max(cores.values())] if cores else 0


def _cpu_sets() -> bytes:
    if sys.platform != "win32":
        return b""
    needed = ctypes.c_ulong(0)
    kernel = ctypes.windll.kernel32
    kernel.GetSystemCpuSetInformation(None, 0, ctypes.byref(needed), None, 0)
    buffer = ctypes.create_string_buffer(needed.value)
    done = kernel.GetSystemCpuSetInformation(buffer, needed, ctypes.byref(needed), None, 0)
    return buffer.raw if done else b""
