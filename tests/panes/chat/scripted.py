"""A talk that stores what it is told, as the real one does, and answers from a script."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from desktop.core.chat import Chat, Message, Opening, Role
from desktop.core.errors import MemoryShort, UserError
from desktop.core.generation import ModelInfo, StopReason, Timings, Usage
from desktop.core.settings import Value
from desktop.core.talk import (
    ContextUse,
    Ended,
    ExactPrompt,
    MessageAdded,
    ModelLoading,
    ModelReady,
    Reading,
    Retitled,
    TalkEvent,
    Waiting,
    Written,
)
from desktop.services.chats.chats import Chats
from desktop.services.identity import new_id

INFO = ModelInfo("tiny", "llama", 4096, 4096, 32000, 2, 0, "CPU", "<s>", "</s>", (), 0.1, 1, 1, True)
TIMINGS = Timings(0.0, 0.4, 50.0, 14.2)


@dataclass
class Script:
    """Pieces of one reply. It waits for `go` before piece number `hold`, and ends with `error` if there is one."""

    pieces: tuple[str, ...] = ("A ", "reply.")
    hold: int | None = None
    error: UserError | None = None
    loading: bool = False
    unloadable: UserError | None = None
    note: str = ""
    go: asyncio.Event = field(default_factory=asyncio.Event)


class ScriptedTalk:
    def __init__(self, chats: Chats) -> None:
        self.scripts: list[Script] = []
        self.stopped: list[str] = []
        self.slow_reload = False
        self.unloadable: UserError | None = None  # raised by `reload`
        self.unsafe: UserError | None = None  # raised by `safer`
        self.reloaded: list[Mapping[str, Value] | None] = []
        self.safer_settings: Mapping[str, Value] = {}
        self.refuse: UserError | None = None  # raised before anything is stored
        self.use = ContextUse(1024, 4096)
        self.reads = False  # whether `ahead` finds something to read
        self.read_ahead: list[tuple[Chat, str]] = []
        self._chats = chats
        self._turn = asyncio.Lock()
        self._waiting: dict[str, asyncio.Task[bool]] = {}
        self._stop = asyncio.Event()

    async def ask(self, chat_id: str, text: str) -> AsyncIterator[TalkEvent]:
        if self.refuse is not None:
            raise self.refuse
        chat = await self._chats.get(chat_id)
        question = Message(new_id(), chat.tip, Role.USER, text, time.time())
        await self._chats.put(chat_id, question)
        yield MessageAdded(question)
        async for event in self._reply(chat_id, question.id):
            yield event
        if not chat.title:
            await self._chats.update(chat_id, title=text)
            yield Retitled(chat_id, text)

    async def edit(self, chat_id: str, message_id: str, text: str) -> AsyncIterator[TalkEvent]:
        old = (await self._chats.messages(chat_id))[message_id]
        changed = replace(old, id=new_id(), text=text, created=time.time())
        await self._chats.put(chat_id, changed)
        yield MessageAdded(changed)
        if old.role is Role.USER:
            async for event in self._reply(chat_id, changed.id):
                yield event

    async def regenerate(self, chat_id: str, message_id: str) -> AsyncIterator[TalkEvent]:
        old = (await self._chats.messages(chat_id))[message_id]
        async for event in self._reply(chat_id, old.id if old.role is Role.USER else old.parent):
            yield event

    async def continue_reply(self, chat_id: str, message_id: str) -> AsyncIterator[TalkEvent]:
        begun = (await self._chats.messages(chat_id))[message_id]
        async for event in self._reply(chat_id, begun.parent, begun):
            yield event

    async def _reply(self, chat_id: str, parent: str | None, begun: Message | None = None) -> AsyncIterator[TalkEvent]:
        if self._turn.locked():
            yield Waiting()
        if not await self._own_turn(chat_id):
            return
        try:
            script = self.scripts.pop(0) if self.scripts else Script()
            self._stop.clear()
            if script.unloadable is not None:
                raise script.unloadable
            if script.loading:
                yield ModelLoading(0.5)
                await self._unless_stopped(script)
                if self._stop.is_set():
                    return
                yield ModelReady(INFO)
            reply = begun or Message(new_id(), parent, Role.ASSISTANT, "", time.time())
            text = reply.text
            async with self._chats.streaming(chat_id, reply) as journal:
                yield MessageAdded(reply)
                yield Reading(1200, 4000)
                for number, piece in enumerate(script.pieces):
                    if number == script.hold:
                        await self._unless_stopped(script)
                    if self._stop.is_set():
                        break
                    journal.append(piece)
                    text += piece
                    yield Written(reply.id, piece)
                ending = StopReason.CANCELLED if self._stop.is_set() else StopReason.STOP
                if script.error:
                    ending = StopReason.MEMORY if isinstance(script.error, MemoryShort) else StopReason.DIED
                final = replace(reply, text=text, stop_reason=ending, usage=Usage(30, 10, 5), timings=TIMINGS)
                final = replace(final, note=script.note)
                journal.finish(final)
            yield Ended(final)
            if script.error is not None:
                raise script.error
        finally:
            self._turn.release()

    async def _own_turn(self, chat_id: str) -> bool:
        """Waits for the other chat's reply; false where that was given up."""
        self._waiting[chat_id] = asyncio.ensure_future(self._turn.acquire())
        await asyncio.wait([self._waiting[chat_id]])
        return not self._waiting.pop(chat_id).cancelled()

    async def _unless_stopped(self, script: Script) -> None:
        waits = [asyncio.ensure_future(script.go.wait()), asyncio.ensure_future(self._stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for waiting in waits:
            waiting.cancel()

    async def stop(self, chat_id: str) -> None:
        self.stopped.append(chat_id)
        if chat_id in self._waiting:
            self._waiting[chat_id].cancel()
        else:
            self._stop.set()

    async def ahead(self, chat: Chat, draft: str) -> bool:
        self.read_ahead.append((chat, draft))
        return self.reads

    async def exact_prompt(self, chat_id: str) -> ExactPrompt:
        return ExactPrompt("<s>[INST] 안녕 [/INST]", ((1, "<s>"), (733, "[INST]"), (29871, " 안녕")))

    async def context_use(self, chat_id: str, draft: str = "") -> ContextUse:
        return self.use

    async def preview(self, opening: Opening, model_name: str) -> str:
        return f"{opening.template or 'own'}: {opening.instruction}"

    async def reload(self, chat_id: str, override: Mapping[str, Value] | None = None) -> None:
        if self.slow_reload:
            await asyncio.sleep(60)
        if self.unloadable is not None:
            raise self.unloadable
        self.reloaded.append(override)

    async def safer(self, chat_id: str) -> Mapping[str, Value]:
        if self.unsafe is not None:
            raise self.unsafe
        return self.safer_settings
