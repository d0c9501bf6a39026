"""Kept states as the folder has them: names and sizes are real, the contents holes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from desktop.engine import states


def keep(folder: Path, chat: str, size: int, age_s: float = 0.0) -> Path:
    """A state of `size` bytes that was used `age_s` seconds ago."""
    folder.mkdir(parents=True, exist_ok=True)
    path = states.new_path(folder, "0" * 32, chat)
    with path.open("wb") as file:
        file.truncate(size)
    used = time.time() - age_s
    os.utime(path, (used, used))
    return path
