"""The state of one conversation inside llama.cpp: cut, copied out, put back.

Invariant: outside `aside` every token is in sequence 0, and only there. Where a model's state grows by the token
(`model.sliceable`), a range of tokens can be had by itself: for a while all lies in sequence 1 as well, and sequence 0
is what is copied or put (llama.cpp writes out whole sequences only). This module does not load llama.cpp:
`engine.llama` hands over the library it has loaded, whose functions know their types.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PARTIAL = 1  # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: what of a state cannot be cut


class KV:
    """The memory of a context."""

    def __init__(self, library: ctypes.CDLL, context: Any, window: int, cuttable: bool) -> None:
        self._library, self._context = library, context
        self._window, self._cuttable = window, cuttable
        self._memory = library.llama_get_memory(context)

    def cut(self, keep: int) -> bool:
        """Drops all but the first `keep` tokens; False if that is impossible (clear it then)."""
        if not self._library.llama_memory_seq_rm(self._memory, 0, keep, -1):
            return False
        if keep == 0:
            return True
        return self.reaches(keep) and bool(self._library.llama_memory_seq_pos_max(self._memory, 0) == keep - 1)

    def reaches(self, keep: int) -> bool:
        """Whether all that reading goes on from after `keep` tokens is there."""
        first = self._library.llama_memory_seq_pos_min(self._memory, 0)
        # of a sliding window only its last tokens remain, whatever seq_rm says; of a recurrent state, one
        needed = (max(0, keep - self._window) if self._window else 0) if self._cuttable else keep - 1
        return bool(0 <= first <= needed)

    def clear(self) -> None:
        """Empties it."""
        self._library.llama_memory_clear(self._memory, False)

    def size(self, partial: bool = False) -> int:
        """Bytes that `copy` gives."""
        return int(self._library.llama_state_seq_get_size_ext(self._context, 0, _PARTIAL if partial else 0))

    def copy(self, buffer: bytearray, partial: bool = False) -> int:
        """Writes the state, or only what of it cannot be cut, to a buffer; returns its bytes, 0 if that failed."""
        array = (ctypes.c_uint8 * len(buffer)).from_buffer(buffer)
        flags = _PARTIAL if partial else 0
        return int(self._library.llama_state_seq_get_data_ext(self._context, array, len(buffer), 0, flags))

    def put(self, buffer: bytearray, size: int, partial: bool = False) -> bool:
        """Makes what `copy` gave the state."""
        array = (ctypes.c_uint8 * len(buffer)).from_buffer(buffer)
        flags = _PARTIAL if partial else 0
        return int(self._library.llama_state_seq_set_data_ext(self._context, array, size, 0, flags)) == size

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While this lasts, only `show` and `add` decide what is copied or put."""
        self._move(0, 1)
        try:
            yield
        finally:
            self._library.llama_memory_seq_rm(self._memory, 0, -1, -1)
            self._move(1, 0)
            self._library.llama_memory_seq_rm(self._memory, 1, -1, -1)

    def show(self, start: int, end: int) -> None:
        """Makes a range of tokens what is copied."""
        self._library.llama_memory_seq_rm(self._memory, 0, -1, -1)
        self._move(1, 0, start, end)

    def add(self, buffer: bytearray, size: int) -> bool:
        """Puts a range of tokens after those that are there."""
        if not self.put(buffer, size):
            return False
        self._move(0, 1)
        return True

    def _move(self, source: int, target: int, start: int = -1, end: int = -1) -> None:
        self._library.llama_memory_seq_cp(self._memory, source, target, start, end)
