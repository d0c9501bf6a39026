"""The unfinished file of a download: a `.part` that grows, and beside it a ledger that says what it is to become.

Invariants: what counts as received is on the disk and in the hash. After a crash of the program nothing of it is lost,
after one of the computer what came since the last `fsync`, because only then can a file's end hold other bytes than
were written (the ledger knows which boot it is of). The file gets its name when it is whole and right, in one step,
and never over another file. Two programs cannot hold the same part. Everything here blocks.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from desktop.core.errors import N_, StorageError, TransferError
from desktop.core.transfer import Held, strong
from desktop.services.disk import refused, sync_folder
from desktop.services.locks import take

_CHUNK = 1 << 20
_SYNC_BYTES = 64 << 20  # at most so much is fetched again after a power cut
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)

Going = Callable[[], None]  # called between pieces of long work; raises to end it


class Busy(TransferError):
    """Another program holds this part."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a file is to become. `size` 0 and `sha256` "" are unknown; `commit` is "place:address" for another host."""

    target: Path
    size: int
    sha256: str
    commit: str


class Part:
    """The part of one file; `open` before anything else, `close` at the end. For one thread, but for `received`."""

    def __init__(self, promise: Promise) -> None:
        self.target = promise.target
        self.path = promise.target.with_name(promise.target.name + ".part")
        self.ledger = promise.target.with_name(promise.target.name + ".part.json")
        self.promised = self.size = promise.size
        self.sha256 = promise.sha256
        self.commit = promise.commit
        self.etag = ""
        self.received = 0
        self.whole = False  # verified
        self.named = False
        self._ours = False  # the name was given here
        self._handle = -1
        self._hash = hashlib.sha256()
        self._synced = 0  # bytes that are on the disk for certain
        self._asked = 0  # bytes that `_sync` was last begun for
        self._unsynced: OSError | None = None
        self._syncing: threading.Thread | None = None
        self._writing = threading.Lock()

    @property
    def held(self) -> Held:
        return Held(self.size, self.received, self.etag, self.sha256)

    @property
    def complete(self) -> bool:
        """Whether all of it is here: as many bytes as promised, or those that have the promised checksum."""
        if not self.held.whole and self.sha256 and self.received and self._hash.hexdigest() == self.sha256:
            self.size = self.received
        return self.held.whole

    def on_disk(self) -> int:
        """Bytes that seem to be here, without opening anything."""
        for path in (self.target, self.path):
            with suppress(OSError):
                return path.stat().st_size
        return 0

    def found_whole(self, going: Going) -> bool:
        """Whether the file has its name already, and is the one that was promised.

        Raises `TransferError` where another file has that name.
        """
        try:
            size = self.target.stat().st_size
        except FileNotFoundError:
            if os.path.lexists(self.target):
                raise self._taken() from None  # a link to nowhere: better said before the download than after it
            return False
        except OSError as error:
            raise refused(error, self.target) from error
        right = size == self.size or not self.size
        if right and self.sha256:
            with self._refusing(), self.target.open("rb", buffering=0) as file:
                self._hash = hashlib.sha256()
                self.received = 0
                self._read_again(file.fileno(), size, going)
                right = self._hash.hexdigest() == self.sha256
        if not right:
            raise self._taken()
        self.received = self.size = size
        self.whole = self.named = True
        return True

    def open(self, going: Going) -> None:
        """Takes the part into our hands, what is here already hashed. Raises `Busy`, `StorageError`, `TransferError`.

        `going` may end it by raising; then `close`. Another program may have given the file its name meanwhile.
        """
        with self._refusing():
            self._seize()
            if os.path.lexists(self.target):
                self._leave_to(going)
                return
            told, length = self._told(), os.fstat(self._handle).st_size
            if told is None and length:
                raise TransferError(
                    N_("“{path}” is in the way, and no download of Alcove's. Move it away and retry."),
                    path=str(self.path),
                )
            safe = self._adopt(told, length) if told else 0
            os.ftruncate(self._handle, safe)
            self._read_again(self._handle, safe, going)
            os.fsync(self._handle)  # it may have been read from memory
            self._write_ledger()

    def beginning(self, length: int) -> bytes:
        """What has arrived so far, up to a length."""
        with self._refusing():
            os.lseek(self._handle, 0, os.SEEK_SET)
            data = os.read(self._handle, length)
            os.lseek(self._handle, self.received, os.SEEK_SET)
        return data

    def write(self, data: bytes) -> None:
        """Adds what comes next. Raises `StorageError`; then `received` is as before."""
        view = memoryview(data)
        with self._refusing():
            self._require_synced()
            while view:
                view = view[os.write(self._handle, view) :]
        self._hash.update(data)
        self.received += len(data)
        if self.received - self._asked >= _SYNC_BYTES and (self._syncing is None or not self._syncing.is_alive()):
            self._asked = self.received
            self._syncing = threading.Thread(target=self._sync, args=(self.received,), name="fsync", daemon=True)
            self._syncing.start()

    def begin(self, etag: str, size: int, anew: bool) -> None:
        """An answer has come whose bytes are taken: whose they are, and whether what is here is let go."""
        with self._refusing():
            if anew:
                self._empty()
            self.etag = etag
            self.size = self.size or size
            self._write_ledger()

    def let_go(self) -> None:
        """What is here is worth nothing any more: begin at 0."""
        with self._refusing():
            self._empty()
            self.etag = ""
            self._write_ledger()

    def verify(self) -> None:
        """The file is whole: is it the one that was promised? Raises `TransferError`, and keeps nothing of it."""
        found = self._hash.hexdigest()
        if self.sha256 and found != self.sha256:
            self.discard()
            raise TransferError(
                N_("“{name}” arrived damaged: its SHA-256 is {found}, not {promised}. Nothing of it was kept. Retry."),
                name=self.target.name,
                found=found[:12],
                promised=self.sha256[:12],
            )
        with self._refusing():
            self._settle()
            self._require_synced()
            os.fsync(self._handle)
            self._synced = self.received
            self.whole = True
            self._write_ledger()

    def give_name(self) -> None:
        """The only moment the file gets its name. Raises `StorageError`, `TransferError`."""
        with self._refusing():
            if os.path.lexists(self.target):
                raise self._taken()
            if os.name == "nt":
                self.close()  # an open file cannot be renamed there
            os.rename(self.path, self.target)
            sync_folder(self.target.parent)
            self.close()
            self.ledger.unlink(missing_ok=True)
            self.named = self._ours = True

    def take_back(self) -> bool:
        """Removes the file again to which this part has given its name, and no other; whether it could."""
        with suppress(OSError):
            if self._ours:
                self.target.unlink(missing_ok=True)
                return True
        return False

    def discard(self) -> bool:
        """Removes what this download has made of the file; whether it could: not where another program holds it."""
        try:
            if self._handle < 0 and os.path.lexists(self.path):
                self._seize()
                if self._told() is None and os.fstat(self._handle).st_size:
                    self.close()
                    return False  # not ours
        except (OSError, Busy):
            return False
        self._settle()
        with self._refusing():
            if self._handle >= 0:
                os.ftruncate(self._handle, 0)  # an empty part is anybody's, also without its ledger
            if os.name == "nt":
                self.close()  # an open file cannot be removed there; elsewhere nobody takes it up before it is gone
            for path in (self.ledger, self.ledger.with_name(self.ledger.name + ".new"), self.path):
                path.unlink(missing_ok=True)
        self.close()
        return True

    def leave(self) -> None:
        """Lets go of the file; where nothing has come of it, nothing of it stays."""
        with suppress(OSError, StorageError):
            if self._handle >= 0 and not os.fstat(self._handle).st_size:
                self.discard()
        self.close()

    def close(self) -> None:
        """Lets go of the file; it can be opened again."""
        if self._handle >= 0:
            self._settle()
            os.close(self._handle)
            self._handle = -1

    # ------------------------------------------------------------------------------------------------------------------

    def _seize(self) -> None:
        """Opens and locks the part; one that was renamed or removed under our hands is opened again."""
        for _ in range(10):
            self._handle = os.open(self.path, _FLAGS, 0o666)
            if not take(self._handle):
                self.close()
                break
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._handle), os.stat(self.path)):
                    return
            self.close()
        raise self._busy()

    def _leave_to(self, going: Going) -> None:
        """The file has its name already: is it the promised one? What was begun in its stead goes, if it is empty."""
        if not os.fstat(self._handle).st_size:
            self.discard()
        self.close()
        if not self.found_whole(going):
            raise self._busy()  # gone again

    def _busy(self) -> Busy:
        return Busy(
            N_("Another program is downloading “{name}” right now. Alcove waits for it."), name=self.target.name
        )

    def _told(self) -> dict[str, object] | None:
        """The ledger; None if there is none that can be read."""
        try:
            found = json.loads(self.ledger.read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _adopt(self, told: dict[str, object], length: int) -> int:
        """How many bytes of the part can be built upon."""
        size, synced, sha256 = told.get("size"), told.get("synced"), str(told.get("sha256", ""))
        known = bool(sha256 and self.sha256)
        same = sha256 == self.sha256 if known else self._same_source(str(told.get("commit", "")), told.get("etag"))
        if not same or (self.size and size != self.size) or not isinstance(size, int) or not isinstance(synced, int):
            return 0
        self.sha256 = self.sha256 or sha256
        self.size = size
        self.etag = str(told.get("etag", ""))
        safe = length if told.get("boot") == _boot() else min(length, synced)
        return max(0, min(safe, size) if size else safe)

    def _same_source(self, commit: str, etag: object) -> bool:
        """Also where the address was signed anew since, if the server's own mark can tell whether the file is."""
        if commit == self.commit:
            return True
        return strong(str(etag)) and ":" in commit and commit.partition(":")[0] == self.commit.partition(":")[0]

    def _empty(self) -> None:
        self._settle()
        os.ftruncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        self._hash = hashlib.sha256()
        self.received = self._synced = self._asked = 0
        self.size = self.promised  # another answer may be of another length

    def _read_again(self, handle: int, length: int, going: Going) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        while self.received < length:
            going()
            piece = os.read(handle, min(_CHUNK, length - self.received))
            if not piece:
                break  # cut by somebody meanwhile
            self._hash.update(piece)
            self.received += len(piece)
        self._synced = self._asked = self.received

    def _sync(self, received: int) -> None:
        """In a thread of its own: a disk takes a second for what the network brought in one."""
        try:
            os.fsync(self._handle)
            self._synced = received
            self._write_ledger()
        except OSError as error:
            self._unsynced = error  # the system says it once only: the next `fsync` would succeed

    def _require_synced(self) -> None:
        if self._unsynced is not None:
            raise self._unsynced

    def _settle(self) -> None:
        if self._syncing is not None:
            self._syncing.join()
            self._syncing = None

    def _write_ledger(self) -> None:
        told = {
            "version": 1,
            "commit": self.commit,
            "etag": self.etag,
            "size": self.size,
            "sha256": self.sha256,
            "synced": self._synced,
            "boot": _boot(),
        }
        fresh = self.ledger.with_name(self.ledger.name + ".new")  # always the same name: a crash leaves no litter
        with self._writing:
            with fresh.open("wb") as file:
                file.write(json.dumps(told, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self.ledger)

    def _taken(self) -> TransferError:
        return TransferError(
            N_("Another file called “{name}” lies in “{folder}” already. Move it away, or rename it, and retry."),
            name=self.target.name,
            folder=str(self.target.parent),
        )

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Lets an `OSError` out as a `StorageError`."""
        try:
            yield
        except OSError as error:
            raise refused(error, self.path) from error


@cache
def _boot() -> str:
    """This run of the computer. Elsewhere than on Linux its time, to ten seconds, since clocks are set right."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return str(round(psutil.boot_time(), -1))
