"""What takes how much room in the packaged program: `python packaging/sizes.py` prints the table of `dist/alcove`.

Invariant: every byte of the folder is counted once, and links count nothing. Inside the executable, Python's modules
are told by package, as they lie there: compressed. Nothing is changed here.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import product

_ITEMS = (  # the first that fits
    (r"/libicu\w+", "Qt: ICU, the data of all languages"),
    (r"/plugins/", "Qt: plugins"),
    (r"/translations/", "Qt: translations"),
    (r"PySide6/Qt/|libQt6", "Qt: libraries"),
    (r"PySide6/|shiboken6/", "Qt: bindings for Python"),
    (r"numpy\.libs/", "numpy: OpenBLAS"),
    (r"/numpy/", "numpy"),
    (r"cryptography/|_cffi_backend", "cryptography, of the keyring and the news"),
    (r"llama_cpp/|libggml|libllama", "llama.cpp"),
    (r"resources/guide/", "Alcove: the guide"),
    (r"resources/licences", "licences"),
    (r"resources/", "Alcove: help, translations, icons"),
    (r"libpython|Python\b.*\.dylib|python3\d+\.dll|lib-dynload/|base_library\.zip", "Python"),
    (r"/lib[^/]+\.so[.\d]*$", "libraries that a system may lack"),
)


def item(name: str) -> str:
    """What a file of the folder, `/` before it, is counted as."""
    found = next((title for pattern, title in _ITEMS if re.search(pattern, name)), "")
    return found or f"Python: {name.lstrip('/').removeprefix('_internal/').split('/')[0].split('-')[0]}"


def measured(staged: Path) -> Counter[str]:
    """Bytes of each item."""
    found: Counter[str] = Counter()
    for path in staged.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        if path.parent == staged:
            found += inside(path)
        else:
            found[item(f"/{path.relative_to(staged).as_posix()}")] += path.stat().st_size
    return found


def inside(executable: Path) -> Counter[str]:
    """Bytes of an executable: its Python modules, by package, and the starter itself."""
    from PyInstaller.archive.readers import CArchiveReader

    archive = CArchiveReader(str(executable))
    modules = next(name for name in archive.toc if name.endswith(".pyz"))
    found: Counter[str] = Counter()
    for name, (_kind, _offset, length) in archive.open_embedded_archive(modules).toc.items():
        top = name.split(".")[0]
        known = "Alcove: modules" if top == "desktop" else "Python" if top in sys.stdlib_module_names else ""
        found[known or item(f"/{top}/")] += length
    found["starter"] += executable.stat().st_size - sum(found.values())
    return found


def table(staged: Path) -> str:
    """For people, the largest first; items below a tenth of a megabyte together."""
    found = measured(staged)
    small = [title for title, size in found.items() if size < 100_000]
    found["all else"] = sum(found.pop(title) for title in small)
    rows = [f"{size / 1e6:7.1f} MB  {title}" for title, size in found.most_common()]
    return "\n".join([*rows, f"{found.total() / 1e6:7.1f} MB  together"]) + "\n"


if __name__ == "__main__":
    print(table(product.STAGED), end="")
