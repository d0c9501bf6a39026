"""ggml's kernels where they are files of their own: the CPU's, one for each kind of processor, and those of cards.

Invariant: a file is made ready only if this processor has, and its system permits, all that it was compiled for; of
these the CPU's best by ggml's own score is taken. Where the kernels are part of the library, as in a build for one
computer, nothing is done. llama.cpp is not loaded here: `engine.llama` hands over the library it has loaded.
Source: `ggml_backend_load_best` of ggml-backend-reg.cpp, which does not ask what the system permits.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.cpu import INSTRUCTIONS, lacking
from desktop.engine.devices import Library


@dataclass(frozen=True, slots=True)
class Kernels:
    """Which of the CPU's kernels were taken, of how many; or that they are part of the library."""

    kind: str = ""
    of: int = 0
    linked: bool = False

    @property
    def fit(self) -> bool:
        """Whether this processor has kernels it can run, as far as that is known before they compute."""
        return bool(self.kind) or self.linked


LINKED = Kernels(linked=True)


def load(library: Library, folder: Path) -> Kernels:
    """Makes the kernels in `folder` ready, once: first those of cards, as ggml's own order of devices has it."""
    count = library.function("ggml_backend_reg_count", ctypes.c_size_t)
    if count is None or count():
        return LINKED
    found = {path: name for path in sorted(folder.iterdir()) if (name := _name(path))}
    for path, name in found.items():
        if not name.startswith("cpu") and (card := _opened(path)):
            _register(library, card)
    of_cpu = [path for path, name in found.items() if name.startswith("cpu")]
    for path, own in _best(of_cpu):
        if _register(library, own):
            library.add(own)
            return Kernels(found[path].removeprefix("cpu-"), len(of_cpu))
    return Kernels("", len(of_cpu))


def _name(path: Path) -> str:
    """What ggml calls the backend in a file, `cpu-haswell` or `vulkan`; "" where it is none."""
    stem = path.stem.removeprefix("lib")
    backend = path.suffix in (".so", ".dll") and stem.startswith("ggml-") and stem != "ggml-base"
    return stem.removeprefix("ggml-") if backend else ""


def _best(of_cpu: list[Path]) -> list[tuple[Path, ctypes.CDLL]]:
    """Those this computer can run, the best first."""
    scored = []
    for path in of_cpu:
        own = _opened(path)  # its code is only called where that says it can be
        if own and (score := own.ggml_backend_score()) and not lacking(compiled_for(own)):
            scored.append((score, path, own))
    return [(path, own) for _score, path, own in sorted(scored, key=lambda one: -one[0])]


def compiled_for(own: ctypes.CDLL) -> list[str]:
    """The instructions a file of kernels was compiled for; what answers is a constant of each file."""
    return [name for name in INSTRUCTIONS if getattr(own, f"ggml_cpu_has_{name.lower()}", int)()]


def _opened(path: Path) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(path))
    except OSError:
        return None


def _register(library: Library, own: ctypes.CDLL) -> bool:
    """What `ggml_backend_load` does with a path; but on Windows it takes that for one in the system's code page."""
    register, make = library.function("ggml_backend_register", None), getattr(own, "ggml_backend_init", None)
    if register is None or make is None:
        return False
    make.restype = ctypes.c_void_p
    made = make()
    register(ctypes.c_void_p(made))  # which passes over nothing
    return bool(made)


def encoded(path: Path) -> bytes:
    """llama.cpp takes UTF-8 on Windows and the file system's own bytes elsewhere."""
    return str(path).encode("utf-8") if os.name == "nt" else os.fsencode(path)
