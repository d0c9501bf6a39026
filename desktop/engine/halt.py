"""How computing ends: a flag, which llama.cpp itself looks at between two operations of a graph, and what came of it.

Invariant: nothing of Python runs inside the computation, where it would cost up to a third of a small model's speed:
the callback is C's `strlen`, 0 for an empty string and 1 for one of one character. Who sets the flag is `engine.room`.
"""

from __future__ import annotations

import ctypes
import sys
from enum import Enum, auto

_C_LIBRARY = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)


class Halt:
    """May be set from another thread than the one that computes."""

    callback = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)(
        ctypes.cast(_C_LIBRARY.strlen, ctypes.c_void_p).value or 0
    )

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        self.address = ctypes.addressof(self._text)

    def set(self, on: bool = True) -> None:
        self._text[0] = b"\1" if on else b"\0"

    def __bool__(self) -> bool:
        return self._text[0] != b"\0"


class Outcome(Enum):
    """What became of a decode."""

    DONE = auto()
    HALTED = auto()
    FULL = auto()
