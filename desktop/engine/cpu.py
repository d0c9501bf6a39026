"""The processor: which of the instructions that this program, or a part of llama.cpp, was built for it lacks.

Invariant: an instruction counts as lacking only where the system says so; where it does not tell, it is taken as there,
and the engine process finds out. llama.cpp itself is not touched: its own words (`llama_print_system_info`) come in.
It is asked before anything else is imported (`lacks_baseline`), so nothing heavy is imported here.
"""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from collections.abc import Callable, Iterable, Set
from pathlib import Path

# llama.cpp's word: the flag in /proc/cpuinfo, the name in macOS's sysctl, the number on Windows (PF_*, winnt.h)
INSTRUCTIONS: dict[str, tuple[str, str, int]] = {
    "SSE3": ("pni", "hw.optional.sse3", 13),
    "SSSE3": ("ssse3", "hw.optional.supplementalsse3", 36),
    "AVX": ("avx", "hw.optional.avx1_0", 39),
    "AVX2": ("avx2", "hw.optional.avx2_0", 40),
    "F16C": ("f16c", "hw.optional.f16c", 0),
    "FMA": ("fma", "hw.optional.fma", 0),
    "BMI2": ("bmi2", "hw.optional.bmi2", 0),
    "AVX_VNNI": ("avx_vnni", "", 0),
    "AVX512": ("avx512f", "hw.optional.avx512f", 41),
    "AVX512_VBMI": ("avx512vbmi", "hw.optional.avx512vbmi", 0),
    "AVX512_VNNI": ("avx512_vnni", "hw.optional.avx512vnni", 0),
    "AVX512_BF16": ("avx512_bf16", "", 0),
    "AMX_INT8": ("amx_int8", "", 0),
    "NEON": ("asimd", "hw.optional.neon", 0),
    "ARM_FMA": ("asimd", "", 0),
    "FP16_VA": ("asimdhp", "hw.optional.arm.FEAT_FP16", 0),
    "DOTPROD": ("asimddp", "hw.optional.arm.FEAT_DotProd", 43),
    "MATMUL_INT8": ("i8mm", "hw.optional.arm.FEAT_I8MM", 0),
    "SVE": ("sve", "", 46),
}
# x86-64-v2, without which Qt 6 ends with a line and numpy 2.4 with an illegal instruction (decision 014).
# Windows 10 tells of the second since its version 2004; nothing of Windows tells of the third.
_BASELINE = {"SSSE3": ("ssse3", "", 36), "SSE4.2": ("sse4_2", "", 38), "POPCNT": ("popcnt", "", 0)}
_WINDOWS_2004 = 19041  # build number
# Where glibc says what it found usable (sys/platform/x86.h): leaf, register (eax, ebx, ecx, edx) and bit of CPUID
_LEAVES: dict[str, tuple[int, int, int]] = {
    "pni": (0, 2, 0),
    "ssse3": (0, 2, 9),
    "fma": (0, 2, 12),
    "sse4_2": (0, 2, 20),
    "popcnt": (0, 2, 23),
    "avx": (0, 2, 28),
    "f16c": (0, 2, 29),
    "avx2": (1, 1, 5),
    "bmi2": (1, 1, 8),
    "avx512f": (1, 1, 16),
    "avx512vbmi": (1, 2, 1),
    "avx512_vnni": (1, 2, 11),
    "amx_int8": (1, 3, 25),
    "avx_vnni": (6, 0, 4),
    "avx512_bf16": (6, 0, 5),
}


class _Leaf(ctypes.Structure):
    """`struct cpuid_feature`: what the processor has, and what of that the system lets programs use."""

    _fields_ = (("found", ctypes.c_uint * 4), ("usable", ctypes.c_uint * 4))


def lacks_baseline() -> list[str]:
    """What this program cannot start without and this processor lacks, by the names its maker gives them."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return []
    has = _oracle()
    return [name for name, known in _BASELINE.items() if not has(*known)]


def built_for(system_info: str) -> list[str]:
    """The instructions in a text such as `CPU : SSE3 = 1 | AVX2 = 1 |`."""
    return [name for name in re.findall(r"(\w+) = 1\b", system_info) if name in INSTRUCTIONS]


def missing_instructions(system_info: str) -> list[str]:
    """Those of `system_info` that this processor lacks, in llama.cpp's words."""
    return lacking(built_for(system_info))


def lacking(names: Iterable[str]) -> list[str]:
    """Those of the names, llama.cpp's, that this processor lacks."""
    has = _oracle()
    return [name for name in names if not has(*INSTRUCTIONS[name])]


def _oracle() -> Callable[[str, str, int], bool]:
    if sys.platform == "linux":
        flags = _usable() or linux_flags(Path("/proc/cpuinfo").read_text("utf-8", "replace"))
        return lambda flag, _name, _number: not flags or flag in flags
    if sys.platform == "darwin":
        return lambda _flag, name, _number: not name or _told_by_macos(name)
    if sys.platform == "win32":
        present = ctypes.windll.kernel32.IsProcessorFeaturePresent
        untold = {0} if sys.getwindowsversion().build >= _WINDOWS_2004 else {0, 36, 38, 39, 40, 41}
        return lambda _flag, _name, number: number in untold or bool(present(number))
    return lambda *_: True


def _told_by_macos(name: str) -> bool:
    from desktop.engine.cores import sysctl  # late: it imports psutil

    return sysctl(name) != 0


def _usable() -> Set[str]:
    """The flags of `_LEAVES` that programs may use, by glibc's own look at the processor; empty where it has none.

    /proc/cpuinfo would be that of the machine which emulates this one, and takes as long as there are cores.
    """
    ask = getattr(ctypes.CDLL(None), "__x86_get_cpuid_feature_leaf", None)  # since glibc 2.33, on x86 alone
    if ask is None:
        return frozenset()
    ask.restype, ask.argtypes = ctypes.POINTER(_Leaf), [ctypes.c_uint]
    usable = {leaf: ask(leaf).contents.usable for leaf, _register, _bit in _LEAVES.values()}
    return {flag for flag, (leaf, register, bit) in _LEAVES.items() if usable[leaf][register] >> bit & 1}


def linux_flags(cpuinfo: str) -> Set[str]:
    """Flags that every core has; empty where the system does not tell."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    sets = [set(line.split()) for line in lines]
    return set.intersection(*sets) if sets else set()
