"""Answers on the disk: whole, bounded, and never a reason to fail."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from desktop.services.online.answers import Answer, Answers


def test_what_was_put_comes_back_under_its_own_key(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "cache")
    assert answers.get("a", "b") is None
    answers.put({"나": [1, None]}, "a", "b")
    found = Answers(tmp_path / "cache").get("a", "b")
    assert found is not None
    assert found.value == {"나": [1, None]}
    assert found.younger(60)
    assert answers.get("a", "c") is None


@pytest.mark.parametrize(("at", "young"), [(-61, False), (-1, True), (+3600, False)])
def test_age(at: float, young: bool) -> None:
    """A clock that was moved makes an answer old, not young for ever."""
    assert Answer(None, time.time() + at).younger(60) is young


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b'{"key": ["b"], "at": 1.0}', b"[" * 100_000, b'{"key": ["a"], "at": "x"}']
)
def test_a_damaged_file_is_no_answer(tmp_path: Path, data: bytes) -> None:
    answers = Answers(tmp_path)
    answers.put(1, "a")
    next(tmp_path.glob("*.json")).write_bytes(data)
    assert answers.get("a") is None


def test_the_oldest_leave_first(tmp_path: Path) -> None:
    answers = Answers(tmp_path, limit=5000)
    for number in range(10):
        answers.put("x" * 1000, str(number))
        for path in tmp_path.glob("*.json"):  # as if a second passed: clocks of disks are coarse
            os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9))
    assert [n for n in range(10) if answers.get(str(n))] == [6, 7, 8, 9]


def test_a_disk_that_refuses_costs_the_answer_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    answers = Answers(tmp_path / "file" / "cache")
    answers.put(1, "a")
    assert answers.get("a") is None
