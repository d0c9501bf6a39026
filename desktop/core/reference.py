"""The reference page of all settings, `docs/settings.md`, as the table in `core.settings` has them.

Invariant: the page says nothing that the table does not; a test compares the two. Written anew by
`python -m desktop.core.reference > docs/settings.md`.
"""

from __future__ import annotations

from itertools import groupby

from desktop.core.levels import Level, rows_for
from desktop.core.settings import Kind, Scope, Setting, Value

_HEAD = """# Settings

Made from the table in `desktop/core/settings.py`; do not edit by hand. A value can be set for all chats, for one model,
and for one chat: the nearest wins. In `preferences.toml` and on the command line a setting goes by its key.
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD]
    for group, rows in groupby(rows_for(Level.ALL), key=lambda row: row.group):
        parts += [f"## {group.value}\n", *(_section(row) for row in rows)]
    return "\n".join(parts)


def _section(row: Setting) -> str:
    default = _named(row, row.default)
    facts = [f"key `{row.key}`", _permitted(row), f"default {default}"]
    if row.reload:
        facts.append("reload needed")
    if row.scope is Scope.GLOBAL:
        facts.append("for the whole window only")
    return f"### {row.label}\n\n{row.help}\n\n" + "; ".join(facts) + ".\n"


def _permitted(row: Setting) -> str:
    if row.kind is Kind.SWITCH:
        return "`true` or `false`"
    if row.kind is Kind.CHOICE:
        return " or ".join(f"`{choice.value}`" for choice in row.choices)
    if row.kind is Kind.TEXTS:
        return "a list of texts"
    exact = int if row.kind is Kind.WHOLE else float
    unit = f" {row.unit}" if row.unit else ""
    special = "".join(f", or {number} ({label})" for number, label in row.special)
    return f"{exact(row.low)} to {exact(row.high)}{unit}{special}"


def _named(row: Setting, value: Value) -> str:
    if row.kind is Kind.SWITCH:
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "none"
    special = next((label for number, label in row.special if number == value), "")
    return f"`{value}`" + (f" ({special})" if special else "")


if __name__ == "__main__":
    print(page(), end="")
