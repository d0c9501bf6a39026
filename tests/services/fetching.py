"""What tests of downloads share: a Hub with one model on it, and downloads over a shelf that takes whatever arrives."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import struct
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import Download, State
from desktop.services.models.modelfiles import Model, Origin
from desktop.services.online.network import Network
from desktop.services.online.web import Web
from desktop.services.transfer.downloads import Downloads
from desktop.services.transfer.transfer import free_space
from tests.hub import HubServer, Repository

REPO, NAME = "TheBloke/Tiny-GGUF", "tiny.Q4_K_M.gguf"
GATED = "meta/Locked-GGUF"
SIZE = 3_000_000
HEADER = struct.pack("<4sIQQQ20sIQ5s", b"GGUF", 3, 0, 1, 20, b"general.architecture", 8, 5, b"llama")  # and no tensors
CONTENT = HEADER + random.Random(7).randbytes(SIZE - len(HEADER))
SHA = hashlib.sha256(CONTENT).hexdigest()
VARIANT = Variant("Q4_K_M", None, (RepoFile(NAME, SIZE, SHA),))
TOKEN = "hf_good"
PATIENCE_S = 20.0
_LIST = "connections.jsonl"
TRICKLE = {"piece": 8192, "every_s": 0.02}  # 0.4 MB/s: there is time to do something meanwhile
IN_FLIGHT = 100_000  # bytes read of an answer that is given up: a piece of 64 KB, and heads


def lived(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def spent(home: Path) -> int:
    """Bytes that the programs of this data folder have read from the network; not what the system held for them."""
    listed = Network(home / _LIST)
    listed.close()
    return sum(connection.received for connection in listed.connections())


def hub() -> HubServer:
    """A Hub with the model, and the same one behind a gate."""
    gated = Repository(GATED, {}, gated="manual")
    gated.commit({NAME: CONTENT})
    return HubServer({REPO: {NAME: CONTENT}, GATED: gated}, tokens={TOKEN: ()}, send_buffer=64 << 10)


class Purse:
    def get(self) -> str:
        return TOKEN


@dataclass
class Shelf:
    """Takes every file, and remembers what it was told."""

    folder: Path
    taken: list[tuple[Path, Origin]] = field(default_factory=list)

    def require_folder(self) -> None:
        """It is always there."""

    async def add(self, path: Path, origin: Origin) -> Model:
        self.taken.append((path, origin))
        return Model(f"model-{len(self.taken)}", path.stem, path, origin=origin)


@dataclass(frozen=True)
class Desk:
    """One program's downloads."""

    downloads: Downloads
    shelf: Shelf
    network: Network

    @property
    def target(self) -> Path:
        return self.shelf.folder / REPO / NAME

    async def add(self, hub: HubServer, variant: Variant = VARIANT) -> Download:
        return await self.downloads.add(REPO, hub[REPO].head, variant)

    async def fetched(self, hub: HubServer, variant: Variant = VARIANT) -> Download:
        row = await self.add(hub, variant)
        return await asyncio.wait_for(self.downloads.wait(row.id), PATIENCE_S)

    def row(self, id_: str) -> Download:
        return next(row for row in self.downloads.all() if row.id == id_)

    async def until(self, holds: Callable[[Download], bool], id_: str) -> Download:
        given_up = time.monotonic() + PATIENCE_S
        while not holds(self.row(id_)):
            assert time.monotonic() < given_up, self.row(id_)
            await asyncio.sleep(0.01)
        return self.row(id_)

    async def under_way(self, id_: str, received: int = 1) -> Download:
        return await self.until(lambda row: row.received >= received and row.state is not State.VERIFYING, id_)

    async def without(self, path: Path) -> None:
        """Waits until that is no more."""
        given_up = time.monotonic() + PATIENCE_S
        while await asyncio.to_thread(os.path.lexists, path):
            assert time.monotonic() < given_up
            await asyncio.sleep(0.01)

    def left(self) -> set[str]:
        """Every file below the folder of models."""
        return {str(p.relative_to(self.shelf.folder)) for p in self.shelf.folder.rglob("*") if p.is_file()}


@asynccontextmanager
async def desk(
    home: Path, patience_s: float = 5.0, start: bool = True, free: Callable[[Path], int] = free_space
) -> AsyncIterator[Desk]:
    """The downloads of a data folder, from the program's start to its end."""
    network = Network(home / _LIST)
    web = Web(network, Purse(), patience_s)
    shelf = Shelf(home / "models")
    downloads = await Downloads.opened(home / "downloads.json", shelf, web, free)
    if start:
        downloads.start()
    try:
        yield Desk(downloads, shelf, network)
    finally:
        begun = time.monotonic()
        await downloads.close()
        assert time.monotonic() - begun < 1.5  # a second, and what a busy machine adds
        web.close()
        network.close()
