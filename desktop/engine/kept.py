"""The folder of kept states as files: what lies there and for which chat, what leaves first, what is removed.

Invariant: files may vanish at any time, and one that is not ours is left alone; neither is an error. Names are
`<chat>-<anything>.state`, beside it whatever shares that stem. What is in a file is `engine.states`'. No llama.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".state"


@dataclass(frozen=True, slots=True)
class Kept:
    """One state: its file, its chat, bytes, and when it was used last (Unix seconds)."""

    path: Path
    chat: str
    size: int
    used: float


def kept(folder: Path) -> list[Kept]:
    """All states, the least recently used first."""
    return sorted(_found(folder), key=lambda state: state.used)


def remove(folder: Path, chat: str | None = None) -> None:
    """Removes a chat's states; without one, all."""
    for state in _found(folder):
        if chat is None or state.chat == chat:
            _end(state)


def trim(folder: Path, budget: int) -> None:
    """Removes the least recently used until the rest is within `budget` bytes."""
    states = kept(folder)
    size = sum(state.size for state in states)
    for state in states:
        if size <= budget:
            return
        _end(state)
        size -= state.size


def _found(folder: Path) -> Iterator[Kept]:
    with suppress(OSError):
        for path in folder.glob(f"*-*{SUFFIX}"):
            with suppress(OSError):
                about = path.stat()
                yield Kept(path, path.name.split("-")[0], about.st_size, about.st_mtime)


def _end(state: Kept) -> None:
    with suppress(OSError):
        state.path.unlink(missing_ok=True)
