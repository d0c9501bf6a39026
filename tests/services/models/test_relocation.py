"""The folder of models moves to another place, whole or not at all, whenever it is interrupted."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.errors import SettingError, StorageError, UserError
from desktop.services.locks import locked
from desktop.services.models import checksums, modelfiles, relocation
from desktop.services.models.inventory import Move, Stage
from desktop.services.models.library import Library, Model, Origin
from desktop.services.paths import Paths
from tests.services.database import run
from tests.services.shelves import exists, files_in, fresh, names, put, resources, sha256

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def as_between_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files get no second name, so they are copied."""
    monkeypatch.setattr(relocation, "_linked", lambda old, copy: False)


async def downloaded(paths: Paths, tiny: Path, name: str = "tiny.gguf") -> tuple[Library, Model]:
    library = await fresh(paths)
    file = put(tiny / name, library.folder / "a" / "b" / name)
    return library, await library.add(file, Origin("a/b", "c", name, sha256(file)))


@pytest.mark.skipif(os.name == "nt", reason="only POSIX forks")
@pytest.mark.parametrize("how", ["copy", "link"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_folder_whole(tmp_path: Path, how: str) -> None:
    """Every third step here; with `1` in place of `3`, as was done by hand, every one."""
    command = [sys.executable, "-m", "tests.services.moving", str(tmp_path), how, "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["killed"] > 15
    assert counted["old"] > 3
    assert counted["new"] > 3


@pytest.mark.usefixtures("as_between_disks")
def test_to_another_disk_with_progress(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        to, heard = tmp_path / "외장 디스크" / "models", list[float]()
        await library.move_folder(to, heard.append)
        await asyncio.sleep(0)
        assert heard[-1] == 1.0
        assert heard == sorted(heard)
        for found in (library, await fresh(paths)):
            assert found.folder == to
            moved = found.find(model.name)
            assert (moved.id, moved.path, moved.owned) == (model.id, to / "a" / "b" / "tiny.gguf", True)
            assert (moved.present, moved.changed, sha256(moved.path)) == (True, False, model.sha256)
        assert list(paths.models.iterdir()) == []
        assert files_in(to) == {"a/b/tiny.gguf"}

    run(main())


def test_and_back_and_what_is_removed_there_goes_to_a_bin_there(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        to = tmp_path / "models"
        await library.move_folder(to)
        removed = await library.remove(model.name)
        assert removed.path.is_relative_to(to / ".bin")
        assert names((await fresh(paths)).all()) == ["Guide"]
        await library.move_folder(paths.models)
        assert list(to.iterdir()) == []
        (binned,) = (await fresh(paths)).binned()
        assert (await library.restore(binned)).path == model.path
        assert exists(model.path)

    run(main())


def test_nothing_that_lies_there_is_written_over(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        stranger = tmp_path / "models" / "a" / "b" / "tiny.gguf"
        stranger.parent.mkdir(parents=True)
        stranger.write_text("another")
        await library.move_folder(tmp_path / "models")
        assert stranger.read_text() == "another"
        assert library.find(model.name).path == tmp_path / "models" / "a" / "b (2)" / "tiny.gguf"

    run(main())


@pytest.mark.parametrize("place", [".", "models", "models/inside", "models/a"])
def test_places_that_will_not_do(paths: Paths, tiny: Path, place: str) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        with pytest.raises(SettingError, match="present folder of models"):
            await library.move_folder(paths.home / place)
        file = paths.home / "file"
        file.write_text("")
        with pytest.raises(SettingError, match="is a file"):
            await library.move_folder(file)
        assert model.present

    run(main())


async def refused(paths: Paths, tiny: Path, to: Path, kind: type[UserError], match: str) -> None:
    library, model = await downloaded(paths, tiny)
    with pytest.raises(kind, match=match):
        await library.move_folder(to)
    again = await fresh(paths)
    assert again.folder == library.folder == paths.models
    assert again.find(model.name) == model
    assert model.present
    assert files_in(to) == set()
    assert again.notice is None


@pytest.mark.usefixtures("as_between_disks")
def test_space_is_looked_at_before_a_byte_is_copied(
    paths: Paths, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, modelfiles.MARGIN))
    run(refused(paths, tiny, tmp_path / "to", StorageError, "has 268.44 MB free and the models need 268.9"))


@pytest.mark.usefixtures("as_between_disks")
def test_a_disk_that_gives_back_other_bytes_is_found_out(
    paths: Paths, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[Path], None] = checksums.dropped_from_cache

    def rotten(copy: Path) -> None:
        real(copy)
        with copy.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\xff")

    monkeypatch.setattr(checksums, "dropped_from_cache", rotten)
    run(refused(paths, tiny, tmp_path / "to", StorageError, "read back from the new disk with errors"))


def test_a_disk_that_refuses_in_the_middle(
    paths: Paths, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def full(old: Path, new: Path) -> None:
        if ".alcove-moving" in str(old):
            raise OSError(28, "No space left on device")
        rename(old, new)

    monkeypatch.setattr(os, "rename", full)
    run(refused(paths, tiny, tmp_path / "to", StorageError, "The disk is full"))


@pytest.mark.usefixtures("as_between_disks")
def test_cancelled_while_it_copies(paths: Paths, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = checksums.dropped_from_cache

    def slow(copy: Path) -> None:
        begun.set()
        go_on.wait(10)
        real(copy)

    monkeypatch.setattr(checksums, "dropped_from_cache", slow)

    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        task = asyncio.create_task(library.move_folder(tmp_path / "to"))
        await asyncio.to_thread(begun.wait, 10)
        for refused in (
            library.remove(model.name),
            library.import_file(tiny / "other.gguf"),
            library.move_folder(tiny),
        ):
            with pytest.raises(StorageError, match="is being moved"):
                await refused
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert files_in(tmp_path / "to") == set()
        assert (library.folder, model.present) == (paths.models, True)
        await library.move_folder(tmp_path / "to")
        assert not model.present

    run(main())


def test_another_alcove_that_moves_is_left_alone(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, _ = await downloaded(paths, tiny)
        with locked(paths.home / "library.moving.lock"), pytest.raises(StorageError, match="another Alcove"):
            await library.move_folder(tmp_path / "to")

    run(main())


def test_a_move_that_was_interrupted_is_told(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        await downloaded(paths, tiny)
        document = json.loads(paths.library.read_text())
        staging = tmp_path / "to" / ".alcove-moving"
        staging.mkdir(parents=True)
        (staging / "0").write_text("half")
        document["move"] = {"to": str(tmp_path / "to"), "old": "models", "stage": "copying", "files": []}
        paths.library.write_text(json.dumps(document))
        with locked(paths.home / "library.moving.lock"):
            assert (await fresh(paths)).notice is None
            assert exists(staging)
        library = await fresh(paths)
        assert "interrupted" in str(library.notice)
        assert str(paths.models) in str(library.notice)
        assert files_in(tmp_path / "to") == set()
        assert (await fresh(paths)).notice is None

    run(main())


def test_nothing_moves_under_a_download_of_any_program(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        part = put(tiny / "tiny.gguf", library.folder / "a" / "b" / "half.gguf.part")
        part.with_name("half.gguf.part.json").write_text("{}")
        with locked(part), pytest.raises(StorageError, match=r"“half\.gguf” is being downloaded.*Nothing was moved"):
            await library.move_folder(tmp_path / "to")
        assert files_in(tmp_path / "to") == set()
        assert (await fresh(paths)).find(model.name).path == model.path
        await library.move_folder(tmp_path / "to")
        assert exists(tmp_path / "to" / "a" / "b" / "half.gguf.part")

    run(main())


def test_nothing_is_begun_in_a_folder_that_moves(paths: Paths, tmp_path: Path) -> None:
    async def main() -> None:
        library, other = await fresh(paths), await fresh(paths)
        library._moving = True
        with pytest.raises(StorageError, match="is being moved"):
            library.require_folder()
        other._inventory.write(lambda old: replace(old, move=Move(tmp_path / "to", paths.models, Stage.COPYING)))
        other.require_folder()  # that move was interrupted: nobody goes on with it now
        with locked(paths.home / "library.moving.lock"), pytest.raises(StorageError, match="is being moved"):
            other.require_folder()

    run(main())


def test_a_folder_whose_disk_is_not_connected(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        await library.move_folder(tmp_path / "disk" / "models")
        os.rename(tmp_path / "disk", tmp_path / "unplugged")
        library = await Library.open(paths, resources(tmp_path))
        assert not library.find(model.name).present
        with pytest.raises(StorageError, match="Connect its disk"):
            await library.import_file(tiny / "other.gguf")
        assert not exists(tmp_path / "disk")
        os.rename(tmp_path / "unplugged", tmp_path / "disk")
        assert library.find(model.name).present

    run(main())


def test_another_folder_is_chosen_while_the_old_disk_is_not_connected(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        await library.move_folder(tmp_path / "disk" / "models")
        os.rename(tmp_path / "disk", tmp_path / "unplugged")
        await library.move_folder(tmp_path / "new")
        assert await library.import_file(tiny / "other.gguf")
        os.rename(tmp_path / "unplugged", tmp_path / "disk")
        assert [(m.name, m.linked, m.present) for m in (await fresh(paths)).all()[1:]] == [
            ("other", False, True),
            (model.name, True, True),
        ]

    run(main())


def test_a_damaged_list_still_tells_the_folder(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library, model = await downloaded(paths, tiny)
        to = tmp_path / 'disk "큰" \\ models'
        await library.move_folder(to)
        paths.library.write_bytes(paths.library.read_bytes()[:-20])
        again = await fresh(paths)
        assert "could not be read" in str(again.notice)
        assert again.folder == to
        assert again.find(model.name).owned
        paths.library.write_bytes(b'{"folder": "\\x"')
        assert (await fresh(paths)).folder == paths.models

    run(main())
