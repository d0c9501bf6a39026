"""What tells one model from another, and one way of loading it from another, for the states that are kept of it.

Invariant: two models with the same fingerprint hold the same weights as far as their headers, lengths, times of change
and samples spread over all their files can tell; hashing all of a model would take longer than reading a chat. Names
and places of the files do not matter. Nothing is written here.
"""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from pathlib import Path

from desktop.core.generation import FlashAttention, LoadSettings
from desktop.engine.files import read_header

_SAMPLES, _SAMPLE = 64, 4096  # 256 KiB of each file: milliseconds, even where nothing of it is in memory
_SPLIT = re.compile(r"(.+)-\d{5}-of-(\d{5})(\.gguf)", re.IGNORECASE | re.DOTALL)


def key(path: Path, settings: LoadSettings, context: int, version: str) -> str:
    """Names what a state belongs to: 32 hexadecimal digits. Raises `ModelFileError` and `OSError`.

    `context` is in tokens; it matters only to models whose rotation changes beyond the length they were trained on.
    `settings.gpu_layers` are those in use: what flash attention "auto" comes to depends on a graphics card's.
    """
    header = read_header(path)
    trained = header.whole(f"{header.architecture}.rope.scaling.original_context_length") or header.context_length
    found = blake2b(digest_size=16)
    flash = settings.flash_attention
    on_card = flash is FlashAttention.AUTO and settings.gpu_layers != 0
    for fact in (version, settings.kv_type, flash, on_card, context > trained > 0):
        found.update(f"{fact}\0".encode())
    for file in _files(path):
        _sample(found, file, header.data_offset)
    return found.hexdigest()


def _files(path: Path) -> list[Path]:
    """The model's files, named as llama.cpp wants them (LLAMA_SPLIT_PREFIX)."""
    split = _SPLIT.fullmatch(path.name)
    if split is None:
        return [path]
    count = int(split[2])
    return [path.with_name(f"{split[1]}-{n:05d}-of-{count:05d}{split[3]}") for n in range(1, count + 1)]


def _sample(found: blake2b, path: Path, beginning: int) -> None:
    """Adds a file's length, when it was changed, its beginning and samples of the rest."""
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        size = about.st_size
        found.update(f"{size} {about.st_mtime_ns}".encode())  # a file mended in one place passes the samples
        found.update(file.read(beginning))
        step = max(_SAMPLE, (size - beginning) // _SAMPLES)
        for at in (*range(beginning, size, step), max(0, size - _SAMPLE)):
            file.seek(at)
            found.update(file.read(_SAMPLE))
