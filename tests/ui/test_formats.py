"""Figures as each language writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from desktop.ui import formats, translation


@pytest.fixture(autouse=True)
def _english_again(qapp, tmp_path: Path) -> Iterator[None]:
    yield
    translation.use("en", tmp_path)


@pytest.mark.parametrize(
    ("language", "whole", "decimal", "size"),
    [
        ("en", "12,345", "12,345.6", "4.4 GB"),
        ("it", "12.345", "12.345,6", "4,4 GB"),
        ("ko", "12,345", "12,345.6", "4.4 GB"),
    ],
)
def test_numbers_follow_the_language(tmp_path: Path, language: str, whole: str, decimal: str, size: str) -> None:
    translation.use(language, tmp_path)
    assert formats.number(12345) == whole
    assert formats.number(12345.6, 1) == decimal
    assert formats.size(4_370_000_000) == size


def test_durations() -> None:
    seconds = (0.42, 9.9, 42.4, 75, 4000)
    assert [formats.duration(s) for s in seconds] == ["0.4 s", "9.9 s", "42 s", "1 min 15 s", "1 h 6 min"]


def test_a_time_that_is_measured() -> None:
    told = [formats.brief(s) for s in (0.0031, 0.0534, 0.9994, 2.345, 9.9, 42.4, 75)]
    assert told == ["3.1 ms", "53 ms", "999 ms", "2.35 s", "9.90 s", "42 s", "1 min 15 s"]


def test_dates_name_the_day(tmp_path: Path) -> None:
    translation.use("en", tmp_path)
    assert "2026" in formats.date(1_795_000_000)
    assert ":" in formats.clock(1_795_000_000)
    assert formats.clock(1_795_000_000) in formats.moment(1_795_000_000)


@pytest.mark.parametrize(("language", "said"), [("en", ("42 %", "+12 %", "−5 %")), ("it", ("42%", "+12%", "−5%"))])
def test_shares_follow_the_language(tmp_path: Path, language: str, said: tuple[str, ...]) -> None:
    catalogue = Catalog(locale="it")
    catalogue.add("{percent} %", "{percent}%")
    (tmp_path / "it" / "LC_MESSAGES").mkdir(parents=True)
    with (tmp_path / "it" / "LC_MESSAGES" / "alcove.mo").open("wb") as file:
        write_mo(file, catalogue)
    translation.use(language, tmp_path)
    assert (formats.percent(0.42), formats.gain(0.12), formats.gain(-0.05)) == said
