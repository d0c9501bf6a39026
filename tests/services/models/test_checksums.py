"""Files that vanish, change or rot say so, and each says which."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from desktop.core.errors import ModelFileError
from desktop.services.models import checksums
from desktop.services.models.library import How, Library, Model, Origin, Proof
from desktop.services.paths import Paths
from tests.models import tiny_model
from tests.services.database import run
from tests.services.shelves import fresh, put, sha256


def rot(file: Path, offset: int = -9, stamp: bool = False) -> None:
    """Changes one byte of a file, and unless `stamp` leaves its time as it was."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        byte = opened.read(1)[0]
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 0xFF]))
    if not stamp:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def touch(file: Path) -> None:
    os.utime(file, (1e9, 1e9))


async def published(paths: Paths, tiny: Path, sum_: str | None = None) -> tuple[Library, Model]:
    library = await fresh(paths)
    file = put(tiny / "tiny.gguf", library.folder / "a" / "b" / "tiny.gguf")
    return library, await library.add(file, Origin("a/b", "c", "tiny.gguf", sha256(file) if sum_ is None else sum_))


def test_against_what_the_repository_publishes(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, model = await published(paths, tiny)
        assert (model.sha256, model.verified > 0, model.origin and model.origin.repo) == (
            sha256(model.path),
            True,
            "a/b",
        )
        heard: list[float] = []
        assert await library.verify(model, heard.append) is Proof.PUBLISHED
        await asyncio.sleep(0)
        assert heard[-1] == 1.0
        rot(model.path)
        assert not model.changed
        with pytest.raises(
            ModelFileError, match=r"“tiny” is damaged: it is not what “a/b” published.*download it again"
        ):
            await library.verify(model)

    run(main())


@pytest.mark.parametrize("how", list(How))
def test_against_what_was_recorded(paths: Paths, source: Path, how: How) -> None:
    """A copy is summed while it is made; a file that is linked or renamed when it is verified first."""

    async def main() -> None:
        library = await fresh(paths)
        model = await library.import_file(source, how)
        assert model.hashes == ((sha256(model.path),) if how is How.COPY else ())
        assert await library.verify(model) is (Proof.RECORDED if how is How.COPY else Proof.FIRST)
        model = (await fresh(paths)).find(model.name)
        assert model.sha256 == sha256(model.path)
        assert await library.verify(model) is Proof.RECORDED
        rot(model.path)
        with pytest.raises(ModelFileError, match=r"is damaged: it is not what it was when it came.*check its disk"):
            await library.verify(model)

    run(main())


def test_a_file_that_was_replaced_is_told_from_a_damaged_one(paths: Paths, source: Path, tiny: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        model = await library.import_file(source, How.LINK)
        assert not model.changed
        shutil.copy(tiny / "other.gguf", source)
        assert library.find(model.name).changed
        for _ in range(2):
            with pytest.raises(ModelFileError, match="has been replaced or changed since it was taken"):
                await library.verify(model)
            library = await fresh(paths)  # a start does not take it for the old one either
            assert library.find(model.name).changed
        renewed = await library.renew(model)
        assert (renewed.id, renewed.name, renewed.changed) == (model.id, model.name, False)
        assert await library.verify(renewed) is Proof.FIRST

    run(main())


def test_a_file_that_was_only_touched_has_not_changed_after_the_next_start(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        _, model = await published(paths, tiny)
        touch(model.path)
        assert model.changed
        again = (await fresh(paths)).find(model.name)
        assert (again.changed, again.hashes) == (False, model.hashes)

    run(main())


def test_verifying_takes_a_touched_file_as_it_is(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, model = await published(paths, tiny)
        touch(model.path)
        assert await library.verify(model) is Proof.PUBLISHED
        assert not library.find(model.name).changed

    run(main())


def test_a_file_that_vanished(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, model = await published(paths, tiny)
        model.path.unlink()
        assert (model.present, model.changed) == (False, False)
        with pytest.raises(ModelFileError, match="is not there any more"):
            await library.verify(model)
        again = put(tiny / "tiny.gguf", library.folder / "x" / "y" / "tiny.gguf")
        back = await library.add(again, Origin("x/y", "c", "tiny.gguf"))
        assert (back.id, back.name, back.path) == (model.id, model.name, again)

    run(main())


def test_a_split_model_is_summed_file_by_file(paths: Paths) -> None:
    async def main() -> None:
        library = await fresh(paths)
        folder = library.folder / "a" / "b"
        folder.mkdir(parents=True)
        tiny_model(folder / "big.gguf", shards=10)
        files = sorted(folder.iterdir())
        first, *others = map(sha256, files)
        model = await library.add(files[0], Origin("a/b", "c", files[0].name, first, tuple(others)))
        assert await library.verify(model) is Proof.PUBLISHED
        rot(files[2])
        with pytest.raises(ModelFileError, match="is damaged"):
            await library.verify(model)
        files[1].unlink()
        assert model.present
        with pytest.raises(ModelFileError, match="is not beside"):
            await library.verify(model)

    run(main())


def test_verifying_can_be_cancelled(paths: Paths, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "_CHUNK", 1000)
    pieces: list[int] = []

    async def main() -> None:
        library, model = await published(paths, tiny)
        task = asyncio.current_task()
        real = checksums.digest
        loop = asyncio.get_running_loop()

        def slow(path: Path, progress: object) -> str:
            def count(size: int) -> None:
                pieces.append(size)
                if len(pieces) == 3:
                    asyncio.run_coroutine_threadsafe(ended(), loop).result(10)
                progress(size)  # type: ignore[operator]

            return real(path, count)

        async def ended() -> None:
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

        monkeypatch.setattr(checksums, "digest", slow)
        with pytest.raises(asyncio.CancelledError):
            await library.verify(model)

    run(main())
    assert len(pieces) == 3


def test_without_a_published_checksum_the_first_one_is_recorded(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, model = await published(paths, tiny, "")
        assert (model.hashes, model.verified) == ((), 0.0)
        assert await library.verify(model) is Proof.FIRST
        assert library.find(model.name).verified > 0
        assert await library.verify(library.find(model.name)) is Proof.RECORDED

    run(main())


def test_what_is_renamed_meanwhile_keeps_its_new_name(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, model = await published(paths, tiny)
        renamed = await library.rename(model.name, "Mine")
        assert await library.verify(model) is Proof.PUBLISHED
        assert library.find("Mine").id == renamed.id

    run(main())


def test_a_second_download_of_the_same_file_is_not_doubled(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        library, model = await published(paths, tiny)
        again = await library.add(model.path, Origin("a/b", "d", "tiny.gguf", model.sha256))
        assert (again.id, again.name) == (model.id, model.name)
        assert [m.origin.commit for m in library.all() if m.origin] == ["d"]

    run(main())
