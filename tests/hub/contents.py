"""What a Hub holds: repositories, their commits, and files that are bytes or lie on a disk.

Invariant: a commit never changes; `Repository.commit` makes the next one, and only `Repository.rewrite` lies about the
past. A file on disk is read when it is asked for and never held in memory. A sparse file stands for a large one: its
SHA-256 is made up, because reading it would take minutes. Nothing here knows HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

LFS_FROM = 10 << 20  # the Hub asks for LFS from 10 MiB; a *.gguf is LFS at any size (its own .gitattributes)


@dataclass(frozen=True)
class Content:
    """One file's bytes."""

    source: bytes | Path

    @cached_property
    def size(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    @cached_property
    def sha256(self) -> str:
        if isinstance(self.source, bytes):
            return hashlib.sha256(self.source).hexdigest()
        if self.sparse:
            return hashlib.sha256(f"{self.source.name} {self.size}".encode()).hexdigest()
        with self.source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def sparse(self) -> bool:
        """Whether most of it is holes."""
        if isinstance(self.source, bytes):
            return False
        taken = getattr(self.source.stat(), "st_blocks", None)  # not on Windows
        return taken is not None and taken * 512 < self.size // 2

    @cached_property
    def oid(self) -> str:
        """As Git names it: of a small file the blob's, of an LFS file its pointer's (here only shaped so)."""
        if isinstance(self.source, bytes):
            return hashlib.sha1(b"blob %d\0" % self.size + self.source).hexdigest()
        return hashlib.sha1(self.sha256.encode()).hexdigest()

    @property
    def etag(self) -> str:
        """The CDN's, which is not the Hub's: an object store's own, of several parts."""
        return f'"{hashlib.md5(self.sha256.encode()).hexdigest()}-{self.size // (16 << 20) + 1}"'

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        stop = self.size if stop is None else stop
        if isinstance(self.source, bytes):
            return self.source[start:stop]
        with self.source.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


Files = dict[str, Content]


@dataclass
class Repository:
    """One model repository. `gated`: False, "auto" or "manual"; `private` ones are seen with a token of theirs only."""

    id: str
    files: Files
    downloads: int = 0
    likes: int = 0
    modified: str = "2023-10-01T12:00:00.000Z"
    licence: str = "apache-2.0"
    gated: bool | str = False
    private: bool = False
    tags: tuple[str, ...] = ()
    gguf: Mapping[str, object] | None = None  # as the Hub read it out of one file: total, architecture, context_length
    commits: dict[str, Files] = field(default_factory=dict)
    head: str = ""

    def __post_init__(self) -> None:
        self.commit({})

    @property
    def author(self) -> str:
        return self.id.partition("/")[0]

    @property
    def holds_gguf(self) -> bool:
        return any(path.casefold().endswith(".gguf") for path in self.files)

    def commit(self, changed: Mapping[str, bytes | Path | None]) -> str:
        """A new commit upon the last one; None removes a file. Its name is returned."""
        after = dict(self.files)
        for path, source in changed.items():
            after.pop(path, None)
            if source is not None:
                after[path] = Content(source)
        described = "\n".join(f"{path} {content.source!r:.200}" for path, content in sorted(after.items()))
        self.head = hashlib.sha1(f"{self.id} {len(self.commits)}\n{described}".encode()).hexdigest()
        self.files = self.commits[self.head] = after
        return self.head

    def rewrite(self, path: str, source: bytes | Path) -> None:
        """Other bytes under a name of every commit: what a Hub never does, and a lying one would."""
        for files in self.commits.values():
            if path in files:
                files[path] = Content(source)

    def at(self, revision: str) -> tuple[str, Files] | None:
        """The commit a revision names; None where there is none."""
        sha = self.head if revision in ("main", "HEAD") else revision
        return (sha, self.commits[sha]) if sha in self.commits else None


def is_lfs(path: str, content: Content) -> bool:
    return path.casefold().endswith((".gguf", ".safetensors", ".bin", ".pth")) or content.size >= LFS_FROM
