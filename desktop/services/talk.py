"""The straight line of a reply: question stored, prompt rendered and fitted, engine run, reply journalled.

Invariants: the person's words are stored before anything can fail; what the engine writes is handed to the journal
before it is handed on; one reply at a time uses the engine, the next one waits for its turn. The window, the command
line and later the server all come through here. It does not know how a reply is shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

from desktop.core import prompt
from desktop.core.chat import Chat, Message, Opening, Role, Turn
from desktop.core.errors import UserError
from desktop.core.generation import (
    Appended,
    Finished,
    GenerateRequest,
    LoadSettings,
    ModelInfo,
    Piece,
    PromptProgress,
    StopReason,
)
from desktop.core.safety import safer
from desktop.core.settings import Value, load_settings, valid
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
    Written,
)
from desktop.engine.client import Engine
from desktop.services.chats import Chats
from desktop.services.help import Help
from desktop.services.library import Library, Model
from desktop.services.machine import Machine
from desktop.services.preferences import Preferences
from desktop.services.prompts import Prompts, Ready, opening_for, template_for
from desktop.services.rows import new_id

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
        machine: Machine,
    ) -> None:
        self._engine = engine
        self._chats = chats
        self._library = library
        self._preferences = preferences
        self._prompts = Prompts(engine, help_pages)
        self._machine = machine
        self._turn = asyncio.Lock()
        self._loading: asyncio.Task[ModelInfo] | None = None
        self._left: dict[str, frozenset[str]] = {}

    # -- what a person can do ---------------------------------------------------------------------------------------

    async def ask(self, chat_id: str, text: str) -> AsyncGenerator[TalkEvent, None]:
        """Adds the person's message to the active path and streams the reply."""
        chat = await self._chats.get(chat_id)
        tree = await self._chats.messages(chat_id)
        path = tree.path(chat.tip)
        question = _said(text, path[-1].id if path else None)
        await self._chats.put(chat_id, question)
        yield MessageAdded(question)
        async with aclosing(self._reply(chat_id, question.id)) as events:
            async for event in events:
                yield event

    async def edit(self, chat_id: str, message_id: str, text: str) -> AsyncGenerator[TalkEvent, None]:
        """A second version of a message. A person's is answered anew; a reply's is only kept."""
        old = (await self._chats.messages(chat_id))[message_id]
        if old.role is Role.USER:
            changed = _said(text, old.parent)
        else:
            changed = replace(old, id=new_id(), text=text, created=time.time())
        await self._chats.put(chat_id, changed)
        yield MessageAdded(changed)
        if old.role is Role.USER:
            async with aclosing(self._reply(chat_id, changed.id)) as events:
                async for event in events:
                    yield event

    async def regenerate(self, chat_id: str, message_id: str) -> AsyncGenerator[TalkEvent, None]:
        """Another version of a reply, beside it; for a person's message without one, the reply."""
        old = (await self._chats.messages(chat_id))[message_id]
        parent = old.id if old.role is Role.USER else old.parent
        async with aclosing(self._reply(chat_id, parent)) as events:
            async for event in events:
                yield event

    async def continue_reply(self, chat_id: str, message_id: str) -> AsyncGenerator[TalkEvent, None]:
        """Goes on where a reply ended; the same message grows."""
        begun = (await self._chats.messages(chat_id))[message_id]
        async with aclosing(self._reply(chat_id, begun.parent, begun)) as events:
            async for event in events:
                yield event

    async def stop(self) -> None:
        """Ends the reply being written, or the load it waits for. The text so far stays."""
        if self._loading is not None:
            self._loading.cancel()
        await self._engine.stop()

    async def exact_prompt(self, chat_id: str) -> ExactPrompt:
        """What the model would get now, as text and as tokens."""
        async with self._turn:
            ready = await self._ready(chat_id)
            tree = await self._chats.messages(chat_id)
            fitted, _ = await self._prompts.fitted(ready, tree.path(ready.chat.tip))
            return ExactPrompt(prompt.exact_text(fitted), tuple(await self._engine.tokens(fitted)))

    async def context_use(self, chat_id: str, draft: str = "") -> ContextUse:
        """How full the context is, from the statistics of the last reply and a guess for what came since."""
        chat = await self._chats.get(chat_id)
        model = self._library.find(chat.model)
        path = (await self._chats.messages(chat_id)).path(chat.tip)
        known = next((i for i in reversed(range(len(path))) if path[i].usage.prompt_tokens), -1)
        used = path[known].usage.prompt_tokens + path[known].usage.completion_tokens if known >= 0 else 0
        unread = [m.text for m in path[known + 1 :]] + [draft]
        if known < 0:
            unread += [chat.opening.instruction, *(t.text for t in chat.opening.turns)]
        used += sum(map(_guessed_tokens, unread))
        loaded = self._engine.loaded
        if loaded is not None and loaded[0] == model.path:
            size = loaded[2].context
        else:
            size = self._load_settings(chat, model).context
        return ContextUse(used, size, self._left.get(chat_id, frozenset()))

    async def preview(self, opening: Opening, model_name: str) -> str:
        """The prompt an opening gives, with a sample question; needs no engine."""
        model = self._library.find(model_name)
        vocabulary = prompt.Vocabulary("<s>", "</s>", ("<s>", "</s>"))
        sample = [Turn(Role.USER, "…")]
        template = template_for(opening, model)
        found = await asyncio.to_thread(prompt.pieces, template, opening, sample, vocabulary, datetime.now())
        return prompt.exact_text(found)

    async def reload(self, chat_id: str, override: Mapping[str, Value] | None = None) -> None:
        """Loads the chat's model again, with settings of the chat changed first if any are given."""
        if override:
            chat = await self._chats.get(chat_id)
            await self._chats.update(chat_id, settings={**valid(chat.settings), **override})
        async with self._turn:
            await self._ready(chat_id)

    async def unload(self) -> None:
        """Ends the engine process; its memory returns."""
        await self._engine.unload()

    async def safer(self, chat_id: str) -> Mapping[str, Value]:
        """Settings that ask less of the machine, if the chat's model has ended the engine more than once; else none."""
        chat = await self._chats.get(chat_id)
        model = self._library.find(chat.model)
        if self._engine.deaths(model.path) < 2:
            return {}
        now = self._load_settings(chat, model)
        less = safer(now)
        names = ("context", "repack", "gpu_layers", "batch", "mlock")
        return {name: getattr(less, name) for name in names if getattr(less, name) != getattr(now, name)}

    # -- the line ---------------------------------------------------------------------------------------------------

    async def _reply(
        self, chat_id: str, parent: str | None, begun: Message | None = None
    ) -> AsyncGenerator[TalkEvent, None]:
        """Load, fit, generate, journal. `begun` is a reply that is continued."""
        async with self._turn:
            try:
                async with aclosing(self._load_events(chat_id)) as events:
                    async for event in events:
                        yield event
                ready = await self._ready(chat_id)
                yield ModelReady(ready.info)
            except asyncio.CancelledError:
                if _cancelling():
                    raise
                return  # stop was pressed while the model was loading: the question stays, without a reply
            tree = await self._chats.messages(chat_id)
            path = tree.path(begun.id if begun else parent)
            fitted, left = await self._prompts.fitted(ready, path)
            if left != self._left.get(chat_id, frozenset()):
                self._left[chat_id] = left
                yield Left(left)
            reply = begun or Message(new_id(), parent, Role.ASSISTANT, "", time.time(), ready.model.name)
            yield MessageAdded(reply)
            async with aclosing(self._stream(chat_id, ready, reply, fitted)) as written:
                async for event in written:
                    yield event
            if path and (titled := await self._titled(chat_id, path[0].text)):
                yield titled

    async def _stream(
        self, chat_id: str, ready: Ready, reply: Message, fitted: tuple[Piece, ...]
    ) -> AsyncGenerator[TalkEvent, None]:
        parts = [reply.text]
        final = replace(reply, stop_reason=StopReason.CANCELLED)
        fault: UserError | None = None
        async with self._chats.streaming(chat_id, reply) as journal:
            try:
                request = GenerateRequest(fitted, ready.sampling)
                async with aclosing(self._engine.generate(request)) as events:
                    async for event in events:
                        match event:
                            case PromptProgress(done, total):
                                yield Reading(done, total)
                            case Appended(text):
                                parts.append(text)
                                journal.append(text)
                                yield Written(reply.id, text)
                            case Finished(stop_reason, usage, timings):
                                timings = replace(timings, load_s=ready.info.load_s)
                                final = replace(reply, stop_reason=stop_reason, usage=usage, timings=timings)
            except UserError as error:
                fault = error
                final = replace(reply, stop_reason=StopReason.DIED, note=_note(error))
            finally:
                final = replace(final, text="".join(parts))
                journal.finish(final)
        yield Ended(final)
        if fault is not None:
            raise fault

    async def _load_events(self, chat_id: str) -> AsyncGenerator[TalkEvent, None]:
        """Loading, as events; nothing if the model is there already."""
        progress: asyncio.Queue[float | None] = asyncio.Queue()
        self._loading = asyncio.create_task(self._load(chat_id, progress.put_nowait))
        self._loading.add_done_callback(lambda _: progress.put_nowait(None))
        try:
            while (fraction := await progress.get()) is not None:
                yield ModelLoading(fraction)
            await self._loading
        finally:
            self._loading.cancel()
            self._loading = None

    async def _load(self, chat_id: str, progress: Callable[[float], None] | None = None) -> ModelInfo:
        chat = await self._chats.get(chat_id)
        model = self._library.find(chat.model)
        return await self._engine.load(model.path, self._load_settings(chat, model), progress)

    async def _ready(self, chat_id: str) -> Ready:
        info = await self._load(chat_id)
        chat = await self._chats.get(chat_id)
        model = self._library.find(chat.model)
        opening = opening_for(chat, model)
        values = self._preferences.levels(model.name, chat.settings)
        return Ready(chat, model, info, values, template_for(opening, model), opening)

    def _load_settings(self, chat: Chat, model: Model) -> LoadSettings:
        return self._machine.suited(model, load_settings(self._preferences.levels(model.name, chat.settings)))

    async def _titled(self, chat_id: str, first: str) -> Retitled | None:
        """A title from the first exchange, unless there is one."""
        chat = await self._chats.get(chat_id)
        if chat.title or chat.titled:
            return None
        titled = await self._chats.update(chat_id, title=title_of(first))
        return Retitled(chat_id, titled.title)


def title_of(text: str) -> str:
    """The first sentence of the first question, cut at a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "").lstrip("#>*- ")
    for end in (". ", "? ", "! ", "。"):
        head, found, _ = line.partition(end)
        line = head + found.strip() if found else line
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _said(text: str, parent: str | None) -> Message:
    return Message(new_id(), parent, Role.USER, text, time.time())


def _note(error: UserError) -> str:
    """The message id where it stands alone, so that it is shown in whatever language the window has by then."""
    return str(error) if "{" in error.message else error.message


def _guessed_tokens(text: str) -> int:
    """About four bytes of UTF-8 a token: enough for a gauge between two replies, whose counts are exact."""
    return len(text.encode("utf-8", "replace")) // 4 + (1 if text else 0)


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
