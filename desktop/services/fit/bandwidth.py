"""How fast this computer reads its memory: what bounds the speed of writing. Measured once, in a process of its own.

Invariant: the answer is bytes a second read by as many threads as will write, or 0 where it cannot be measured; it
comes in bounded time, and the memory it takes is returned with its process. What follows for a model is `core.speed`'s.
"""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from desktop.core.errors import LoadError
from desktop.engine.process import command, start
from desktop.services import memory

BANDWIDTH_VERB = "bandwidth"  # the hidden verb of `alcove` that is this module's `main`
_LIMIT_S = 20.0
_BUFFER = 384 << 20  # bytes: four times the largest cache of a desktop processor (96 MB, Ryzen 7950X3D)
_PASSES = 6  # the best of these: other programs only ever slow it down
_SPAN_S = 1.5  # no further pass begins after this


async def measured(threads: int, arguments: Sequence[str] | None = None) -> float:
    """Bytes a second; 0.0 where the process died or did not answer. Cancelling ends it."""
    try:
        process = start([*(arguments or command(BANDWIDTH_VERB, "desktop.services.fit.bandwidth")), str(threads)])
    except LoadError:
        return 0.0
    try:
        return _number(await asyncio.to_thread(_hear, process))
    finally:
        process.kill()


def _hear(process: subprocess.Popen[bytes]) -> bytes:
    try:
        return process.communicate(timeout=_LIMIT_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return b""


def _number(said: bytes) -> float:
    try:
        found = float(said)
    except ValueError:
        return 0.0
    return found if 0 < found < 1e14 else 0.0  # also not for NaN and infinity


def reading(threads: int, size: int = _BUFFER, span_s: float = _SPAN_S) -> float:
    """Bytes a second that `threads` threads read together, out of `size` bytes that no cache holds.

    The C library compares two halves of a buffer, which only reads; ctypes lets go of the interpreter meanwhile. The
    buffer is written first: untouched pages would all be one page of zeros, which a cache holds.
    """
    compare = _library().memcmp
    compare.argtypes, compare.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t), ctypes.c_int
    half = size // (2 * threads)
    buffers = [ctypes.create_string_buffer(2 * half) for _ in range(threads)]
    spots = [ctypes.addressof(buffer) for buffer in buffers]
    best, until = 0.0, time.perf_counter() + span_s
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda at: ctypes.memset(at, 1, 2 * half), spots))
        for _ in range(_PASSES):
            began = time.perf_counter()
            list(pool.map(lambda at: compare(at, at + half, half), spots))
            best = max(best, 2 * half * threads / (time.perf_counter() - began))
            if time.perf_counter() > until:
                break
    return best


def _library() -> ctypes.CDLL:
    return ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)


def main() -> int:
    """The process: one number on standard output."""
    threads = int(sys.argv[-1])
    size = min(_BUFFER, memory.available() // 4)  # where memory is short nothing is pushed out for this
    print(reading(max(1, min(threads, 64)), size), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
