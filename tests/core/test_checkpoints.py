"""Where checkpoints are worth taking, and which leave first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop.core.checkpoints import HEADER, LEAST, MOST, MOST_BYTES, capacity, room_bytes, spread, superfluous

MARKS = st.lists(st.integers(0, 2000), unique=True).map(sorted)


def test_as_many_as_there_is_room_for() -> None:
    assert capacity(1) == MOST
    assert capacity(MOST_BYTES // 5) == 5
    assert capacity(MOST_BYTES) == LEAST
    assert room_bytes(0) == 0
    assert room_bytes(10) == 10 * MOST


def test_the_last_of_a_header_s_marks_serves() -> None:
    # <|im_end|> \n <|im_start|> user \n …: marks after both special tokens
    assert spread([1, 20, 22, 50, 52], 0, 55, 32, True) == [1, 22, 52]
    assert spread([1, 20, 22, 50, 52], 22, 55, 32, True) == [52]


def test_without_marks_the_last_token_alone_is_read_again() -> None:
    assert spread([], 0, 100, 32, True) == [99]
    assert spread([], 0, 100, 32, False) == []


@given(MARKS, st.integers(0, 2000), st.integers(1, 2000), st.integers(1, 40), st.booleans())
def test_the_places_are_few_inside_and_in_order(
    marks: list[int], begin: int, more: int, most: int, close: bool
) -> None:
    end = begin + more
    found = spread(marks, begin, end, most, close)
    assert len(found) <= most
    assert found == sorted(set(found))
    assert all(begin < place < end for place in found)
    if close and more > 1:
        assert found[-1] >= end - 1 - HEADER


@given(MARKS.filter(lambda marks: len(marks) > 1))
def test_the_newest_never_leaves(positions: list[int]) -> None:
    assert 0 <= superfluous(positions) < len(positions) - 1
