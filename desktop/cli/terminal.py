"""What a person at a terminal is shown: the words of the help, columns that align, notices, and models by their names.

Standard output belongs to the verb's result; what is said beside it goes to standard error. Nothing here knows a verb.
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Container, Iterable, Sequence
from typing import Any

from desktop.assembly import Assembly
from desktop.core.errors import N_
from desktop.services.models.library import Model
from desktop.ui.translation import _

_ERASE = "\x1b[K"  # to the end of the line (ECMA-48, EL)


class Parser(argparse.ArgumentParser):
    """argparse, whose own headings would stay English: it asks the system's catalogue, which has no Alcove in it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, **given, "add_help": False})
        self._positionals.title = _(N_("arguments"))
        self._optionals.title = _(N_("options"))
        self.add_argument("-h", "--help", action="help", help=_(N_("show this help and end")))


class _Formatter(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, _(N_("usage:")) + " " if prefix is None else prefix)


def tell(message: str, **fields: object) -> None:
    """One translated line beside the result."""
    print(_(message, **fields), file=sys.stderr, flush=True)


def tell_notices(alcove: Assembly) -> None:
    """What was set aside at the start: nobody would miss it before it is needed."""
    for notice in alcove.notices:
        tell(notice.message, **notice.fields)


class Line:
    """One line of standard error that is written over; nothing is shown where that is no terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def show(self, text: str) -> None:
        if self._live:
            print(f"\r{_ERASE}{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        self.show("")


def shown(model: Model) -> str:
    """A model's name as the window has it: the guide's is a word of the person's language."""
    return _(N_("Guide")) if model.built_in else model.name


def chosen(alcove: Assembly, name: str) -> Model:
    """The model that was named, the guide also as it is shown. Raises `ModelFileError`."""
    return alcove.library.find("" if name.casefold() == _(N_("Guide")).casefold() else name)


def table(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """The rows with their columns aligned, as a terminal draws them: a Korean letter is two cells wide.

    `right` are the columns of figures.
    """
    widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]

    def aligned(column: int, cell: str) -> str:
        blank = " " * (widths[column] - _cells(cell))
        return blank + cell if column in right else cell + blank

    lines = ("  ".join(aligned(column, cell) for column, cell in enumerate(row)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _cells(text: str) -> int:
    """Unicode's annex 11: wide and full-width characters take two cells; a mark takes none of its own."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
