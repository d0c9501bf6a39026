"""Where the files of a download are asked for, and where they come to lie.

Invariant: a file lies in `<folder>/<author>/<repository>/`, as other applications have it, whatever it is called: a
name that would leave the folder, or that some system cannot write, is refused or made harmless. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from desktop.core.errors import N_, TransferError
from desktop.core.repos import RepoFile, safe
from desktop.core.transfer import Download
from desktop.services.models.modelfiles import safe_name, stem
from desktop.services.transfer.part import Part, Promise


@dataclass(frozen=True, slots=True)
class Errand:
    """One file: where it is asked for, and its part."""

    url: str
    part: Part


def errands(folder: Path, download: Download, endpoint: str) -> list[Errand]:
    """One for each file. Raises `TransferError` for names that cannot be."""
    found = []
    for file in download.files:
        source = _fingerprint(download.url) if download.url else download.commit
        promise = Promise(target(folder, download, file), file.size, file.sha256, source)
        found.append(Errand(_address(download, file, endpoint), Part(promise)))
    _require_distinct([errand.part.target for errand in found])
    return found


def target(folder: Path, download: Download, file: RepoFile) -> Path:
    """Where a file comes to lie. Raises `TransferError` for a name that cannot be."""
    if not safe(file.path) or not safe(download.repo):
        raise TransferError(
            N_("“{name}” is a name that could reach outside the folder of models. It was not downloaded."),
            name=file.path,
        )
    author, _, name = download.repo.rpartition("/")
    *inner, last = PurePosixPath(file.path).parts
    place = folder.joinpath(safe_name(author or "_"), safe_name(name), *map(safe_name, inner))
    begun = stem(Path(last))
    return place / (safe_name(begun) + last.removeprefix(begun))


def places(folder: Path, download: Download) -> list[Path]:
    """The folders below `folder` that its files lie in, at any depth, the outermost first. Raises `TransferError`."""
    found = {place for file in download.files for place in target(folder, download, file).parents}
    return sorted(place for place in found if place.is_relative_to(folder) and place != folder)


def on_disk(folder: Path, download: Download) -> int:
    """Bytes of it that are here. Raises `TransferError`."""
    return sum(errand.part.on_disk() for errand in errands(folder, download, ""))


def _address(download: Download, file: RepoFile, endpoint: str) -> str:
    if download.url:
        return download.url
    return f"{endpoint}/{quote(download.repo)}/resolve/{quote(download.commit or 'main', safe='')}/{quote(file.path)}"


def _fingerprint(url: str) -> str:
    """Which file of which host, and asked for how; hashed, since an address may hold a key."""
    asked = urlsplit(url)
    place = f"{asked.hostname}{asked.path}"
    return ":".join(sha256(text.encode()).hexdigest() for text in (place, url))


def _require_distinct(targets: Sequence[Path]) -> None:
    """Also on a disk to which A and a are the same."""
    if len({str(path).casefold() for path in targets}) < len(targets):
        raise TransferError(
            N_("Two files of “{name}” differ only by capitals, which some disks cannot keep apart."),
            name=targets[0].parent.name,
        )
