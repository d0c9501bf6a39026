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

    @property
    def capacity(self) -> int:
        """How many are held at most, as large as they are now; 0 where none are needed."""
        return 0 if self._model.rewinds else checkpoints.capacity(self._model.kv.size(partial=True))

    def take(self, at: int) -> None:
        """Takes one of the state as it is, which is after `at` tokens."""
        if self._model.rewinds or not at or any(held.at == at for held in self.held):
            return
        data = bytearray(self._model.kv.size(partial=True))
        if data and self._model.kv.copy(data, partial=True) == len(data):
            self.put([*self.held, Checkpoint(at, data)])

    def put(self, held: list[Checkpoint]) -> None:
        """Makes these the checkpoints, as many as there is room for."""
        self.held = sorted(held, key=lambda checkpoint: checkpoint.at)
        most = checkpoints.capacity(max((len(c.data) for c in held), default=0))
        while len(self.held) > most:
            del self.held[checkpoints.superfluous([c.at for c in self.held])]

    def back(self, to: int) -> int:
        """Goes back to the newest that is not after `to`, and forgets later ones; returns where that is, 0 for nowhere."""
        self.drop(to)
        while self.held:
            newest = self.held[-1]
            if self._model.kv.put(newest.data, len(newest.data), partial=True) and self._model.cut(newest.at):
                return newest.at
            self.held.pop()
        return 0

    def nearest(self, to: int) -> int:
        """Where `back` would go."""
        return max((c.at for c in self.held if c.at <= to), default=0)

    def drop(self, after: int) -> None:
        """Forgets those after so many tokens."""
        self.held = [c for c in self.held if c.at <= after]
