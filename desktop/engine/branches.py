"""What the files of one chat's states make together: a branch goes on from the file whose beginning it shares.

Invariant: a state is a whole from its first token on: where the file it goes on from lacks what it needs, there is
none. Nothing is read or written here; `engine.shelf` does.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.core.prefix import shared
from desktop.engine.statefile import Kind, Record
from desktop.engine.tokens import Reply

MOST_BASES = 8  # states that one goes on from, one from the other: all of them are read for it


@dataclass(frozen=True, slots=True)
class State:
    """A state on disk: `tokens` of which `records` hold slices, or one record all; `end` is where its file may grow."""

    path: Path
    chat: str
    tokens: array[int]
    records: tuple[Record, ...]
    checkpoints: tuple[Record, ...]
    replies: tuple[Reply, ...]
    bases: tuple[Path, ...]
    end: int

    def usable(self, same: int) -> int:
        """How many tokens can be put back where so many are the same."""
        if same == len(self.tokens) or (self.records and self.records[0].kind is Kind.SLICE):
            return same
        return max((record.end for record in self.checkpoints if record.end <= same), default=0)


def joined(path: Path, records: list[Record], base: State | None) -> State | None:
    """The state that a file's records make, after those of the state it goes on from."""
    about, tokens, slices = records[0].about, array("i"), []
    if about is not None and about.base:
        before = [r for r in base.records if r.end <= about.shared] if base else []
        if not base or not before or before[-1].end != about.shared:
            return None
        tokens, slices = base.tokens[: about.shared], before
    checkpoints: list[Record] = []
    replies: list[Reply] = []
    end = 0
    for record in records[1:]:
        if record.kind is Kind.CHECKPOINT:
            checkpoints.append(record)
        elif record.start == len(tokens) and len(record.tokens) == record.end - record.start > 0:
            tokens = tokens + record.tokens
            slices.append(record)
            replies += record.replies
        else:
            break
        end = record.offset + record.size
    if not end:
        return None
    bases = (base.path, *base.bases) if base else ()
    heard = (*base.replies, *replies) if base else tuple(replies)
    return State(path, path.name.split(".")[1], tokens, tuple(slices), tuple(checkpoints), heard, bases, end)


def forked(own: list[State], tokens: array[int]) -> tuple[State | None, int]:
    """The state of a chat that a new branch goes on from, and how many tokens of it; none to begin anew.

    Where branches went on from branches for long, beginning anew is not much more to write.
    """
    forks = [(state, shared(state.tokens, tokens)) for state in own]
    ends = [(s, max((r.end for r in s.records if r.end <= same), default=0)) for s, same in forks]
    furthest = max((start for _, start in ends), default=0)
    fit = [(state, start) for state, start in ends if len(state.bases) < MOST_BASES and start > furthest // 2]
    return max(fit, key=lambda pair: pair[1], default=(None, 0))


def replies_in(replies: Sequence[Reply], tokens: array[int]) -> list[Reply]:
    """Those of the replies whose tokens are among these.

    Of the newest the last token may be missing at the end: that was written, not read.
    """
    raw, size = tokens.tobytes(), tokens.itemsize
    found = []
    for reply in replies:
        own = array("i", reply.tokens).tobytes()
        newest = reply is replies[-1] and len(own) > size and raw.endswith(own[:-size])
        at = raw.find(own)
        while at >= 0 and at % size:
            at = raw.find(own, at + 1)
        if newest or at >= 0:
            found.append(reply)
    return found
