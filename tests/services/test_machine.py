"""This computer, and what a model is loaded with here."""

from __future__ import annotations

import os
from dataclasses import replace

import psutil
import pytest

from desktop.core.quants import TENSOR_TYPES
from desktop.core.repacking import Repacking
from desktop.services.machine import Machine


def test_this_computer_is_described() -> None:
    machine = Machine.of_this_computer()
    assert 1 <= machine.performance_cores <= machine.physical_cores <= machine.logical_cores
    assert 1 <= machine.threads <= machine.batch_threads <= machine.logical_cores
    assert 0 < machine.memory_available() <= machine.memory_total
    assert machine.cpu
    assert machine.system
    assert machine.resident(os.getpid()) > 1 << 20
    assert machine.resident(None) == machine.resident(max(psutil.pids()) + 10_000_000) == 0


def test_apple_shares_its_memory_with_its_graphics_card() -> None:
    machine = Machine.of_this_computer()
    assert replace(machine, system="Darwin 24.1.0 (arm64)").shares_memory
    assert not replace(machine, system="Darwin 20.6.0 (x86_64)").shares_memory
    assert not replace(machine, system="Linux 6.1 (arm64)").shares_memory


@pytest.mark.parametrize(
    ("system", "flags", "types"),
    [
        ("Linux 6.1 (x86_64)", {"sse3", "avx2", "avx512f"}, {"Q4_K", "Q2_K"}),
        ("Windows 11 (AMD64)", {"avx2"}, {"Q4_K"}),
        ("Linux 6.1 (x86_64)", {"avx"}, set()),
        ("Linux 6.1 (aarch64)", {"asimd", "asimddp", "i8mm"}, {"Q4_K", "Q8_0"}),
        ("Darwin 24.1.0 (arm64)", {"dotprod"}, {"Q4_K", "Q8_0"}),
    ],
)
def test_what_is_repacked_is_guessed_from_the_processor(system: str, flags: set[str], types: set[str]) -> None:
    machine = replace(Machine.of_this_computer(), system=system, flags=frozenset(flags))
    names = {TENSOR_TYPES[number].name for number, _ in Repacking.of(machine.instructions).rules}
    assert names & {"Q4_K", "Q2_K", "Q8_0"} == types
