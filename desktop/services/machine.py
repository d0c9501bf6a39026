"""This computer: its processor, its cores and its memory.

Invariant: what cannot be found out falls back to what the operating system says at least. Cores are counted by
`engine.cores`, graphics cards are the engine's to report; verdicts about memory are `core.fit`'s.
"""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from desktop.engine import cores
from desktop.services import memory


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
    threads: int = 0  # that write an answer, where none were chosen
    batch_threads: int = 0  # that read a prompt, where none were chosen

    @classmethod
    def of_this_computer(cls) -> Machine:
        cpu, flags = _processor()
        found = cores.of_this_computer()
        return cls(
            cpu or platform.machine(),
            flags,
            found.performance,
            found.physical,
            found.logical,
            memory.total(),
            f"{platform.system()} {platform.release()} ({platform.machine()})",
            found.writing,
            found.reading,
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
