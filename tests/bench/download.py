"""How fast a file of 2 GB comes from this computer, against `curl` that writes it and `sha256sum` that reads along.

The server is a process of its own and sends with `sendfile`. Ours and curl's are run in turn and each writes the same
folder, hashes what comes, and has it on the disk at the end (`sync`); curl's hash runs beside it (`tee`), on another
core. Ours runs as in the window: in a Qt event loop that ticks every 5 ms, whose longest gap is measured, as is the
processor time of the process; the longest gap without a download, for as long, tells what the machine adds. All figures
are medians of the runs. Exits 1 where a limit is missed.

    python -m tests.bench.download [--megabytes N] [--runs N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import State
from desktop.services.models.modelfiles import Model, Origin
from desktop.services.online.network import Network
from desktop.services.online.web import Web
from desktop.services.transfer.downloads import Downloads
from desktop.ui.loop import run
from tests import models

TICK_S = 0.005
LIMITS = {"ratio": 0.8, "cores": 1.0, "longest_gap_ms": 50.0}
NAME = "model.Q4_0.gguf"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Takes the file as it is: its bytes are no model's."""

    folder: Path

    def require_folder(self) -> None:
        """It is always there."""

    async def add(self, path: Path, origin: Origin) -> Model:
        return Model("it", path.stem, path, origin=origin)


class Nobody:
    def get(self) -> None:
        return None


def serve(path: Path) -> None:
    """The server: every request is answered with the whole file."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        visitor = listener.accept()[0]
        threading.Thread(target=answer, args=(visitor, path), daemon=True).start()


def answer(visitor: socket.socket, path: Path) -> None:
    with visitor, path.open("rb") as file:
        while b"\r\n\r\n" not in visitor.recv(65536):
            pass
        size = os.fstat(file.fileno()).st_size
        head = f'HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nETag: "one"\r\nConnection: close\r\n\r\n'
        visitor.sendall(head.encode())
        at = 0
        while at < size:
            at += os.sendfile(visitor.fileno(), file.fileno(), at, size - at)


def curl(url: str, folder: Path) -> float:
    """Seconds until curl has written the file, its hash is known, and it is on the disk."""
    target = folder / "curl.gguf"
    pipeline = f"set -o pipefail; curl -sf '{url}' | tee '{target}' | sha256sum >/dev/null && sync '{target}'"
    begun = time.perf_counter()
    subprocess.run(["bash", "-c", pipeline], check=True)
    took = time.perf_counter() - begun
    target.unlink()
    return took


async def longest_gap(stop: asyncio.Event) -> float:
    """Milliseconds by which the loop was late for a tick, at worst."""
    longest, last = 0.0, time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(TICK_S)
        now = time.perf_counter()
        longest, last = max(longest, now - last - TICK_S), now
    return longest * 1000


async def ours(endpoint: str, folder: Path, size: int, sha256: str) -> dict[str, float]:
    """One download through the queue: seconds, cores, and the longest gaps of the loop with it and after it."""
    os.environ["HF_ENDPOINT"] = endpoint
    network = Network()
    web = Web(network, Nobody())
    (folder / "models").mkdir()
    downloads = await Downloads.opened(folder / "downloads.json", Shelf(folder / "models"), web)
    downloads.listen(lambda: downloads.all()[0].speed)
    used, begun = time.process_time(), time.perf_counter()
    stop = asyncio.Event()
    ticking = asyncio.create_task(longest_gap(stop))
    row = await downloads.add("some/Model-GGUF", "0" * 40, Variant("Q4_0", None, (RepoFile(NAME, size, sha256),)))
    done = await downloads.wait(row.id)
    took, used = time.perf_counter() - begun, time.process_time() - used
    assert done.state is State.DONE
    stop.set()
    gap = await ticking
    idle, ticked = asyncio.create_task(longest_gap(stop := asyncio.Event())), time.process_time()
    await asyncio.sleep(took)
    ticked = time.process_time() - ticked  # what the ticks alone take of a core
    stop.set()
    await downloads.close()
    web.close()
    network.close()
    shutil.rmtree(folder / "models")
    (folder / "downloads.json").unlink()
    return {"s": took, "cores": (used - ticked) / took, "gap_ms": gap, "idle_ms": await idle}


def measure(megabytes: int, runs: int) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="alcove-bench-"))
    source, size = folder / "source", megabytes << 20
    digest = hashlib.sha256()
    model = models.tiny_model(source).read_bytes()  # what does not begin as a model is not fetched to its end
    os.truncate(source, size)
    digest.update(model)
    for left in range(size - len(model), 0, -(1 << 20)):
        digest.update(bytes(min(left, 1 << 20)))
    server = subprocess.Popen([sys.executable, "-m", __spec__.name, "--serve", str(source)], stdout=subprocess.PIPE)
    QApplication([])
    theirs: list[float] = []
    found: list[dict[str, float]] = []
    try:
        assert server.stdout is not None
        endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"

        async def once() -> int:
            found.append(await ours(endpoint, folder, size, digest.hexdigest()))
            return 0

        for _ in range(runs):
            theirs.append(curl(f"{endpoint}/file", folder))
            run(once())
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)
    curl_s, ours_s = median(theirs), median(one["s"] for one in found)
    return {
        "megabytes": megabytes,
        "curl_s": curl_s,
        "ours_s": ours_s,
        "ratio": curl_s / ours_s,
        "cores": median(one["cores"] for one in found),
        "longest_gap_ms": median(one["gap_ms"] for one in found),
        "idle_gap_ms": median(one["idle_ms"] for one in found),
    }


def kept(figures: dict[str, float]) -> bool:
    return (
        figures["ratio"] >= LIMITS["ratio"]
        and figures["cores"] <= LIMITS["cores"]
        and figures["longest_gap_ms"] <= LIMITS["longest_gap_ms"]
    )


def main() -> int:
    """Prints the figures; 0 if all limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    figures = measure(options.megabytes, options.runs)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:16} {figure:9.2f}" + (f"   limit {LIMITS[name]:g}" if name in LIMITS else ""))
    return 0 if kept(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
