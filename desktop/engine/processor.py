"""llama.cpp's CPU kernels for attention, told to compute one token as they compute several.

Invariant: where the library has no such switch, or is laid out otherwise than is known, nothing is changed. With 512 or
more cells to attend to, flash attention shares out the text among the threads for one token, and the heads for several
(`use_split_kv_path` in ggml's ops.cpp). Their sums, of 16 bits, then differ by up to 0.2 in a logit, and a draft could
not give the text that is written without. The switch, `ggml_backend_cpu_set_use_ref`, wants a backend, which a context
keeps to itself: so the one function that makes such backends is watched while a context is made.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from desktop.engine.devices import Library

_MAKES = 5  # init_backend among the functions at the beginning of `struct ggml_backend_device` (ggml-backend-impl.h)
_MAKER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)


_UNEVEN = 1.1  # times that attention may take as long because heads cannot be shared out equally


def worthwhile(heads: int, threads: int) -> bool:
    """Whether these threads share out heads about as well as they do the text; 12 on 8 would take 1.33 times as long.

    ggml hands them out in pieces of at most a quarter of a thread's share, rounded up, to whoever is done.
    """
    piece = -(-heads // (4 * threads))
    rounds = -(-heads // (piece * threads))
    return min(heads, piece * rounds) * threads <= _UNEVEN * heads


class Processor:
    """The CPU's part in one context."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._backends: list[int] = []

    def even(self, on: bool) -> None:
        """Whether one token is computed as several are. To be off while a prompt is read, which it would slow down."""
        switch = self._library.function("ggml_backend_cpu_set_use_ref", None)
        if switch is None:
            return
        for backend in self._backends:
            switch(ctypes.c_void_p(backend), ctypes.c_bool(on))

    @contextmanager
    def watching(self, wanted: bool) -> Iterator[None]:
        """The context is made within."""
        device = self._device() if wanted else 0
        if not device:
            yield
            return
        makes = (ctypes.c_void_p * (_MAKES + 1)).from_address(device)
        original = makes[_MAKES]
        make = _MAKER(original or 0)

        def made(where: int, words: bytes) -> int:
            backend = int(make(where, words) or 0)
            self._backends.append(backend)
            return backend

        watch = _MAKER(made)
        makes[_MAKES] = ctypes.cast(watch, ctypes.c_void_p).value
        try:
            if self._understood(device):
                yield
            else:
                makes[_MAKES] = original
                yield
        finally:
            makes[_MAKES] = original

    def _device(self) -> int:
        """The CPU's address; 0 where anything that is needed lacks."""
        find = self._library.function("ggml_backend_dev_by_type")
        switch = self._library.function("ggml_backend_cpu_set_use_ref", None)
        return int(find(ctypes.c_int(0)) or 0) if find is not None and switch is not None else 0

    def _understood(self, device: int) -> bool:
        """Whether it is really this function that makes backends: one is made, to be freed again."""
        make, free = self._library.function("ggml_backend_dev_init"), self._library.function("ggml_backend_free", None)
        if make is None or free is None:
            return False
        free(ctypes.c_void_p(make(ctypes.c_void_p(device), None)))
        found = bool(self._backends)
        self._backends.clear()
        return found
