"""Instructions of a processor."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from desktop.engine import cores, cpu

INFO = "CPU : SSE3 = 1 | AVX = 1 | AVX2 = 1 | AVX512 = 0 | AVX512_VNNI = 1 | LLAMAFILE = 1 | OPENMP = 1 | "
OLD = "processor\t: 0\nflags\t\t: fpu pni avx f16c\n\nprocessor\t: 1\nflags\t\t: fpu pni avx\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp\n"


def test_what_the_library_was_built_for() -> None:
    assert cpu.built_for(INFO) == ["SSE3", "AVX", "AVX2", "AVX512_VNNI"]
    assert cpu.built_for("Metal : EMBED_LIBRARY = 1 | CPU : NEON = 1 | ARM_FMA = 1 |") == ["NEON", "ARM_FMA"]


def test_flags_are_those_every_core_has() -> None:
    assert cpu.linux_flags(OLD) == {"fpu", "pni", "avx"}
    assert cpu.linux_flags(ARM) == {"fp", "asimd", "asimddp"}
    assert cpu.linux_flags("processor: 0\n") == set()


@pytest.mark.parametrize(
    ("cpuinfo", "missing"), [(OLD, ["AVX2", "AVX512_VNNI"]), ("flags : pni avx avx2 avx512_vnni", []), ("", [])]
)
def test_what_is_missing(monkeypatch: pytest.MonkeyPatch, cpuinfo: str, missing: list[str]) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(cpu, "_usable", frozenset)
    monkeypatch.setattr(Path, "read_text", lambda *_: cpuinfo)
    assert cpu.missing_instructions(INFO) == missing


def test_a_system_that_does_not_tell_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert cpu.missing_instructions(INFO) == []


def test_macos_is_asked_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(cores, "sysctl", lambda name: 0 if "avx2" in name else 1)
    assert cpu.missing_instructions(INFO) == ["AVX2"]


def test_glibc_and_the_kernel_agree() -> None:
    """Of this processor; one that is no x86, or a C library that does not tell, says nothing."""
    told = cpu._usable() if sys.platform == "linux" else set()
    listed = cpu.linux_flags(Path("/proc/cpuinfo").read_text()) if told else set()
    assert told == {flag for flag in cpu._LEAVES if flag in listed}


@pytest.mark.parametrize(
    ("machine", "flags", "lacks"),
    [
        ("x86_64", {"ssse3", "sse4_2", "popcnt"}, []),
        ("AMD64", {"ssse3", "pni"}, ["SSE4.2", "POPCNT"]),
        ("x86_64", {"pni"}, ["SSSE3", "SSE4.2", "POPCNT"]),
        ("aarch64", {"asimd"}, []),
    ],
)
def test_what_the_program_cannot_start_without(
    monkeypatch: pytest.MonkeyPatch, machine: str, flags: set[str], lacks: list[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(cpu.platform, "machine", lambda: machine)
    monkeypatch.setattr(cpu, "_usable", lambda: flags)
    assert cpu.lacks_baseline() == lacks


def test_this_computer_is_new_enough() -> None:
    assert cpu.lacks_baseline() == []
