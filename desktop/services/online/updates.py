"""Whether there is a newer Alcove: one small signed file, read at most once a day, if the person wants it.

Invariant: nothing is asked while the switch `updates` is off, or offline; what is asked is in the list of connections,
and says no more than any request of Alcove's does: its version. Nothing is downloaded but that file and its signature,
and no fault of theirs is ever shown: the log has it. What counts as news is `core.update`'s to say.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from desktop import __version__
from desktop.core.errors import N_, StorageError, UserError
from desktop.core.settings import resolve
from desktop.core.update import LARGEST, NotNews, Seen, Update, judge, latest, read
from desktop.services.disk import write_whole
from desktop.services.online.errands import answered
from desktop.services.online.faults import told
from desktop.services.online.web import Web
from desktop.services.preferences import Preferences

ADDRESS = "https://alcove.dev/updates/alcove.json"
VARIABLE = "ALCOVE_UPDATES"  # another address, for tests and for those who publish an Alcove of their own
KEYS = (bytes.fromhex("832d701041be9123747f6fbeb3b48e9c43d9b3ef8ce84d962b2c2af93f19d0a1"),)
DAY_S = 24 * 3600.0
NEW_VERSION = N_("New version of Alcove")
_DEADLINE_S = 20.0  # for both files together; as `web.PATIENCE_S`
_SIGNATURE = 200  # bytes; 64 are 88 letters of base64
log = logging.getLogger(__name__)


class Updates:
    """`file` remembers when it was asked, and what was the newest then."""

    def __init__(
        self,
        web: Web,
        preferences: Preferences,
        file: Path,
        keys: tuple[bytes, ...] = KEYS,
        installed: str = __version__,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        self._web, self._preferences, self._file = web, preferences, file
        self._keys, self._installed, self._deadline_s = keys, installed, deadline_s

    @property
    def wanted(self) -> bool:
        """Whether the person wants to know, and lets Alcove ask."""
        return resolve(self._preferences.values())["updates"] is True and not self._web.network.sealed

    async def look(self) -> Update | None:
        """What is new; None where nothing is, or nothing is known, or it was asked today."""
        if not self.wanted or not self._due():
            return None
        try:
            with self._web.network.purpose(NEW_VERSION):
                return await answered(self._look, self._deadline_s + 1)
        except (UserError, TimeoutError) as error:
            log.info("No news of a newer version: %s", error)
            return None

    async def dismiss(self, version: str) -> None:
        """The person has seen it; it is not told again."""
        await asyncio.to_thread(lambda: self._keep({**self._kept(), "told": version}))

    # -- in a thread ---------------------------------------------------------------------------------------------------

    def _look(self) -> Update | None:
        kept = {**self._kept(), "asked": time.time()}
        self._keep(kept)  # first: a file that cannot be read is not asked for again before tomorrow either
        found, seen = self._asked(), _seen(kept)
        if found is None:
            return None
        now = datetime.now(UTC)
        newest = latest(found, seen, now)
        self._keep({**kept, "version": str(newest.version), "published": newest.published.isoformat()})
        try:
            judge(found, self._installed, seen, now, _system())
        except NotNews as reason:
            log.info("A version was published, which is no news: %s", reason)
            return None
        return None if kept.get("told") == str(found.version) else found

    def _asked(self) -> Update | None:
        address = os.environ.get(VARIABLE) or ADDRESS
        until = time.monotonic() + self._deadline_s
        try:
            data = self._fetched(address, LARGEST, until)
            signature = base64.b64decode(self._fetched(f"{address}.sig", _SIGNATURE, until))
            return read(data, signature, self._keys)
        except ValueError as error:  # NotNews, or no base64
            log.warning("What %s says is not believed: %s", address, error)
            return None

    def _fetched(self, url: str, most: int, until: float) -> bytes:
        """The file, whole. No redirect is followed: who is asked is who is listed. Raises `NotNews`, `UserError`."""
        gathered, plain = bytearray(), {"Accept-Encoding": "identity"}
        with told(), self._web.client() as client, client.stream("GET", url, headers=plain) as response:
            if response.status_code != 200:
                raise NotNews(f"the answer is {response.status_code}")
            for piece in response.iter_raw():
                gathered += piece
                if len(gathered) > most:
                    raise NotNews("it is too large")
                if time.monotonic() > until:
                    raise NotNews("it takes too long")
        return bytes(gathered)

    # -- what is remembered --------------------------------------------------------------------------------------------

    def _due(self) -> bool:
        asked = self._kept().get("asked")
        return not isinstance(asked, int | float) or not 0 <= time.time() - asked < DAY_S  # the clock was set back

    def _kept(self) -> Mapping[str, object]:
        try:
            row = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return row if isinstance(row, dict) else {}

    def _keep(self, row: Mapping[str, object]) -> None:
        try:
            write_whole(self._file, json.dumps(row).encode())
        except StorageError as error:
            log.warning("When a newer version was asked for could not be kept: %s", error)


def _seen(kept: Mapping[str, object]) -> Seen:
    try:
        published = datetime.fromisoformat(str(kept["published"]))
        return Seen(Version(str(kept["version"])), published.astimezone(UTC))
    except (KeyError, ValueError, OverflowError):
        return Seen()


def _system() -> tuple[str, str]:
    """As `systems` of the file names it: macOS by its version, Windows by its build, Linux by that of its C library."""
    if sys.platform == "darwin":
        return "macos", platform.mac_ver()[0]
    if sys.platform == "win32":
        return "windows", platform.version()
    return "linux", platform.libc_ver()[1]
