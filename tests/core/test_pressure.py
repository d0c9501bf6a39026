"""When memory is said to run out, from sequences as computers give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from desktop.core.pressure import MIB, Level, Limits, Pressure, Reading

GIB = 1024 * MIB
OFFICE = Limits.of(8 * GIB)


def readings(
    available: Iterable[int], swapped: float = 0, stalled: float = 0, every: float = 0.25, start: float = 100.0
) -> Iterator[Reading]:
    """A reading each quarter of a second; `swapped` bytes a second, `stalled` a share of the time."""
    for number, left in enumerate(available):
        at = number * every
        yield Reading(start + at, left, 7 * GIB + int(swapped * at), 90.0 + stalled * at)


def worst(sequence: Iterable[Reading], pressure: Pressure | None = None) -> Level:
    pressure = pressure or Pressure(OFFICE)
    return max(pressure.feed(one) for one in sequence)


def test_limits_grow_with_the_computer_but_stay_small() -> None:
    assert Limits.of(8 * GIB) == Limits(8 * GIB // 50, 512 * MIB)
    assert Limits.of(64 * GIB) == Limits(384 * MIB, GIB)
    assert Limits.of(GIB) == Limits(128 * MIB, 384 * MIB)


@pytest.mark.parametrize(
    "sequence",
    [
        pytest.param(list(readings([6 * GIB] * 40)), id="at rest"),
        pytest.param(list(readings(range(4 * GIB, GIB, -200 * MIB))), id="1 GB free, and less each time"),
        pytest.param(list(readings([GIB] * 40, swapped=40 * MIB)), id="old pages moved out by the way, 1 GB left"),
        pytest.param(list(readings([4 * GIB] * 40, stalled=0.4)), id="a container drops pages of files while it loads"),
        pytest.param(list(readings([6 * GIB, 6 * GIB, 90 * MIB, 6 * GIB, 6 * GIB])), id="low for one reading"),
    ],
)
def test_no_alarm(sequence: list[Reading]) -> None:
    pressure = Pressure(OFFICE)
    assert [pressure.feed(one) for one in sequence if one.available >= 512 * MIB].count(Level.STOP) == 0
    assert worst(sequence) < Level.STOP


@pytest.mark.parametrize(
    "sequence",
    [
        pytest.param(list(readings([900 * MIB, 500 * MIB, 150 * MIB, 120 * MIB])), id="nothing left"),
        pytest.param(list(readings([300 * MIB] * 8, swapped=20 * MIB)), id="moved out to disk while little is left"),
        pytest.param(list(readings([400 * MIB] * 8, stalled=0.3)), id="waits while little is left"),
        pytest.param(list(readings([3 * GIB] * 20, stalled=0.7)), id="weights read again and again"),
        pytest.param([Reading(1.0, word=Level.STOP), Reading(1.3, word=Level.STOP)], id="the system says so"),
    ],
)
def test_alarms(sequence: list[Reading]) -> None:
    assert worst(sequence) is Level.STOP


def test_the_alarm_comes_before_memory_has_run_out() -> None:
    """A program that takes 400 MB a second: the second reading under the floor still finds some."""
    falling = list(readings(range(2 * GIB, 0, -100 * MIB)))
    pressure = Pressure(Limits(400 * MIB, GIB))
    at = next(one for one in falling if pressure.feed(one) is Level.STOP)
    assert at.available > 100 * MIB


def test_who_goes_on_all_the_same_is_stopped_only_when_something_suffers() -> None:
    low = [120 * MIB] * 12
    assert worst(readings(low), Pressure(OFFICE, floor=False)) is Level.TIGHT
    assert worst(readings(low, swapped=20 * MIB), Pressure(OFFICE, floor=False)) is Level.STOP
    assert worst(readings(low, stalled=0.5), Pressure(OFFICE, floor=False)) is Level.STOP


def test_a_load_may_take_its_time_with_files() -> None:
    reading_files = list(readings([4 * GIB] * 30, stalled=0.9))
    assert worst(reading_files, Pressure(OFFICE, standstill=False)) is Level.CALM
    assert worst(reading_files) is Level.STOP


def test_a_word_of_warning_makes_tight_what_tells_no_bytes() -> None:
    warned = [Reading(n * 0.25, swapped=n * 8 * MIB, word=Level.TIGHT) for n in range(8)]
    assert worst(warned[:2]) is Level.TIGHT
    assert worst(warned) is Level.STOP  # it also moves memory out
    assert worst(Reading(n * 0.25, swapped=n * 8 * MIB) for n in range(8)) is Level.CALM


def test_calm_comes_back_after_a_while() -> None:
    pressure = Pressure(OFFICE)
    after = [pressure.feed(one) for one in readings([400 * MIB] * 3 + [4 * GIB] * 20)]
    assert after[:3] == [Level.TIGHT] * 3
    assert after[4] is Level.TIGHT  # well, but not for long
    assert after[-1] is Level.CALM
    assert after.index(Level.CALM) * 0.25 >= 3.0


def test_what_lies_far_back_counts_no_more() -> None:
    pressure = Pressure(OFFICE)
    for one in readings([4 * GIB] * 3, swapped=400 * MIB):
        pressure.feed(one)
    later = [Reading(200 + n * 0.25, 400 * MIB, 8 * GIB, 91.0) for n in range(6)]
    assert max(pressure.feed(one) for one in later[2:]) is Level.TIGHT
