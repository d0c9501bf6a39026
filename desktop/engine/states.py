"""The folder of state files, seen from outside: which chat each belongs to, what it takes, and how it goes away.

Invariant: only ordinary files whose names are of the form made here are counted or removed, never what a link points
to; files may come and go at any time by other processes, and none of it is an error. What is in a file is
`engine.statefile`'s; when one is written or used, `engine.keeping`'s. llama.cpp and numpy are not needed here.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from time import time, time_ns

_NAME = re.compile(r"([0-9a-f]{32})\.([0-9A-Za-z_=-]{1,64})\.([0-9a-f]{8})\.(state|part)")
_PLAIN = re.compile(r"[0-9A-Za-z_-]{1,64}")
_TICK_NS = 1000  # two files are told apart by so much, as seconds in a float do: 240 ns in 2026
_ABANDONED_S = 3600.0  # nothing takes an hour to write: an unfinished file of that age was left by a process that died


@dataclass(frozen=True, slots=True)
class Kept:
    """One state file: bytes on disk, and when it was last used, in seconds since 1970."""

    path: Path
    key: str
    chat: str
    size: int
    used: float
    whole: bool = True  # whether it has been finished


def named(chat: str) -> str:
    """A chat as file names and `Kept` show it: itself, or what stands for an unusual one."""
    return (
        chat if _PLAIN.fullmatch(chat) else "=" + blake2b(chat.encode("utf-8", "replace"), digest_size=16).hexdigest()
    )


def new_path(folder: Path, key: str, chat: str) -> Path:
    """Where a new state may be written; nothing is there yet."""
    return folder / f"{key}.{named(chat)}.{secrets.token_hex(4)}.state"


def kept(folder: Path) -> list[Kept]:
    """All states, unfinished ones too, the least recently used first."""
    found: list[Kept] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            with suppress(OSError):
                if match and entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    whole = match[4] == "state"
                    found.append(Kept(Path(entry.path), match[1], match[2], about.st_size, about.st_mtime, whole))
    return sorted(found, key=lambda state: state.used)


def remove(folder: Path, chat: str | None = None) -> None:
    """Removes the states of a chat, or all."""
    for state in kept(folder):
        if chat is None or state.chat == named(chat):
            drop(state.path)


def trim(folder: Path, budget: int, spare: Collection[Path] = ()) -> int:
    """Removes the least recently used until at most `budget` bytes are left, but none of `spare`. Returns the rest."""
    found = kept(folder)
    total = sum(state.size for state in found)
    for state in found:
        abandoned = not state.whole and time() - state.used > _ABANDONED_S
        if (total > budget or abandoned) and state.path not in spare:
            drop(state.path)
            total -= state.size
    return total


def touch(*paths: Path) -> None:
    """Notes that states were used just now, the first of them the least recently."""
    now = time_ns()
    for number, path in enumerate(paths):
        with suppress(OSError):
            os.utime(path, ns=(now + number * _TICK_NS,) * 2)


def drop(path: Path) -> None:
    """Removes a file if that is possible."""
    with suppress(OSError):
        path.unlink()
