"""Answers of the Hub kept on the disk: to ask less often, and to have something to show without a network.

Invariant: an answer is what was put under its key, whole, or it is not there; together they take no more than the
limit, the oldest leave first. A disk that refuses costs the cache and nothing else. How old is too old, callers decide.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desktop.core.errors import StorageError
from desktop.services.disk import write_whole

_LIMIT = 32 << 20  # bytes; a page of results has about 20 kB, a repository 10, a card 30
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON value, and when it was given (seconds since 1970)."""

    value: object
    at: float

    def younger(self, seconds: float) -> bool:
        """Whether it is so young; one from the future is not: the clock was moved."""
        return 0 <= time.time() - self.at < seconds


class Answers:
    """Files in `folder`, which is made when it is needed. Every call is disk work: for threads."""

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def get(self, *key: str) -> Answer | None:
        try:
            row = json.loads(self._path(key).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        sound = isinstance(row, dict) and row.get("key") == list(key) and isinstance(row.get("at"), float)
        return Answer(row.get("value"), row["at"]) if sound else None

    def put(self, value: object, *key: str) -> None:
        data = json.dumps({"key": key, "at": time.time(), "value": value}, ensure_ascii=False).encode()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(key), data)
            self._make_room()
        except (OSError, StorageError) as error:
            log.warning("An answer of the Hub could not be kept: %s", error)

    def _path(self, key: tuple[str, ...]) -> Path:
        return self._folder / (hashlib.sha256("\0".join(key).encode()).hexdigest()[:40] + ".json")

    def _make_room(self) -> None:
        found = sorted(((path.stat(), path) for path in self._folder.glob("*.json")), key=lambda one: one[0].st_mtime)
        taken = sum(status.st_size for status, _path in found)
        for status, path in found:
            if taken <= self._limit:
                break
            with suppress(OSError):  # another Alcove may have removed it
                path.unlink()
            taken -= status.st_size
