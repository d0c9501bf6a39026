"""Opens model files: a path becomes a checked header, or a sentence about what is wrong with the file.

Invariant: only the beginning of the file is read, never more than the header may take (`core.gguf.MAX_HEADER`).
Blocking; for asyncio use `asyncio.to_thread`. Nothing is written, and llama.cpp is not involved.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from desktop.core import gguf
from desktop.core.errors import N_, ModelFileError

_FIRST = 1 << 20  # holds the header of a model with 32,000 tokens (0.72 MB)


def read_header(path: Path) -> gguf.Header:
    """The header, with the file's length checked against its tensors. Raises `ModelFileError`."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise ModelFileError(N_("“{name}” is a folder, not a model file. Choose the .gguf file."), name=path.name)
        if not stat.S_ISREG(mode):  # a pipe would never end
            raise ModelFileError(N_("“{name}” is not an ordinary file. Choose the .gguf file."), name=path.name)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data, wanted = file.read(_FIRST), _FIRST
            while True:
                try:
                    header = gguf.parse(data, size)
                    break
                except gguf.NeedMore as more:
                    wanted = max(more.bytes_needed, 4 * wanted)
                grown = file.read(wanted - len(data))
                if not grown:  # shorter than it was a moment ago
                    raise _changed(path)
                data += grown
    except OSError as error:
        raise unreadable(path, error) from error
    gguf.check(header, size)
    return header


def _changed(path: Path) -> ModelFileError:
    return ModelFileError(N_("“{name}” changed while it was read. Is it being copied? Try again."), name=path.name)


def unreadable(path: Path, error: OSError) -> ModelFileError:
    """The sentence for a model file that the operating system does not hand out."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        message = N_("“{name}” is not there any more. Has it been moved, or is a drive not connected?")
    elif isinstance(error, PermissionError):
        message = N_("This account may not read “{name}”. Change the file's permissions, or copy it elsewhere.")
    else:
        message = N_("“{name}” cannot be read: {reason}. Check the drive it is on.")
    return ModelFileError(message, name=path.name, reason=error.strerror or str(error))
