"""A child process that speaks frames: three threads move its pipes, everything else happens on the event loop.

Invariant: what the child says reaches its listener in order, on the loop's thread; when it has ended, every listener
hears `None`, once. Nothing blocks the loop: writing waits in a thread, too. What the frames mean is `engine.client`'s.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, cast

import desktop
from desktop.core.errors import N_, EngineDied, LoadError
from desktop.engine import frames
from desktop.engine.death import explain
from desktop.engine.frames import Answer, Order

_LOG_BYTES = 64 << 10
_HEARD_S = 1.0  # that its input has ended reaches a child at once, unless what was sent before still fills the pipe
_TUNABLE = "glibc.malloc.hugetlb"  # Linux: 1 asks for large pages; writing is up to a tenth faster (decision 012)
_PATIENCE_S = 8.0  # a child that has not ended this long after its input did is killed; it may put 6 s worth on disk

Listener = asyncio.Queue[Answer | None]


def command(verb: str, module: str) -> list[str]:
    """How to start a module of ours: the frozen executable knows hidden verbs, Python knows modules."""
    if getattr(sys, "frozen", False):
        return [sys.executable, verb]
    return [sys.executable, "-m", module]


def environment() -> dict[str, str]:
    """Ours, with this very package found first, UTF-8 spoken, and memory in large pages where the system has them."""
    found = [str(Path(desktop.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if _TUNABLE not in tunables:
        tunables = ":".join(filter(None, [tunables, f"{_TUNABLE}=1"]))
    paths = os.pathsep.join(filter(None, found))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1", "GLIBC_TUNABLES": tunables}


def start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts a process with three pipes, in a group of its own, so that Ctrl-C in a terminal is not for it.

    Raises `LoadError` where the system has no memory, or no place among its processes, for one more.
    """
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            process_group=None if sys.platform == "win32" else 0,
            creationflags=flags,
        )
    except OSError as error:
        raise LoadError(
            N_("The engine could not be started ({reason}). Close other programs and try again."),
            reason=error.strerror or str(error),
        ) from error


class Child:
    """One engine process. Made and used on the event loop's thread."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = start(arguments)
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._listeners: dict[int, Listener] = {}
        self._log = bytearray()
        self._ended = asyncio.Event()
        self.asked = False  # whether its end is our wish
        self._threads = [
            threading.Thread(target=target, name=f"engine {target.__name__.strip('_')}", daemon=True)
            for target in (self._writes, self._logs, self._reads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    @property
    def log(self) -> str:
        """The last 64 KiB of what it wrote to stderr."""
        return bytes(self._log).decode("utf-8", "replace")

    def listen(self, number: int) -> Listener:
        """A queue of the answers to a number; `None` is its last if the process ends."""
        queue = self._listeners[number] = Listener()
        if not self.alive:
            queue.put_nowait(None)
        return queue

    def forget(self, number: int) -> None:
        """Later answers to this number are dropped."""
        self._listeners.pop(number, None)

    def send(self, number: int, order: Order) -> None:
        """Sends an order, in time; a child that has ended hears nothing. Raises `FrameError` beyond 64 MiB."""
        self._outbox.put(frames.encode(number, order))

    def death(self) -> EngineDied:
        """Why it ended; only once it has."""
        return explain(self._process.returncode or 0, self.log)

    def kill(self) -> None:
        """Ends it at once."""
        self.asked = True
        self._process.kill()

    async def end(self) -> None:
        """Asks it to end, insists after a while, and waits until its memory is free and its threads are gone."""
        self.asked = True
        self._outbox.put(None)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._ended.wait()
        except TimeoutError:
            self._process.kill()
            await self._ended.wait()

    async def leave(self) -> None:
        """Asks it to end, and waits until that is said: it may be at work yet, and outlive us."""
        self.asked = True
        self._outbox.put(None)
        await asyncio.to_thread(self._threads[0].join, _HEARD_S)

    def _reads(self) -> None:
        stdout = _pipe(self._process.stdout)
        with suppress(frames.FrameError, OSError), stdout:
            while (frame := frames.read(stdout)) is not None:
                self._tell(self._hear, *frame)
        self._process.kill()  # what cannot be understood, or has closed its output, is of no use any more
        self._process.wait()
        self._outbox.put(None)
        for thread in self._threads[:-1]:
            thread.join()
        self._tell(self._finish)

    def _writes(self) -> None:
        with suppress(OSError), _pipe(self._process.stdin) as stdin:
            while (frame := self._outbox.get()) is not None:
                stdin.write(frame)
                stdin.flush()

    def _logs(self) -> None:
        with _pipe(self._process.stderr) as stderr:
            while chunk := os.read(stderr.fileno(), 1 << 16):
                self._log += chunk
                del self._log[:-_LOG_BYTES]

    def _tell(self, function: object, *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)  # type: ignore[arg-type]

    def _hear(self, number: int, answer: Answer) -> None:
        listener = self._listeners.get(number)
        if listener is not None:
            listener.put_nowait(answer)

    def _finish(self) -> None:
        self._threads[-1].join()  # its last act was this call
        self._ended.set()
        for listener in self._listeners.values():
            listener.put_nowait(None)


def _pipe(stream: object) -> BinaryIO:
    return cast(BinaryIO, stream)  # never None: `start` asks for all three
