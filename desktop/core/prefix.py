"""How much two sequences have in common at their beginning: of tokens, of texts, of messages.

Invariant: nothing is copied but slices of what is compared. What follows from it is the callers' affair.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar


class Sliced(Protocol):
    """A sequence whose slices are equal where their items are: a list, a tuple, an array, a text."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> Any: ...


T = TypeVar("T", bound=Sliced)


def shared(one: T, other: T) -> int:
    """How many items both begin with; both are of the same kind."""
    least, most = 0, min(len(one), len(other))
    while least < most:  # comparing slices is a hundred times faster than comparing their items
        middle = (least + most + 1) // 2
        least, most = (middle, most) if one[least:middle] == other[least:middle] else (least, middle - 1)
    return least
