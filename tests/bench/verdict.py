"""How soon it is known what a model takes: a page of twelve variants by arithmetic, and one by the engine's own word.

The Hub is one on loopback with Mistral-7B as TheBloke made it: true lengths and headers, no weights. The page is judged
from nothing but the listing, as when a repository is opened. The engine's word is timed from the moment the header lies
here: read from the disk, parsed, written as a stand-in, and a process asked that is not started before. All figures are
medians of the runs. Exits 1 where a limit is missed.

    python -m tests.bench.verdict [--runs N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from desktop.assembly import Assembly
from desktop.core.generation import LoadSettings
from desktop.services.fit.fitting import Subject
from desktop.services.paths import Paths
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository

LIMITS = {"page_ms": 100.0, "verdict_s": 0.5}
PAGE = 12


async def timed(paths: Paths) -> tuple[float, float]:
    """Milliseconds for the page, seconds for the exact verdict, by services that know nothing yet."""
    async with Assembly.opened(paths) as alcove:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        await alcove.fitting.prepare()
        subjects = [Subject.remote(listing, variant) for variant in listing.variants[:PAGE]]
        began = time.perf_counter()
        fits = [alcove.fitting.quick(subject, LoadSettings()) for subject in subjects]
        page = time.perf_counter() - began
        assert len(fits) == PAGE
        began = time.perf_counter()
        fit = await alcove.fitting.exact(subjects[6], LoadSettings())
        verdict = time.perf_counter() - began
        assert fit.exact
        return page * 1000, verdict


def measure(runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        repository = bloke_repository(Path(folder) / "hub", true_sizes=True)
        with HubServer({MISTRAL_REPO: repository}) as server:
            os.environ["HF_ENDPOINT"] = server.endpoint
            paths = Paths(Path(folder) / "home")
            asyncio.run(timed(paths))  # the header is fetched
            found = [asyncio.run(timed(paths)) for _ in range(runs)]
    return {"page_ms": median(page for page, _ in found), "verdict_s": median(verdict for _, verdict in found)}


def main() -> int:
    """Prints the figures; 0 if all limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.runs)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, limit in LIMITS.items():
            print(f"{name:12} {figures[name]:8.3f}   limit {limit:6.1f}")
    return 0 if all(figures[name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
