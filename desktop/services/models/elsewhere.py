"""Finds the model files of other applications, to be used where they lie.

Invariants: nothing is written, copied or followed in circles; a search is bounded in time, entries and depth, and says
when it was not complete. Of a file only its beginning is read here; that it is sound and whole is checked when it is
taken into the library as a link (`Library.link`). What the library has already is left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core import gguf, quants
from desktop.core.errors import UserError
from desktop.engine.files import unreadable
from desktop.services.models.applications import Layout, Place, Surroundings, places
from desktop.services.models.modelfiles import Model, Origin, later_part, no_language_model, stem

_LIMIT_S = 10.0  # a search over sleeping disks; an ordinary one takes a tenth of a second
_MOST_ENTRIES = 50_000
_DEEPEST = 6  # Jan's: data/llamacpp/models/<author>/<model>/<file>
_BEGINNING = 64 << 10  # bytes: what a model says of itself stands before its vocabulary
_LARGEST_MANIFEST = 1 << 20
_MODEL_LAYER = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Found:
    """A model of another application. `hashes`: SHA-256 of its files, where the application names them so."""

    application: str
    name: str
    path: Path
    size: int
    architecture: str = ""
    quantisation: str = ""
    origin: Origin | None = None
    hashes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that cannot be offered, and why."""

    application: str
    path: Path
    problem: UserError


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search brought. `complete` is false where it ended at one of its bounds."""

    found: tuple[Found, ...]
    skipped: tuple[Skipped, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    path: Path
    origin: Origin | None = None
    hashes: tuple[str, ...] = ()


async def found(models: Sequence[Model], around: Surroundings | None = None) -> Findings:
    """All models of other applications that are not among `models`, in the applications' order."""
    return await asyncio.to_thread(lambda: _Search(models).run(places(around or _here())))


async def known(path: Path, models: Sequence[Model]) -> Found | None:
    """What another application knows of its file; None where it is nobody's, or among `models`."""

    def same(file: Path) -> bool:
        return os.path.realpath(file) == os.path.realpath(os.path.expanduser(path))

    findings = await found(models)
    return await asyncio.to_thread(lambda: next((one for one in findings.found if same(one.path)), None))


def _here() -> Surroundings:
    return Surroundings(Path(os.path.expanduser("~")), os.environ, sys.platform)


class _Search:
    """One search: what is known, what it has seen, and how far it may go."""

    def __init__(self, models: Sequence[Model]) -> None:
        listed = [model for model in models if model.binned is None]
        self._files = {os.path.realpath(file) for model in listed for file in model.files}
        self._hashes = {model.hashes for model in listed if model.hashes}
        self._entered: set[tuple[int, int]] = set()
        self._left = _MOST_ENTRIES
        self._end = time.monotonic() + _LIMIT_S
        self._found: list[Found] = []
        self._skipped: list[Skipped] = []
        self._complete = True

    def run(self, everywhere: Sequence[Place]) -> Findings:
        layouts = {Layout.FILES: self._files_in, Layout.HUB: self._hub, Layout.OLLAMA: self._ollama}
        for place in everywhere:
            for candidate in layouts[place.layout](place):
                self._consider(place, candidate)
        return Findings(tuple(self._found), tuple(self._skipped), self._complete)

    # -- layouts ------------------------------------------------------------------------------------------------------

    def _files_in(self, place: Place) -> Iterator[_Candidate]:
        for path in self._walk(place, place.folder):
            if path.suffix.lower() == ".gguf":
                plain = stem(path)
                yield _Candidate(path.parent.name if plain.lower() == "model" else plain, path)

    def _hub(self, place: Place) -> Iterator[_Candidate]:
        for repository in self._listed(place, place.folder):
            author_name = repository.name.split("--")
            if author_name[0] != "models" or len(author_name) < 2:
                continue
            repo, seen = "/".join(author_name[1:]), set()
            current = _small_text(repository / "refs" / "main")
            snapshots = self._listed(place, repository / "snapshots")
            for snapshot in sorted(snapshots, key=lambda one: one.name != current):
                for path in self._walk(place, snapshot):
                    file = path.relative_to(snapshot).as_posix()
                    if path.suffix.lower() == ".gguf" and file not in seen:
                        seen.add(file)
                        hashes = _blob_sums(Model("", "", path).files)
                        origin = Origin(repo, snapshot.name, file, hashes[0] if hashes else "", hashes[1:])
                        yield _Candidate(stem(path), path, origin, hashes)

    def _ollama(self, place: Place) -> Iterator[_Candidate]:
        manifests = place.folder / "manifests"
        for path in self._walk(place, manifests):
            digest = _model_digest(path)
            if digest:
                blob = place.folder / "blobs" / f"sha256-{digest}"
                yield _Candidate(_ollama_name(path.relative_to(manifests)), blob, hashes=(digest,))

    # -- one file -----------------------------------------------------------------------------------------------------

    def _consider(self, place: Place, candidate: _Candidate) -> None:
        path = candidate.path
        if later_part(path) or candidate.hashes in self._hashes:
            return
        if os.path.realpath(path) in self._files:
            return
        try:
            offer = _offer(place.application, candidate)
        except UserError as problem:
            self._skipped.append(Skipped(place.application, path, problem))
            offer = None
        self._files.add(os.path.realpath(path))
        if offer is not None:
            self._found.append(offer)

    # -- folders ------------------------------------------------------------------------------------------------------

    def _walk(self, place: Place, folder: Path) -> Iterator[Path]:
        """The files below a folder, links followed but none entered twice."""
        waiting = [(folder, 1)]
        while waiting:
            here, depth = waiting.pop()
            if not self._enters(place, here):
                continue
            for path in self._listed(place, here):
                if path.is_dir():
                    if depth < _DEEPEST and not path.name.startswith("."):
                        waiting.append((path, depth + 1))
                elif path.is_file():
                    yield path

    def _enters(self, place: Place, folder: Path) -> bool:
        try:
            state = os.stat(folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            self._skipped.append(Skipped(place.application, folder, unreadable(folder, error)))
            return False
        new = (state.st_dev, state.st_ino) not in self._entered
        self._entered.add((state.st_dev, state.st_ino))
        return new

    def _listed(self, place: Place, folder: Path) -> list[Path]:
        """What lies in a folder, as far as the bounds let it be looked at."""
        names: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self._left <= 0 or time.monotonic() > self._end:
                        self._complete = False
                        break
                    self._left -= 1
                    names.append(entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._skipped.append(Skipped(place.application, folder, unreadable(folder, error)))
        return [folder / name for name in sorted(names)]


def _offer(application: str, candidate: _Candidate) -> Found | None:
    """What is offered; None for the other GGUF files that go with models. Raises `ModelFileError`."""
    files = Model("", "", candidate.path).files
    reading = candidate.path
    try:
        if not candidate.path.is_file():  # gone, or a pipe, which would never end
            raise FileNotFoundError
        with candidate.path.open("rb") as file:
            said = gguf.begun(file.read(_BEGINNING), os.fstat(file.fileno()).st_size)
        size = 0
        for reading in files:
            size += os.stat(reading).st_size
    except OSError as error:
        raise unreadable(reading, error) from error
    if no_language_model(said) or candidate.path.name.lower().startswith("mmproj"):
        return None
    architecture, kind = (
        said.get("general.architecture"),
        gguf.said_type(said) or quants.from_file_name(candidate.path.name),
    )
    return Found(
        application,
        candidate.name,
        candidate.path,
        size,
        architecture if isinstance(architecture, str) else "",
        kind.name if kind else "",
        candidate.origin,
        candidate.hashes,
    )


def _blob_sums(files: Sequence[Path]) -> tuple[str, ...]:
    """The SHA-256 by which huggingface_hub calls the blobs of large files; empty where files are no such links."""
    names = tuple(Path(os.path.realpath(file)).name for file in files)
    return names if all(_SUM.fullmatch(name) for name in names) else ()


def _model_digest(manifest: Path) -> str:
    """The SHA-256 of the model that an Ollama manifest names; "" where it names none."""
    try:
        layers: list[dict[str, Any]] = json.loads(_small_text(manifest) or "{}").get("layers", [])
        named = [_DIGEST.fullmatch(layer["digest"]) for layer in layers if layer["mediaType"] == _MODEL_LAYER]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return named[0][1] if named and named[0] else ""


def _ollama_name(manifest: Path) -> str:
    """As one types it there: `llama3:8b`, `mattw/pygmalion`, `hf.co/author/name:Q4_K_M`."""
    *above, tag = manifest.parts
    begin = above[2:] if above[:2] == ["registry.ollama.ai", "library"] else above
    name = "/".join(begin[1:] if begin and begin[0] == "registry.ollama.ai" else begin)
    return name if tag == "latest" else f"{name}:{tag}"


def _small_text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST_MANIFEST:
            return ""
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
