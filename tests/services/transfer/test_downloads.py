"""Downloads over real sockets, from a server that does everything wrong that servers do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from desktop.core.errors import ModelFileError, Sealed, StorageError, TransferError
from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import State
from desktop.services.models.modelfiles import Model, Origin
from desktop.services.paths import Paths
from desktop.services.transfer.queue import Queue
from tests.hub import HubServer
from tests.services.fetching import (
    CONTENT,
    HEADER,
    IN_FLIGHT,
    NAME,
    PATIENCE_S,
    REPO,
    SHA,
    SIZE,
    TOKEN,
    TRICKLE,
    VARIANT,
    desk,
    lived,
    spent,
)


@lived
async def test_a_file_arrives_whole_under_its_name(bloke: HubServer, paths: Paths) -> None:
    async with desk(paths.home) as it:
        heard = 0

        def count() -> None:
            nonlocal heard
            heard += 1

        it.downloads.listen(count)
        done = await it.fetched(bloke)
        assert (done.state, done.received, done.size, done.model) == (State.DONE, SIZE, SIZE, "model-1")
        assert it.target.read_bytes() == CONTENT
        ((path, origin),) = it.shelf.taken
        assert path == it.target
        assert (origin.repo, origin.commit, origin.file, origin.sha256) == (REPO, bloke[REPO].head, NAME, SHA)
        assert it.left() == {f"{REPO}/{NAME}"}
        assert heard > 0
    assert bloke.sent() == SIZE


@lived
async def test_the_token_stays_with_the_hub(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="cdn", drop_after=1_000_000, times=2)
    async with desk(paths.home) as it:
        await it.fetched(bloke)
    assert {request.token for request in bloke.received["hub"]} == {TOKEN}
    assert len(bloke.received["cdn"]) == 3
    assert all(TOKEN not in str(request) for request in bloke.received["cdn"])


HALF = SIZE // 2


@lived
async def test_pause_holds_at_once_and_resume_goes_on(bloke: HubServer, paths: Paths) -> None:
    stalled = bloke.misbehave(NAME, on="cdn", stall_after=HALF, times=1)
    async with desk(paths.home, patience_s=20) as it:
        row = await it.add(bloke)
        await it.under_way(row.id, HALF)
        begun = time.monotonic()
        it.downloads.pause(row.id)
        assert it.row(row.id).state is State.PAUSED
        assert (await it.downloads.wait(row.id)).state is State.PAUSED
        await it.until(lambda _: not it.downloads._lingering, row.id)
        assert time.monotonic() - begun < 0.3  # although the read was waiting
        asked = len(bloke.received["hub"])
        await asyncio.sleep(0.6)
        assert (it.row(row.id).state, len(bloke.received["hub"])) == (State.PAUSED, asked)
        assert it.row(row.id).received == HALF
        it.downloads.resume(row.id)
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE
        assert it.target.read_bytes() == CONTENT
    assert stalled.used == 1
    assert spent(paths.home) <= SIZE + IN_FLIGHT


@lived
async def test_pause_and_resume_in_one_breath(bloke: HubServer, paths: Paths) -> None:
    fault = bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        await it.under_way(row.id)
        for _ in range(5):
            it.downloads.pause(row.id)
            it.downloads.resume(row.id)
            await asyncio.sleep(0.01)
        bloke.behave(fault)
        it.downloads.pause(row.id)
        it.downloads.resume(row.id)
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE
        assert it.target.read_bytes() == CONTENT


@lived
async def test_cancel_removes_its_own_and_nothing_else(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="cdn", **TRICKLE)
    author = paths.models / "TheBloke"
    author.mkdir()
    (author / "notes.txt").write_text("mine")
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        await it.under_way(row.id)
        (author / "Tiny-GGUF" / "other.gguf.part").write_text("another's")
        it.downloads.cancel(row.id)
        assert it.downloads.all() == []
        with pytest.raises(TransferError, match="cancelled"):
            await it.downloads.wait(row.id)
        await it.without(author / "Tiny-GGUF" / f"{NAME}.part")
        assert it.left() == {"TheBloke/notes.txt", "TheBloke/Tiny-GGUF/other.gguf.part"}
        given_up = time.monotonic() + PATIENCE_S
        while Queue(paths.home / "downloads.json").read():  # on the disk it is forgotten when its files are gone
            assert time.monotonic() < given_up
            await asyncio.sleep(0.01)


@lived
async def test_cancel_removes_the_folders_it_made(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        await it.under_way(row.id)
        it.downloads.pause(row.id)
    async with desk(paths.home) as it:  # also one that an earlier run began
        it.downloads.cancel(row.id)
        await it.without(paths.models / "TheBloke")
    assert paths.models.exists()
    assert list(paths.models.iterdir()) == []


@lived
async def test_another_file_of_that_name_is_not_touched(bloke: HubServer, paths: Paths) -> None:
    target = paths.models / REPO / NAME
    target.parent.mkdir(parents=True)
    target.write_bytes(b"another")
    async with desk(paths.home) as it:
        with pytest.raises(TransferError, match=r"lies in .* already"):
            await it.fetched(bloke)
        target.write_bytes(b"x" * SIZE)
        with pytest.raises(TransferError, match=r"lies in .* already"):
            await it.fetched(bloke)
    assert target.read_bytes() == b"x" * SIZE
    assert bloke.sent() == 0


@lived
async def test_the_parts_of_a_split_model_get_their_names_together(bloke: HubServer, paths: Paths) -> None:
    names = [f"big-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    pieces = [CONTENT[:1_000_000], CONTENT[:900_000], CONTENT[:800_000]]
    bloke[REPO].commit(dict(zip(names, pieces, strict=True)))
    files = tuple(RepoFile(n, len(p), hashlib.sha256(p).hexdigest()) for n, p in zip(names, pieces, strict=True))
    stalled = bloke.misbehave(names[2], on="cdn", stall_after=10_000)
    async with desk(paths.home, patience_s=20) as it:
        row = await it.add(bloke, Variant("big", None, files))
        await it.under_way(row.id, 1_910_000)
        assert {Path(name).suffix for name in it.left()} == {".part", ".json"}
    bloke.behave(stalled)
    async with desk(paths.home) as it:
        done = await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)
        assert done.received == 2_700_000
        assert it.left() == {f"{REPO}/{name}" for name in names}
        ((path, origin),) = it.shelf.taken
        assert path.name == names[0]
        assert origin.hashes == tuple(file.sha256 for file in files)
    assert spent(paths.home) <= 2_700_000 + IN_FLIGHT


@lived
async def test_offline_ends_the_connection_and_online_goes_on(
    bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", bloke.endpoint.replace("127.0.0.1", "127.1"))  # no loopback address to the seal
    slow = bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        await it.under_way(row.id, 50_000)
        it.network.sealed = True
        waiting = await it.until(lambda row: isinstance(row.problem, Sealed), row.id)
        assert waiting.state is State.WAITING
        asked, here = len(bloke.received["hub"]), waiting.received
        await asyncio.sleep(0.5)
        assert (len(bloke.received["hub"]), it.row(row.id).received) == (asked, here)
        bloke.behave(slow)
        it.network.sealed = False
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE
        assert it.target.read_bytes() == CONTENT
    assert spent(paths.home) <= SIZE + IN_FLIGHT


@lived
async def test_a_disk_without_room_is_refused_before(bloke: HubServer, paths: Paths) -> None:
    room = (256 << 20) + SIZE + 1000
    bloke[REPO].commit({"second.gguf": CONTENT})
    async with desk(paths.home, start=False, free=lambda _: room) as it:
        bloke.misbehave(NAME, on="cdn", stall_after=0)
        await it.add(bloke)
        with pytest.raises(StorageError, match="with those that are under way, needs"):
            await it.add(bloke, Variant("second", None, (RepoFile("second.gguf", SIZE, SHA),)))
        assert len(it.downloads.all()) == 1


@lived
async def test_a_disk_that_fills_pauses_and_keeps_what_came(
    bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.services.transfer.transfer._ASKED_BYTES", 100_000)
    left = [1 << 40]
    async with desk(paths.home, free=lambda _: left[0]) as it:
        slow = bloke.misbehave(NAME, on="cdn", **TRICKLE)
        row = await it.add(bloke)
        await it.under_way(row.id, 150_000)
        left[0] = 1000
        paused = await it.until(lambda row: row.state is State.PAUSED, row.id)
        assert isinstance(paused.problem, StorageError)
        assert "Free some space" in str(paused.problem)
        assert it.left() == {f"{REPO}/{NAME}.part", f"{REPO}/{NAME}.part.json"}
        bloke.behave(slow)
        left[0] = 1 << 40
        it.downloads.resume(row.id)
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE
    assert spent(paths.home) <= SIZE + IN_FLIGHT


@pytest.mark.skipif(os.name == "nt", reason="limits of a process are POSIX")
@lived
async def test_a_disk_that_takes_no_more_pauses(bloke: HubServer, paths: Paths) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with desk(paths.home) as it:
        resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, before[1]))  # as on FAT32, which ends at 4 GB
        try:
            row = await it.add(bloke)
            paused = await it.until(lambda row: row.state is State.PAUSED, row.id)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "too large for this disk" in str(paused.problem)
        it.downloads.resume(row.id)
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE
        assert it.target.read_bytes() == CONTENT
    assert spent(paths.home) <= SIZE + IN_FLIGHT


@lived
async def test_two_programs_fetch_one_file_once(bloke: HubServer, paths: Paths, tmp_path: Path) -> None:
    slow = bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as one, desk(paths.home, start=False) as two:
        first = await one.add(bloke)
        await one.under_way(first.id, 10_000)
        second = await two.add(bloke)
        said = await two.until(lambda row: row.problem is not None, second.id)
        assert "Another program is downloading" in str(said.problem)
        bloke.behave(slow)
        one.downloads.pause(first.id)
        one.downloads.resume(first.id)
        ends = one.downloads.wait(first.id), two.downloads.wait(second.id)
        assert [row.state for row in await asyncio.wait_for(asyncio.gather(*ends), PATIENCE_S)] == [State.DONE] * 2
        assert one.target.read_bytes() == CONTENT
        assert one.left() == {f"{REPO}/{NAME}"}
    assert spent(paths.home) <= SIZE + IN_FLIGHT


@lived
async def test_a_file_of_another_host(bloke: HubServer, paths: Paths) -> None:
    """Nobody has published its checksum: its length and its first bytes are checked."""
    url = f"{bloke.endpoint}/{REPO}/resolve/main/{NAME}?download=true"
    bloke.misbehave(NAME, on="cdn", drop_after=HALF, times=1)
    async with desk(paths.home) as it:
        row = await it.downloads.add_url(url)
        done = await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)
        assert (done.size, done.label, done.repo) == (SIZE, NAME, "127.0.0.1")
        assert (it.shelf.folder / "_" / "127.0.0.1" / NAME).read_bytes() == CONTENT
    assert spent(paths.home) <= SIZE + IN_FLIGHT


@lived
async def test_what_is_no_model_is_not_fetched_to_its_end(bloke: HubServer, paths: Paths) -> None:
    """Whether a checksum is published or not: it may be that of a file which nobody can use."""
    name = struct.pack("<Q", 5) + b"llama"
    eyes = CONTENT.replace(name, struct.pack("<Q", 4) + b"clip", 1)
    for content in (b"<html>" + CONTENT, HEADER[:4] + b"\x09" + CONTENT[5:], eyes):
        bloke[REPO].rewrite(NAME, content)
        for known in (hashlib.sha256(content).hexdigest(), ""):
            variant = Variant("p", None, (RepoFile(NAME, len(content), known),))
            bloke.misbehave(NAME, without=("X-Linked-Etag",))
            async with desk(paths.home) as it:
                with pytest.raises(TransferError, match=r"cannot use .* as it is published"):
                    await it.fetched(bloke, variant)
                assert it.left() == set()
                it.downloads.clear(it.downloads.all()[0].id)
    assert spent(paths.home) < 8 * IN_FLIGHT


@lived
async def test_what_the_library_refuses_is_not_left_behind(bloke: HubServer, paths: Paths) -> None:
    async with desk(paths.home) as it:

        async def refusing(path: Path, origin: Origin) -> Model:
            raise ModelFileError("It holds no language model.")

        taking, it.shelf.add = it.shelf.add, refusing  # type: ignore[method-assign]
        with pytest.raises(TransferError, match="Nothing of it was kept"):
            await it.fetched(bloke)
        assert it.left() == set()
        it.target.write_bytes(CONTENT)  # but a person's own file stays
        with pytest.raises(ModelFileError, match="no language model"):
            await it.fetched(bloke)
        assert it.left() == {f"{REPO}/{NAME}"}
        it.shelf.add = taking  # type: ignore[method-assign]
        assert (await it.fetched(bloke)).state is State.DONE


@pytest.mark.parametrize(
    "name", ["../up.gguf", "a/../../up.gguf", "/etc/up.gguf", "C:\\up.gguf", "con.gguf", "a\nb.gguf"]
)
@lived
async def test_a_name_that_leaves_the_folder_is_refused(bloke: HubServer, paths: Paths, name: str) -> None:
    async with desk(paths.home) as it:
        with pytest.raises(TransferError):
            await it.add(bloke, Variant("evil", None, (RepoFile(name, 10, SHA),)))
        with pytest.raises(TransferError):
            await it.downloads.add("../../evil", "main", VARIANT)
        assert it.downloads.all() == []


@lived
async def test_the_list_is_told_at_most_ten_times_a_second(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        times: list[float] = []
        stop = it.downloads.listen(lambda: times.append(time.monotonic()))
        row = await it.add(bloke)
        await it.under_way(row.id, 300_000)
        seen = it.row(row.id)
        assert seen.speed > 0
        assert seen.seconds_left is not None
        assert seen.seconds_left > 0
        stop()
        stop()
        assert all(later - earlier > 0.09 for earlier, later in pairwise(times))
        assert len(times) > 3


@lived
async def test_a_part_begun_for_another_file_is_begun_anew(bloke: HubServer, paths: Paths) -> None:
    slow = bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        await it.under_way(row.id, 50_000)
    newer = CONTENT[:1000] + CONTENT[:-1000]
    bloke[REPO].rewrite(NAME, newer)
    bloke.behave(slow)
    file = replace(VARIANT.files[0], sha256=hashlib.sha256(newer).hexdigest())
    async with desk(paths.home, start=False) as it:
        assert (await it.fetched(bloke, replace(VARIANT, files=(file,)))).state is State.DONE
        assert it.target.read_bytes() == newer


@lived
async def test_an_error_of_ours_leaves_nobody_waiting(
    bloke: HubServer, paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk(paths.home) as it:

        async def broken(path: Path, origin: Origin) -> Model:
            raise KeyError(path, origin)

        it.shelf.add = broken  # type: ignore[method-assign]
        with pytest.raises(TransferError, match="an error in Alcove"):
            await it.fetched(bloke)
        assert "KeyError" in caplog.text
