"""The unfinished file and its ledger: after a crash, after a power cut, and between strangers."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.errors import StorageError, TransferError
from desktop.services.transfer.folders import make_folder, remove_empty
from desktop.services.transfer.part import Busy, Part, Promise

CONTENT = b"GGUF" + bytes(range(256)) * 2000
SHA = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


def going() -> None:
    pass


@pytest.fixture
def promise(tmp_path: Path) -> Promise:
    folder = tmp_path / "D'Angelò 김철수"
    folder.mkdir()
    return Promise(folder / "model.gguf", len(CONTENT), SHA, "c" * 40)


def begun(promise: Promise, count: int = HALF, close: bool = True) -> Part:
    """A part that a program has left, by its end or by a crash: on the disk it is the same."""
    part = Part(promise)
    part.open(going)
    part.begin('"etag"', len(CONTENT), anew=False)
    for at in range(0, count, 1000):
        part.write(CONTENT[at : min(at + 1000, count)])
    if close:
        part.close()
    return part


def again(promise: Promise) -> Part:
    part = Part(promise)
    part.open(going)
    return part


def found(promise: Promise) -> int:
    """How much can be built upon."""
    part = again(promise)
    part.close()
    return part.received


def changed(part: Part, **told: object) -> None:
    ledger = json.loads(part.ledger.read_text())
    part.ledger.write_text(json.dumps({**ledger, **told}))


def test_what_is_here_is_read_again_and_built_upon(promise: Promise) -> None:
    begun(promise)
    part = again(promise)
    assert (part.received, part.etag, part.held.sha256) == (HALF, '"etag"', SHA)
    part.write(CONTENT[HALF:])
    part.verify()
    part.give_name()
    assert promise.target.read_bytes() == CONTENT
    assert [path.name for path in promise.target.parent.iterdir()] == ["model.gguf"]


def test_a_crash_loses_nothing_a_power_cut_what_was_not_synced(promise: Promise) -> None:
    part = begun(promise)
    changed(part, synced=1000)
    same = again(promise)
    assert same.received == HALF
    same.close()
    changed(part, synced=1000, boot="another")
    assert found(promise) == 1000


def test_the_ledger_follows_the_disk(promise: Promise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.transfer.part._SYNC_BYTES", 50_000)
    part = begun(promise)
    synced = json.loads(part.ledger.read_text())["synced"]
    assert 50_000 <= synced <= HALF


def test_a_disk_that_fails_later_is_believed(promise: Promise, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells of it once: neither the ledger nor the end of the download may call those bytes safe."""
    monkeypatch.setattr("desktop.services.transfer.part._SYNC_BYTES", 50_000)
    part = again(promise)
    part.begin('"etag"', len(CONTENT), anew=False)
    true, asked = os.fsync, part._handle

    def broken(handle: int) -> None:
        if handle == asked:
            raise OSError(errno.EIO, "Input/output error")
        true(handle)

    monkeypatch.setattr("os.fsync", broken)
    part.write(CONTENT)
    part._settle()
    monkeypatch.setattr("os.fsync", true)
    assert json.loads(part.ledger.read_text())["synced"] == 0
    with pytest.raises(StorageError):
        part.write(b"more")
    with pytest.raises(StorageError):
        part.verify()
    part.close()


def test_another_program_was_first(promise: Promise) -> None:
    """It gives the file its name between the look for it and the lock."""
    part = Part(promise)
    assert not part.found_whole(going)
    promise.target.write_bytes(CONTENT)
    part.open(going)
    assert part.whole
    assert part.named
    assert [path.name for path in promise.target.parent.iterdir()] == ["model.gguf"]


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
def test_a_link_to_nowhere_is_told_before(promise: Promise) -> None:
    promise.target.symlink_to("nowhere")
    with pytest.raises(TransferError, match="already"):
        Part(promise).found_whole(going)


def test_zeros_of_a_power_cut_are_cut_off(promise: Promise) -> None:
    part = begun(promise)
    with part.path.open("r+b") as file:
        file.seek(1000)
        file.write(bytes(HALF - 1000))
    changed(part, synced=1000, boot="another")
    after = again(promise)
    after.write(CONTENT[1000:])
    after.verify()


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": "b" * 64},
        {"size": len(CONTENT) + 1},
        {"sha256": "", "size": 0, "commit": "d" * 40},
    ],
)
def test_a_part_of_another_file_is_begun_anew(promise: Promise, other: dict[str, object]) -> None:
    begun(promise)
    assert found(replace(promise, **other)) == 0  # type: ignore[arg-type]


def test_the_same_bytes_of_another_commit_are_built_upon(promise: Promise) -> None:
    begun(promise)
    assert found(replace(promise, commit="d" * 40)) == HALF


def test_without_a_checksum_the_commit_tells(promise: Promise) -> None:
    bare = replace(promise, sha256="", size=0)
    begun(bare)
    part = again(bare)
    assert (part.received, part.size) == (HALF, len(CONTENT))


def test_a_checksum_that_was_learned_stays_known(promise: Promise) -> None:
    bare = replace(promise, sha256="", size=0)
    first = Part(bare)
    first.open(going)
    first.sha256 = SHA  # from the Hub's answer
    first.begin('"etag"', len(CONTENT), anew=False)
    first.write(CONTENT[:HALF])
    first.close()
    learned = again(bare)
    learned.close()
    assert (learned.received, learned.sha256) == (HALF, SHA)
    assert found(promise) == HALF
    assert found(replace(promise, sha256="b" * 64)) == 0


@pytest.mark.parametrize("ledger", [None, b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_part_without_a_ledger_is_not_ours(promise: Promise, ledger: bytes | None) -> None:
    part = Part(promise)
    part.path.write_bytes(b"precious")
    if ledger is not None:
        part.ledger.write_bytes(ledger)
    with pytest.raises(TransferError, match="is in the way"):
        part.open(going)
    part.close()
    assert not Part(promise).discard()
    assert part.path.read_bytes() == b"precious"


@pytest.mark.parametrize("told", [{"size": "x"}, {"synced": None}, {"size": -5}, {"synced": -1, "boot": "another"}])
def test_a_ledger_of_nonsense_is_begun_anew(promise: Promise, told: dict[str, object]) -> None:
    changed(begun(promise), **told)
    assert found(promise) == 0


def test_an_empty_part_of_a_crash_at_the_start_is_taken(promise: Promise) -> None:
    Part(promise).path.write_bytes(b"")
    assert found(promise) == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
def test_a_link_is_not_followed(promise: Promise, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"")
    Part(promise).path.symlink_to(precious)
    with pytest.raises(StorageError):
        again(promise)


def test_two_cannot_hold_it(promise: Promise) -> None:
    first = begun(promise, close=False)
    second = Part(promise)
    with pytest.raises(Busy):
        second.open(going)
    assert not second.discard()
    assert first.path.exists()
    first.close()
    second.open(going)
    assert second.received == HALF
    assert second.discard()


def test_a_waiting_one_finds_it_whole(promise: Promise) -> None:
    first, second = begun(promise, len(CONTENT), close=False), Part(promise)
    first.verify()
    first.give_name()
    assert second.found_whole(going)
    assert second.whole
    assert second.named


def test_a_wrong_sum_keeps_nothing(promise: Promise) -> None:
    part = begun(replace(promise, sha256="b" * 64), len(CONTENT), close=False)
    with pytest.raises(TransferError, match=f"its SHA-256 is {SHA[:12]}, not bbbbbbbbbbbb"):
        part.verify()
    assert list(promise.target.parent.iterdir()) == []


def test_a_name_is_never_taken_from_another_file(promise: Promise) -> None:
    part = begun(promise, len(CONTENT), close=False)
    part.verify()
    promise.target.write_bytes(b"precious")
    with pytest.raises(TransferError, match="already"):
        part.give_name()
    assert promise.target.read_bytes() == b"precious"
    part.close()
    with pytest.raises(TransferError, match="already"):
        Part(promise).found_whole(going)


def test_reading_again_can_be_ended(promise: Promise) -> None:
    begun(promise)

    def enough() -> None:
        raise InterruptedError

    part = Part(promise)
    with pytest.raises(StorageError):
        part.open(enough)
    part.close()
    assert found(promise) == HALF


def test_letting_go_begins_at_nothing(promise: Promise) -> None:
    part = begun(promise, close=False)
    part.let_go()
    assert (part.received, part.etag, part.path.stat().st_size) == (0, "", 0)
    part.begin('"new"', 0, anew=False)
    part.write(CONTENT)
    part.verify()


def test_a_folder_that_is_not_there(promise: Promise) -> None:
    part = Part(replace(promise, target=promise.target.parent / "gone" / "x.gguf"))
    assert part.on_disk() == 0
    assert not part.found_whole(going)
    with pytest.raises(StorageError):
        part.open(going)


def test_folders_are_made_and_removed_if_empty(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    made = make_folder(tmp_path / "a" / "b" / "c", tmp_path)
    assert made == [tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]
    assert make_folder(tmp_path / "a" / "b", tmp_path) == []
    (tmp_path / "a" / "b" / "mine").write_text("")
    remove_empty(made)
    assert (tmp_path / "a" / "b" / "mine").exists()
    assert not (tmp_path / "a" / "b" / "c").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        make_folder(tmp_path / "file" / "x", tmp_path)


def test_a_disk_that_is_not_plugged_in_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is not there"):
        make_folder(tmp_path / "usb" / "models" / "author" / "repo", tmp_path / "usb" / "models")
    assert list(tmp_path.iterdir()) == []
