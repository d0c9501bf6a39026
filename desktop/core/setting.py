"""What one setting is: its kind, bounds, group, words, and where it may be given.

Invariant: a row is a value and decides nothing; which rows there are, and what passes as a value of one, is
`core.settings`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop.core.errors import N_

Value = bool | int | float | str | tuple[str, ...]
Values = Mapping[str, Value]


class Kind(StrEnum):
    SWITCH = "switch"
    WHOLE = "whole"
    NUMBER = "number"
    CHOICE = "choice"
    TEXTS = "texts"


class Group(StrEnum):
    LOAD = N_("Loading")
    SAMPLING = N_("Answering")
    SPEED = N_("Speed")
    WINDOW = N_("Appearance")
    BACKGROUND = N_("In the background")
    PRIVACY = N_("Privacy")


class Scope(StrEnum):
    """Where a setting may be given."""

    ANY = "any"  # globally, for a model, for a chat
    GLOBAL = "global"  # only globally: the program's own


@dataclass(frozen=True, slots=True)
class Choice:
    """One permitted value and how it is called."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. `special` names values with a meaning of their own (-1: "all"); they are valid beside the bounds."""

    key: str
    kind: Kind
    group: Group
    label: str
    help: str
    default: Value
    low: float = 0
    high: float = 0
    step: float = 1
    unit: str = ""
    special: tuple[tuple[int, str], ...] = ()
    choices: tuple[Choice, ...] = ()
    reload: bool = False
    scope: Scope = Scope.ANY
    start: int = 0  # where a number begins when a special value is left; 0: at the default, or else at the low bound
    needs: str = ""  # the key of a switch without which this setting means nothing
