"""Text that arrives faster than anyone reads is shown at an even pace.

Invariant: nothing is lost or reordered; what was added comes out of `take` or `rest`, once. Only the showing is paced:
the stored text is complete long before. No timer runs here: the caller says how much time has passed.
"""

from __future__ import annotations

import re

PACE = 70.0  # characters a second: a quick reader's pace, felt as writing (our judgement, not measured)
_JOINED = re.compile(r"[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")  # never parted from what precedes


class Pacer:
    """A queue of text let out at `pace` characters a second; pace 0 lets everything out at once."""

    def __init__(self, pace: float = 0.0) -> None:
        self._pace = pace
        self._waiting: list[str] = []
        self._length = 0
        self._allowed = 0.0

    def __len__(self) -> int:
        return self._length

    @property
    def withheld(self) -> int:
        """How many characters the pace still holds back."""
        return self._length if self._pace else 0

    def add(self, text: str) -> None:
        if text:
            self._waiting.append(text)
            self._length += len(text)

    def take(self, seconds: float) -> str:
        """What may be shown after `seconds` more have passed."""
        if not self._pace:
            return self.rest()
        self._allowed += seconds * self._pace
        count = min(int(self._allowed), self._length)
        self._allowed = 0.0 if count == self._length else self._allowed - count
        return self._cut(count)

    def rest(self) -> str:
        """All that still waits."""
        return self._cut(self._length)

    def _cut(self, count: int) -> str:
        if not count:
            return ""
        text = "".join(self._waiting)
        while count < len(text) and (_JOINED.match(text[count]) or text[count - 1] == "\u200d"):
            count += 1
        self._waiting = [text[count:]] if count < len(text) else []
        self._length = len(text) - count
        return text[:count]
