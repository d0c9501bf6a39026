"""What stands in the composer of each chat and was not sent, kept across a restart.

Invariant: at most `BEHIND_S` after the last key the text is on disk; an unreadable file costs the drafts, never the
start. The key "" is the chat that has no place in the database yet. Messages are `chats`' affair.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import UserDict
from pathlib import Path

from desktop.core.errors import StorageError
from desktop.services.disk import write_whole

BEHIND_S = 1.0  # a draft is a sentence or two; more often would wear the disk while typing
LONGEST = 8 << 20  # characters of one draft: a pasted book and more; what is longer is not typed

log = logging.getLogger(__name__)


class Drafts(UserDict[str, str]):
    """A mapping from chat id to text. `close` writes what is still waiting."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.data.update(_read(path))
        self._path = path
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def __setitem__(self, chat_id: str, text: str) -> None:
        if self.data.get(chat_id) != text:
            self.data[chat_id] = text
            self._changed()

    def __delitem__(self, chat_id: str) -> None:
        del self.data[chat_id]
        self._changed()

    async def close(self) -> None:
        if self._writing is not None:
            await self._writing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            await self._write()

    def _changed(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BEHIND_S, self._start)

    def _start(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        kept = {chat: text for chat, text in self.data.items() if text.strip() and len(text) <= LONGEST}
        data = json.dumps(kept).encode()
        try:
            await asyncio.shield(asyncio.to_thread(write_whole, self._path, data))
        except StorageError as error:
            log.warning("Drafts were not kept: %s", error)  # the text still stands in the composer


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
