"""What llama.cpp can compute on, and its threads, through calls that llama-cpp-python does not wrap.

Invariant: a call that this build of the library lacks is passed over, never an error. This module does not load
llama.cpp: `engine.llama` hands over the library it has loaded.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class DeviceKind(StrEnum):
    CPU = "cpu"
    GPU = "gpu"
    SHARED = "integrated gpu"
    ACCELERATOR = "accelerator"


_KINDS = (DeviceKind.CPU, DeviceKind.GPU, DeviceKind.SHARED, DeviceKind.ACCELERATOR)  # enum ggml_backend_dev_type


@dataclass(frozen=True, slots=True)
class Device:
    """One device; memory in bytes, 0 where it is not told."""

    name: str
    description: str
    kind: DeviceKind
    free_bytes: int
    total_bytes: int


class _ThreadpoolParams(ctypes.Structure):
    """`struct ggml_threadpool_params` of ggml.h."""

    _fields_ = (
        ("cpumask", ctypes.c_bool * 512),
        ("n_threads", ctypes.c_int),
        ("prio", ctypes.c_int),
        ("poll", ctypes.c_uint32),
        ("strict_cpu", ctypes.c_bool),
        ("paused", ctypes.c_bool),
    )


class _Override(ctypes.Structure):
    """`struct llama_model_tensor_buft_override`; an empty one ends a list."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p))


class Library:
    """llama.cpp's libraries, loaded: the main one and the folder where Windows finds those beside it."""

    def __init__(self, main: ctypes.CDLL, folder: Path) -> None:
        self._all = [main]
        if sys.platform == "win32":  # elsewhere the main one answers for those it was linked with
            linked = ("ggml", "ggml-base", "ggml-cpu")
            self._all += [ctypes.CDLL(str(path)) for path in sorted(folder.glob("*.dll")) if path.stem in linked]

    def add(self, library: ctypes.CDLL) -> None:
        """Lets one more answer: it was loaded beside those that are linked with each other."""
        self._all.append(library)

    def devices(self) -> list[Device]:
        """All devices llama.cpp sees, in its order."""
        count, get = self.function("ggml_backend_dev_count", ctypes.c_size_t), self.function("ggml_backend_dev_get")
        if count is None or get is None:
            return []
        get.argtypes = [ctypes.c_size_t]
        return [self._device(ctypes.c_void_p(get(index))) for index in range(count())]

    def graphics(self) -> list[Device]:
        """The devices that can hold layers of a model."""
        return [d for d in self.devices() if d.kind in (DeviceKind.GPU, DeviceKind.SHARED)]

    def on_cpu(self, pattern: str) -> ctypes.Array[_Override]:
        """Overrides that keep the tensors matching a regular expression on the CPU."""
        kind = self.function("ggml_backend_cpu_buffer_type")
        found = _Override(pattern.encode(), kind()) if kind is not None else _Override()
        return (_Override * 2)(found)

    def attach_threads(self, context: int, count: int) -> ctypes.c_void_p | None:
        """Gives a context threads that live as long as it; without OpenMP llama.cpp starts them for every graph.

        The pool must be freed with `free_threads`, after the context.
        """
        init = self.function("ggml_threadpool_params_init", None)
        new = self.function("ggml_threadpool_new")
        attach = self.function("llama_attach_threadpool", None)
        if init is None or new is None or attach is None:
            return None
        params = _ThreadpoolParams()
        init(ctypes.byref(params), ctypes.c_int(count))
        pool = ctypes.c_void_p(new(ctypes.byref(params)))
        attach(ctypes.c_void_p(context), pool, None)
        return pool

    def free_threads(self, pool: ctypes.c_void_p | None) -> None:
        free = self.function("ggml_threadpool_free", None)
        if pool and free is not None:
            free(pool)

    def _device(self, handle: ctypes.c_void_p) -> Device:
        free, total = ctypes.c_size_t(0), ctypes.c_size_t(0)
        memory = self.function("ggml_backend_dev_memory", None)
        if memory is not None:
            memory(handle, ctypes.byref(free), ctypes.byref(total))
        kind = self.function("ggml_backend_dev_type", ctypes.c_int)
        number = kind(handle) if kind is not None else 0
        return Device(
            self._words("ggml_backend_dev_name", handle),
            self._words("ggml_backend_dev_description", handle),
            _KINDS[number] if 0 <= number < len(_KINDS) else DeviceKind.ACCELERATOR,
            free.value,
            total.value,
        )

    def _words(self, name: str, handle: ctypes.c_void_p) -> str:
        function = self.function(name, ctypes.c_char_p)
        return (function(handle) or b"").decode("utf-8", "replace").strip() if function is not None else ""

    def function(
        self, name: str, result: type[ctypes._SimpleCData[Any]] | None = ctypes.c_void_p
    ) -> ctypes._NamedFuncPointer | None:
        """A function of the library, that returns `result`; None where this build lacks it."""
        for library in self._all:
            if hasattr(library, name):
                function = library[name]  # a new object each time: its types are set for this use only
                function.restype = result
                return function
        return None
