"""The headers of model files on the Hub: read by range, in steps, so that a verdict comes before the weights.

Invariants: not more is asked for than `core.gguf` still needs, in steps that are worth a request, and at most 64 MiB of
a file; what a failed step had brought is kept and not asked for again; a whole header is asked for once, then it comes
from the disk. Of a second variant of a repository only the list of tensors is fetched where the rest is as in the
first. What the headers mean is `core.gguf`'s; asking the Hub is `hub`'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from desktop.core import gguf
from desktop.core.errors import N_, HubError, ModelFileError, StorageError
from desktop.core.gguf import Header, NeedMore, Tensor
from desktop.core.repos import Listing, RepoFile, Variant
from desktop.services.disk import write_whole

Read = Callable[[str, str, str, int, int], Awaitable[bytes]]  # repository, commit, path, start, stop

# Bytes from the beginning after each request. Headers seen: 0.72 MB with 32,000 tokens, 5.9 with 152,000, 7.8 with
# 128,256, 15.8 with 262,144. Later parts of a split model have no vocabulary: some ten kB for a hundred tensors.
_STEPS = (768 << 10, 1_000_000, 4 << 20, 8 << 20, 16 << 20, 32 << 20, gguf.MAX_HEADER)
_LATER_PART = 64 << 10
_TAIL = 4 << 10  # asked for beyond the list of tensors that a sibling is expected to have
_CACHE = 128 << 20  # bytes on the disk; sixteen of the large ones
_PIECES = 64 << 20  # bytes in memory of headers begun
_AT_ONCE = 1 << 20  # bytes a request: on a slow line, what a broken one had brought is not lost
_UNSOUND = N_(
    "“{name}” cannot be used as it is in its repository: it is damaged, or of a kind that this Alcove does not know. "
    "Choose another variant."
)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of one file, parsed, and the bytes of it."""

    file: RepoFile
    header: Header
    data: bytes = field(repr=False)


Key = tuple[str, str, str]  # repository, commit, path


class Headers:
    """Fetches and keeps headers; `read` is `Hub.read`."""

    def __init__(self, read: Read, cache: Path) -> None:
        self._read = read
        self._cache = cache
        self._begun: dict[Key, bytes] = {}
        self._first: dict[tuple[str, str], Head] = {}  # of a repository's variants, the last whole header
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, listing: Listing, variant: Variant, whole: bool = True) -> tuple[Head, ...]:
        """The header of each file of a variant. Raises what `Hub.read` does, and `ModelFileError`.

        Without `whole`, none where it would take more than the list of tensors.
        """
        repo, commit = listing.repository.id, listing.commit
        lock = self._locks.setdefault(repo, asyncio.Lock())
        async with lock:  # one at a time: the second variant is cheaper once the first is known
            heads = []
            for number, file in enumerate(variant.files):
                head = await self._head((repo, commit, file.path), file, variant, number > 0, whole)
                if head is None:
                    return ()
                heads.append(head)
            return tuple(heads)

    async def _head(self, key: Key, file: RepoFile, variant: Variant, later: bool, whole: bool) -> Head | None:
        place = self._cache / (hashlib.sha256("\0".join((*key, str(file.size))).encode()).hexdigest()[:40] + ".head")
        head = await asyncio.to_thread(_kept, place, file)
        if head is None:
            head = None if later or key in self._begun else await self._sibling(key, file, variant)
            if head is None and not whole:
                return None
            try:
                head = head or await self._fetched(key, file, later)
                gguf.check(head.header, file.size)
            except ModelFileError as error:  # whose advice, to download it again, would bring the same
                raise ModelFileError(_UNSOUND, name=file.path) from error
            await asyncio.to_thread(_keep, place, head.data)
        if not later:
            self._first = {key[:2]: head}
        return head

    async def _fetched(self, key: Key, file: RepoFile, later: bool) -> Head:
        data, wanted = self._begun.get(key, b""), _LATER_PART if later else _STEPS[0]
        while True:
            while len(data) < min(wanted, file.size):
                data = self._begun[key] = data + await self._more(key, file, len(data), wanted)
                self._bound(key)
            try:
                header = await asyncio.to_thread(gguf.parse, data, file.size)
            except NeedMore as more:
                needed = more.bytes_needed
                wanted = max(needed, next(step for step in _STEPS if step > len(data) or step == _STEPS[-1]))
            else:
                del self._begun[key]
                return Head(file, header, data[: header.data_offset])

    async def _more(self, key: Key, file: RepoFile, start: int, stop: int) -> bytes:
        stop = min(stop, start + _AT_ONCE, file.size)
        found = await self._read(*key, start, stop)
        if not found:
            raise HubError(N_("The Hub sent nothing of “{name}”. Try again later."), name=file.path)
        return found[: stop - start]

    async def _sibling(self, key: Key, file: RepoFile, variant: Variant) -> Head | None:
        """The header put together from another variant's metadata and this one's list of tensors.

        Right only if the tensors then make up the file's length (padded), which no misplaced list does by chance.
        """
        pattern = self._first.get(key[:2])
        if pattern is None or len(pattern.data) < 2 * _TAIL or file.size <= len(pattern.data) + _TAIL:
            return None
        start = _tensors_at(pattern)
        if start < 2 * _TAIL:
            return None
        tail = await self._more(key, file, start, len(pattern.data) + _TAIL)
        number = variant.quantisation.number if variant.quantisation else None
        data = _with_file_type(pattern.data[:start], number) + tail
        try:
            header = await asyncio.to_thread(gguf.parse, data, file.size)
        except (NeedMore, ModelFileError):
            return None
        names = [tensor.name for tensor in header.tensors]
        spare = file.size - header.expected_size()
        if names != [tensor.name for tensor in pattern.header.tensors] or not 0 <= spare < header.alignment:
            return None
        return Head(file, header, data[: header.data_offset])

    def _bound(self, key: Key) -> None:
        while sum(map(len, self._begun.values())) > _PIECES and len(self._begun) > 1:
            del self._begun[next(other for other in self._begun if other != key)]


def _tensors_at(head: Head) -> int:
    """Where the list of tensors begins, counted back from its end; 0 where it is not found there."""
    if not head.header.tensors:
        return 0
    length = sum(map(_record_length, head.header.tensors))
    name = head.header.tensors[0].name.encode()
    record = struct.pack("<Q", len(name)) + name
    latest = head.header.data_offset - length
    return max(0, head.data.find(record, latest - head.header.alignment, latest + len(record)))


def _record_length(tensor: Tensor) -> int:
    return 8 + len(tensor.name.encode()) + 4 + 8 * len(tensor.shape) + 4 + 8


def _with_file_type(metadata: bytes, number: int | None) -> bytes:
    """The metadata saying another file type; it changes no length."""
    entry = b"general.file_type" + struct.pack("<I", 4)
    at = metadata.find(entry)
    if number is None or at < 0:
        return metadata
    at += len(entry)
    return metadata[:at] + struct.pack("<I", number) + metadata[at + 4 :]


def _kept(place: Path, file: RepoFile) -> Head | None:
    """The header as it was kept; None where it was not, or cannot be read any more."""
    try:
        data = place.read_bytes()
        os.utime(place)
        return Head(file, gguf.parse(data, file.size), data)
    except (OSError, ModelFileError, NeedMore):
        return None


def _keep(place: Path, data: bytes) -> None:
    """Keeps a header, and lets go of those not used for longest. A disk that refuses costs a second request only."""
    with suppress(OSError, StorageError):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, data)
        rows = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in place.parent.glob("*.head")), reverse=True)
        total = 0
        for _, size, old in rows:
            total += size
            if total > _CACHE:
                old.unlink(missing_ok=True)
