"""How fast memory is read."""

from __future__ import annotations

import asyncio
import importlib
import sys

import pytest

from desktop.cli import HIDDEN
from desktop.services.fit.bandwidth import BANDWIDTH_VERB, main, measured, reading


def test_a_process_measures_it() -> None:
    speed = asyncio.run(measured(1))
    assert 1e8 < speed < 1e13  # a busy machine is slow; 62 GB/s with two cores of a quiet one


def test_a_frozen_program_finds_it() -> None:
    assert importlib.import_module(HIDDEN[BANDWIDTH_VERB]).main is main


def test_buffers_are_shared_out() -> None:
    assert reading(2, size=16 << 20, span_s=0.0) > 0
    assert reading(64, size=1 << 20, span_s=0.0) > 0


@pytest.mark.parametrize(
    "script", ["", "raise SystemExit(3)", "print('fast')", "print('nan')", "print('inf')", "print(-1)"]
)
def test_a_process_that_tells_nothing_is_no_fault(script: str) -> None:
    assert asyncio.run(measured(1, [sys.executable, "-c", script])) == 0.0


def test_no_process_is_no_fault_either() -> None:
    assert asyncio.run(measured(1, ["/no/such/program"])) == 0.0


def test_leaving_ends_it() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await measured(1, [sys.executable, "-c", "import time; time.sleep(600)"])

    asyncio.run(main())  # waits for the thread that listens, which ends with the process
