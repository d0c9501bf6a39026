"""Downloads share folders: one goes to the bin and comes back, its neighbours stay; a crash in between is mended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.core.errors import StorageError
from desktop.services.models import modelbin
from desktop.services.models.library import Library, Model, Origin
from desktop.services.paths import Paths
from tests.models import tiny_model
from tests.services.database import run
from tests.services.shelves import exists, files_in, fresh, names, put

ORIGIN = Origin("TheBloke/Tiny-GGUF", "c0ffee", "tiny.Q4_K_M.gguf")


async def with_two_variants(paths: Paths, tiny: Path) -> tuple[Library, Model, Model]:
    """Two variants in one repository's folder, and half of a third beside them."""
    library = await fresh(paths)
    folder = library.folder / "TheBloke" / "Tiny-GGUF"
    one = put(tiny / "tiny.gguf", folder / "tiny.Q4_K_M.gguf")
    two = put(tiny / "other.gguf", folder / "tiny.Q8_0.gguf")
    (folder / "tiny.Q6_K.gguf.part").write_bytes(b"half")
    (folder / "tiny.Q6_K.gguf.part.json").write_text("{}")
    return library, await library.add(one, ORIGIN), await library.add(two, Origin(ORIGIN.repo, "c0ffee", two.name))


def test_only_its_own_files_go_and_come_back_to_their_place(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, one, two = await with_two_variants(paths, tiny)
        assert (one.name, two.name) == ("tiny.Q4_K_M", "tiny.Q8_0")
        before = files_in(library.folder)
        removed = await library.remove(one.name)
        assert files_in(library.folder) == before - {"TheBloke/Tiny-GGUF/tiny.Q4_K_M.gguf"}
        assert removed.path.is_relative_to(paths.bin)
        assert two.present
        back = await (await fresh(paths)).restore(removed)
        assert (back.path, back.origin, back.name) == (one.path, ORIGIN, one.name)
        assert files_in(library.folder) == before
        assert list(paths.bin.iterdir()) == []

    run(main())


def test_empty_folders_go_and_are_made_again(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        model = await library.add(put(tiny / "tiny.gguf", library.folder / "a" / "b" / "x.gguf"), ORIGIN)
        removed = await library.remove(model.name)
        assert list(library.folder.iterdir()) == []
        assert (await library.restore(removed)).path == model.path
        await library.remove(model.name)
        await library.empty_bin(9e9)
        assert list(paths.bin.iterdir()) == []
        assert exists(library.folder)

    run(main())


def test_what_lies_there_by_now_is_not_written_over(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, one, _ = await with_two_variants(paths, tiny)
        removed = await library.remove(one.name)
        again = await library.add(put(tiny / "tiny.gguf", one.path), ORIGIN)
        back = await library.restore(removed)
        assert back.path != again.path
        assert (back.present, again.present, back.owned) == (True, True, True)
        assert len({again.name, back.name}) == 2

    run(main())


def test_a_split_model_goes_as_one(paths: Paths) -> None:
    async def main() -> None:
        library = await fresh(paths)
        folder = library.folder / "a" / "b"
        folder.mkdir(parents=True)
        tiny_model(folder / "big.gguf", shards=10)
        first = folder / "big-00001-of-00003.gguf"
        model = await library.add(first, Origin("a/b", "c", first.name))
        assert (model.name, len(model.files)) == ("big", 3)
        removed = await library.remove("big")
        assert files_in(library.folder) == set()
        assert all(map(exists, removed.files))
        assert (await library.restore(removed)).files == model.files
        assert names((await fresh(paths)).all()) == ["Guide", "big"]  # its later parts are no models of their own

    run(main())


@pytest.mark.parametrize("moved", [1, 2, 3])
@pytest.mark.parametrize("inwards", [True, False])
def test_a_move_that_was_interrupted_is_mended_at_the_next_start(paths: Paths, moved: int, inwards: bool) -> None:
    """The files are renamed one after the other, and the list is written last: a crash may come after any of them."""

    async def main() -> None:
        library = await fresh(paths)
        folder = library.folder / "a" / "b"
        folder.mkdir(parents=True)
        tiny_model(folder / "big.gguf", shards=10)
        model = await library.add(folder / "big-00001-of-00003.gguf", ORIGIN)
        if not inwards:
            model = await library.remove(model.name)
        other = paths.bin / model.id / "a" / "b" if inwards else folder
        other.mkdir(parents=True, exist_ok=True)
        for file in model.files[:moved]:
            os.rename(file, other / file.name)
        after = await fresh(paths)
        (same,) = [*after.all()[1:], *after.binned()]
        assert (same.id, same.path, same.binned is None) == (model.id, model.path, inwards)
        assert all(map(exists, same.files))

    run(main())


def test_a_disk_that_refuses_leaves_all_parts_where_they_were(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model(tmp_path / "big.gguf", shards=10)
    model = Model("7", "big", tmp_path / "big-00001-of-00003.gguf", owned=True)
    rename, calls = os.rename, []

    def third_fails(old: Path, new: Path) -> None:
        calls.append(old)
        if len(calls) == 3:
            raise PermissionError(13, "no", str(old))
        rename(old, new)

    monkeypatch.setattr(os, "rename", third_fails)
    with pytest.raises(StorageError, match="may not use"):
        modelbin.put_away(model, tmp_path, paths)
    assert all(map(exists, model.files))


def test_the_bin_is_on_the_disk_of_the_models(paths: Paths, tmp_path: Path) -> None:
    assert modelbin.bin_of(paths.models, paths) == paths.bin
    assert modelbin.bin_of(tmp_path / "elsewhere", paths) == tmp_path / "elsewhere" / ".bin"


def test_a_folder_shared_with_others_is_adopted_at_every_depth(paths: Paths, tiny: Path) -> None:
    for place in ("one.gguf", "a/two.gguf", "a/b/three.gguf", "a/b/c/deeper.gguf", ".hidden/x/four.gguf"):
        put(tiny / "tiny.gguf", paths.models / place)
    (paths.models / "a" / "notes.gguf").write_text("no model")
    (paths.models / "a" / "stale.part").write_text("of another application")

    async def main() -> None:
        assert names((await fresh(paths)).all()) == ["Guide", "one", "three", "two"]
        assert exists(paths.models / "a" / "stale.part")

    run(main())


def test_half_an_import_of_yesterday_goes_and_halves_of_downloads_stay(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, _, _ = await with_two_variants(paths, tiny)
        halves = [library.folder / "x" / "half.importing", library.folder / "x" / "new.importing"]
        halves[0].parent.mkdir()
        for half in halves:
            half.write_bytes(b"half")
        parts = {f for f in files_in(library.folder) if ".part" in f}
        for old in (halves[0], *(library.folder / part for part in parts)):
            os.utime(old, (1e9, 1e9))
        after = await fresh(paths)
        assert [exists(half) for half in halves] == [False, True]
        assert {f for f in files_in(after.folder) if ".part" in f} == parts
        assert len(parts) == 2

    run(main())


def test_a_model_whose_file_was_gone_takes_nothing_with_it(paths: Paths, tiny: Path) -> None:
    """It is in the bin by name only: its neighbours stay when the bin is emptied, and it may come back by itself."""

    async def main() -> None:
        library, one, two = await with_two_variants(paths, tiny)
        for ending in ("empty", "restore"):
            one.path.unlink()
            removed = await library.remove(one.name)
            if ending == "empty":
                await library.empty_bin(9e9)
                one = await library.add(put(tiny / "tiny.gguf", one.path), ORIGIN)
            else:
                put(tiny / "tiny.gguf", one.path)
                assert (await library.restore(removed)).path == one.path
            assert two.present
        assert (await fresh(paths)).find(one.name).present

    run(main())
