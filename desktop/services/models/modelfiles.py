"""Model files on disk: what they are, which belong together, and how they are taken into the library's folder.

Invariants: a file has its final name only when it is whole; what a person's own file holds is never changed, and with
`move` it is gone from its place only when it stands in the new one. Everything here blocks and belongs into a thread.
The list of models is `library`'s; the inside of a header is `core.gguf`'s.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from desktop.core.errors import N_, ModelFileError, StorageError
from desktop.core.gguf import Header, Value, size_in_words
from desktop.engine.files import read_header
from desktop.services.disk import refused

_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)  # llama.cpp's LLAMA_SPLIT_PREFIX
_COMPANIONS = ("mmproj", "imatrix", "adapter")  # gguf's GGUFType, but for models and vocabularies
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789")}
_MOST_PARTS = 9_999  # the largest models are split into some hundred; a header that claims more lies
_DEEPEST = 3  # <author>/<repository>/<file>
_MOST_ENTRIES = 20_000  # of a folder, in case somebody chooses a whole disk for it
_LONGEST_TITLE = 200  # characters
_LONGEST_TEMPLATE = 64 << 10  # characters; the longest seen have 20,000, and the list of models holds them all
_SAMPLE = 1 << 20
_CHUNK = 4 << 20
UNFINISHED = ".importing"
_STALE_S = 24 * 3600  # a half-copied file of yesterday belongs to nobody
MARGIN = 256 << 20  # bytes left free on the disk, so that chats can still be saved


class How(StrEnum):
    """What happens to a file that is imported."""

    COPY = "copy"
    LINK = "link"  # stays where it is
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a downloaded model came from, and the SHA-256 that its repository gives for each file, in their order."""

    repo: str
    commit: str
    file: str  # the first, as it is called in the repository
    sha256: str = ""
    others: tuple[str, ...] = ()  # of the later files of a split model

    @property
    def hashes(self) -> tuple[str, ...]:
        """Of every file; empty where one is not known."""
        known = (self.sha256, *self.others)
        return known if all(known) else ()


@dataclass(frozen=True, slots=True)
class Model:
    """A model on this computer. `id` is "" for one that is used from a path without being in the library."""

    id: str
    name: str
    path: Path  # of the first file, where there are several
    size: int = 0  # bytes of all files
    owned: bool = False  # the file lies in Alcove's folder and goes to the bin with the model
    fingerprint: str = ""
    architecture: str = ""
    quantisation: str = ""
    context_length: int = 0
    parameters: int = 0
    template: str = ""
    title: str = ""  # what the file calls itself
    added: float = 0.0
    binned: float | None = None
    built_in: bool = False
    origin: Origin | None = None
    hashes: tuple[str, ...] = ()  # SHA-256 of each file, once known; what `verify` compares with
    verified: float = 0.0  # when the files were last found to be what `hashes` says
    touched: int = 0  # nanoseconds: the newest modification time of its files when they were described

    @property
    def linked(self) -> bool:
        return not (self.owned or self.built_in)

    @property
    def sha256(self) -> str:
        """Of the first file; "" until it is known."""
        return self.hashes[0] if self.hashes else ""

    @property
    def files(self) -> list[Path]:
        """Its files by their names, the first one first, whether or not they are there."""
        found = _SPLIT.search(self.path.name)
        if found is None or not 1 < int(found[2]) <= _MOST_PARTS:
            return [self.path]
        begin = self.path.name[: found.start()]
        return [self.path.with_name(f"{begin}-{n:05d}-of-{found[2]}.gguf") for n in range(1, int(found[2]) + 1)]

    @property
    def changed(self) -> bool:
        """Whether its files are there but not as they were described: another length, or written since."""
        try:
            return self.touched != 0 and (self.size, self.touched) != state(self.files)
        except OSError:
            return False  # gone: `present` says so

    @property
    def present(self) -> bool:
        """Whether the file is where it was."""
        return os.path.isfile(self.path)  # pathlib's raises where a folder may not be entered


def described(path: Path, id_: str, name: str) -> Model:
    """The model in a file, its header and length checked. Raises `ModelFileError`."""
    header = read_header(path)
    if no_language_model(header.metadata) or not (header.tensors or header.parts > 1):
        raise ModelFileError(
            N_("“{name}” belongs to a model but is none: it holds no language model. Choose the model's own file."),
            name=path.name,
        )
    files = parts(path, header)
    headers = [header, *(read_header(file) for file in files[1:])]
    try:
        size, touched = state(files)
        fingerprint = _fingerprint(path, header, size)
    except OSError as error:
        raise refused(error, path) from error
    return Model(
        *(id_, name, files[0], size, False, fingerprint),
        architecture=header.architecture,
        quantisation=header.quantisation,
        context_length=header.context_length,
        parameters=sum(h.parameters for h in headers),
        template=header.chat_template if len(header.chat_template) <= _LONGEST_TEMPLATE else "",
        title=header.name[:_LONGEST_TITLE],
        added=time.time(),
        touched=touched,
    )


def no_language_model(metadata: Mapping[str, Value]) -> bool:
    """Whether it is one of the GGUF files that go with models: the eyes of one, its measurements, an adapter."""
    return metadata.get("general.architecture") == "clip" or metadata.get("general.type") in _COMPANIONS


def state(files: Sequence[Path]) -> tuple[int, int]:
    """Bytes and newest modification of files together: what is compared at every look. Raises `OSError`."""
    found = [os.stat(file) for file in files]
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def parts(path: Path, header: Header) -> list[Path]:
    """All files of a model that is split, the first one first. Raises `ModelFileError` where one is missing."""
    if header.parts == 1:
        return [path]
    found = _SPLIT.search(path.name)
    stem = path.name[: found.start()] if found else path.stem
    files = [path.with_name(f"{stem}-{n:05d}-of-{header.parts:05d}.gguf") for n in range(1, header.parts + 1)]
    missing = next((file for file in files if not os.path.isfile(file)), None)
    if missing is not None:
        raise ModelFileError(
            N_("This model comes in {count} files, and “{missing}” is not beside “{name}”. Put them in one folder."),
            count=header.parts,
            missing=missing.name,
            name=path.name,
        )
    if path != files[0]:
        raise ModelFileError(
            N_("“{name}” is a later part of a model in {count} files. Choose “{first}” instead."),
            name=path.name,
            count=header.parts,
            first=files[0].name,
        )
    return files


def walked(folder: Path) -> Iterator[Path]:
    """The ordinary files of a folder of models, in order, as deep as downloads lie; hidden names are passed over."""
    waiting, left = [(folder, 1)], _MOST_ENTRIES
    while waiting:
        here, depth = waiting.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(islice(found, left), key=lambda entry: entry.name)
        except OSError:
            continue  # not to be entered, or gone
        left -= len(entries)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False) and depth < _DEEPEST:
                waiting.append((Path(entry.path), depth + 1))
            elif entry.is_file():
                yield Path(entry.path)


def later_part(path: Path) -> bool:
    """Whether the name is that of the second or a later file of a split model."""
    found = _SPLIT.search(path.name)
    return found is not None and int(found[1]) > 1


def stem(path: Path) -> str:
    """The file's name without what marks it as GGUF or as a part."""
    return _SPLIT.sub("", path.name) if _SPLIT.search(path.name) else path.stem


def _fingerprint(path: Path, header: Header, size: int) -> str:
    """Tells whether two files are the same model without reading them whole: header and three samples of weights."""
    digest = hashlib.sha256(f"{size} ".encode())
    with path.open("rb") as file:
        digest.update(file.read(header.data_offset))
        length = os.fstat(file.fileno()).st_size
        for at in (header.data_offset, (header.data_offset + length) // 2, length - _SAMPLE):
            file.seek(max(at, header.data_offset))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def safe_name(name: str) -> str:
    """A name every file system takes: no separators, no device names of Windows, at most 120 bytes."""
    clean = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", name.encode("utf-8", "replace").decode())
    clean = clean.encode()[:120].decode("utf-8", "ignore").strip(" .")
    return f"_{clean}" if not clean or clean.split(".")[0].lower() in _RESERVED else clean


def folder_for(models: Path, name: str) -> Path:
    """Makes a new folder below `models`, named after the model."""
    number = 1
    while True:
        folder = models / (safe_name(name) + (f" ({number})" if number > 1 else ""))
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise refused(error, folder) from error
        else:
            return folder


def take(
    files: Sequence[Path], models: Path, how: How, progress: Callable[[float], None]
) -> tuple[Path, tuple[str, ...]]:
    """Brings the files into a folder of their own; the new path of the first, and the SHA-256 of each if it was copied.

    `progress` (0..1) may raise to cancel.

    Raises `StorageError`; then, and when cancelled, nothing is left behind and the originals are as they were.
    """
    folder = folder_for(models, stem(files[0]))
    targets = [folder / _within(file.name) for file in files]
    hashes: tuple[str, ...] = ()
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            renamed = how is How.MOVE and not any(map(os.path.islink, files)) and _same_disk(files[0], folder)
            if renamed:
                for file, target in zip(files, targets, strict=True):
                    os.rename(file, target)
                    undo.callback(os.rename, target, file)
            else:
                _require_space(files, folder)
                hashes = _copy_all(files, targets, progress)
        except OSError as error:
            raise refused(error, folder) from error
        undo.pop_all()
    if how is How.MOVE and not renamed:
        for file in files:
            with suppress(OSError):  # the copy is whole; an original that cannot be removed is not a failed import
                file.unlink()
    return targets[0], hashes


def _same_disk(file: Path, folder: Path) -> bool:
    return os.stat(file).st_dev == os.stat(folder).st_dev


def _within(name: str) -> str:
    """The file's name, safe, with the ending that the engine looks for."""
    found = re.search(r"(-\d{5}-of-\d{5})?\.gguf$", name, re.IGNORECASE)
    if found is None:
        return safe_name(name) + ".gguf"
    return safe_name(name[: found.start()]) + found[0].lower()


def _require_space(files: Sequence[Path], folder: Path) -> None:
    needed = sum(file.stat().st_size for file in files)
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        raise StorageError(
            N_("The disk has {free} free and this model needs {needed}. Free some space, or link the file instead."),
            free=size_in_words(free),
            needed=size_in_words(needed + MARGIN),
        )


def _copy_all(files: Sequence[Path], targets: Sequence[Path], progress: Callable[[float], None]) -> tuple[str, ...]:
    total = sum(file.stat().st_size for file in files)
    done = 0
    buffer = memoryview(bytearray(_CHUNK))
    hashes = []
    for file, target in zip(files, targets, strict=True):
        found = hashlib.sha256()
        with file.open("rb", buffering=0) as source, _unfinished(target).open("xb") as copy:
            while count := source.readinto(buffer):
                copy.write(buffer[:count])
                found.update(buffer[:count])
                done += count
                progress(done / max(total, 1))
            copy.flush()
            os.fsync(copy.fileno())
        hashes.append(found.hexdigest())
    if done != total:
        raise ModelFileError(
            N_("“{name}” changed while it was copied. Nothing was imported. Retry."), name=files[0].name
        )
    for target in targets:
        os.rename(_unfinished(target), target)
    return tuple(hashes)


def _unfinished(target: Path) -> Path:
    """The name of a copy that is not whole; what downloads are called until then ends in .gguf.part."""
    return target.with_suffix(UNFINISHED)


def sweep(folder: Path) -> None:
    """Clears away what a broken import left long ago; nothing else has such a name."""
    for file in walked(folder):
        with suppress(OSError):
            if file.suffix == UNFINISHED and time.time() - file.stat().st_mtime > _STALE_S:
                file.unlink()
