"""Which replies are told with a state, and where a branch of a chat goes on from."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from desktop.engine.branches import MOST_BASES, State, forked, replies_in
from desktop.engine.statefile import Kind, Record
from desktop.engine.tokens import Reply


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ([1, 2, 7, 8, 9, 3], ["whole"]),
        ([1, 2, 7, 8], ["whole"]),  # its last token was written, not read
        ([1, 7, 8, 3], []),
        ([1, 2, 3], []),
        ([], []),
        ([5], ["one"]),
        ([5 << 16, 0], []),  # whose bytes hold those of 5, but no token does
    ],
)
def test_replies_are_told_with_the_tokens_they_are_in(tokens: list[int], told: list[str]) -> None:
    replies = [Reply("other", (2, 4)), Reply("one", (5,)), Reply("whole", (7, 8, 9))]
    assert [reply.text for reply in replies_in(replies, array("i", tokens))] == told


def state(name: str, tokens: list[int], bases: int = 0) -> State:
    path = Path(name)
    ends = range(10, len(tokens) + 1, 10)
    records = tuple(Record(path, Kind.SLICE, end - 10, end, array("i"), 0, 0, b"") for end in ends)
    return State(path, "a", array("i", tokens), records, (), (), (Path("base"),) * bases, 0)


def test_a_branch_goes_on_from_what_has_most_in_common() -> None:
    tokens = array("i", range(100))
    near, far = state("near", [*range(45), *range(55)]), state("far", [*range(85), *range(15)])
    assert forked([near, far], tokens) == (far, 80)
    assert forked([state("none", [7] * 100)], tokens) == (None, 0)


def test_a_branch_of_too_many_branches_begins_nearer_or_anew() -> None:
    tokens = array("i", range(100))
    deep = state("deep", [*range(85), *range(15)], MOST_BASES)
    near, slight = state("near", [*range(55), *range(45)]), state("slight", [*range(15), *range(85)])
    assert forked([deep, near], tokens) == (near, 50)
    assert forked([deep, slight], tokens) == (None, 0)
