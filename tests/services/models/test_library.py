"""The models on this computer: import in every way, names, bin, damage, and files that go away."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from desktop.core.errors import ModelFileError, SettingError, StorageError
from desktop.core.gguf import Header
from desktop.services.models import modelfiles
from desktop.services.models.library import GUIDE, How, Library
from desktop.services.paths import Paths
from tests.models import tiny_model
from tests.services.database import run
from tests.services.shelves import exists, fresh, names, resources


def test_the_guide_is_first_found_by_nothing_and_stays(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library = await Library.open(paths, resources(tmp_path, tiny))
        guide = library.find("")
        assert (guide.name, guide.built_in, guide.linked, guide.present) == (GUIDE, True, False, True)
        assert library.find("gUIDE") is guide
        assert guide.template
        for refused in (library.rename(GUIDE, "mine"), library.remove("guide")):
            with pytest.raises(SettingError, match="belongs to Alcove"):
                await refused

    run(main())


def test_the_guide_that_an_update_brings_is_taken_as_it_is(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library = await Library.open(paths, resources(tmp_path, tiny))
        before = library.named("")
        for seed in (11, 12):
            other = tiny_model(tmp_path / f"other{seed}.gguf", seed=seed)
            os.replace(other, before.path)
            guide = library.all()[0]
            assert (guide.built_in, guide.changed, guide.size) == (True, False, before.path.stat().st_size)
            assert guide.fingerprint != before.fingerprint
            assert library.named(GUIDE) is guide
            before = guide
        before.path.unlink()
        assert not library.all()[0].present
        tiny_model(before.path)
        assert library.all()[0].size == before.path.stat().st_size

    run(main())


def test_without_its_file_the_guide_is_listed_as_missing(paths: Paths) -> None:
    async def main() -> None:
        (guide,) = (await fresh(paths)).all()
        assert not guide.present

    run(main())


@pytest.mark.parametrize("how", list(How))
def test_a_file_is_imported_and_still_there_after_a_start(paths: Paths, source: Path, how: How) -> None:
    content = source.read_bytes()

    async def main() -> None:
        library = await fresh(paths)
        heard: list[float] = []
        model = await library.import_file(source, how, heard.append)
        await asyncio.sleep(0)
        assert exists(source) == (how is not How.MOVE)
        assert model.linked == (how is How.LINK)
        assert model.path.read_bytes() == content
        assert model.path.is_relative_to(paths.models) == (how is not How.LINK)
        assert (model.name, model.size) == ("D'Angelò 7B «q» 🦙.Q4", len(content))
        assert (model.architecture, model.context_length, model.quantisation) == ("llama", 4096, "F32")
        assert model.parameters > 1000
        assert heard == ([1.0] if how is How.COPY else [])
        assert (await fresh(paths)).all()[1:] == [model]
        assert dict(await library.info(model))["general.name"] == "Tiny"

    run(main())


def test_metadata_is_summarised(paths: Paths, source: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        info = dict(await library.info(library.find(str(source))))
        assert info["tokenizer.ggml.tokens"].startswith("[<unk>, <s>,")
        assert len(info["tokenizer.ggml.tokens"]) < 300

    run(main())


def test_the_list_holds_no_templates_that_make_it_slow_to_read(paths: Paths, tmp_path: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        kept = await library.import_file(tiny_model(tmp_path / "a.gguf", template="{# #}" * 4_000))
        left = await library.import_file(tiny_model(tmp_path / "b.gguf", template="{# #}" * 40_000))
        assert (len(kept.template), left.template) == (20_000, "")
        assert paths.library.stat().st_size < 25_000

    run(main())


@pytest.mark.parametrize("name", ["l'altro.GGUF", "l'altro.gguf", "l'altro"])
def test_a_file_keeps_its_name_with_one_ending(paths: Paths, tiny: Path, tmp_path: Path, name: str) -> None:
    async def main() -> None:
        model = await (await fresh(paths)).import_file(Path(shutil.copy(tiny / "other.gguf", tmp_path / name)))
        assert model.path.name == "l'altro.gguf"

    run(main())


def test_the_same_model_is_found_again_not_doubled(paths: Paths, source: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        model = await library.import_file(source, How.LINK)
        twin = shutil.copy(source, tmp_path / "twin.gguf")
        assert await library.import_file(source, How.COPY) == model
        assert await library.import_file(Path(twin), How.COPY) == model
        os.unlink(source)
        assert not library.find(model.name).present
        again = await library.import_file(Path(twin), How.LINK)
        assert (again.id, again.name, again.path) == (model.id, model.name, Path(twin))
        await library.remove(model.name)
        assert (await library.import_file(Path(twin), How.LINK)).binned is None
        assert len(library.all()) == 2

    run(main())


def test_a_linked_file_that_was_replaced_is_read_anew(paths: Paths, source: Path, tiny: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        before = await library.import_file(source, How.LINK)
        shutil.copy(tiny / "other.gguf", source)
        after = await library.import_file(source, How.LINK)
        assert (after.id, after.name) == (before.id, before.name)
        assert after.fingerprint != before.fingerprint

    run(main())


def test_a_cancelled_copy_leaves_nothing_behind(paths: Paths, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelfiles, "_CHUNK", 1000)
    begun, go_on = threading.Event(), threading.Event()
    real = modelfiles._require_space

    def slow(files: list[Path], folder: Path) -> None:
        begun.set()
        go_on.wait(10)
        real(files, folder)

    monkeypatch.setattr(modelfiles, "_require_space", slow)

    async def main() -> None:
        library = await fresh(paths)
        task = asyncio.create_task(library.import_file(source, How.COPY))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(paths.models.iterdir()) == []
        assert len(library.all()) == 1
        assert exists(source)

    run(main())


def test_a_full_disk_is_said_before_a_byte_is_copied(
    paths: Paths, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modelfiles, "MARGIN", 1 << 60)

    async def main() -> None:
        library = await fresh(paths)
        with pytest.raises(StorageError, match="link the file instead"):
            await library.import_file(source, How.COPY)
        assert list(paths.models.iterdir()) == []

    run(main())


@pytest.mark.parametrize("content", [b"", b"GGUF", b"<!doctype html>" * 99, b"GGUF\x03" + b"\xff" * 4000])
def test_a_file_that_is_no_model_is_refused_in_a_sentence(paths: Paths, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.gguf"
    file.write_bytes(content)

    async def main() -> None:
        library = await fresh(paths)
        for path in (file, tmp_path, tmp_path / "missing.gguf"):
            with pytest.raises(ModelFileError):
                await library.import_file(path, How.COPY)
        assert len(library.all()) == 1
        assert list(paths.models.iterdir()) == []

    run(main())


def test_a_model_cut_short_is_refused(paths: Paths, source: Path) -> None:
    source.write_bytes(source.read_bytes()[:-5000])

    async def main() -> None:
        library = await fresh(paths)
        with pytest.raises(ModelFileError, match="cut short"):
            await library.import_file(source)

    run(main())


def test_names_are_unique_and_may_be_anything_readable(paths: Paths, source: Path, tiny: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        first = await library.import_file(source, How.LINK)
        second = await library.import_file(tiny / "other.gguf", How.LINK)
        for name in ("가" * 200, "🦙 \"double\" 'single' \\ / : * ?", "D'Angelò", "CON", "x" * 200):
            renamed = await library.rename(first.name, f"  {name} ")
            assert (renamed.name, renamed.id) == (name, first.id)
            assert (await fresh(paths)).find(name.upper()).id == first.id
            first = renamed
        await library.rename(first.name, "MODEL")
        await library.rename("model", "Model")
        for bad in ("", "  ", "y" * 201, "OTHER", "guide"):
            with pytest.raises(SettingError):
                await library.rename("Model", bad)
        assert names(library.all()) == [GUIDE, "Model", second.name]

    run(main())


def test_finding_by_beginning_and_by_path(paths: Paths, source: Path, tiny: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        first = await library.import_file(source, How.LINK)
        await library.import_file(tiny / "other.gguf", How.LINK)
        await library.rename("other", "D'Arcy")
        assert library.find("d'ang") == first
        assert library.find(str(source)) == first
        with pytest.raises(ModelFileError, match=r"Several models begin with “D'”: D'Angelò 7B «q» 🦙\.Q4, D'Arcy"):
            library.find("D'")
        passing = library.find(str(tiny / "tiny.gguf"))
        assert passing.id == ""
        assert library.find(passing.name).path == passing.path  # so that a chat can remember it
        assert library.find(passing.name) is passing
        for name in ("nothing", "n\0l", "~nobody", "z" * 5000, "\ud800"):
            with pytest.raises(ModelFileError, match="There is no model called"):
                library.find(name)
        with pytest.raises(ModelFileError, match="is not there"):
            library.find("missing.gguf")

    run(main())


@pytest.mark.parametrize("how", [How.COPY, How.LINK])
def test_what_is_removed_can_be_restored_until_the_bin_is_emptied(paths: Paths, source: Path, how: How) -> None:
    async def main() -> None:
        library = await fresh(paths)
        model = await library.import_file(source, how)
        removed = await library.remove(model.name)
        assert names(library.all()) == [GUIDE]
        assert names(library.binned()) == [model.name]
        assert removed.present
        assert removed.path.is_relative_to(paths.bin) == (how is How.COPY)
        with pytest.raises(ModelFileError):
            library.find(model.name)
        restored = await (await fresh(paths)).restore(removed)
        assert restored.present
        assert (restored.name, restored.id, restored.path.name) == (model.name, model.id, model.path.name)
        await library.remove(model.name)
        await library.empty_bin(0.0)
        assert len(library.binned()) == 1
        await library.empty_bin(9e9)
        assert library.binned() == []
        assert list(paths.bin.iterdir()) == []
        assert exists(source)

    run(main())


def test_a_damaged_list_is_set_aside_and_owned_models_are_found_again(paths: Paths, source: Path) -> None:
    async def main() -> None:
        model = await (await fresh(paths)).import_file(source, How.COPY)
        for damage in (b"{", b"[]", b'{"version": 1, "models": [{"id": 3}]}', b'{"version": 1, "models": 3}'):
            paths.library.write_bytes(damage)
            library = await fresh(paths)
            assert library.notice is not None
            assert names(library.all()) == [GUIDE, model.path.stem]
            assert library.all()[1].owned
        assert len(list(paths.home.glob("library-damaged-*.json"))) == 4

    run(main())


def test_a_list_of_a_newer_alcove_is_not_touched(paths: Paths) -> None:
    newer = json.dumps({"version": 2, "models": {}})
    paths.library.write_text(newer)

    with pytest.raises(StorageError, match="newer Alcove"):
        run(fresh(paths))
    assert paths.library.read_text() == newer


def test_another_process_is_seen_and_its_changes_kept(paths: Paths, source: Path, tiny: Path) -> None:
    async def main() -> None:
        window, command_line = await fresh(paths), await fresh(paths)
        one = await command_line.import_file(source, How.LINK)
        two = await window.import_file(tiny / "other.gguf", How.LINK)
        assert {m.id for m in command_line.all()} == {"guide", one.id, two.id}

    run(main())


def test_the_data_folder_can_be_moved_with_its_models(paths: Paths, source: Path, tmp_path: Path) -> None:
    async def main() -> None:
        await (await fresh(paths)).import_file(source, How.COPY)
        moved = Paths(tmp_path / "moved")
        os.rename(paths.home, moved.home)
        assert (await fresh(moved)).all()[1].present

    run(main())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ('a/b\\c:d*e?f"g<h>i|j\nk', "a_b_c_d_e_f_g_h_i_j_k"),
        ("CON", "_CON"),
        ("nul.x", "_nul.x"),
        ("trailing. . ", "trailing"),
        ("", "_"),
        ("..", "_"),
        ("가" * 100, "가" * 40),
        ("x\ud800", "x?".replace("?", "_")),
    ],
)
def test_file_names_suit_every_system(name: str, safe: str) -> None:
    assert modelfiles.safe_name(name) == safe


def test_a_split_model_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    header = Header(3, {"split.count": 3}, (), 0, 32)
    files = [tmp_path / f"big-{n:05d}-of-00003.gguf" for n in (1, 2, 3)]
    for file in files[:2]:
        file.write_bytes(b"x" * 5000)
    with pytest.raises(ModelFileError, match=r"“big-00003-of-00003\.gguf” is not beside"):
        modelfiles.parts(files[0], header)
    files[2].write_bytes(b"z")
    assert modelfiles.parts(files[0], header) == files
    with pytest.raises(ModelFileError, match=r"Choose “big-00001-of-00003\.gguf” instead"):
        modelfiles.parts(files[1], header)
    for how in (How.COPY, How.MOVE):
        first, hashes = modelfiles.take(files, tmp_path / "models", how, lambda _: None)
        assert first.name == files[0].name
        assert len(hashes) == (3 if how is How.COPY else 0)
        assert [p.stat().st_size for p in sorted(first.parent.iterdir())] == [5000, 5000, 1]
    assert not any(file.exists() for file in files)


def test_a_failed_move_puts_everything_back(tmp_path: Path) -> None:
    files = [tmp_path / f"big-{n:05d}-of-00002.gguf" for n in (1, 2)]
    files[0].write_bytes(b"x")
    with pytest.raises(StorageError):
        modelfiles.take(files, tmp_path / "models", How.MOVE, lambda _: None)
    assert files[0].read_bytes() == b"x"
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
def test_a_link_into_a_cache_is_moved_as_the_model_it_points_to(tmp_path: Path) -> None:
    blob, link = tmp_path / "blobs" / "abc", tmp_path / "model.gguf"
    blob.parent.mkdir()
    blob.write_bytes(b"weights")
    link.symlink_to(Path("blobs") / "abc")
    first, _ = modelfiles.take([link], tmp_path / "models", How.MOVE, lambda _: None)
    assert first.read_bytes() == b"weights"
    assert not first.is_symlink()
    assert blob.exists()
    assert not link.is_symlink()
