"""The two lines of a search result: from a little before the match, in plain words.

Invariant: what matched stays, and stays marked; only signs that the conversation does not show either are left out.
Where the match stands in its message is not told here.
"""

from __future__ import annotations

import re

Marks = tuple[tuple[int, int], ...]

_BEFORE = 24  # characters shown before the match: less than a line of the narrow list
_MARKUP = re.compile(r"</?think(?:ing)?>|```\w*|`|\*\*|__|~~|(?<!\S)#{1,6}(?=\s)|:?-{3,}:?|\|")


def tidy(text: str, marks: Marks) -> tuple[str, Marks]:
    """The text from a little before its first mark, without Markdown, and where the marks are in it."""
    text, marks = _without(_MARKUP, text, marks)
    text, marks = _without(re.compile(r"^\s+|(?<=\s)\s+"), text, marks)
    first = marks[0][0] if marks else 0
    if first <= _BEFORE:
        return text, marks
    space = text.find(" ", first - _BEFORE, first)
    cut = space + 1 if space >= 0 else first - _BEFORE
    return "…" + text[cut:], tuple((start - cut + 1, end - cut + 1) for start, end in marks)


def _without(what: re.Pattern[str], text: str, marks: Marks) -> tuple[str, Marks]:
    """The text without what the pattern finds outside the marks."""
    gone = [
        m.span() for m in what.finditer(text) if not any(m.start() < end and start < m.end() for start, end in marks)
    ]
    kept, at = [], 0
    for start, end in gone:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])

    def moved(place: int) -> int:
        return place - sum(end - start for start, end in gone if end <= place)

    return "".join(kept), tuple((moved(start), moved(end)) for start, end in marks)
