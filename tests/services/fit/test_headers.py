"""Headers of files that are elsewhere, fetched in steps."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from desktop.core import gguf, quants
from desktop.core.errors import HubError, ModelFileError, NetworkError
from desktop.core.repos import Listing, RepoFile, Repository, Variant
from desktop.services.fit.headers import Head, Headers
from tests import models
from tests.hub.shapes import model_bytes, split_model
from tests.hub.true_sizes import MISTRAL, TINYLLAMA, sparse_model

REPO = Repository("TheBloke/Tiny-GGUF")
MIB = 1 << 20


class Shelf:
    """Files somewhere else, read by range; what was asked for is written down. `breaks`: the n-th read fails."""

    def __init__(self, folder: Path, breaks: int = 0) -> None:
        self.folder, self.breaks = folder, breaks
        self.asked: list[tuple[str, int, int]] = []

    async def read(self, repo: str, commit: str, path: str, start: int, stop: int) -> bytes:
        await asyncio.sleep(0)
        assert (repo, commit) == (REPO.id, "c1")
        self.asked.append((path, start, stop))
        if len(self.asked) == self.breaks:
            raise NetworkError("The line is dead.")
        with (self.folder / path).open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    @property
    def bytes(self) -> int:
        return sum(stop - start for _, start, stop in self.asked)


def variant(*files: Path, label: str = "Q4_K_M") -> Variant:
    return Variant(label, quants.BY_NAME.get(label), tuple(RepoFile(f.name, f.stat().st_size) for f in files))


def fetch(headers: Headers, one: Variant) -> tuple[Head, ...]:
    return asyncio.run(headers.of(Listing(REPO, "c1", (one,)), one))


def same(head: Head, path: Path) -> None:
    """Whether it is the header of that file."""
    with path.open("rb") as file:
        data = file.read(8 * MIB)
    assert head.header == gguf.parse(data, path.stat().st_size)
    assert head.data == data[: head.header.data_offset]


def test_32000_tokens_cost_one_request_of_less_than_a_megabyte(tmp_path: Path) -> None:
    path = sparse_model(tmp_path / "mistral.Q4_K_M.gguf", MISTRAL, "Q4_K_M")
    shelf = Shelf(tmp_path)
    (head,) = fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))
    same(head, path)
    assert len(shelf.asked) == 1
    assert shelf.bytes < 1_000_000


def test_a_second_time_it_comes_from_the_disk(tmp_path: Path) -> None:
    path = models.tiny_model(tmp_path / "tiny.gguf")
    shelf = Shelf(tmp_path)
    fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))
    asked = len(shelf.asked)
    (head,) = fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))
    same(head, path)
    assert len(shelf.asked) == asked


def test_a_damaged_or_lost_cache_costs_another_request_only(tmp_path: Path) -> None:
    path = models.tiny_model(tmp_path / "tiny.gguf")
    shelf = Shelf(tmp_path)
    fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))
    (kept,) = (tmp_path / "cache").glob("*.head")
    for damage in (b"", b"GGUF", b"not a header at all" * 99):
        kept.write_bytes(damage)
        same(fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))[0], path)
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    same(fetch(Headers(shelf.read, in_the_way / "cache"), variant(path))[0], path)


def test_a_long_header_grows_in_steps_and_a_broken_one_goes_on(tmp_path: Path) -> None:
    path = models.tiny_model(tmp_path / "tiny.gguf", comment="x" * 5_900_000)  # as long as that of Qwen
    shelf = Shelf(tmp_path, breaks=4)
    headers = Headers(shelf.read, tmp_path / "cache")
    with pytest.raises(NetworkError):
        fetch(headers, variant(path))
    same(fetch(headers, variant(path))[0], path)
    starts = [start for _, start, _ in shelf.asked]
    assert starts[4] == starts[3]  # the failed one again, and nothing before it
    assert starts == sorted(starts)
    assert shelf.bytes - MIB < 8 * MIB
    assert max(stop - start for _, start, stop in shelf.asked) <= MIB


def test_of_a_sibling_only_the_list_of_tensors_is_fetched(tmp_path: Path) -> None:
    paths = [sparse_model(tmp_path / f"tiny.{kind}.gguf", TINYLLAMA, kind) for kind in ("Q4_K_M", "Q6_K", "Q2_K")]
    shelf = Shelf(tmp_path)
    headers = Headers(shelf.read, tmp_path / "cache")
    for path in paths:
        label = path.name.split(".")[1]
        (head,) = fetch(headers, variant(path, label=label))
        same(head, path)
        assert head.header.quantisation == label
    first, *others = shelf.asked
    assert first[2] < 1_000_000
    assert len(others) == 2
    assert all(stop - start < 32_000 for _, start, stop in others)


def test_a_sibling_described_otherwise_is_fetched_whole(tmp_path: Path) -> None:
    paths = [
        models.tiny_model(tmp_path / f"{n}.gguf", comment="x" * (100_000 + n), layers=2 + n // 9) for n in (1, 8, 9)
    ]
    shelf = Shelf(tmp_path)
    headers = Headers(shelf.read, tmp_path / "cache")
    for path in paths:
        same(fetch(headers, variant(path))[0], path)
    assert {start for name, start, _ in shelf.asked if name == "1.gguf"} == {0}
    assert len(shelf.asked) == 5  # each of the others once in vain


def test_a_sibling_of_another_length_than_its_tensors_is_not_believed(tmp_path: Path) -> None:
    first = models.tiny_model(tmp_path / "a.gguf", comment="x" * 100_000)
    second = tmp_path / "b.gguf"
    second.write_bytes(model_bytes(first, 15, extra=4096))
    shelf = Shelf(tmp_path)
    headers = Headers(shelf.read, tmp_path / "cache")
    fetch(headers, variant(first))
    same(fetch(headers, variant(second))[0], second)
    assert len(shelf.asked) == 3


def test_every_file_of_a_split_model_has_its_header(tmp_path: Path) -> None:
    files = split_model(tmp_path / "split.gguf")
    heads = fetch(Headers(Shelf(tmp_path).read, tmp_path / "cache"), variant(*files))
    for head, path in zip(heads, files, strict=True):
        same(head, path)


def test_a_header_that_claims_too_much_is_refused_in_time(tmp_path: Path) -> None:
    path = tmp_path / "hostile.gguf"
    start = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 3) + b"key" + struct.pack("<IIQ", 9, 8, 1 << 40)
    with path.open("wb") as file:
        file.write(start)
        file.truncate(1 << 40)
    shelf = Shelf(tmp_path)
    with pytest.raises(ModelFileError, match=r"hostile\.gguf.*in its repository"):
        fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))
    assert shelf.bytes < MIB
    path.write_bytes(models.tiny_model(tmp_path / "tiny.gguf").read_bytes()[:-100])
    with pytest.raises(ModelFileError, match=r"hostile\.gguf.*Choose another"):
        fetch(Headers(shelf.read, tmp_path / "cache"), variant(path))


def test_a_hub_that_sends_nothing_says_so(tmp_path: Path) -> None:
    path = models.tiny_model(tmp_path / "tiny.gguf")
    one = variant(path)
    path.write_bytes(b"")
    with pytest.raises(HubError, match="nothing"):
        fetch(Headers(Shelf(tmp_path).read, tmp_path / "cache"), one)


def test_who_asks_at_the_same_time_shares_the_answer(tmp_path: Path) -> None:
    one = variant(models.tiny_model(tmp_path / "tiny.gguf"))
    shelf = Shelf(tmp_path)
    headers, listing = Headers(shelf.read, tmp_path / "cache"), Listing(REPO, "c1", (one,))

    async def both() -> None:
        first, second = await asyncio.gather(headers.of(listing, one), headers.of(listing, one))
        assert first == second

    asyncio.run(both())
    assert len(shelf.asked) == 1


def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.fit.headers._CACHE", 250_000)
    headers = Headers(Shelf(tmp_path).read, tmp_path / "cache")
    for n in range(4):
        fetch(headers, variant(models.tiny_model(tmp_path / f"{n}.gguf", comment="x" * (100_000 + n))))
    assert len(list((tmp_path / "cache").glob("*.head"))) == 2
