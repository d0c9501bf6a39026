"""This computer: its processor, its cores and its memory.

Invariant: an answer is never worse than llama.cpp's own default: what cannot be found out falls back to what the
operating system says at least. Graphics cards are the engine's to report; verdicts about memory are `core.fit`'s.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

from desktop.services import memory

_CPUS = Path("/sys/devices/system/cpu")


@dataclass(frozen=True, slots=True)
class Machine:
    """What does not change while the program runs; bytes and counts."""

    cpu: str
    flags: frozenset[str]  # instruction sets, in lower case, as the system calls them
    performance_cores: int  # physical, without the slow ones of a mixed processor
    physical_cores: int
    logical_cores: int
    memory_total: int
    system: str

    @classmethod
    def of_this_computer(cls) -> Machine:
        cpu, flags = _processor()
        physical, logical = _cores()
        return cls(
            cpu or platform.machine(),
            flags,
            min(_performance_cores() or physical, physical),
            physical,
            logical,
            memory.total(),
            f"{platform.system()} {platform.release()} ({platform.machine()})",
        )

    @staticmethod
    def memory_available() -> int:
        """Bytes that programs may take now without anything being pushed out to disk."""
        return memory.available()

    @staticmethod
    def resident(pid: int | None) -> int:
        """Bytes of memory a process holds; 0 where it is gone."""
        return memory.resident(pid)

    @property
    def shares_memory(self) -> bool:
        """Whether graphics cards use the computer's own memory, as Apple's processors have it."""
        return self.system.startswith("Darwin") and "arm64" in self.system

    @property
    def instructions(self) -> str:
        """What llama.cpp will say it uses of this processor, in its words, until it can be asked."""
        known = {
            "avx512f": "AVX512",
            "asimd": "NEON",
            "asimddp": "DOTPROD",
            "dotprod": "DOTPROD",
            "i8mm": "MATMUL_INT8",
        }
        found = {"REPACK", *(known.get(flag, flag.upper()) for flag in self.flags)}
        if self.shares_memory:
            found.add("NEON")  # every one has it, so macOS does not tell
        return " | ".join(f"{name} = 1" for name in sorted(found))


def _cores() -> tuple[int, int]:
    """Physical and logical cores this process may use: a container or `taskset` may have fewer than the machine."""
    logical = psutil.cpu_count() or os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    if sys.platform == "linux":
        logical = min(logical, len(os.sched_getaffinity(0)))
    return min(physical, logical), logical


def _processor() -> tuple[str, frozenset[str]]:
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string"), _mac_flags()
    if sys.platform == "win32":
        return platform.processor(), _windows_flags()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor(), frozenset()
    lines = [line.partition(":") for line in text.splitlines()]
    found = {key.strip(): value.strip() for key, _, value in reversed(lines)}
    flags = found.get("flags") or found.get("Features") or ""
    return found.get("model name") or found.get("Hardware") or "", frozenset(flags.lower().split())


def _performance_cores() -> int:
    """Fast physical cores of a mixed processor; 0 where the system does not tell cores apart."""
    if sys.platform == "darwin":
        said = _sysctl("hw.perflevel0.physicalcpu")
        return int(said) if said.isdecimal() else 0
    if sys.platform == "win32":
        return fastest_cores(_cpu_sets())
    try:  # Linux: cores that reach the highest frequency, or "cpu_core" of Intel's mixed processors
        fast = Path("/sys/devices/cpu_core/cpus").read_text()
        cores = {(_CPUS / f"cpu{n}/topology/core_cpus_list").read_text() for n in expanded(fast)}
    except (OSError, ValueError):
        return 0
    return len(cores)


def expanded(ranges: str) -> list[int]:
    """The numbers of a Linux list of processors, such as "0-3,8"."""
    spans = [part.partition("-") for part in ranges.strip().split(",") if part]
    return [n for first, _, last in spans for n in range(int(first), int(last or first) + 1)]


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


def _windows_flags() -> frozenset[str]:
    """Features by their numbers for `IsProcessorFeaturePresent` (winnt.h)."""
    if sys.platform != "win32":
        return frozenset()
    numbers = {36: "ssse3", 37: "sse4_1", 38: "sse4_2", 39: "avx", 40: "avx2", 41: "avx512f", 43: "asimddp"}
    return frozenset(name for n, name in numbers.items() if ctypes.windll.kernel32.IsProcessorFeaturePresent(n))


def _mac_flags() -> frozenset[str]:
    intel = f"{_sysctl('machdep.cpu.features')} {_sysctl('machdep.cpu.leaf7_features')}".lower().split()
    arm = {name: _sysctl(f"hw.optional.arm.{name}") for name in ("FEAT_DotProd", "FEAT_I8MM", "FEAT_BF16")}
    return frozenset([*intel, *(name.removeprefix("FEAT_").lower() for name, has in arm.items() if has == "1")])


def _sysctl(name: str) -> str:
    try:
        done = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
