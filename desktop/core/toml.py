"""Writes TOML; the standard library only reads it.

Invariant: `tomllib.loads(dumps(table))` equals the table, for everything that reading can give, except that characters
UTF-8 cannot hold become U+FFFD. Comments are not kept. Source: https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def dumps(table: Mapping[str, object]) -> str:
    """The document of a table; nested tables get headers of their own."""
    lines: list[str] = []
    _table(table, "", lines)
    return "\n".join(lines).strip() + "\n"


def _table(table: Mapping[str, object], name: str, lines: list[str]) -> None:
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if name and (len(inner) < len(table) or not table):
        lines += ["", f"[{name}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in inner]
    for key, value in inner.items():
        _table(value, f"{name}.{_key(key)}" if name else _key(key), lines)


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "a").replace("-", "a").isalnum() else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _text(text: str) -> str:
    return '"' + "".join(_character(c) for c in text) + '"'


def _character(c: str) -> str:
    if 0xD800 <= ord(c) < 0xE000:
        return "\ufffd"
    if c < " " or c == "\x7f":
        return _ESCAPES.get(c) or f"\\u{ord(c):04x}"
    return _ESCAPES.get(c, c)
