"""Reading ahead: while a person types or looks at a chat, the engine reads what its next prompt will begin with.

Invariants: no model is loaded for it; it waits for every reply and ends at once when one is asked for; the prompt comes
through the same function as the reply's, so that nothing differs; where all was read already, nothing is done. It is
only ever a head start: what goes wrong in it is said when the question is asked. What of a draft is certain is
`core.ahead`'s affair, and how reading gives way the engine's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic, process_time

from desktop.core.ahead import settled
from desktop.core.chat import Chat, Message
from desktop.core.errors import UserError
from desktop.core.generation import GenerateRequest
from desktop.core.settings import resolve
from desktop.engine.client import Engine, EngineFault
from desktop.engine.frames import Prepared
from desktop.services.chats.chats import Chats
from desktop.services.chats.held import Held
from desktop.services.chats.loading import Loading
from desktop.services.chats.prompts import Prompts
from desktop.services.power import Power
from desktop.services.preferences import Preferences

log = logging.getLogger(__name__)
_LOOK_S = 0.5  # so long after a switch was thrown or the plug pulled reading may go on
_AGAIN_S = 0.1  # after something has come between
_RESTS = 9  # times what making a prompt took of the processor: in a chat of 1,000 messages a tenth of a core
_TRIES = 20  # what comes between is a reply or a count; an engine that never gets on is left alone


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be read: a chat as the window has it, perhaps not stored yet, and the settled words of its draft."""

    chat: Chat
    words: str

    def leads_to(self, other: _Wish | None) -> bool:
        """Whether what is read for this one is of use to the other."""
        return other is not None and other.chat == self.chat and other.words.startswith(self.words)


class ReadAhead:
    """`turn` is held by whoever has a reply written; `calm` says whether there is memory for what could wait."""

    def __init__(
        self,
        engine: Engine,
        chats: Chats,
        preferences: Preferences,
        loading: Loading,
        prompts: Prompts,
        held: Held,
        turn: asyncio.Lock,
        calm: Callable[[], Awaitable[bool]],
        power: Power | None = None,
    ) -> None:
        self._engine, self._chats, self._preferences = engine, chats, preferences
        self._loading, self._prompts, self._held = loading, prompts, held
        self._turn, self._calm, self._power = turn, calm, power or Power()
        self._newest: _Wish | None = None  # stays, for it may not be possible yet
        self._wish: _Wish | None = None  # what is being served
        self._done: tuple[_Wish, int | None] | None = None  # read to its end, in that process
        self._reading: asyncio.Task[Prepared | None] | None = None
        self._at_work = self._news = False
        self._rested = 0.0  # when the next prompt may be made

    def want(self, chat: Chat, draft: str) -> None:
        """From now on this is what should be read; what is being read for something else ends."""
        wish, before = _Wish(chat, settled(draft)), self._wish
        self._newest = wish
        if self._at_work and wish != before:
            self._wish = wish
            if self._reading is not None and not (before is not None and before.leads_to(wish)):
                self._reading.cancel()

    async def read(self) -> bool:
        """Reads what was wanted last, until that is done, or left to an earlier call.

        Whether the engine holds something else now than before.
        """
        if self._at_work:
            return False
        if self._done != (self._newest, self._engine.pid):
            self._wish = self._newest
        self._at_work, self._news = True, False
        try:
            while (wanted := self._wish) is not None:
                await self._serve(wanted)
                if self._wish is wanted:
                    self._wish = None
        finally:
            self._at_work = False
        return self._news

    def asked(self, chat_id: str) -> None:
        """A reply is asked for: reading ends, and what was wished for this chat, or for one not stored yet, is over."""
        self._done = None
        if self._newest is not None and self._newest.chat.id in ("", chat_id):
            self._newest = self._wish = None
        if self._reading is not None:
            self._reading.cancel()

    async def _serve(self, wish: _Wish) -> None:
        for _ in range(_TRIES):
            await asyncio.sleep(self._rested - monotonic())
            async with self._turn:
                pass  # after every reply that is written or waits
            try:
                if self._wish is not wish or not await self._allowed() or await self._over(wish):
                    return
            except (UserError, EngineFault) as error:
                log.info("Not read ahead: %s", error)
                return
            await asyncio.sleep(_AGAIN_S)

    async def _over(self, wish: _Wish) -> bool:
        """Reads, unless something comes between; whether there is nothing left to read, or nothing can be."""
        ready = self._loading.present(wish.chat)
        if ready is None:
            return True
        began = process_time()
        path = await self._path(wish.chat.id) if wish.chat.id else []
        pieces = await self._prompts.certain(ready, path, wish.words)
        self._rested = monotonic() + _RESTS * (process_time() - began)
        if not pieces:
            return True
        if self._wish is not wish or self._turn.locked():
            return False
        prepared = await self._prepared(GenerateRequest(pieces, ready.sampling, wish.chat.id), bool(wish.words))
        if prepared is None:
            return False
        self._put(wish.chat, path, prepared)
        if prepared.held >= prepared.total:
            self._done = (wish, self._engine.pid)
        return prepared.held >= prepared.total

    async def _path(self, chat_id: str) -> list[Message]:
        """As it is stored: a reply may have come since the wish."""
        tip = (await self._chats.get(chat_id)).tip
        return (await self._chats.messages(chat_id)).path(tip)

    def _put(self, chat: Chat, path: list[Message], prepared: Prepared) -> None:
        if prepared.held:
            self._held.put(chat, path, prepared.held)
            self._news = True

    async def _prepared(self, request: GenerateRequest, draft: bool) -> Prepared | None:
        """What the engine has read; None where that was ended from here, or where the engine has something to do."""
        self._held.lose()
        task = self._reading = asyncio.ensure_future(self._engine.prepare(request, draft))
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_S)
                if not task.done() and not await self._allowed():
                    task.cancel()
        finally:
            self._reading = None
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return None if task.cancelled() else task.result()

    async def _allowed(self) -> bool:
        values = resolve(self._preferences.values())
        if values["read_ahead"] is not True:
            return False
        if values["read_ahead_on_battery"] is not True and await self._power.on_battery():
            return False
        return await self._calm()
