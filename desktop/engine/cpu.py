"""The processor: which of the instructions llama.cpp was built for it lacks.

Invariant: an instruction counts as lacking only where the system says so; where it does not tell, it is taken as there,
and the engine process finds out. llama.cpp itself is not touched: its own words (`llama_print_system_info`) come in.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable, Set
from pathlib import Path

from desktop.engine.cores import sysctl

# llama.cpp's word: the flag in /proc/cpuinfo, the name in macOS's sysctl, the number on Windows (PF_*, winnt.h)
_INSTRUCTIONS: dict[str, tuple[str, str, int]] = {
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


def built_for(system_info: str) -> list[str]:
    """The instructions in a text such as `CPU : SSE3 = 1 | AVX2 = 1 |`."""
    return [name for name in re.findall(r"(\w+) = 1\b", system_info) if name in _INSTRUCTIONS]


def missing_instructions(system_info: str) -> list[str]:
    """Those of `system_info` that this processor lacks, in llama.cpp's words."""
    has = _oracle()
    return [name for name in built_for(system_info) if not has(*_INSTRUCTIONS[name])]


def _oracle() -> Callable[[str, str, int], bool]:
    if sys.platform == "linux":
        flags = linux_flags(Path("/proc/cpuinfo").read_text("utf-8", "replace"))
        return lambda flag, _name, _number: not flags or flag in flags
    if sys.platform == "darwin":
        return lambda _flag, name, _number: not name or sysctl(name) != 0
    if sys.platform == "win32":
        present = ctypes.windll.kernel32.IsProcessorFeaturePresent
        return lambda _flag, _name, number: not number or bool(present(number))
    return lambda *_: True


def linux_flags(cpuinfo: str) -> Set[str]:
    """Flags that every core has; empty where the system does not tell."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    sets = [set(line.split()) for line in lines]
    return set.intersection(*sets) if sets else set()
