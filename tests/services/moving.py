"""Kills a move of the models folder at every single step it takes on disk, and starts again each time.

Run by `test_relocation` in a process of its own, because it forks: `python -m tests.services.moving FOLDER copy|link N`
kills before every Nth step.
It prints one line of JSON: how many steps were killed, and how often the old and the new folder were in use afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from desktop.services.models import checksums, relocation
from desktop.services.models.inventory import Inventory
from desktop.services.models.library import Origin
from desktop.services.paths import Paths
from tests.models import tiny_model
from tests.services.shelves import files_in, fresh, put, sha256

FOREIGN_OLD, FOREIGN_NEW = "a/b/config.json", "a/b/one.gguf.txt"


def prepared(folder: Path) -> Paths:
    """A library of an owned model, a split one, one in the bin, half a download, and files of strangers."""
    models = folder / "made"
    models.mkdir(parents=True)
    tiny_model(models / "one.gguf")
    tiny_model(models / "two.gguf", seed=2)
    tiny_model(models / "big.gguf", seed=3, shards=10)
    paths = Paths(folder / "D'Angelò 김철수")
    paths.create()

    async def fill() -> None:
        library = await fresh(paths)
        for file in sorted(models.iterdir()):
            put(file, library.folder / "a" / "b" / file.name)
        for name in ("one.gguf", "two.gguf", "big-00001-of-00003.gguf"):
            await library.add(library.folder / "a" / "b" / name, Origin("a/b", "c", name))
        await library.remove("two")
        for name in ("three.gguf.part", "three.gguf.part.json"):
            (library.folder / "a" / "b" / name).write_text("half")
        (library.folder / FOREIGN_OLD).write_text("strangers'")

    asyncio.run(fill())
    return paths


def killed_at(number: int, paths: Paths, to: Path) -> bool:
    """Runs a move in a child that kills itself before its step of that number; whether it came so far."""
    inventory = Inventory(paths)
    inventory.refresh()
    child = os.fork()
    if child == 0:
        count = 0

        def deadly(owner: Any, name: str) -> None:
            real = getattr(owner, name)

            def step(*args: Any, **options: Any) -> Any:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **options)

            setattr(owner, name, step)

        for name in ("rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync"):
            deadly(os, name)
        deadly(checksums, "digest")
        relocation.relocate(inventory, to, lambda _: None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


async def examined(paths: Paths, to: Path, sums: dict[str, str]) -> str:
    """Which folder is in use after a start; everything that must be true then is asserted."""
    library = await fresh(paths)
    used = "new" if library.folder == to else "old"
    assert library.folder == (to if used == "new" else paths.models)
    models = [*library.all()[1:], *library.binned()]
    assert {m.name for m in models} == {"one", "two", "big"}, models
    assert all(m.owned and m.origin and not m.changed for m in models)
    assert {file.name: sha256(file) for m in models for file in m.files} == sums
    in_bin = {file for m in library.binned() for file in m.files}
    mine = {f"a/b/{name}" for name in ("one.gguf", *(f"big-0000{n}-of-00003.gguf" for n in (1, 2, 3)))}
    mine |= {f"a/b/three.gguf.part{end}" for end in ("", ".json")}
    in_old = files_in(paths.models)
    in_new = {f for f in files_in(to) if not f.startswith(".bin")}
    assert in_old == (mine if used == "old" else set()) | {FOREIGN_OLD}, in_old
    assert in_new == (mine if used == "new" else set()) | {FOREIGN_NEW}, in_new
    everywhere = {file for place in (paths.bin, to) for file in place.rglob("two.gguf")}
    assert everywhere == in_bin, everywhere
    return used


def main(folder: Path, how: str, stride: int) -> None:
    if how == "copy":
        relocation._linked = lambda old, copy: False  # as between two disks
    os.fsync = lambda _: None  # slow, and of no use to a process that is killed: the system keeps what it wrote
    prepared(folder / "first")
    sums = {file.name: sha256(file) for file in (folder / "first" / "made").iterdir()}
    used = {"old": 0, "new": 0}
    number, kills = 1, 0
    while True:
        home = folder / str(number)
        shutil.copytree(folder / "first", home)
        paths, to = Paths(home / "D'Angelò 김철수"), home / "other disk" / "모델"
        (to / "a" / "b").mkdir(parents=True)
        (to / FOREIGN_NEW).write_text("strangers'")
        killed = killed_at(number, paths, to)
        kills += killed
        used[asyncio.run(examined(paths, to, sums))] += 1
        shutil.rmtree(home)
        if not killed:
            break
        number += stride
    print(json.dumps({"killed": kills, **used}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
