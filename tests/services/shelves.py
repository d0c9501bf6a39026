"""Opening a library around a test, and looking into its folders."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from desktop.services.models.library import Library, Model
from desktop.services.paths import Paths


def resources(tmp_path: Path, tiny: Path | None = None) -> Path:
    folder = tmp_path / "resources" / "guide"
    folder.mkdir(parents=True, exist_ok=True)
    if tiny is not None:
        shutil.copy(tiny / "other.gguf", folder / "guide.gguf")
    return folder.parent


async def fresh(paths: Paths) -> Library:
    """The library as after a start of the program."""
    return await Library.open(paths, resources(paths.home.parent))


def exists(path: Path) -> bool:
    return path.exists()


def names(models: list[Model]) -> list[str]:
    return [m.name for m in models]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_in(folder: Path) -> set[str]:
    """Every file below a folder, by its place in it."""
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def put(file: Path, to: Path) -> Path:
    """A copy of a file, in folders made for it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(file, to))
