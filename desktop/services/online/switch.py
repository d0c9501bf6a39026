"""The person's “Offline” switch, as the file of preferences has it: another program of Alcove may have turned it.

Invariant: what is told is a turn, never the same position twice, so that a file that is written late undoes nothing;
a file that cannot be read turns nothing. What a switch does is `network`'s; turning it is `services.preferences`'.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from desktop.core import settings

_PAUSE_S = 1.0  # between two looks: whoever turns it does not notice, and a look costs some microseconds


class Switch:
    """The switch in `file`, which stood at `on` when the program read it. May be asked from any thread."""

    def __init__(self, file: Path, on: bool) -> None:
        self._file = file
        self._on = on
        self._stamp = (0, 0)  # it may have been turned between the program's start and now
        self._looked_at = time.monotonic()
        self._guard = threading.Lock()

    def turned(self) -> bool | None:
        """What it was turned to since this was asked last; None where it was not turned."""
        if time.monotonic() - self._looked_at < _PAUSE_S or not self._guard.acquire(blocking=False):
            return None
        try:
            self._looked_at = time.monotonic()
            before, self._stamp = self._stamp, _stamp(self._file)
            on = _read(self._file) if self._stamp != before else None
            if on is None or on == self._on:
                return None
            self._on = on
            return on
        finally:
            self._guard.release()


def _stamp(file: Path) -> tuple[int, int]:
    """What changes whenever the file is written: it is replaced then."""
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def _read(file: Path) -> bool | None:
    import tomllib  # late: most programs end before anybody turns the switch

    try:
        found = tomllib.loads(file.read_text("utf-8-sig")).get("settings")
    except (OSError, ValueError, RecursionError):
        return None
    return settings.resolve(settings.valid(found if isinstance(found, dict) else {}))["offline"] is True
