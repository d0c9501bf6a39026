"""The list of downloads on the disk, shared by every Alcove that runs: one JSON file, written whole.

Invariant: a program changes the rows it has changed itself, and leaves those of another as they are. A file that cannot
be read is set aside: what had arrived lies in its parts, and is found when the same download is asked for again. That
of a newer Alcove is left as it is.
What runs when is `services.transfer.downloads`'.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desktop.core import errors
from desktop.core.errors import N_, StorageError, UserError
from desktop.core.repos import RepoFile
from desktop.core.transfer import Download, State
from desktop.services.disk import aside, read_whole, write_whole
from desktop.services.locks import locked

_KEPT = frozenset((State.PAUSED, State.FAILED, State.DONE))
_LOCK_S = 10.0  # then it is written all the same: better than not at all
_VERSION = 1
_MOST = 500  # rows; what is done is forgotten first


class Queue:
    """The file at `path`. Everything here blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Download]:
        """What is listed, in order. Raises `StorageError`."""
        data = read_whole(self._path)
        if not data:
            return {}
        try:
            document = json.loads(data)
            newer = document["version"] > _VERSION
            found = [] if newer else [_download(row) for row in document["downloads"]]
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            aside(self._path, time.strftime("%Y%m%d-%H%M%S"))
            return {}
        if newer:
            raise StorageError(
                N_("The list of your downloads, “{path}”, is of a newer Alcove. Nothing was changed. Update Alcove."),
                path=str(self._path),
            )
        return {download.id: download for download in found}

    def write(self, changed: Mapping[str, Download | None]) -> None:
        """Puts these rows into the file; None takes one out. Raises `StorageError`."""
        with locked(self._path.with_suffix(".lock"), _LOCK_S):
            rows = self.read()
            for id_, download in changed.items():
                if download is None:
                    rows.pop(id_, None)
                else:
                    rows[id_] = download
            done = [id_ for id_, download in rows.items() if download.state is State.DONE]
            for id_ in done[: max(0, len(rows) - _MOST)]:
                del rows[id_]
            table = {"version": _VERSION, "downloads": [_row(download) for download in rows.values()]}
            write_whole(self._path, json.dumps(table, ensure_ascii=False, indent=1).encode())


def _row(download: Download) -> dict[str, Any]:
    """What outlasts the program: what ran is waiting in the file, and so goes on when it is read again."""
    problem = download.problem if download.state in _KEPT else None
    return {
        "id": download.id,
        "repo": download.repo,
        "commit": download.commit,
        "label": download.label,
        "url": download.url,
        "made": list(download.made),
        "files": [[file.path, file.size, file.sha256] for file in download.files],
        "size": download.size,
        "received": download.received,
        "state": download.state if download.state in _KEPT else State.WAITING,
        "model": download.model,
        "problem": None if problem is None else [type(problem).__name__, problem.message, _plain(problem.fields)],
    }


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in fields.items()}


def _download(row: Mapping[str, Any]) -> Download:
    return Download(
        str(row["id"]),
        str(row["repo"]),
        str(row["commit"]),
        str(row["label"]),
        files=tuple(RepoFile(str(path), int(size), str(sha256)) for path, size, sha256 in row["files"]),
        size=int(row["size"]),
        received=int(row["received"]),
        state=State(row["state"]),
        problem=_problem(row.get("problem")),
        model=str(row["model"]),
        url=str(row["url"]),
        made=tuple(map(str, row["made"])),
    )


def _problem(told: Any) -> UserError | None:
    if told is None:
        return None
    name, message, fields = told
    kind = getattr(errors, str(name), UserError)
    return (kind if isinstance(kind, type) and issubclass(kind, UserError) else UserError)(str(message), **dict(fields))
