"""HTTP/1.1 by hand, so that every byte of an answer can also be a wrong one.

Invariant: one thread a connection, and all of them end with `Listener.close`, whatever they wait for. What was asked
is recorded before it is answered, and no one can see what was sent without its being counted. What the answers say
is `answers`; how they go wrong is `faults`.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

_LONGEST_LINE = 64 << 10
_AT_ONCE = 1 << 20  # bytes for the system in one call
_PATIENCE_S = 3600.0  # for a visitor who neither asks nor leaves


@dataclass
class Received:
    """One request, and what became of it."""

    method: str
    path: str  # decoded
    target: str  # as it came
    headers: dict[str, str]  # names in lower case
    status: int = 0
    _sent: int = field(default=0, init=False)
    _sending: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def sent(self) -> int:
        """Bytes of the body that the system took over; whoever has read a byte finds it counted."""
        with self._sending:
            return self._sent

    def count(self, send: Callable[[], int]) -> int:
        """Counts what `send` says it sent, which must not wait; no one sees the sum between the two."""
        with self._sending:
            taken = send()
            self._sent += taken
            return taken

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()


@dataclass(frozen=True)
class Slice:
    """Part of a file that lies on a disk."""

    path: Path
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass
class Answer:
    """What is sent: headers besides Content-Length, and a body, which for HEAD is only measured."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Slice = b""


class Hangup(Exception):
    """The connection ends here; `reset`: as a crash ends it."""

    def __init__(self, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class Wire:
    """One connection's way out."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self._socket, self._closing = connection, closing

    def write(self, data: bytes, of: Received | None = None) -> None:
        """Sends all of it, counted as body `of` a request if given."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._take(lambda sent=rest: self._socket.send(sent), of) :]

    def copy(self, file: BinaryIO, start: int, count: int, of: Received) -> int:
        """From the disk to the network without a detour through this process, where the system can; bytes taken."""
        count = min(count, _AT_ONCE)
        if hasattr(os, "sendfile"):
            return self._take(lambda: os.sendfile(self._socket.fileno(), file.fileno(), start, count), of)
        file.seek(start)
        data = file.read(count)
        self.write(data, of)
        return len(data)

    def _take(self, send: Callable[[], int], of: Received | None) -> int:
        """As much as the system takes without waiting, once it takes anything."""
        while True:
            select.select([], [self._socket], [])
            try:
                return of.count(send) if of else send()
            except BlockingIOError:
                continue

    def wait(self, seconds: float, until: threading.Event | None = None) -> None:
        """Waits, ended early by the event or by the server's end."""
        event = until or self._closing
        left = seconds
        while left > 0 and not event.wait(min(left, 0.05)) and not self._closing.is_set():
            left -= 0.05
        if self._closing.is_set():
            raise Hangup


def head(status: int, headers: dict[str, str]) -> list[bytes]:
    """The lines before the body."""
    known = {s.value: s.phrase for s in HTTPStatus}
    lines = [f"HTTP/1.1 {status} {known.get(status, 'Unknown')}", *(f"{k}: {v}" for k, v in headers.items()), ""]
    return [line.encode("latin-1") + b"\r\n" for line in lines]


class Listener:
    """A listening socket and its threads; `serve` answers one request and raises `Hangup` to end the connection."""

    def __init__(self, serve: Callable[[Received, Wire], None], port: int = 0, send_buffer: int = 0) -> None:
        self._serve, self._send_buffer = serve, send_buffer
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="test hub", daemon=True)
        self._accepting.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        with socket.socket() as waker:  # accept() wakes by a visitor on every system
            waker.settimeout(1)
            waker.connect_ex(("127.0.0.1", self.port))
        self._accepting.join()
        self._socket.close()
        self.hang_up()
        for thread in list(self._threads):
            thread.join(5)

    def hang_up(self) -> None:
        """Ends every open connection."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it ended by itself

    def _accept(self) -> None:
        while not self._closing.is_set():
            connection, _ = self._socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(_PATIENCE_S)  # any limit makes it one that `os.sendfile` does not wait on
            if self._send_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
            thread = threading.Thread(target=self._converse, args=(connection,), name="test hub", daemon=True)
            with self._lock:
                self._open.add(connection)
                self._threads = {t for t in self._threads if t.is_alive()} | {thread}
                thread.start()

    def _converse(self, connection: socket.socket) -> None:
        wire = Wire(connection, self._closing)
        try:
            with connection.makefile("rb") as reader:
                while not self._closing.is_set() and (request := _read(reader)) is not None:
                    self._serve(request, wire)
                    if request.headers.get("connection", "").casefold() == "close":
                        break
        except Hangup as ending:
            if ending.reset:  # lingering for no time at all is how a reset is asked for
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # the visitor left
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def _read(reader: BinaryIO) -> Received | None:
    line = reader.readline(_LONGEST_LINE).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while (text := reader.readline(_LONGEST_LINE).decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers[name.strip().casefold()] = value.strip()
    reader.read(int(headers.get("content-length", 0)))
    return Received(line[0], unquote(urlsplit(line[1]).path), line[1], headers)
