"""A program that downloads one file, without a window: what `tests/flows/test_downloads_kill.py` kills.

    python -m tests.flows.fetch HOME COMMIT REPO FILE SIZE SHA256

Everything is real: the library, the queue, the network. It says `begun` when bytes come, and `done` with the model's
name at the end.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import State
from desktop.services.models.library import Library
from desktop.services.online.network import Network
from desktop.services.online.web import Web
from desktop.services.paths import Paths, resources
from desktop.services.transfer.downloads import Downloads


class Nobody:
    def get(self) -> None:
        return None


async def fetch(home: str, commit: str, repo: str, name: str, size: str, sha256: str) -> None:
    paths = Paths(Path(home))
    paths.create()
    library = await Library.open(paths, resources())
    network = Network(paths.home / "connections.jsonl")
    downloads = await Downloads.opened(paths.home / "downloads.json", library, Web(network, Nobody()))
    downloads.start()
    row = await downloads.add(repo, commit, Variant("it", None, (RepoFile(name, int(size), sha256),)))

    def tell_once() -> None:
        if any(one.state is State.RUNNING for one in downloads.all()):
            stop()
            print("begun", flush=True)

    stop = downloads.listen(tell_once)
    done = await downloads.wait(row.id)
    (model,) = (model for model in library.all() if model.id == done.model)
    print("done", model.name, flush=True)
    await downloads.close()


if __name__ == "__main__":
    asyncio.run(fetch(*sys.argv[1:]))
