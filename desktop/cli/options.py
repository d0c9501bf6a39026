"""Command-line options for settings, derived from the settings table; a value that the table refuses is bad usage.

Every setting of loading and answering is `--its-key`; some have a shorter name too, and those llama.cpp's users know
(`-t -b -n -c -ngl`).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from desktop.core.errors import N_, SettingError
from desktop.core.settings import TABLE, Group, Kind, Setting, Value, check
from desktop.ui.translation import _

_SHORT = {
    "context": ("--ctx", "-c"),
    "threads": ("-t",),
    "batch": ("-b",),
    "gpu_layers": ("-ngl",),
    "kv_type": ("--kv",),
    "temperature": ("--temp",),
    "max_tokens": ("-n",),
}
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}  # what a shell can hardly hand over
_TRUE, _FALSE = ("on", "yes", "true", "1"), ("off", "no", "false", "0")


def add_settings(parser: argparse.ArgumentParser, *groups: Group) -> None:
    """One option for every setting of the groups."""
    for group in groups:
        section = parser.add_argument_group(_(group))
        for row in TABLE:
            if row.group is group:
                _add(section, row)


def settings_of(parsed: argparse.Namespace) -> dict[str, Value]:
    """The settings that were given, by key."""
    return {row.key: getattr(parsed, row.key) for row in TABLE if getattr(parsed, row.key, None) is not None}


def _add(section: argparse._ArgumentGroup, row: Setting) -> None:
    names = (f"--{row.key.replace('_', '-')}", *_SHORT.get(row.key, ()))
    help_text = _(row.help).replace("%", "%%")
    if row.kind is Kind.TEXTS:
        help_text = _(N_("a text that ends the answer; may be given several times; \\n, \\t and \\\\ are understood"))
        section.add_argument(*names, dest=row.key, action="append", type=_unescaped, metavar="TEXT", help=help_text)
        return
    choices = ",".join(c.value for c in row.choices)
    metavar = f"{{{choices}}}" if choices else "on|off" if row.kind is Kind.SWITCH else "N"
    section.add_argument(*names, dest=row.key, type=_converter(row), metavar=metavar, help=help_text)


def _converter(row: Setting) -> Callable[[str], Value]:
    def convert(text: str) -> Value:
        try:
            return check(row.key, _read(row, text))
        except SettingError as error:
            fields = {**error.fields, "label": _(row.label)}
            raise argparse.ArgumentTypeError(_(error.message, **fields)) from error

    return convert


def _unescaped(text: str) -> str:
    return re.sub(r"\\([nt\\])", lambda found: _ESCAPES[found[1]], text)


def _read(row: Setting, text: str) -> object:
    if row.kind is Kind.SWITCH:
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else text
    if row.kind is Kind.CHOICE:
        return text
    if row.key == "gpu_layers" and text == "all":
        return -1
    try:
        return float(text) if row.kind is Kind.NUMBER else int(text)
    except ValueError:
        return text
