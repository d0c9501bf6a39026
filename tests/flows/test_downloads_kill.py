"""`alcove download`, killed again and again at random moments, from a server that drops, stalls and lies about ranges.

Twelve times in the suite; `ALCOVE_KILLS=50` asks for more. What the server may have sent in all is bounded: the file,
what was on the wire when a connection ended, and for each fault what that fault costs.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from pathlib import Path

import pytest

from desktop.services.models.library import Library
from desktop.services.paths import Paths, resources
from tests.flows.program import PATIENCE_S, Process, Program
from tests.hub import HubServer

KILLS = int(os.environ.get("ALCOVE_KILLS", "12"))
REPO, NAME = "TheBloke/Endless-GGUF", "endless.Q4_0.gguf"
WIRE = 300_000  # bytes on their way when a connection ends; the server's buffer is 64 KB, the rest is the reader's
PACE = {"piece": 64 << 10, "every_s": KILLS / 1000}  # so that 20 MB take longer than all those lives
FAULTS = (
    {},
    {"drop_after": 300_000},
    {"reset_after": 300_000},
    {"stall_after": 200_000},
    {"ignore_range": True},
    {"headers": {"Content-Range": "bytes 5-9/10"}},
    {"headers": {"Content-Length": "100"}},
    {"status": 416},
    {"status": 403},
    {"status": 503},
    {"short_by": 500_000},
    {"status": 200, "body": b"<html>", "headers": {"Content-Type": "text/html"}},
)


def asked(hub: HubServer, process: Process) -> bool:
    """Waits until the program asks for bytes of the file; False where it has ended first: it was whole already."""
    before, given_up = len(hub.received["cdn"]), time.monotonic() + PATIENCE_S
    while len(hub.received["cdn"]) == before:
        assert time.monotonic() < given_up
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    return True


def snapshot(folder: Path, without: str) -> dict[str, tuple[bytes, int]]:
    """Every file that is not the download's own."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(without)
    }


async def listed(paths: Paths) -> list[tuple[str, str]]:
    library = await Library.open(paths, resources())
    return [(str(model.path.relative_to(paths.models)), model.sha256) for model in library.all() if not model.built_in]


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_a_download_survives_every_kill(home: Path, endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, sha256 = Paths(home), hashlib.sha256(endless.read_bytes()).hexdigest()
    folder = paths.models / REPO
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / "other.gguf.part").write_bytes(b"another program's")
    (paths.models / "loose.part").write_bytes(b"whose?")
    before = snapshot(paths.models, NAME)
    dice = random.Random(int(os.environ.get("ALCOVE_SEED", "3")))
    killed = 0
    with HubServer({REPO: {NAME: endless}}, send_buffer=64 << 10) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        alcove, command = Program(home), ("download", f"{REPO}:Q4_0")
        allowed = endless.stat().st_size + WIRE
        for _ in range(KILLS):
            fault = hub.misbehave(NAME, on="cdn", times=1, **{**PACE, **dice.choice(FAULTS)})  # type: ignore[arg-type]
            pace = hub.misbehave(NAME, on="cdn", **PACE)  # type: ignore[arg-type]
            with alcove.started(*command) as process:
                if asked(hub, process):
                    time.sleep(dice.uniform(0, 0.4))
                    assert process.poll() is None or (folder / NAME).exists(), "it ended by itself"
                process.kill()
            killed += 1
            allowed += WIRE * (1 + fault.used)
            hub.behave(fault, pace)
            partial = folder / f"{NAME}.part"
            assert partial.exists() or (folder / NAME).exists()
        served_by_then = hub.sent()
        told = alcove.run(*command)
        assert (told.status, "is in the library" in told.out) == (0, True), told.err
        served = hub.sent()
    assert hashlib.sha256((folder / NAME).read_bytes()).hexdigest() == sha256
    assert asyncio.run(listed(paths)) == [(f"{REPO}/{NAME}", sha256)]
    assert snapshot(paths.models, NAME) == before
    assert {path.name for path in folder.iterdir()} == {NAME, "notes.txt", "other.gguf.part"}
    print(f"{killed} kills: {endless.stat().st_size:,} bytes, {served:,} served, {served_by_then:,} before the last")
    assert served <= allowed
