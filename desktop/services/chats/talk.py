"""The straight line of a reply: question stored, prompt rendered and fitted, engine run, reply journalled.

Invariants: the person's words are stored before anything can fail; what the engine writes is handed to the journal
before it is handed on; one reply at a time uses the engine, the next one waits for its turn. The window, the command
line and later the server all come through here. It does not know how a reply is shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

from desktop.core import prompt
from desktop.core.chat import Chat, Message, Opening, Role, Turn
from desktop.core.errors import N_, StorageError, UserError
from desktop.core.generation import (
    Appended,
    Finished,
    GenerateEvent,
    GenerateRequest,
    PieceKind,
    PromptProgress,
    StopReason,
)
from desktop.core.safety import safer
from desktop.core.settings import Value, valid
from desktop.core.talk import (
    ContextUse,
    Ended,
    ExactPrompt,
    Left,
    MessageAdded,
    ModelLoading,
    ModelReady,
    Reading,
    Retitled,
    TalkEvent,
    Waiting,
    Written,
)
from desktop.engine.client import Engine, EngineFault
from desktop.services.chats.ahead import ReadAhead
from desktop.services.chats.chats import Chats
from desktop.services.chats.context import guided, use_of
from desktop.services.chats.held import Held
from desktop.services.chats.journal import BROKEN
from desktop.services.chats.loading import Loading
from desktop.services.chats.prompts import Prompts, opening_for, template_for
from desktop.services.chats.stopping import Stop
from desktop.services.chats.warming import Warming
from desktop.services.fit.fitting import Fitting
from desktop.services.guard import Guard, reading_ended, reply_ended
from desktop.services.help import Help
from desktop.services.identity import new_id
from desktop.services.models.library import Library, Model
from desktop.services.preferences import Preferences

TITLE_LENGTH = 60  # characters; what a sidebar of 280 pixels shows in two lines


class Talk:
    """Asks, regenerates, edits and continues; see `TalkEvent` for what comes back."""

    def __init__(
        self,
        engine: Engine,
        chats: Chats,
        library: Library,
        preferences: Preferences,
        help_pages: Help,
        fitting: Fitting,
        guard: Guard,
    ) -> None:
        self._engine = engine
        self._chats = chats
        self._library = library
        self._loading = Loading(engine, chats, library, preferences, fitting, guard)
        self._guard = guard
        self._prompts = Prompts(engine, help_pages)
        self._held = Held(engine)
        self._turn = asyncio.Lock()
        self._ahead = ReadAhead(
            *(engine, chats, preferences, self._loading, self._prompts, self._held), self._turn, guard.calm
        )
        self._warming = Warming(engine, library, preferences, self._loading, guard, self._turn)
        self._stops: dict[str, Stop] = {}
        self._left: dict[str, frozenset[str]] = {}

    # -- what a person can do ---------------------------------------------------------------------------------------

    async def ask(self, chat_id: str, text: str) -> AsyncGenerator[TalkEvent, None]:
        """Adds the person's message to the active path and streams the reply."""
        chat = await self._chats.get(chat_id)
        path = (await self._chats.messages(chat_id)).path(chat.tip)
        question = _said(text, path[-1].id if path else None)
        await self._chats.put(chat_id, question)
        yield MessageAdded(question)
        if not (chat.title or chat.titled):
            titled = await self._chats.update(chat_id, title=title_of(path[0].text if path else text))
            yield Retitled(chat_id, titled.title)
        async with aclosing(self._reply(chat_id, question.id)) as events:
            async for event in events:
                yield event

    async def edit(self, chat_id: str, message_id: str, text: str) -> AsyncGenerator[TalkEvent, None]:
        """A second version of a message. A person's is answered anew; a reply's is only kept."""
        old = await self._message(chat_id, message_id)
        changed = _said(text, old.parent)
        if old.role is not Role.USER:
            changed = replace(changed, role=old.role, model=old.model, stop_reason=StopReason.STOP)
        await self._chats.put(chat_id, changed)
        yield MessageAdded(changed)
        if old.role is Role.USER:
            async with aclosing(self._reply(chat_id, changed.id)) as events:
                async for event in events:
                    yield event

    async def regenerate(self, chat_id: str, message_id: str) -> AsyncGenerator[TalkEvent, None]:
        """Another version of a reply, beside it; for a person's message without one, the reply."""
        old = await self._message(chat_id, message_id)
        async with aclosing(self._reply(chat_id, old.id if old.role is Role.USER else old.parent)) as events:
            async for event in events:
                yield event

    async def continue_reply(self, chat_id: str, message_id: str) -> AsyncGenerator[TalkEvent, None]:
        """Goes on where a reply ended; the same message grows."""
        begun = replace(await self._message(chat_id, message_id), note="", stop_reason=None)
        async with aclosing(self._reply(chat_id, begun.parent, begun)) as events:
            async for event in events:
                yield event

    async def stop(self, chat_id: str) -> None:
        """Ends a chat's reply wherever it is: waiting for its turn, loading, reading or writing. The text stays."""
        stop = self._stops.get(chat_id)
        if stop is not None:
            stop.press()

    async def ahead(self, chat: Chat, draft: str) -> bool:
        """Lets what the next prompt will begin with be read, and before that its model come into memory.

        Both only while nothing else is wanted, and as the settings allow.
        `chat` need not be stored yet. Returns when all has been read, or left to an earlier call.
        """
        self._ahead.want(chat, draft)
        await self._warming.ahead(chat, draft)
        return await self._ahead.read()

    async def exact_prompt(self, chat_id: str) -> ExactPrompt:
        """What the model would get now, as text and as tokens."""
        async with self._turn:
            ready = await self._loading.ready(chat_id)
            tree = await self._chats.messages(chat_id)
            fitted, _ = await self._prompts.fitted(ready, tree.path(ready.chat.tip))
            return ExactPrompt(prompt.exact_text(fitted), tuple(await self._engine.tokens(fitted)))

    async def context_use(self, chat_id: str, draft: str = "") -> ContextUse:
        """How full the context is, from the statistics of the last reply and a guess for what came since."""
        chat = await self._chats.get(chat_id)
        model = self._library.named(chat.model)
        path = (await self._chats.messages(chat_id)).path(chat.tip)
        loaded = self._engine.loaded
        if loaded is not None and loaded[0] == model.path:
            size = loaded[2].context
        else:
            size = (await self._loading.settings(chat, model)).context
        left = self._left.get(chat_id, frozenset())
        moving = self._loading.values(chat, model)["when_full"] != "stop"
        use = guided(path, draft, size) if model.built_in else use_of(chat, path, draft, size, left, moving=moving)
        cached = self._held.of(chat, path)
        return replace(use, cached=None if cached is None else min(cached, use.used))

    async def preview(self, opening: Opening, model_name: str) -> str:
        """The prompt an opening gives, with a sample question; needs no engine."""
        model = self._library.named(model_name)
        opening = opening_for(opening, model)
        template = template_for(opening, model)
        vocabulary = prompt.Vocabulary("<s>", "</s>", ("<s>", "</s>"))
        sample = [Turn(Role.USER, "…")]
        found = await asyncio.to_thread(prompt.pieces, template, opening, sample, vocabulary, datetime.now())
        return prompt.exact_text(found)

    async def reload(self, chat_id: str, override: Mapping[str, Value] | None = None) -> None:
        """Loads the chat's model again, with settings of the chat changed first if any are given."""
        if override:
            chat = await self._chats.get(chat_id)
            await self._chats.update(chat_id, settings={**valid(chat.settings), **override})
        async with self._turn:
            await self._loading.ready(chat_id)

    async def unload(self) -> None:
        """Ends the engine process; its memory returns. A reply being written is stopped first."""
        for stop in self._stops.values():
            stop.press()
        self._warming.cool()
        await self._loading.give_up()
        async with self._turn:
            await self._engine.unload()

    async def safer(self, chat_id: str) -> Mapping[str, Value]:
        """Settings that ask less of the machine, if the chat's model has ended the engine more than once, or memory was
        running out with it; else none.
        """
        chat = await self._chats.get(chat_id)
        model = self._library.named(chat.model)
        short = self._guard.ended(model.path)
        if self._engine.deaths(model.path) < 2 and not short:
            return {}
        now = await self._loading.settings(chat, model)
        ways = [*(self._loading.lighter(model, now) if short else ()), safer(now)]
        ways.append(replace(safer(replace(now, context=1)), context=now.context))
        least = (await self.context_use(chat_id)).used * 4 // 3  # with less, the chat would not fit any more
        less = next(way for way in ways if way.context >= min(least, now.context))
        names = ("context", "kv_type", "mmap", "repack", "gpu_layers", "batch", "mlock")
        return {name: getattr(less, name) for name in names if getattr(less, name) != getattr(now, name)}

    # -- the line ---------------------------------------------------------------------------------------------------

    async def _reply(
        self, chat_id: str, parent: str | None, begun: Message | None = None
    ) -> AsyncGenerator[TalkEvent, None]:
        """Wait, load, fit, generate, journal. `begun` is a reply that is continued."""
        self._ahead.asked(chat_id)
        stop = self._stops[chat_id] = Stop()
        try:
            if self._turn.locked():
                yield Waiting()
            async with stop.holding(self._turn) as held:
                if not held:
                    return
                async with aclosing(self._answered(chat_id, parent, begun, stop)) as events:
                    async for event in events:
                        yield event
        finally:
            if self._stops.get(chat_id) is stop:
                del self._stops[chat_id]

    async def _answered(
        self, chat_id: str, parent: str | None, begun: Message | None, stop: Stop
    ) -> AsyncGenerator[TalkEvent, None]:
        begin = time.monotonic()
        cold = self._engine.loaded is None
        async with aclosing(self._load_events(chat_id, stop)) as loading:
            async for event in loading:
                cold = True
                yield event
        if stop:
            return
        ready = await self._loading.ready(chat_id)
        yield ModelReady(ready.info)
        path = (await self._chats.messages(chat_id)).path(begun.id if begun else parent)
        fitted, left = await self._prompts.fitted(ready, path)
        if left != self._left.get(chat_id, frozenset()):
            self._left[chat_id] = left
            yield Left(left)
        reply = begun or Message(new_id(), parent, Role.ASSISTANT, "", time.time(), ready.model.name)
        start = fitted[-1].text if begun is None and fitted and fitted[-1].kind is PieceKind.REPLY else ""
        request = GenerateRequest(fitted, ready.sampling, chat_id, ready.values["lookup"] is True)
        load_s = time.monotonic() - begin if cold else 0.0
        if stop:
            return
        self._held.lose()
        async with aclosing(self._stream(chat_id, reply, start, request, load_s, stop, ready.model)) as written:
            async for event in written:
                if isinstance(event, Ended) and not ready.model.built_in:
                    self._held.replied(ready.chat, path, event.message)
                yield event

    async def _stream(
        self,
        chat_id: str,
        reply: Message,
        start: str,
        request: GenerateRequest,
        load_s: float,
        stop: Stop,
        model: Model,
    ) -> AsyncGenerator[TalkEvent, None]:
        """Reads, then writes. The reply has a place in the chat from its first character on; `start` is given to it."""
        guarded = self._guard.watching(model.path, stop.press_for_memory)
        async with guarded, stop.reaching(self._engine), aclosing(self._engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, PromptProgress):
                    yield Reading(event.done, event.total)
                elif not (isinstance(event, Finished) and event.stop_reason is StopReason.CANCELLED and not reply.text):
                    yield MessageAdded(reply)
                    written = self._write(chat_id, reply, (Appended(start), event), events, load_s, stop)
                    async with aclosing(written) as steps:
                        async for step in steps:
                            yield step
                    return
        if stop.short:
            raise reading_ended()

    async def _write(
        self,
        chat_id: str,
        reply: Message,
        first: Iterable[GenerateEvent],
        events: AsyncIterator[GenerateEvent],
        load_s: float,
        stop: Stop,
    ) -> AsyncGenerator[TalkEvent, None]:
        parts = [reply.text]
        final = replace(reply, stop_reason=StopReason.CANCELLED)
        fault: Exception | None = None
        async with self._chats.streaming(chat_id, reply) as journal:
            try:
                async for event in _from(first, events):
                    if isinstance(event, Appended) and event.text:
                        parts.append(event.text)
                        journal.append(event.text)
                        yield Written(reply.id, event.text)
                    elif isinstance(event, Finished):
                        timings = replace(event.timings, load_s=load_s)
                        reason = stop.reason(event.stop_reason)
                        final = replace(reply, stop_reason=reason, usage=event.usage, timings=timings)
            except (UserError, EngineFault) as error:
                fault = error
                final = replace(reply, stop_reason=StopReason.DIED, note=_note(error))
            finally:
                final = replace(final, text="".join(parts))
                journal.finish(final)
                self._loading.replied(final)
        yield Ended(final)
        if final.stop_reason is StopReason.MEMORY:
            fault = reply_ended()
        if fault is not None:
            raise fault

    async def _load_events(self, chat_id: str, stop: Stop) -> AsyncGenerator[TalkEvent, None]:
        """Loading, as events; nothing if the model is there already."""
        progress: asyncio.Queue[float | None] = asyncio.Queue()
        loading = asyncio.ensure_future(stop.unless(self._loading.load(chat_id, progress.put_nowait)))
        loading.add_done_callback(lambda _: progress.put_nowait(None))
        try:
            while (fraction := await progress.get()) is not None:
                yield ModelLoading(fraction)
            await loading
        finally:
            loading.cancel()

    async def _message(self, chat_id: str, message_id: str) -> Message:
        tree = await self._chats.messages(chat_id)
        if message_id not in tree:
            raise StorageError(N_("This message is no longer there. It may have been removed in another window."))
        return tree[message_id]


def title_of(text: str) -> str:
    """The first sentence of the first question, cut at a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "").lstrip("#>*- ")
    for end in (". ", "? ", "! ", "。"):
        head, found, _ = line.partition(end)
        line = head + found.strip() if found else line
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(",;:") + "…"


async def _from(first: Iterable[GenerateEvent], rest: AsyncIterator[GenerateEvent]) -> AsyncIterator[GenerateEvent]:
    for event in first:
        yield event
    async for event in rest:
        yield event


def _said(text: str, parent: str | None) -> Message:
    return Message(new_id(), parent, Role.USER, text, time.time())


def _note(error: Exception) -> str:
    """The message id where it stands alone, so that it is shown in whatever language the window has by then."""
    if not isinstance(error, UserError):
        return BROKEN
    return str(error) if "{" in error.message else error.message
