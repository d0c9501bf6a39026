"""A long day: turns over twenty chats, switching, editing, asking again, stopping, quitting and returning.

Memory stays flat, the disk within its budget, and no token is read that the rules do not allow: what follows what was
read before, and eight more. `ALCOVE_SOAK=N` sets the number of turns.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

import desktop.assembly
from desktop.assembly import Assembly
from desktop.core.chat import Message, Role
from desktop.core.generation import StopReason
from desktop.core.talk import Ended, TalkEvent, Written
from desktop.services.paths import Paths
from tests import models

TURNS = int(os.environ.get("ALCOVE_SOAK", "100"))
CHATS = 20
SLIGHT = 8  # tokens that may be read again, by the rules
WARM = 15  # turns after which an engine has made what it makes once
GROWTH = (
    16 << 20
)  # bytes that may come on top of that: allocations of other sizes; a kept KV cache would be 2 MB a chat
SETTINGS = {"context": 2048, "threads": 1, "max_tokens": 24, "temperature": 0.0}
WORDS = "the cabbage and the cat in a bath with a hat that he had as a base".split()


class Day:
    """The chats, what of them has been read, and what must hold after each turn."""

    def __init__(self, model: Path, budget: int, seed: int) -> None:
        self._model, self.budget = model, budget
        self._dice = random.Random(seed)
        self._chats: list[str] = []
        self._read: dict[str, int] = {}  # tokens in the KV cache when a reply ended, by its id
        self._prompts: dict[str | None, int] = {}  # tokens of the prompt, by the id of the question
        self._resident: list[int] = []
        self.reread = self.turns = self.stops = self.edits = 0
        self.violations: list[str] = []

    async def begin(self, alcove: Assembly) -> None:
        for _ in range(CHATS - len(self._chats)):
            chat = await alcove.chats.create(model=str(self._model), settings=SETTINGS)
            self._chats.append(chat.id)

    async def live(self, alcove: Assembly, turns: int) -> None:
        """So many turns with one engine."""
        self._resident.clear()
        for _ in range(turns):
            await self._turn(alcove)
            pid = alcove.engine.pid
            assert pid is not None
            self._resident.append(psutil.Process(pid).memory_info().rss)
            kept = sum(file.stat().st_size for file in alcove.paths.states.glob("*"))
            assert kept <= self.budget
        if len(self._resident) > WARM:
            assert max(self._resident[WARM:]) - self._resident[WARM] < GROWTH, self._resident

    async def _turn(self, alcove: Assembly) -> None:
        dice, chat = self._dice, self._dice.choice(self._chats)
        path = (await alcove.chats.messages(chat)).path((await alcove.chats.get(chat)).tip)
        asked = [message for message in path if message.role is Role.USER]
        self.turns += 1
        way = dice.random()
        if asked and way < 0.15:
            self.edits += 1
            await self._hear(alcove, chat, alcove.talk.edit(chat, dice.choice(asked).id, self._words()))
        elif asked and way < 0.25:
            await self._hear(alcove, chat, alcove.talk.regenerate(chat, asked[-1].id))
        elif way < 0.35:
            self.stops += 1
            await self._hear(alcove, chat, alcove.talk.ask(chat, self._words()), stop=True)
        elif way < 0.4:
            other = dice.choice([c for c in self._chats if c != chat])
            both = (alcove.talk.ask(c, self._words()) for c in (chat, other))
            await asyncio.gather(*(self._hear(alcove, c, e) for c, e in zip((chat, other), both, strict=True)))
        else:
            await self._hear(alcove, chat, alcove.talk.ask(chat, self._words()))

    def _words(self) -> str:
        return " ".join(self._dice.choices(WORDS, k=self._dice.choice((4, 12, 60))))

    async def _hear(
        self, alcove: Assembly, chat: str, events: AsyncGenerator[TalkEvent, None], stop: bool = False
    ) -> None:
        async with aclosing(events):
            async for event in events:
                if stop and isinstance(event, Written):
                    await alcove.talk.stop(chat)
                if isinstance(event, Ended):
                    await self._judge(alcove, chat, event.message)

    async def _judge(self, alcove: Assembly, chat: str, reply: Message) -> None:
        """Whether more was read than what follows the part of the path that had been read before."""
        assert reply.stop_reason in (StopReason.STOP, StopReason.LENGTH, StopReason.CANCELLED)
        usage = reply.usage
        before = (await alcove.chats.messages(chat)).path(reply.parent)
        held = max((self._read.get(m.id, 0) for m in before), default=0)
        held = max(held, self._prompts.get(reply.parent, 0))
        read, new = usage.prompt_tokens - usage.cached_tokens, max(1, usage.prompt_tokens - held)
        if read > new + SLIGHT:
            self.violations.append(f"turn {self.turns}: {read} read, {new} new, of {usage.prompt_tokens}")
        self.reread += max(0, read - new)
        self._read[reply.id] = usage.prompt_tokens + usage.completion_tokens
        self._prompts[reply.parent] = usage.prompt_tokens


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model(tmp_path_factory.mktemp("models") / "soak.gguf")


def lived(home: Path, day: Day, turns: int, returns: int) -> None:
    """The day, in as many parts as the person quits and returns."""

    async def part(count: int) -> None:
        async with Assembly.opened(Paths(home)) as alcove:
            await day.begin(alcove)
            await day.live(alcove, count)

    for _ in range(returns):
        asyncio.run(part(turns // returns))


def test_a_long_day(tmp_path: Path, model: Path) -> None:
    day = Day(model, 10**9, seed=4)
    lived(tmp_path, day, TURNS, returns=4)
    assert day.turns == TURNS // 4 * 4
    assert day.stops
    assert day.edits
    assert day.violations == []
    print(f"{day.turns} turns, {day.edits} edits, {day.stops} stops, {day.reread} tokens read again")


def test_a_small_budget_is_kept(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chats whose state had to go are read again; the others are not, and the disk never holds more than it may."""
    budget = 400_000
    monkeypatch.setattr(desktop.assembly, "_budget", lambda _preferences: budget)
    day = Day(model, budget, seed=5)
    lived(tmp_path, day, 40, returns=2)
    assert day.turns == 40
