"""How many copies of a state that cannot be cut are held in memory, and which leave first.

Invariant: what is held stays within `room_bytes`; the newest checkpoint never leaves, and the others thin out evenly,
so that wherever a conversation is changed, one lies not far before. Taking and using them is `engine.checkpoints`'.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST = 32  # as many as llama.cpp's own server holds (--ctx-checkpoints)
MOST_BYTES = 256 << 20  # a thirtieth of an 8 GB machine; ten of a 2.8 B Mamba, 22 of Gemma-3-1B
LEAST = 2  # the beginning of the last reply and that of the turn before it
HEADER = 4  # tokens with which a template opens a turn: "<|im_start|>user\n" has 3


def capacity(one: int) -> int:
    """How many checkpoints of `one` byte count are held."""
    return max(LEAST, min(MOST, MOST_BYTES // max(one, 1)))


def room_bytes(one: int) -> int:
    """What all checkpoints together may take, one taking `one`."""
    return capacity(one) * one


def superfluous(positions: Sequence[int]) -> int:
    """The index of the checkpoint that is missed least: whose neighbours, or the beginning, lie closest together."""
    before = (0, *positions)
    return min(range(len(positions) - 1), key=lambda i: positions[i + 1] - before[i])


def spread(marks: Sequence[int], begin: int, end: int, most: int, closing: bool) -> list[int]:
    """Where checkpoints are worth taking while `begin` to `end` is read: at most that many of the `marks`, evenly.

    Where a reply follows (`closing`), the last lies shortly before the end. Of marks closer than the header of a turn
    is long the last one serves.
    """
    inside = [mark for mark in marks if begin < mark < end]
    if closing and (not inside or inside[-1] < end - HEADER):
        inside.append(end - 1)
    chosen = [a for a, b in zip(inside, [*inside[1:], end + HEADER + 1], strict=False) if b - a > HEADER]  # or none
    chosen = [mark for mark in chosen if mark > begin]
    if len(chosen) > most:
        chosen = [chosen[(i + 1) * len(chosen) // most - 1] for i in range(most)]
    return chosen
