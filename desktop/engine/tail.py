"""The end of a reply as it grows: bytes become whole characters, and stop strings are seen before they are shown.

Invariant: what `push` has given out is never taken back; it holds no half character and no part of what may yet become
a stop string. Which tokens the bytes come from is not known here.
"""

from __future__ import annotations

import codecs


class Tail:
    """`stopped` tells that a stop string came: the text before it has been given out, nothing follows."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(s for s in stop if s)
        self._held = ""
        self.stopped = False

    def push(self, data: bytes) -> str:
        """Takes the bytes of a token; returns the text that is free to be shown."""
        text = self._held + self._decoder.decode(data)
        if not self._stop or not text:
            return text
        found = min((at for at in (text.find(s) for s in self._stop) if at >= 0), default=-1)
        if found >= 0:
            self.stopped, self._held = True, ""
            return text[:found]
        keep = self._doubtful(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self, ended: bool) -> str:
        """What was held back. Where the model itself `ended`, half a character is a fault and shows as U+FFFD."""
        text, self._held = self._held, ""
        return text + (self._decoder.decode(b"", final=True) if ended else "")

    def _doubtful(self, text: str) -> int:
        """Length of the longest end of `text` with which a stop string begins."""
        longest = min(max(map(len, self._stop)) - 1, len(text))
        ends = range(longest, 0, -1)
        return next((n for n in ends if any(s.startswith(text[-n:]) for s in self._stop)), 0)
