"""Several downloads, several runs of the program, several programs: one list, in which nothing is lost."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Mapping

import pytest

from desktop.core.errors import StorageError, TransferError
from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import Download, State
from desktop.services.paths import Paths
from desktop.services.transfer.downloads import Downloads
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
    TRICKLE,
    desk,
    lived,
    spent,
)


@lived
async def test_what_ran_goes_on_and_what_was_paused_stays_paused(bloke: HubServer, paths: Paths) -> None:
    second = "second.gguf"
    content = HEADER + CONTENT[: len(HEADER) - 1 : -1]
    bloke[REPO].commit({second: content})
    other = Variant("other", None, (RepoFile(second, SIZE, hashlib.sha256(content).hexdigest()),))
    slow = bloke.misbehave(on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        one, two = await it.add(bloke), await it.add(bloke, other)
        it.downloads.pause(two.id)
        await it.under_way(one.id, 100_000)
    bloke.behave(slow)
    async with desk(paths.home, start=False) as it:
        rested = it.row(one.id)
        assert rested.state is State.WAITING
        assert 100_000 <= rested.received < SIZE
        await asyncio.sleep(0.2)
        assert it.row(one.id).state is State.WAITING  # nothing runs before `start`
    async with desk(paths.home) as it:
        assert (await asyncio.wait_for(it.downloads.wait(one.id), PATIENCE_S)).state is State.DONE
        assert it.row(two.id).state is State.PAUSED
        it.downloads.resume(two.id)
        assert (await asyncio.wait_for(it.downloads.wait(two.id), PATIENCE_S)).state is State.DONE
        assert [row.id for row in it.downloads.all()] == [one.id, two.id]
        it.downloads.clear(one.id)
    async with desk(paths.home) as it:
        assert [(row.id, row.state) for row in it.downloads.all()] == [(two.id, State.DONE)]
        assert it.left() == {f"{REPO}/{NAME}", f"{REPO}/{second}"}
    assert spent(paths.home) <= 2 * SIZE + 2 * IN_FLIGHT


@lived
async def test_one_runs_at_a_time(bloke: HubServer, paths: Paths) -> None:
    bloke[REPO].commit({"second.gguf": CONTENT})
    slow = bloke.misbehave(NAME, on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        one = await it.add(bloke)
        two = await it.add(bloke, SECOND)
        await it.under_way(one.id)
        assert (it.row(two.id).state, it.row(two.id).received) == (State.WAITING, 0)
        it.downloads.pause(one.id)
        assert (await asyncio.wait_for(it.downloads.wait(two.id), PATIENCE_S)).state is State.DONE
        assert it.row(one.id).state is State.PAUSED
    bloke.behave(slow)


SECOND = Variant("second", None, (RepoFile("second.gguf", SIZE, SHA),))


@lived
async def test_one_that_waits_for_its_server_holds_up_no_other(bloke: HubServer, paths: Paths) -> None:
    bloke[REPO].commit({"second.gguf": CONTENT})
    busy = bloke.misbehave(NAME, on="cdn", status=429, headers={"Retry-After": "60"})
    slow = bloke.misbehave("second", on="cdn", **TRICKLE)
    async with desk(paths.home) as it:
        one, two = await it.add(bloke), await it.add(bloke, SECOND)
        await it.under_way(two.id)
        assert "asks for a pause" in str(it.row(one.id).problem)
        assert it.row(one.id).retry_in > 30
        bloke.behave(busy)
        it.downloads.resume(one.id)  # but while the other runs it has to wait for its turn
        waiting = await it.until(lambda row: row.problem is None, one.id)
        assert (waiting.state, waiting.received) == (State.WAITING, 0)
        assert it.row(two.id).state is State.RUNNING
        bloke.behave(slow)
        ends = asyncio.gather(it.downloads.wait(two.id), it.downloads.wait(one.id))
        assert [row.state for row in await asyncio.wait_for(ends, PATIENCE_S)] == [State.DONE] * 2
    assert bloke.sent() <= 2 * SIZE + IN_FLIGHT


@pytest.mark.parametrize("command", ["cancel", "pause"])
@lived
async def test_a_command_in_the_moment_it_ends(
    bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Its thread has ended, and the loop does not know it yet; what waits behind it arrives all the same."""
    bloke[REPO].commit({"second.gguf": CONTENT})
    true = Downloads._ended

    def ended(downloads: Downloads, id_: str, event: asyncio.Event) -> None:
        true(downloads, id_, event)
        if id_ == downloads.all()[0].id and not acted:
            acted.append(id_)
            getattr(downloads, command)(id_)

    acted: list[str] = []
    monkeypatch.setattr(Downloads, "_ended", ended)
    async with desk(paths.home) as it:
        one, two = await it.add(bloke), await it.add(bloke, SECOND)
        assert (await asyncio.wait_for(it.downloads.wait(two.id), PATIENCE_S)).state is State.DONE
        assert acted == [one.id]
        if command == "cancel":
            await it.without(it.target)
            assert it.left() == {f"{REPO}/second.gguf"}
        else:
            assert it.row(one.id).state is State.PAUSED
            it.downloads.resume(one.id)
            assert (await asyncio.wait_for(it.downloads.wait(one.id), PATIENCE_S)).state is State.DONE
    assert bloke.sent() <= 2 * SIZE + IN_FLIGHT


@lived
async def test_cancelling_spares_only_folders_that_are_in_use(bloke: HubServer, paths: Paths) -> None:
    """What is over, of the same author or in the same folder, keeps no empty folder alive; what is on its way does."""
    bloke[REPO].commit({"second.gguf": CONTENT})
    bloke.misbehave("second.gguf", on="cdn", stall_after=1000)
    async with desk(paths.home) as it:
        one = await it.add(bloke, SECOND)
        await it.until(lambda row: row.state is State.RUNNING, one.id)
        two = await it.add(bloke)
        it.downloads.cancel(one.id)
        await it.without(it.target.with_name("second.gguf.part"))
        assert (await asyncio.wait_for(it.downloads.wait(two.id), PATIENCE_S)).state is State.DONE
        three = await it.downloads.add("TheBloke/Other-GGUF", "0" * 40, SECOND)
        await it.until(lambda row: bool(row.made), three.id)
        it.downloads.cancel(three.id)
        await it.without(it.target.parent.with_name("Other-GGUF"))
        assert it.left() == {f"{REPO}/{NAME}"}


@lived
async def test_an_error_of_ours_ends_one_download_only(
    bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bloke[REPO].commit({"second.gguf": CONTENT})
    true = Downloads._with_folders

    async def broken(downloads: Downloads, row: Download) -> Download:
        if row.label != SECOND.label:
            await asyncio.sleep(0.2)  # the other is in the queue by then
            raise KeyError(row.id)
        return await true(downloads, row)

    monkeypatch.setattr(Downloads, "_with_folders", broken)
    async with desk(paths.home) as it:
        one, two = await it.add(bloke), await it.add(bloke, SECOND)
        with pytest.raises(TransferError, match="an error in Alcove"):
            await asyncio.wait_for(it.downloads.wait(one.id), PATIENCE_S)
        assert (await asyncio.wait_for(it.downloads.wait(two.id), PATIENCE_S)).state is State.DONE
        assert "KeyError" in caplog.text


@lived
async def test_what_the_disk_refused_is_saved_later(
    bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, refused = Queue.write, threading.Event()

    def full(queue: Queue, changed: Mapping[str, Download | None]) -> None:
        refused.set()
        raise StorageError("The disk is full.")

    monkeypatch.setattr(Queue, "write", full)
    bloke.misbehave(NAME, on="cdn", stall_after=0)
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        await it.until(lambda row: row.state is State.RUNNING and refused.is_set(), row.id)
        monkeypatch.setattr(Queue, "write", true)
    assert [one.id for one in Queue(paths.home / "downloads.json").read().values()] == [row.id]


@lived
async def test_asking_twice_is_one_download(bloke: HubServer, paths: Paths) -> None:
    async with desk(paths.home) as it:
        one, two = await it.add(bloke), await it.add(bloke)
        assert one.id == two.id
        await asyncio.wait_for(it.downloads.wait(one.id), PATIENCE_S)
        served = bloke.sent()
        assert (await it.fetched(bloke)).state is State.DONE  # whole already: at once
        assert bloke.sent() == served
        it.target.unlink()
        assert (await it.fetched(bloke)).state is State.DONE
        assert it.target.read_bytes() == CONTENT


@lived
async def test_a_damaged_list_is_set_aside(paths: Paths) -> None:
    (paths.home / "downloads.json").write_text('{"downloads": [{"id": 1}]}')
    async with desk(paths.home) as it:
        assert it.downloads.all() == []
    assert len(list(paths.home.glob("downloads-damaged-*.json"))) == 1


def test_the_list_of_a_newer_alcove_is_left_as_it_is(paths: Paths) -> None:
    file = paths.home / "downloads.json"
    file.write_text(newer := '{"version": 2, "downloads": [{"id": "x", "unheard": "of"}]}')
    with pytest.raises(StorageError, match="newer Alcove"):
        Queue(file).read()
    with pytest.raises(StorageError, match="newer Alcove"):
        Queue(file).write({"x": None})
    assert file.read_text() == newer
    assert not list(paths.home.glob("downloads-damaged-*"))


@lived
async def test_rows_of_another_program_stay(bloke: HubServer, paths: Paths) -> None:
    bloke[REPO].commit({"second.gguf": CONTENT})
    async with desk(paths.home) as one, desk(paths.home) as two:
        done = await one.fetched(bloke)
        other = await two.fetched(bloke, Variant("second", None, (RepoFile("second.gguf", SIZE, SHA),)))
        one.downloads.clear(done.id)
    async with desk(paths.home) as it:
        assert [row.id for row in it.downloads.all()] == [other.id]


@lived
async def test_commands_for_what_is_not_there_do_nothing(paths: Paths) -> None:
    async with desk(paths.home) as it:
        for command in (it.downloads.pause, it.downloads.resume, it.downloads.cancel, it.downloads.clear):
            command("nothing")
        with pytest.raises(TransferError):
            await it.downloads.wait("nothing")
