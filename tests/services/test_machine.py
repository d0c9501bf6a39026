"""This computer, and what a model is loaded with here."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from desktop.core.fit import kv_elements, largest_context
from desktop.core.generation import LoadSettings
from desktop.core.gguf import Header
from desktop.services.machine import Machine, expanded, fastest_cores
from desktop.services.modelfiles import Model

GB = 1 << 30
MISTRAL = Header(
    3,
    {
        "general.architecture": "llama",
        "llama.block_count": 32,
        "llama.embedding_length": 4096,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": 8,
    },
    (),
    0,
    32,
)


def test_this_computer_is_described() -> None:
    machine = Machine.of_this_computer()
    assert 1 <= machine.performance_cores <= machine.physical_cores <= machine.logical_cores
    assert 0 < machine.memory_available() <= machine.memory_total
    assert machine.cpu
    assert machine.system
    assert machine.resident(os.getpid()) > 1 << 20
    assert machine.resident(None) == machine.resident(max(psutil.pids()) + 10_000_000) == 0


def test_a_token_of_mistral_costs_128_kib() -> None:
    assert kv_elements(MISTRAL) * 2 == 128 << 10  # its KV cache at f16, as llama.cpp reports it
    assert kv_elements(Header(3, {"general.architecture": "llama"}, (), 0, 32)) == 0
    assert (
        kv_elements(replace(MISTRAL, metadata={**MISTRAL.metadata, "llama.attention.key_length": 64})) == 32 * 8 * 192
    )


def test_context_fits_what_is_left_beside_the_weights() -> None:
    elements = kv_elements(MISTRAL)
    assert largest_context(elements, "f16", 4 * GB, 6 * GB) == 10240  # (2 - 0.75) GiB of 128 KiB each
    assert largest_context(elements, "q8_0", 4 * GB, 6 * GB) == 19200
    assert largest_context(elements, "f16", 4 * GB, 4 * GB) == 0
    assert largest_context(0, "f16", 0, GB) == 0


@pytest.mark.parametrize(
    ("trained", "wanted", "available", "context"),
    [
        (32768, 4096, 16, 4096),
        (32768, 4096, 5, 2048),
        (32768, 4096, 2, 1024),
        (32768, 8192, 2, 8192),  # chosen by the person: kept
        (2048, 8192, 16, 2048),
        (512, 4096, 16, 512),
        (32768, 0, 16, 32768),
        (32768, 0, 6, 10240),
        (0, 0, 16, 4096),
    ],
)
def test_the_context_suits_model_and_memory(
    monkeypatch: pytest.MonkeyPatch, trained: int, wanted: int, available: int, context: int
) -> None:
    monkeypatch.setattr(Machine, "memory_available", staticmethod(lambda: available * GB))
    machine = Machine("cpu", frozenset(), 4, 8, 16, 16 * GB, "system")
    size = 4 * GB
    model = Model("1", "m", Path("m.gguf"), size, context_length=trained, kv_elements=kv_elements(MISTRAL))
    suited = machine.suited(model, LoadSettings(context=wanted))
    assert suited == LoadSettings(context=context, threads=4, batch_threads=8)
    assert machine.suited(model, LoadSettings(context=wanted, threads=3, batch_threads=5)).threads == 3


def test_fast_cores_are_told_from_slow_ones() -> None:
    def cpu_set(core: int, speed: int) -> bytes:
        return struct.pack("<IIIHBBBBBB", 32, 0, 0, 0, 0, core, 0, 0, speed, 0).ljust(32, b"\0")

    mixed = [cpu_set(core, 1) for core in (0, 0, 2, 2)] + [cpu_set(core, 0) for core in (4, 5, 6, 7)]
    assert fastest_cores(b"".join(mixed)) == 2
    assert fastest_cores(b"".join(cpu_set(core, 0) for core in range(6))) == 6
    assert fastest_cores(b"") == 0


def test_lists_of_processors_are_expanded() -> None:
    assert expanded("0-3,8\n") == [0, 1, 2, 3, 8]
    assert expanded("\n") == []
