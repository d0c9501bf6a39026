"""Chats to files and back, for the pane: what is written where, and what came of it.

Invariant: an import adds, it never replaces, and every outcome is said. Which file is the person's choice and asked by
the view; what is in it is `services.chats.transcripts`' affair.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.core.errors import N_, UserError
from desktop.panes.chat.edges import Tasks
from desktop.services.chats.transcripts import Transcripts


class ChatFiles(QObject):
    """`told` carries a message id and its fields; `added` the first chat of an import."""

    told = Signal(str, dict)
    failed = Signal(object)
    added = Signal(str)

    def __init__(self, transcripts: Transcripts, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._transcripts = transcripts
        self._tasks = tasks

    def export(self, chat_id: str, path: Path, say: Callable[[str], str]) -> None:
        """Writes one chat; `say` translates the headings of Markdown."""
        self._spawn(self._export(chat_id, path, say))

    async def _export(self, chat_id: str, path: Path, say: Callable[[str], str]) -> None:
        await self._transcripts.export(chat_id, path, say)
        self.told.emit(N_("Saved as “{name}”"), {"name": path.name})

    def export_all(self, path: Path, say: Callable[[str], str]) -> None:
        self._spawn(self._export_all(path, say))

    async def _export_all(self, path: Path, say: Callable[[str], str]) -> None:
        count = await self._transcripts.export_all(path, say)
        self.told.emit(N_("{count} chats saved as “{name}”"), {"count": count, "name": path.name})

    def import_files(self, paths: Sequence[Path]) -> None:
        """Reads chats from files, and shows the first."""
        self._spawn(self._import(paths))

    async def _import(self, paths: Sequence[Path]) -> None:
        found = [chat for path in paths for chat in await self._transcripts.import_file(path)]
        if found:
            self.added.emit(found[0].id)
            self.told.emit(N_("{count} chats imported"), {"count": len(found)})

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        def show(error: UserError) -> None:
            self.failed.emit(error)

        self._tasks.spawn(work, show)
