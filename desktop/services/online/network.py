"""The one place that every connection of this process passes: the seal that refuses them, and the list of them all.

Invariants: while a `Network` is sealed, no socket of Python's reaches beyond this computer, and no name is looked up;
the refusal is listed like a connection. Loopback is never refused, and listed only where it has a purpose (a mirror of
the Hub): unnamed, it is plumbing. A library that opens sockets outside Python would not be seen (PEP 578), so `web`
switches off the one there is, hf_xet. What a connection is for is said with `purpose`, around what opens it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path

from desktop.core.errors import N_, StorageError
from desktop.engine.seal import WATCHED, Refused
from desktop.services.disk import write_whole
from desktop.services.locks import locked
from desktop.services.online.switch import Switch

UNKNOWN = N_("Unknown")
_MOST = 2_000  # connections kept: at five a download, those of months
_LARGEST = 1 << 20  # bytes of the file, above which it is written anew
_LOCK_S = 5.0  # writing a line takes a thousandth of that
_SOON_S = 60.0  # a name's addresses are tried one after the other, each as long as `web` has patience
_why: ContextVar[str] = ContextVar("purpose", default="")


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection, opened or refused. `at` is in Unix seconds, `why` a message id, the bytes those of HTTP.

    `via` is the proxy that was connected to, where there is one; then `host` is whom it was asked for.
    """

    at: float
    host: str
    port: int
    why: str
    sent: int = 0
    received: int = 0
    refused: bool = False
    id: str = ""
    via: str = ""


class Network:
    """The seal and the list. Without a `file`, the list is kept in memory only; with one, the file is the list.

    Other programs write that file, too, and empty it: of it nothing is kept here but this program's own connections.
    """

    def __init__(self, file: Path | None = None, sealed: bool = False, switch: Switch | None = None) -> None:
        self._sealed = sealed
        self._switch = switch  # that other programs may turn
        self._cuts: list[Callable[[], None]] = []
        self._file = file
        self._list: dict[str, Connection] = {}  # this program's
        self._unwritten: dict[str, Connection] = {}  # of these, what the disk refused
        self._by_socket: dict[int, str] = {}
        self._asked = threading.local()
        self._guard = threading.Lock()
        _watch().add(self)

    @property
    def sealed(self) -> bool:
        """Whether nothing beyond this computer is connected to; may be changed at any time, in any thread."""
        turned = self._switch.turned() if self._switch else None
        if turned is not None:
            self.sealed = turned
        return self._sealed

    @sealed.setter
    def sealed(self, sealed: bool) -> None:
        changed, self._sealed = sealed != self._sealed, sealed
        if changed and sealed:
            for cut in self._cuts:
                cut()

    def when_sealed(self, cut: Callable[[], None]) -> None:
        """Calls `cut` whenever the seal is set: who holds connections ends them."""
        self._cuts.append(cut)

    @contextmanager
    def purpose(self, why: str) -> Iterator[None]:
        """What is connected to inside is listed with this reason, in threads that copy the context, too."""
        before = _why.set(why)
        try:
            yield
        finally:
            _why.reset(before)

    def connections(self) -> list[Connection]:
        """Those of every program with this file, the newest first. Reads it: for threads."""
        found = dict(self._list) if self._file is None else {**_read(self._file), **self._unwritten}
        return sorted(found.values(), key=lambda c: -c.at)

    def forget(self) -> None:
        """Empties the list. Raises `StorageError`. Writes, and may wait for another program: for threads."""
        if self._file is not None:
            with locked(self._lock, _LOCK_S):
                write_whole(self._file, b"")
        with self._guard:
            self._list.clear()
            self._unwritten.clear()

    @property
    def _lock(self) -> Path:
        assert self._file is not None
        return self._file.with_suffix(".lock")

    def count(self, handle: int, sent: int, received: int, host: str = "") -> None:
        """Adds bytes to the connection of the socket with this handle (`fileno`); `host` is whom they were for."""
        with self._guard:
            known = self._list.get(self._by_socket.get(handle, ""))
            if known is not None:
                if host and host != known.host:
                    known = replace(known, host=host, via=known.via or known.host)
                self._note(replace(known, sent=known.sent + sent, received=known.received + received))

    def close(self) -> None:
        """Hears and refuses nothing any more."""
        _watch().remove(self)

    def heard(self, host: str, port: int, handle: int, outward: bool, more: bool = False) -> bool:
        """Lists an attempt; whether it is refused. `handle` is -1 for a look-up, `more` a datagram after others.

        A look-up and the connection that follows it in the same thread are one row, under the name that was looked up.
        """
        refused, why = self.sealed and outward, _why.get()
        with self._guard:
            known = self._looked_up(port) if handle >= 0 else None
            if not (outward or why or known):
                self._by_socket.pop(handle, None)
                return False
            if known is None and more:
                known = self._list.get(self._by_socket.get(handle, ""))
            if known is None or (more and (known.host, known.port) != (host, port)):
                known = Connection(time.time(), host, port, why or UNKNOWN, refused=refused, id=os.urandom(6).hex())
                self._note(known)
            elif refused and not known.refused:
                self._note(replace(known, refused=True))
            if handle >= 0:
                self._by_socket[handle] = known.id
            elif not refused:
                self._asked.id, self._asked.at = known.id, time.monotonic()
        return refused

    def _looked_up(self, port: int) -> Connection | None:
        """What this thread looked up just now, for that port."""
        if time.monotonic() - getattr(self._asked, "at", -_SOON_S) >= _SOON_S:
            return None
        found = self._list.get(self._asked.id)
        return found if found is not None and found.port == port else None

    def _note(self, connection: Connection) -> None:
        """Keeps it, on the disk, too; where that refuses, the list is right until the program ends."""
        self._list[connection.id] = self._unwritten[connection.id] = connection
        for rows in (self._list, self._unwritten):
            while len(rows) > _MOST:
                rows.pop(next(iter(rows)))
        if self._file is None:
            return
        with suppress(OSError, StorageError), locked(self._lock, _LOCK_S):
            if self._file.exists() and self._file.stat().st_size > _LARGEST:
                kept = sorted(_read(self._file).values(), key=lambda c: c.at)[-_MOST:]
                write_whole(self._file, "".join(map(_line, kept)).encode())
            with self._file.open("a", encoding="utf-8") as file:
                file.write(_line(connection))
            del self._unwritten[connection.id]


def _line(connection: Connection) -> str:
    return json.dumps(asdict(connection), ensure_ascii=False) + "\n"


def _read(file: Path) -> dict[str, Connection]:
    """What the file lists; a later line of a connection replaces an earlier one, a damaged line is passed over."""
    found: dict[str, Connection] = {}
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    names = [f.name for f in fields(Connection)]
    for line in lines:
        with suppress(ValueError, TypeError, KeyError):
            row = json.loads(line)
            made = Connection(**{name: row[name] for name in names if name in row})
            found[made.id] = replace(made, at=float(made.at), host=str(made.host), why=str(made.why))
    return dict(list(found.items())[-_MOST:])


class _Watch:
    """The audit hook of this process, which cannot be taken away, and the networks that listen to it."""

    def __init__(self) -> None:
        self._networks: tuple[weakref.ref[Network], ...] = ()

    def add(self, network: Network) -> None:
        self._networks = (*(ref for ref in self._networks if ref() is not None), weakref.ref(network))

    def remove(self, network: Network) -> None:
        self._networks = tuple(ref for ref in self._networks if ref() not in (None, network))

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """What Python calls for every audited event: raises `Refused` for a connection that is not allowed."""
        if event not in WATCHED or not self._networks:
            return
        host, port, handle = _target(event, arguments)
        if not host:
            return
        outward = not is_loopback(host)
        refused = [
            network.heard(host, port, handle, outward, "send" in event) for ref in self._networks if (network := ref())
        ]
        if any(refused):
            raise Refused(f"Alcove is offline: {host} was not asked.")


@cache
def _watch() -> _Watch:
    watch = _Watch()
    sys.addaudithook(watch.hear)
    return watch


def _target(event: str, arguments: tuple[object, ...]) -> tuple[str, int, int]:
    """Host, port and handle of a socket, which is -1 for a mere look-up; no host where nothing is connected to."""
    first, *rest = arguments
    if isinstance(first, socket.SocketType):
        address = rest[0] if rest else None
        if isinstance(address, tuple) and len(address) >= 2:
            return _text(address[0]), int(address[1] or 0), first.fileno()
        return "", 0, -1  # a path of this computer, or a socket that is connected already
    if event == "socket.getnameinfo" and isinstance(first, tuple):
        return _text(first[0]), 0, -1
    port = str(rest[0]) if rest else ""
    return _text(first), int(port) if port.isdecimal() else 0, -1


def _text(host: object) -> str:
    return host.decode("utf-8", "replace") if isinstance(host, bytes | bytearray) else str(host or "")


def is_loopback(host: str) -> bool:
    """Whether this names the computer itself, without asking anybody."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
