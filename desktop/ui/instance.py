"""One window for one data folder: a second start raises the first window and ends.

Invariant: whoever holds the lock file listens on the socket, until its window closes: a start that comes then waits
until all is written, and is the first. A lock left by a dead process is taken over (QLockFile looks whether its owner
lives). The message carries files to open, nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCryptographicHash, QLockFile, QObject, QSysInfo, Signal

from desktop.core.errors import N_, StorageError

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT_MS = 2000  # a busy first window answers within a second; then we say nothing rather than hang
OPENING_S = 2.0  # a window that is just opening listens a moment later
CLOSING_S = 10.0  # one that closes may have to wait for the disk
AGAIN_MS = 50
MESSAGE_LIMIT = 64 * 1024  # bytes; some hundred paths


class Instance(QObject):
    """The first start of Alcove over a data folder. `raised` carries the paths a second start was given."""

    raised = Signal(list)

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._name = f"alcove-{_digest(home)}"
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)  # only the owner's death makes it stale, not its age
        self._server: QLocalServer | None = None

    def claim(self, files: Sequence[str] = ()) -> bool:
        """True for the first start; for a later one the first window is raised, with the files, and this is False.

        Raises `StorageError` where the folder takes no lock. A lock whose owner answers nothing is taken over: the
        computer may have had another name when it was made.
        """
        if self._lock.tryLock(0):
            return True
        if self._lock.error() is not QLockFile.LockError.LockFailedError:
            raise StorageError(
                N_("The folder “{path}” cannot be written to. Nothing was changed. Make room, or allow writing there."),
                path=str(self._home),
            )
        ends = time.monotonic() + (OPENING_S if self._renamed_since() else CLOSING_S)
        while time.monotonic() < ends:
            if self._tell(files):
                return False
            if self._lock.tryLock(AGAIN_MS):
                return True
        if self._renamed_since():
            Path(self._lock.fileName()).unlink(missing_ok=True)
        if self._lock.removeStaleLockFile() or self._lock.tryLock(0):
            return self._lock.isLocked() or self._lock.tryLock(0)
        raise StorageError(
            N_("Another Alcove holds “{path}” and does not answer. End it, or restart the computer."),
            path=str(self._home),
        )

    def listen(self) -> None:
        """Hears later starts from now on. Apart from `claim`, because sockets cost time that the first paint needs."""
        from PySide6.QtNetwork import QLocalServer

        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._greet)
        self._server.listen(self._name)

    def close(self) -> None:
        """The window closes: later starts are not heard any more, and wait for the lock."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def release(self) -> None:
        self.close()
        self._lock.unlock()

    def _renamed_since(self) -> bool:
        """Whether the lock is of a computer of another name: QLockFile then never looks whether its owner lives."""
        _pid, host, _application = self._lock.getLockInfo()
        return bool(host) and host != QSysInfo.machineHostName()

    def _tell(self, files: Sequence[str]) -> bool:
        """Whether the first window heard it."""
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(WAIT_MS):
            return False
        import json

        socket.write(json.dumps([str(Path(f).absolute()) for f in files]).encode() + b"\n")
        socket.waitForBytesWritten(WAIT_MS)
        socket.disconnectFromServer()
        return True

    def _greet(self) -> None:
        assert self._server is not None
        socket = self._server.nextPendingConnection()
        socket.readyRead.connect(lambda: self._read(socket))
        socket.disconnected.connect(socket.deleteLater)
        self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > MESSAGE_LIMIT:
            socket.abort()
            return
        if not socket.canReadLine():
            return
        files = _paths(bytes(socket.readLine().data()))
        self.raised.emit(files)


def _digest(home: Path) -> str:
    """The name of a socket may have some hundred bytes at most, and no slashes."""
    said = str(home).encode("utf-8", "surrogateescape")
    return bytes(QCryptographicHash.hash(said, QCryptographicHash.Algorithm.Sha256).data()).hex()[:20]


def _paths(line: bytes) -> list[str]:
    import json

    try:
        found = json.loads(line)
    except ValueError:
        return []
    return [f for f in found if isinstance(f, str)] if isinstance(found, list) else []
