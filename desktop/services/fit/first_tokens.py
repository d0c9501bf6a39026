"""How long a person waits for the first word in one chat that goes on: new, at the tenth reply, read ahead, reopened.

Invariant: the chat only grows, as chats do, so that no figure rests on going back; each says how much of the prompt was
read for it. A part that did not come about says why, and what was measured before it stays. Loading is `benching`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from desktop.core.benchmark import FirstToken, Moment, Plan, Spread, Why
from desktop.core.errors import N_, EngineDied, PromptTooLong
from desktop.core.generation import Finished, Piece, PieceKind
from desktop.engine.client import Engine
from desktop.services.fit.pace import reply, request, words

CHAT = "bench"  # the name its state is kept under, in a folder of its own
_TURNS = 10  # "as fast as the tenth"
_STEADY = 3  # of them, the last: their median is the warm figure
_SHORT, _LONG = 16, 256  # tokens of a question: a line, and 200 words
_WRITTEN = 8  # tokens of a reply: only the first is waited for
_LAST_WORDS = 2  # of a question, which are not read ahead: those after the draft last settled
_PAIRS = 2  # long questions of each kind
_SHARE = 0.9  # of the time that is left: the rest is for drafts
_SPARE = 0.7  # of that share is planned for: speeds are those of a shorter prompt
_LEAST_CHAT = 128  # tokens of a chat, however slow the machine
_LEAST_LONG = 32  # tokens of a long question, however slow the machine
_SLACK = 16  # tokens: eight that may be read again, and the beginning of a reply


class Clock(Protocol):
    @property
    def left(self) -> float: ...


class FirstTokens:
    """`load` makes the model ready and says how long that took; the speeds foretell what will take how long."""

    def __init__(
        self,
        engine: Engine,
        load: Callable[[], Awaitable[float]],
        limit: Clock,
        plan: Plan,
        speeds: tuple[float, float],
        tell: Callable[[str, int], None],
    ) -> None:
        self._engine, self._load, self._limit, self._plan = engine, load, limit, plan
        (self._read_per_s, self._write_per_s), self._tell = speeds, tell
        self._pieces: tuple[Piece, ...] = ()
        self._salt = 500  # beyond those of `benching`
        self._rows: dict[Moment, FirstToken] = {}
        self._short, self._long, self._written = _SHORT, _LONG, _WRITTEN

    async def measured(self, context: int) -> tuple[FirstToken, ...]:
        """All moments but the cold one, in their order."""
        why = Why.TIME
        try:
            if self._limit.left > 0:
                await self._load()
                async with asyncio.timeout(self._limit.left * _SHARE):
                    why = await self._chat(context)
        except TimeoutError:
            pass
        except EngineDied:
            why = Why.DIED
        except PromptTooLong:  # replies of broken characters take more tokens than they were written with
            why = Why.CONTEXT
        return tuple(self._rows.get(m, FirstToken(m, why=why)) for m in Moment if m is not Moment.COLD)

    async def _chat(self, context: int) -> Why:
        self._short, self._written = min(_SHORT, context // 32), min(_WRITTEN, context // 32)
        self._long = min(_LONG, context // 16)
        if self._read_per_s:  # a tenth of the time for the four of them, at the most
            seconds = self._limit.left / (10 * 2 * _PAIRS)
            self._long = min(self._long, max(int(self._read_per_s * seconds), _LEAST_LONG))
        needed = await self._needed()
        tokens = min(self._plan.chat_tokens, context - needed)
        if tokens < _SHORT:
            return Why.CONTEXT
        tokens = min(tokens, max(self._affordable(needed), _LEAST_CHAT))
        self._tell(N_("A chat not read yet"), 0)
        self._note(Moment.NEW, [await self._ask(await self._question(tokens))], tokens)
        self._tell(N_("The tenth reply"), 0)
        steady = [await self._ask(await self._question(self._short)) for _ in range(_TURNS - 1)][-_STEADY:]
        self._note(Moment.WARM, steady, self._short)
        await self._reopened()
        await self._questions()
        return Why.NONE

    async def _needed(self) -> int:
        """Tokens of the context that everything after the chat's beginning takes, at the most."""
        short, long = [await self._count(await self._question(size)) for size in (self._short, self._long)]
        turns = _TURNS + self._plan.runs
        return turns * (short + self._written + 2) + 2 * _PAIRS * (long + self._written + 2) + 2 * _SLACK

    def _affordable(self, needed: int) -> int:
        """Tokens of a chat that can be read in time, with all that follows."""
        if not self._read_per_s:
            return self._plan.chat_tokens
        written = self._written * (_TURNS + 2 * _PAIRS + self._plan.runs)
        after = needed / self._read_per_s + (written / self._write_per_s if self._write_per_s else 0.0)
        return int(self._read_per_s * (self._limit.left * _SHARE * _SPARE - after))

    async def _questions(self) -> None:
        """Long ones, alternately read when they are sent and read ahead."""
        self._tell(N_("A long question"), 0)
        found: dict[Moment, list[Finished]] = {Moment.TYPED: [], Moment.AHEAD: []}
        for moment in list(found) * min(_PAIRS, self._plan.runs):
            question = await self._question(self._long)
            if moment is Moment.AHEAD:
                settled = " ".join(question.text.split(" ")[:-_LAST_WORDS])
                await self._engine.prepare(request((*self._pieces, _said(settled)), 1, CHAT))
            found[moment].append(await self._ask(question))
        self._note(Moment.TYPED, found[Moment.TYPED], self._long)
        self._note(Moment.AHEAD, found[Moment.AHEAD], self._long // 2)

    async def _reopened(self) -> None:
        self._tell(N_("A chat reopened"), 0)
        found: list[Finished] = []
        load_s = 0.0
        while len(found) < self._plan.runs:
            await self._engine.keep()
            await self._engine.unload()
            load_s = await self._load()
            found.append(await self._ask(await self._question(self._short)))
            self._note(Moment.REOPENED, found, self._short, load_s)

    def _note(self, moment: Moment, replies: list[Finished], new: int, load_s: float = 0.0) -> None:
        """Keeps the figures; `new` are the tokens that had to be read at the most."""
        usage = replies[-1].usage
        again = any(r.usage.prompt_tokens - r.usage.cached_tokens > new + _SLACK for r in replies)
        self._rows[moment] = FirstToken(
            moment,
            Spread.of(r.timings.first_token_s for r in replies),
            load_s,
            usage.prompt_tokens,
            usage.cached_tokens,
            Why.READ_AGAIN if again else Why.NONE,
        )

    async def _question(self, tokens: int) -> Piece:
        """Words that were not said before."""
        self._salt += 1
        [found] = await words(self._engine, tokens, self._salt)
        return _said(" " + found.text)

    async def _count(self, piece: Piece) -> int:
        [count] = await self._engine.count([(piece,)])
        return count

    async def _ask(self, question: Piece) -> Finished:
        """A turn more."""
        self._pieces = (*self._pieces, question)
        said, finished = await reply(self._engine, request(self._pieces, self._written, CHAT))
        self._pieces = (*self._pieces, Piece(PieceKind.REPLY, said))
        return finished


def _said(text: str) -> Piece:
    return Piece(PieceKind.TEXT, text)
