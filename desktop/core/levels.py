"""At which level a setting is set: for all chats, for a model, for one chat; and what that level inherits.

Invariant: the nearest level wins, and what nobody set is the table's default. Nothing is kept or changed here; one
`Levels` is one moment's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from desktop.core.settings import TABLE, Group, Scope, Setting, Value, Values, resolve

_ORDER = (Group.WINDOW, Group.SAMPLING, Group.LOAD, Group.SPEED, Group.BACKGROUND, Group.PRIVACY)


class Level(StrEnum):
    """Where a value was set."""

    DEFAULT = "default"
    ALL = "all"
    MODEL = "model"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Levels:
    """What is set at the level that is edited, and below it, nearest first: `((MODEL, …), (ALL, …))` for a chat."""

    level: Level = Level.ALL
    own: Values = field(default_factory=dict)
    below: tuple[tuple[Level, Values], ...] = ()

    def inherited(self) -> dict[str, Value]:
        """What would be in force if nothing were set here."""
        return resolve(*(values for _level, values in self.below))

    def values(self) -> dict[str, Value]:
        """What is in force."""
        return resolve(self.own, *(values for _level, values in self.below))

    def origin(self, key: str) -> Level:
        """Where the inherited value of `key` comes from."""
        return next((level for level, values in self.below if key in values), Level.DEFAULT)

    def with_own(self, own: Mapping[str, Value]) -> Levels:
        """The same, with other values at the level that is edited."""
        return Levels(self.level, own, self.below)


def rows_for(level: Level) -> tuple[Setting, ...]:
    """The rows that can be set at a level, in the order of a form: what most people look for first."""
    allowed = (row for row in TABLE if level is Level.ALL or row.scope is Scope.ANY)
    return tuple(sorted(allowed, key=lambda row: _ORDER.index(row.group)))
