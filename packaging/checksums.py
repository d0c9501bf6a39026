"""Writes the checksums of a package's resources, by which `alcove --self-test` finds what is damaged or missing.

    python packaging/checksums.py FOLDER/resources

Invariant: the file is what `sha256sum --check` reads; it names every file below the folder but itself.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

NAME = "SHA256SUMS"


def written(folder: Path) -> Path:
    """The file of checksums, made anew."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    rows = (f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files)
    made = folder / NAME
    made.write_text("".join(rows), encoding="utf-8", newline="\n")
    return made


if __name__ == "__main__":
    print(written(Path(sys.argv[1])))
