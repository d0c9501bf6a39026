"""Copies of a state that cannot be cut, taken while it grows, so that a change need not be read from the beginning.

Invariant: each checkpoint is of the conversation as it is now, never of tokens that have left it. For recurrent and
hybrid models and those with a sliding window; where and how many is `core.checkpoints`'.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop.core import checkpoints
from desktop.engine.llama import Model


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What of the state after `at` tokens cannot be cut."""

    at: int
    data: bytearray


class Checkpoints:
    """Those of one model's conversation, the earliest first."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.held: list[Checkpoint] = []
        self._passing: Checkpoint | None = None

    @property
    def capacity(self) -> int:
        """How many are held at most, as large as they are now; 0 where none are needed."""
        return 0 if self._model.rewinds else checkpoints.capacity(self._model.kv.size(partial=True))

    def take(self, at: int) -> None:
        """Takes one of the state as it is, which is after `at` tokens."""
        if self._model.rewinds or not at or any(held.at == at for held in self.held):
            return
        taken = self._copied(at)
        if taken is not None:
            self.put([*self.held, taken])

    def pass_by(self, at: int) -> None:
        """Takes one that only the next of its kind replaces."""
        if at and self.nearest(at) != at:
            self._passing = self._copied(at)

    def _copied(self, at: int) -> Checkpoint | None:
        try:
            data = bytearray(self._model.kv.size(partial=True))
        except MemoryError:  # reading from the beginning is still possible
            return None
        return Checkpoint(at, data) if data and self._model.kv.copy(data, partial=True) == len(data) else None

    def put(self, held: list[Checkpoint]) -> None:
        """Makes these the checkpoints, as many as there is room for."""
        self.held = sorted(held, key=lambda checkpoint: checkpoint.at)
        most = checkpoints.capacity(max((len(c.data) for c in held), default=0))
        while len(self.held) > most:
            del self.held[checkpoints.superfluous([c.at for c in self.held])]

    def back(self, to: int) -> int:
        """Goes back to the newest that is not after `to`, forgetting later ones; returns where, 0 for nowhere."""
        self.drop(to)
        for newest in sorted(self._all(), key=lambda checkpoint: -checkpoint.at):
            if self._model.kv.put(newest.data, len(newest.data), partial=True) and self._model.cut(newest.at):
                return newest.at
            self.drop(newest.at - 1)
        return 0

    def nearest(self, to: int) -> int:
        """Where `back` would go."""
        return max((c.at for c in self._all() if c.at <= to), default=0)

    def drop(self, after: int) -> None:
        """Forgets those after so many tokens."""
        self.held = [c for c in self.held if c.at <= after]
        if self._passing is not None and self._passing.at > after:
            self._passing = None

    def _all(self) -> list[Checkpoint]:
        return self.held if self._passing is None else [*self.held, self._passing]
