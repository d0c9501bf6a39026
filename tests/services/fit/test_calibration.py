"""What was measured, and what is learned from it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from desktop.core.speed import Run
from desktop.services.fit.calibration import Calibration, Measured, Processor

MIB = 1 << 20


def load(wrong: int, model: str = "m", at: float = 1.0) -> Measured:
    """A load that took so many bytes more than was said."""
    return Measured(model, 500 * MIB, 500 * MIB + wrong, at, 500 * MIB)


def kept(path: Path, *loads: Measured) -> Calibration:
    calibration = Calibration(path, "cpu x 4")

    async def main() -> None:
        for one in loads:
            await calibration.add_load(one)

    asyncio.run(main())
    return calibration


def test_what_was_measured_is_there_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    first = kept(path, load(1), load(2, "other"), load(3))
    run = Run("m", 4_000_000, 9.5)

    async def more() -> None:
        await first.add_run(run)
        await first.set_processor(Processor("AVX2 = 1", 60e9, 1))

    asyncio.run(more())
    again = Calibration(path, "cpu x 4")
    assert again.loads == first.loads
    assert again.history(["m", "x"]) == (load(1), load(3))
    assert (again.runs, again.processor) == ((run,), Processor("AVX2 = 1", 60e9, 1))
    assert Calibration(path, "another cpu").loads == ()


def test_the_same_process_has_one_entry(tmp_path: Path) -> None:
    calibration = kept(tmp_path / "m.json", load(1))
    asyncio.run(calibration.add_load(load(9), again=True))
    assert calibration.loads == (load(9),)
    asyncio.run(calibration.add_load(load(2, "other"), again=True))
    assert calibration.loads == (load(9), load(2, "other"))


def test_two_programs_keep_what_the_other_measured(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    one, other = Calibration(path, "cpu x 4"), Calibration(path, "cpu x 4")

    async def main() -> None:
        await asyncio.gather(one.add_load(load(1)), one.add_run(Run("m", 4_000_000, 9.5)))
        await other.set_processor(Processor("AVX2 = 1", 60e9, 1))
        await other.add_load(load(2, "other"))
        await one.set_processor(Processor(bandwidth=50e9, times=2))
        await one.add_load(load(3), again=True)  # its own, though it is no longer the latest

    asyncio.run(main())
    there = Calibration(path, "cpu x 4")
    assert there.loads == one.loads == (load(2, "other"), load(3))
    assert (there.runs, there.processor) == ((Run("m", 4_000_000, 9.5),), Processor("AVX2 = 1", 60e9, 2))


@pytest.mark.parametrize(
    ("wrong", "correction"),
    [
        ([], 0),
        ([9, 9], 0),  # twice is no system
        ([9, 10, 11], 10),
        ([-20, 1, 2], 1),
        ([10, 10, 10, 4000], 10),
        ([900, 900, 900], 32),  # an error of the estimate stays one
        ([-900, -900, -900], -32),
        ([50, 50, 50, *[5] * 9], 5),  # the latest count
    ],
)
def test_only_a_systematic_difference_corrects_and_only_so_far(
    tmp_path: Path, wrong: list[int], correction: int
) -> None:
    calibration = kept(tmp_path / "m.json", *(load(one * MIB) for one in wrong))
    assert calibration.correction == correction * MIB
    assert all(one.resident_bytes != one.estimate_bytes for one in calibration.loads)  # the pairs stay as they are


def test_loads_of_which_nothing_is_sure_teach_nothing(tmp_path: Path) -> None:
    unsure = Measured("m", 500 * MIB, 900 * MIB, 1.0)
    assert kept(tmp_path / "m.json", unsure, unsure, unsure).correction == 0


def test_the_file_is_bounded(tmp_path: Path) -> None:
    calibration = kept(tmp_path / "m.json", *(load(n, at=float(n)) for n in range(210)))
    assert len(calibration.loads) == 200
    assert calibration.loads[0].at == 10.0


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.pop("loads"),
        lambda row: row.update(version=2),
        lambda row: row["loads"].append({"model": "m"}),
        lambda row: row["loads"][0].update(resident_bytes="1"),
        lambda row: row["loads"][0].update(at=float("nan")),
        lambda row: row["loads"][0].update(at=True),
        lambda row: row.update(runs=7),
        lambda row: row.update(processor=None),
    ],
)
def test_a_damaged_file_is_the_first_day(tmp_path: Path, change: object) -> None:
    path = tmp_path / "m.json"
    kept(path, load(1))
    content = json.loads(path.read_text())
    change(content)  # type: ignore[operator]
    path.write_text(json.dumps(content))
    assert Calibration(path, "cpu x 4").loads == ()
    for text in ("", "[", "[]", "null", "[" * 100_000, " " * (2 << 20)):
        path.write_text(text)
        assert Calibration(path, "cpu x 4").loads == ()


def test_a_disk_that_refuses_costs_the_learning_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    calibration = kept(tmp_path / "file" / "m.json", load(1))
    assert calibration.loads == (load(1),)
