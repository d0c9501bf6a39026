"""One window for one data folder: a second start raises the first window and ends.

Invariant: whoever holds the lock file listens on the socket, until its window closes: a start that comes then waits
until all is written, and is the first. A lock left by a dead process is taken over (QLockFile looks whether its owner
lives). The message carries files to open, or the wish that the window end; nothing else. Files that come before the
window can take them wait for it.
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
ENDING_S = 30.0  # as long as Windows' own Restart Manager lets a program finish
AGAIN_MS = 50
MESSAGE_LIMIT = 64 * 1024  # bytes; some hundred paths
_END = "end"  # in place of paths


class Instance(QObject):
    """The first start of Alcove over a data folder."""

    raised = Signal(list)  # the paths that it, a second start or the system gave to open
    ended = Signal()  # another program, like the installer, wishes that the window end

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._name = f"alcove-{_digest(home)}"
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)  # only the owner's death makes it stale, not its age
        self._server: QLocalServer | None = None
        self._ready = False
        self._waiting: list[str] = []

    def claim(self, files: Sequence[str] = ()) -> bool:
        """True for the first start, which opens the files when it is ready; for a later one the first window is raised,
        with the files, and this is False.

        Raises `StorageError` where the folder takes no lock. A lock whose owner answers nothing is taken over: the
        computer may have had another name when it was made.
        """
        self._waiting = [str(Path(f).absolute()) for f in files]
        if self._lock.tryLock(0):
            return True
        if self._lock.error() is not QLockFile.LockError.LockFailedError:
            raise StorageError(
                N_("The folder “{path}” cannot be written to. Nothing was changed. Make room, or allow writing there."),
                path=str(self._home),
            )
        ends = time.monotonic() + (OPENING_S if self._renamed_since() else CLOSING_S)
        while time.monotonic() < ends:
            if self._tell(self._waiting):
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

    def open(self, files: Sequence[str]) -> None:
        """The window comes forward with these files, now or when it is ready."""
        if self._ready:
            self.raised.emit(list(files))
        else:
            self._waiting += files

    def ready(self) -> None:
        """The window takes files from now on."""
        self._ready = True
        if self._waiting:
            self.raised.emit(self._waiting)

    def end(self) -> bool:
        """Asks the window over this folder to end; whether none is left, once all is written."""
        if self._lock.tryLock(0) or self._lock.error() is not QLockFile.LockError.LockFailedError:
            return True  # a folder that takes no lock has no window either
        self._tell(_END)
        return self._lock.tryLock(int(ENDING_S * 1000))

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

    def _tell(self, message: list[str] | str) -> bool:
        """Whether the first window heard it."""
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(WAIT_MS):
            return False
        import json

        socket.write(json.dumps(message).encode() + b"\n")
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
        message = _message(bytes(socket.readLine().data()))
        if message == _END:
            self.ended.emit()
        else:
            self.open([f for f in message if isinstance(f, str)] if isinstance(message, list) else [])


def _digest(home: Path) -> str:
    """The name of a socket may have some hundred bytes at most, and no slashes."""
    said = str(home).encode("utf-8", "surrogateescape")
    return bytes(QCryptographicHash.hash(said, QCryptographicHash.Algorithm.Sha256).data()).hex()[:20]


def _message(line: bytes) -> object:
    import json

    try:
        return json.loads(line)
    except ValueError:
        return None
