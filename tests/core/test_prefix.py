"""What two sequences begin with, against looking at one item after the other."""

from __future__ import annotations

from array import array
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.prefix import Sliced, shared

FEW = st.lists(st.integers(0, 1), max_size=12)


@given(FEW, FEW)
def test_as_many_as_are_the_same(one: list[int], other: list[int]) -> None:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    assert shared(one, other) == shared(other, one) == same
    assert shared(array("i", one), array("i", other)) == same
    assert shared("".join(map(str, one)), "".join(map(str, other))) == same


@pytest.mark.parametrize("sequence", ["한글🙂", [1, 2, 3], array("i", [1, 2, 3]), ()])
def test_all_of_itself(sequence: Sliced) -> None:
    assert shared(sequence, sequence) == len(sequence)
