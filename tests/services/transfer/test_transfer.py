"""One download from a server that does everything wrong that servers do: it arrives whole, and costs what it must."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest

from desktop.core.errors import GatedError, HubError, NetworkError, TransferError, UserError
from desktop.core.repos import RepoFile
from desktop.core.transfer import State
from desktop.services.paths import Paths
from tests.hub import HTML, HubServer
from tests.services.fetching import CONTENT, IN_FLIGHT, NAME, PATIENCE_S, REPO, SHA, SIZE, VARIANT, desk, lived, spent

HALF = SIZE // 2
HEADS = 10_000  # of the answers


@pytest.mark.parametrize(
    ("faults", "cost"),
    [
        ([{"drop_after": HALF, "times": 1}], 0),
        ([{"reset_after": HALF, "times": 2}], 2 * IN_FLIGHT),
        ([{"short_by": 1000, "times": 1}], 0),
        ([{"stall_after": HALF, "times": 1}], IN_FLIGHT),
        ([{"piece": 100, "every_s": 0.1, "times": 1}], IN_FLIGHT),
        ([{"status": 503, "times": 2}], 0),
        ([{"status": 429, "headers": {"Retry-After": "1"}, "times": 1}], 0),
        ([{"status": 403, "times": 2}], 0),
        ([{"gzipped": True, "times": 1}], 2000),
        ([{"extra": b"more than promised", "times": 1}], IN_FLIGHT),
        ([{"length_off": -1000, "times": 1}], IN_FLIGHT),
        ([{"length_off": 1000, "times": 1}], 0),
        ([{"status": 200, "body": HTML, "times": 1}], 1000),
        ([{"delay_s": 3.0, "times": 1}], 0),
        ([{"drop_after": HALF, "times": 1}, {"ignore_range": True, "times": 1}], IN_FLIGHT),
        ([{"drop_after": HALF, "times": 1}, {"ignore_range": True, "times": 3}], HALF + 2 * IN_FLIGHT),
        ([{"drop_after": HALF, "times": 1}, {"status": 416, "times": 1}], 0),
        ([{"drop_after": HALF, "times": 1}, {"headers": {"Content-Range": "bytes 0-9/10"}, "times": 1}], IN_FLIGHT),
        ([{"drop_after": HALF, "times": 1}, {"gzipped": True, "times": 1}], IN_FLIGHT),
        ([{"drop_after": HALF, "times": 1}, {"etag": '"another"', "times": 9}], HALF + IN_FLIGHT),
        ([{"drop_after": HALF, "times": 1}, {"headers": {"ETag": '"another"'}, "times": 9}], HALF + IN_FLIGHT),
        ([{"drop_after": HALF, "times": 1}, {"without": ("ETag",), "times": 9}], 0),
    ],
    ids=lambda value: "+".join("-".join(f) for f in value) if isinstance(value, list) else "",
)
@lived
async def test_every_fault_costs_what_it_must(
    bloke: HubServer, paths: Paths, faults: list[dict[str, object]], cost: int
) -> None:
    for fault in faults:
        bloke.misbehave(NAME, on="cdn", **fault)
    async with desk(paths.home, patience_s=1.0) as it:
        done = await it.fetched(bloke)
        assert done.state is State.DONE
        assert it.target.read_bytes() == CONTENT
        assert it.left() == {f"{REPO}/{NAME}"}
    assert spent(paths.home) <= SIZE + cost + HEADS, spent(paths.home) - SIZE


@lived
async def test_an_expired_address_is_asked_for_again_and_the_bytes_are_kept(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="cdn", drop_after=HALF, times=1)
    bloke.misbehave(NAME, on="cdn", status=403, times=1)
    async with desk(paths.home) as it:
        await it.fetched(bloke)
    assert spent(paths.home) <= SIZE + HEADS
    assert len(bloke.received["hub"]) == 3  # the Hub gave an address each time


@lived
async def test_the_hub_itself_may_be_ill(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="hub", status=502, times=1)
    bloke.misbehave(NAME, on="hub", reset_after=0, times=1)
    async with desk(paths.home) as it:
        assert (await it.fetched(bloke)).state is State.DONE
    assert bloke.sent() == SIZE


@lived
async def test_what_is_waited_for_is_said(bloke: HubServer, paths: Paths) -> None:
    fault = bloke.misbehave(NAME, on="cdn", status=429, headers={"Retry-After": "30"})
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        waiting = await it.until(lambda row: row.problem is not None, row.id)
        assert waiting.state is State.WAITING
        assert 25 < waiting.retry_in <= 31
        assert "asks for a pause" in str(waiting.problem)
        bloke.behave(fault)
        it.downloads.resume(row.id)  # the person does not want to wait
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE


@lived
async def test_a_dead_hub_is_waited_for(bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    async with desk(paths.home) as it:
        row = await it.add(bloke)
        waiting = await it.until(lambda row: row.problem is not None, row.id)
        assert isinstance(waiting.problem, NetworkError)
    assert json.loads((paths.home / "downloads.json").read_text())["downloads"][0]["state"] == "waiting"


@pytest.mark.parametrize(
    ("repo", "fault", "kind"),
    [
        ("meta/Locked-GGUF", {}, GatedError),
        (REPO, {"status": 404}, HubError),
        (REPO, {"status": 401}, HubError),
    ],
)
@lived
async def test_what_will_not_change_is_told_at_once(
    bloke: HubServer, paths: Paths, repo: str, fault: dict[str, int], kind: type[UserError]
) -> None:
    bloke.misbehave(NAME, on="hub", **fault)
    async with desk(paths.home) as it:
        row = await it.downloads.add(repo, bloke[repo].head, VARIANT)
        with pytest.raises(kind):
            await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)
        assert it.row(row.id).state is State.FAILED
    assert len(bloke.received["hub"]) == 1
    async with desk(paths.home) as again:  # and still after a restart
        told = again.row(row.id)
        assert (told.state, type(told.problem)) == (State.FAILED, kind)
        assert again.left() == set()


@pytest.mark.parametrize("off", [50_000, -50_000])
@pytest.mark.parametrize("linked", [True, False], ids=["the-hub-says-it", "the-cdn-says-it"])
@lived
async def test_a_size_that_is_wrong_in_the_list_is_told(bloke: HubServer, paths: Paths, off: int, linked: bool) -> None:
    if not linked:
        bloke.misbehave(NAME, on="hub", without=("X-Linked-Size",))
    async with desk(paths.home) as it:
        variant = replace(VARIANT, files=(RepoFile(NAME, SIZE + off, SHA),))
        with pytest.raises(TransferError, match=f"should have {SIZE + off} bytes, but its server gives it {SIZE}"):
            await it.fetched(bloke, variant)
    assert spent(paths.home) <= 4 * IN_FLIGHT


@pytest.mark.parametrize("off", [50_000, -50_000])
@lived
async def test_a_size_nobody_says_again(bloke: HubServer, paths: Paths, off: int) -> None:
    """The checksum tells where there is one: too long a promise is no harm, and too short a one ends."""
    bloke.misbehave(NAME, on="hub", without=("X-Linked-Size",))
    bloke.misbehave(NAME, on="cdn", without=("Content-Length",))
    async with desk(paths.home) as it:
        variant = replace(VARIANT, files=(RepoFile(NAME, SIZE + off, SHA),))
        if off > 0:
            assert (await it.fetched(bloke, variant)).state is State.DONE
            assert it.target.read_bytes() == CONTENT
        else:
            with pytest.raises(TransferError, match="arrived damaged"):
                await it.fetched(bloke, variant)
    assert spent(paths.home) <= SIZE + HEADS


@lived
async def test_a_size_and_no_checksum_ends(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="hub", without=("X-Linked-Size", "X-Linked-Etag"))
    bloke.misbehave(NAME, on="cdn", without=("Content-Length", "Content-Range"))
    async with desk(paths.home) as it:
        with pytest.raises(TransferError, match=f"should have {SIZE + 50_000} bytes, but"):
            await it.fetched(bloke, replace(VARIANT, files=(RepoFile(NAME, SIZE + 50_000),)))
    assert spent(paths.home) <= 4 * SIZE + HEADS


@lived
async def test_what_leaves_encryption_behind_is_told_at_once(bloke: HubServer, paths: Paths) -> None:
    bloke.misbehave(NAME, on="hub", location="http://127.1:9/elsewhere")
    async with desk(paths.home) as it:
        with pytest.raises(NetworkError, match="without encryption"):
            await it.fetched(bloke)
    assert len(bloke.received["hub"]) == 1


@lived
async def test_a_damaged_file_names_itself_and_nothing_is_kept(bloke: HubServer, paths: Paths) -> None:
    fault = bloke.misbehave(NAME, on="cdn", corrupt_at=HALF)
    async with desk(paths.home) as it:
        with pytest.raises(TransferError, match=rf"“{NAME}” arrived damaged: its SHA-256 is [0-9a-f]+, not {SHA[:12]}"):
            await it.fetched(bloke)
        assert it.left() == set()
        bloke.behave(fault)
        (row,) = it.downloads.all()
        it.downloads.resume(row.id)  # tried again
        assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE


@lived
async def test_a_file_that_was_changed_meanwhile_is_not_fetched_in_vain(bloke: HubServer, paths: Paths) -> None:
    bloke[REPO].rewrite(NAME, CONTENT[::-1])
    async with desk(paths.home) as it:
        with pytest.raises(TransferError, match="has been changed on the Hub"):
            await it.fetched(bloke)
    assert spent(paths.home) <= IN_FLIGHT


@lived
async def test_a_connection_that_never_comes_about_holds_up_nobody(
    bloke: HubServer, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener whose queue is full lets visitors wait, as a network does that swallows packets."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as visitors:
        address = full.getsockname()
        for _ in range(4):
            visitor = visitors.enter_context(socket.socket())
            visitor.setblocking(False)
            visitor.connect_ex(address)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{address[1]}")
        async with desk(paths.home, patience_s=1.5) as it:
            row = await it.add(bloke)
            await it.until(lambda row: row.state is State.RUNNING, row.id)
            await asyncio.sleep(0.3)
            it.downloads.pause(row.id)
            assert it.row(row.id).state is State.PAUSED
            monkeypatch.setenv("HF_ENDPOINT", bloke.endpoint)
            it.downloads.resume(row.id)  # begins when the first thread has ended
            assert (await asyncio.wait_for(it.downloads.wait(row.id), PATIENCE_S)).state is State.DONE
            assert it.target.read_bytes() == CONTENT
