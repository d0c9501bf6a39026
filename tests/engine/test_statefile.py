"""State files: what was written comes back, and nothing else does."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from desktop.engine import statefile
from desktop.engine.statefile import Kind, Opening, Range
from desktop.engine.tokens import Reply

KEY = "0" * 32
REPLIES = (Reply("abc \ud800 한글", (4, 5), "\n"), Reply("", (), ""))
SLICES = (
    (Range(Kind.SLICE, 0, 3, (1, 2, 3)), b"x" * 20_000),
    (Range(Kind.SLICE, 3, 5, (4, 5), REPLIES), bytes(range(256)) * 70 + b"tail"),
    (Range(Kind.CHECKPOINT, 5, 5), b""),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.state"
    with file.open("xb", buffering=0) as out:
        size = statefile.open_with(out, Opening(KEY, "b.state", 7))
        for what, data in SLICES:
            size += statefile.append(out, what, memoryview(data))
    assert size == file.stat().st_size
    return file


def test_what_was_written_comes_back(path: Path) -> None:
    opening, *records = statefile.read(path)
    assert opening.about == Opening(KEY, "b.state", 7)
    for record, (what, data) in zip(records, SLICES, strict=True):
        assert (record.kind, record.start, record.end) == (what.kind, what.start, what.end)
        assert tuple(record.tokens) == tuple(what.tokens)
        assert record.replies == tuple(what.replies)
        buffer = bytearray(100_000)
        assert statefile.load(record, buffer)
        assert buffer[: record.size] == data


def test_any_byte_that_changes_is_noticed(path: Path) -> None:
    good = path.read_bytes()
    before = list(statefile.read(path))
    for at in [*range(0, len(good), 97), len(good) - 1]:
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        found = list(statefile.read(path))
        assert found == before[: len(found)]
        sound = [statefile.load(record, bytearray(100_000)) for record in found]
        assert len(found) < len(before) or not all(sound), at


def test_a_file_cut_off_anywhere_is_good_up_to_there(path: Path) -> None:
    good = path.read_bytes()
    before = list(statefile.read(path))
    for length in range(0, len(good), 211):
        path.write_bytes(good[:length])
        whole = [record for record in before if record.offset + record.size <= length]
        assert list(statefile.read(path)) == whole


def test_the_checksum_knows_the_order() -> None:
    one, other = bytes(range(256)) * 64, bytes(reversed(range(256))) * 64
    sums = {
        statefile.checksum(memoryview(data))
        for data in (
            one,
            other,
            one + other,
            other + one,
            one[8:] + one[:8],
            one[8192:] + other,
            one + b"\0",
            b"",
            b"\0",
        )
    }
    assert len(sums) == 9


def test_a_file_of_a_later_version_is_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "later.state"
    monkeypatch.setattr(statefile, "VERSION", statefile.VERSION + 1)
    with file.open("xb", buffering=0) as out:
        statefile.open_with(out, Opening(KEY))
    monkeypatch.undo()
    assert [record.about for record in statefile.read(file)] == [None]


class _Hesitant(io.BytesIO):
    """Takes a few bytes at a time, as a pipe or a full disk may."""

    def write(self, data: object) -> int:
        return super().write(bytes(memoryview(cast(bytes, data))[:1000]))


def test_a_write_that_takes_only_part_goes_on(path: Path) -> None:
    slow = _Hesitant()
    statefile.open_with(cast(BinaryIO, slow), Opening(KEY, "b.state", 7))
    for what, data in SLICES:
        statefile.append(cast(BinaryIO, slow), what, memoryview(data))
    assert slow.getvalue() == path.read_bytes()


@pytest.mark.parametrize("note", [b"[]", b"null", b'{"version": 1}', b"\xff\xfe", b'"a"', b"[" * 100_000])
def test_a_first_record_that_says_something_else_is_none_of_ours(tmp_path: Path, note: bytes) -> None:
    file = tmp_path / "odd.state"
    with file.open("xb", buffering=0) as out:
        statefile._write(out, Kind.OPENING, 0, 0, note, memoryview(b""))
    assert list(statefile.read(file)) == []


@pytest.mark.parametrize(
    "replies",
    [b"", b"7", b"[7]", b"[[1, [2], 3]]", b'[["a", ["b"], ""]]', b'[["a", [1e99], ""]]', b'[["a", [99999999999], ""]]'],
)
def test_a_range_that_says_something_else_is_not_believed(path: Path, replies: bytes) -> None:
    with path.open("ab", buffering=0) as out:
        statefile._write(out, Kind.SLICE, 5, 6, b"\0\0\0\1" + replies, memoryview(b"x"))
    assert len(list(statefile.read(path))) == 1 + len(SLICES)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_what_is_no_ordinary_file_is_neither_waited_for_nor_followed(path: Path, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.state", tmp_path / "link.state"
    os.mkfifo(pipe)
    link.symlink_to(path)
    for odd in (pipe, link, tmp_path):
        with pytest.raises(OSError, match=r"ordinary|symbolic|directory"):
            list(statefile.read(odd))
