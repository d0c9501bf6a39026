"""Export and import of chats as files a person keeps: Markdown to read, JSON with everything.

Invariants: an export never leaves half a file under its name; an import adds chats and changes none, and adds all of a
file or, where anything in it is wrong, nothing. The forms are `core.transcript` and `core.transcript_markdown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from desktop.core import transcript, transcript_markdown
from desktop.core.chat import Chat, Message
from desktop.core.errors import N_, ChatFileError
from desktop.core.gguf import size_in_words
from desktop.core.transcript import Transcript
from desktop.services.chats.chats import Chats
from desktop.services.disk import refused, write_whole
from desktop.services.identity import new_id

_LARGEST = 256 << 20  # bytes: some 100,000 long messages; reading takes several times that in memory
_UNTITLED = N_("Chat")


class Transcripts:
    """Chats to files and back. The file's ending decides: `.json`, or else Markdown."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    async def export(self, chat_id: str, path: Path, say: Callable[[str], str] = str) -> None:
        """Writes one chat; `say` translates the headings of Markdown. Raises `StorageError`."""
        one = await self._transcript(await self._chats.get(chat_id))
        await asyncio.to_thread(_write, [one], path, say, True)

    async def export_all(self, path: Path, say: Callable[[str], str] = str) -> int:
        """Writes every chat that is not in the bin, and says how many. Raises `StorageError`."""
        everything = [await self._transcript(chat) for chat in await self._chats.all()]
        await asyncio.to_thread(_write, everything, path, say, False)
        return len(everything)

    async def import_file(self, path: Path) -> list[Chat]:
        """Adds the chats of a file, under new ids. Raises `ChatFileError`, `StorageError`."""
        found = [_anew(one) for one in await asyncio.to_thread(_read, path)]
        await self._chats.add_all([(one.chat, one.messages) for one in found])
        return [one.chat for one in found]

    async def _transcript(self, chat: Chat) -> Transcript:
        return Transcript(chat, tuple(await self._chats.every_message(chat.id)))


def _write(transcripts: list[Transcript], path: Path, say: Callable[[str], str], single: bool) -> None:
    if path.suffix.lower() != ".json":
        named = [replace(t, chat=replace(t.chat, title=t.chat.title or say(_UNTITLED))) for t in transcripts]
        text = transcript_markdown.write(named, say, _when)
    else:
        text = transcript.write(transcripts[0]) if single else transcript.write_all(transcripts)
    write_whole(path, text.encode("utf-8", "replace"))


def _read(path: Path) -> list[Transcript]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise refused(error, path) from error
    if len(data) > _LARGEST:
        raise ChatFileError(
            N_("This file is larger than {most}, which no export of chats is. Nothing was imported."),
            most=size_in_words(_LARGEST),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ChatFileError(transcript.NOT_OURS) from None
    return transcript.read(text) if text.lstrip()[:1] == "{" else transcript_markdown.read(text)


def _anew(one: Transcript) -> Transcript:
    """The same chat under ids of its own: importing a file twice gives two chats."""
    ids = {m.id: new_id() for m in one.messages}
    messages = tuple(_renamed(m, ids) for m in one.messages)
    tip = ids[one.chat.tip] if one.chat.tip else None
    return Transcript(replace(one.chat, id=new_id(), tip=tip), messages)


def _renamed(message: Message, ids: dict[str, str]) -> Message:
    return replace(message, id=ids[message.id], parent=ids[message.parent] if message.parent else None)


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
