"""A figure says how far its runs lay apart, and a computer whether it was disturbed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop.core.benchmark import Computer, Spread

QUIET = Computer("a processor", 4, 4, 8, 16 * 10**9, "Linux")


def test_a_spread_is_that_of_the_runs_that_told_something() -> None:
    assert Spread.of([3.0, 0.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0]])
def test_no_run_no_figure(values: list[float]) -> None:
    assert Spread.of(values) is None


@pytest.mark.parametrize(
    ("load", "busy", "disturbed"), [(0.0, 0.0, False), (8.0, 0.25, False), (8.1, 0.0, True), (0.0, 0.26, True)]
)
def test_a_busy_computer_is_told(load: float, busy: float, disturbed: bool) -> None:
    assert replace(QUIET, load=load, busy=busy).disturbed is disturbed
