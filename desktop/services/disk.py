"""Writing files so that a name never holds half a file, and saying in a sentence why the disk refused.

Invariant: a file is written beside its name, flushed, and renamed: the name holds the old content or the new, whatever
happens in between. An `OSError` leaves here as a `StorageError`. What is in the files is the callers' affair.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from desktop.core.errors import N_, StorageError

_SENTENCES: dict[int, str] = {
    errno.ENOSPC: N_(
        "The disk is full, so “{path}” could not be written. What was there before is kept. Free some space and retry."
    ),
    errno.EROFS: N_("“{path}” is on a read-only disk. Nothing was changed. Choose a place that can be written."),
    errno.EACCES: N_("Alcove may not use “{path}”. Nothing was changed. Check the permissions of the file or folder."),
    errno.ENOENT: N_("“{path}” is not there. It may have been moved or removed."),
    errno.ENOTDIR: N_("“{path}” cannot be used: a file stands where a folder is needed. Move it away and retry."),
    errno.EISDIR: N_("“{path}” is a folder; a file is needed here."),
    errno.EFBIG: N_("“{path}” is too large for this disk (FAT32 takes 4 GB). Choose a folder on another disk."),
    errno.ENAMETOOLONG: N_("The name “{path}” is too long for this disk. Choose a shorter one."),
}
_ALIKE = {errno.EDQUOT: errno.ENOSPC, errno.EPERM: errno.EACCES, errno.EEXIST: errno.ENOTDIR}
_OTHER = N_("“{path}” could not be used ({reason}). Nothing was changed. Check the disk and retry.")


def refused(error: OSError, path: Path) -> StorageError:
    """The sentence for what the operating system said about `path`."""
    code = error.errno or 0
    sentence = _SENTENCES.get(_ALIKE.get(code, code), _OTHER)
    return StorageError(sentence, path=str(path), reason=error.strerror or type(error).__name__)


def write_whole(path: Path, data: bytes) -> None:
    """Puts `data` under the name `path`, replacing what was there. Raises `StorageError`."""
    part = path.with_name(f".{os.urandom(6).hex()}.part")  # short: a name of 200 characters leaves no room beside it
    try:
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise refused(error, path) from error


def read_whole(path: Path) -> bytes:
    """What is under the name `path`; nothing if nothing is. Raises `StorageError`."""
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise refused(error, path) from error


def sync_folder(folder: Path) -> None:
    """Makes names last through a power cut, where they can be flushed; Windows does it itself. Raises `OSError`."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:  # a share or a FUSE disk may not know the question
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM):
            raise


def aside(path: Path, stamp: str, *also: str) -> Path:
    """Renames a damaged file to a free name beside it, with the companions whose suffixes are in `also`."""
    number = 1
    while True:
        name = path.with_name(f"{path.stem}-damaged-{stamp}{'' if number == 1 else f'-{number}'}{path.suffix}")
        if not any(name.with_name(name.name + suffix).exists() for suffix in ("", *also)):
            break
        number += 1
    try:
        for suffix in ("", *also):
            one = path.with_name(path.name + suffix)
            if one.exists():
                one.rename(name.with_name(name.name + suffix))
    except OSError as error:
        raise refused(error, path) from error
    return name
