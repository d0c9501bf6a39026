"""What the Hub's API says about repositories and files, as values: nothing mistyped gets through.

Invariant: whatever JSON a server sends, a row becomes a sound value or None, and no figure is negative or endless.
Which files are models is `repos.variants`'; asking is `services.online.hub`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from desktop.core.repos import RepoFile, Repository, valid_id

_LARGEST = 1 << 53  # what JSON's numbers hold exactly
_WORD = re.compile(r"[\w.+ -]{1,60}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def repository(row: object) -> Repository | None:
    """A row of `/api/models`, or the answer of `/api/models/{id}`: `downloads likes lastModified tags gated gguf`."""
    if not isinstance(row, Mapping) or not isinstance(row.get("id"), str) or not valid_id(row["id"]):
        return None
    said = row.get("gguf")
    gguf: Mapping[str, object] = said if isinstance(said, Mapping) else {}
    return Repository(
        row["id"],
        downloads=_count(row.get("downloads")),
        likes=_count(row.get("likes")),
        modified=_moment(row.get("lastModified")),
        licence=_licence(row.get("tags")),
        gated=row.get("gated") in ("auto", "manual", True),
        parameters=_count(gguf.get("total")),
        architecture=_word(gguf.get("architecture")),
        context_length=_count(gguf.get("context_length")),
    )


def file(path: object, size: object, sha256: object) -> RepoFile | None:
    """A file of a repository's tree."""
    if not isinstance(path, str) or not _count(size):
        return None
    return RepoFile(path, _count(size), sha256 if isinstance(sha256, str) and _SHA256.fullmatch(sha256) else "")


def commit(sha: object) -> str:
    """A commit's name; "" if it is none."""
    return sha if isinstance(sha, str) and _COMMIT.fullmatch(sha) else ""


def _count(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if isinstance(value, int) and whole and 0 <= value <= _LARGEST else 0


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _moment(value: object) -> float:
    try:
        return max(0.0, datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _licence(tags: object) -> str:
    """The Hub repeats the card's licence as a tag."""
    said = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return next((_word(tag.partition(":")[2]) for tag in said if tag.startswith("license:")), "")
