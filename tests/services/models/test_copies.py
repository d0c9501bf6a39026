"""What lies here twice, and what that costs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.services.models.library import How, Origin
from desktop.services.paths import Paths
from tests.services.database import run
from tests.services.shelves import fresh, put, sha256


def test_copies_are_found_and_checksums_make_it_certain(paths: Paths, tiny: Path, tmp_path: Path) -> None:
    async def main() -> None:
        library = await fresh(paths)
        other = await library.import_file(tiny / "other.gguf", How.COPY)
        linked = await library.import_file(put(tiny / "tiny.gguf", tmp_path / "theirs" / "x.gguf"), How.LINK)
        file = put(tiny / "tiny.gguf", library.folder / "a" / "b" / "y.gguf")
        own = await library.add(file, Origin("a/b", "c", "y.gguf", sha256(file)))
        (twice,) = await library.duplicates()
        assert {m.id for m in twice.models} == {linked.id, own.id}
        assert (twice.spare, twice.certain) == (own.size, False)
        await library.verify(linked)
        (twice,) = await library.duplicates()
        assert twice.certain
        usage = await library.usage()
        assert (usage.owned, usage.linked, usage.binned) == (other.size + own.size, linked.size, 0)
        assert usage.free > 0
        assert usage.unfinished == 0
        (library.folder / "TheBloke").mkdir()
        (library.folder / "TheBloke" / "a.gguf.part").write_bytes(bytes(1000))
        assert (await library.usage()).unfinished == 1000
        await library.remove(own.name)
        assert await library.duplicates() == []
        assert (await library.usage()).binned == own.size

    run(main())


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
def test_two_names_of_one_file_cost_nothing(paths: Paths, tiny: Path) -> None:
    async def main() -> None:
        first = put(tiny / "tiny.gguf", paths.models / "a" / "b" / "one.gguf")
        os.link(first, first.with_name("two.gguf"))
        os.symlink(first, first.with_name("three.gguf"))
        library = await fresh(paths)
        (copies,) = await library.duplicates()
        assert (len(copies.models), copies.spare) == (3, 0)
        assert (await library.usage()).owned == first.stat().st_size

    run(main())


def test_alike_in_all_samples_and_yet_not_the_same(paths: Paths, tiny: Path) -> None:
    """Fingerprints look at some megabytes only: checksums tell such files apart."""

    async def main() -> None:
        library = await fresh(paths)
        for name, sum_ in (("one", "1" * 64), ("two", "2" * 64)):
            file = put(tiny / "tiny.gguf", library.folder / "a" / name / f"{name}.gguf")
            await library.add(file, Origin(f"a/{name}", "c", file.name, sum_))
        assert await library.duplicates() == []

    run(main())
