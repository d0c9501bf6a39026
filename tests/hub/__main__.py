"""`python -m tests.hub FOLDER [--port N]`: serves a folder of AUTHOR/REPOSITORY/FILES until it is interrupted.

The first line printed is JSON: {"endpoint", "cdn"}; the first is what HF_ENDPOINT wants.
"""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path

from tests.hub.server import HubServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    repositories = {
        f"{repo.parent.name}/{repo.name}": {
            file.relative_to(repo).as_posix(): file for file in sorted(repo.rglob("*")) if file.is_file()
        }
        for repo in sorted(given.folder.glob("*/*"))
        if repo.is_dir()
    }
    with HubServer(repositories, port=given.port) as hub:
        print(json.dumps({"endpoint": hub.endpoint, "cdn": hub.cdn}), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


main()
