"""Measures reading ahead through the whole product, on a TinyLlama-1.1B shape: window's talk, process, pipe and engine.

    python -m tests.bench.ahead [--quick] [--threads N] [--rounds N] [--json]

Prints: the time from Send to the first token of a question of 200 words typed in 20 s, with reading ahead and without,
alternately, and the ratio of the medians; tokens left to read then; and how long an order takes that comes while a long
text is read ahead, against the same order when nothing is read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from statistics import median
from time import perf_counter

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Message
from desktop.core.generation import GenerateRequest
from desktop.core.pressure import Limits
from desktop.core.talk import Ended
from desktop.services.paths import Paths
from tests.bench.__main__ import machine
from tests.engine.prompts import ask
from tests.models import tinyllama_shape

WORDS, TYPED_S = 200, 20.0
TICK_S = 0.4  # as often as the composer tells what is typed
VOCABULARY = (*("the", "a", "b", "ab") * 4, "cat", "day")  # 1.2 tokens a word, as real vocabularies have for English


def question(number: int) -> str:
    dice = random.Random(number)
    return " ".join(dice.choices(VOCABULARY, k=WORDS)) + "?"


def typing(text: str) -> Iterator[str]:
    """The draft at each tick; the last one is a tick old when the question is sent."""
    ticks = int(TYPED_S / TICK_S)
    return (text[: len(text) * n // ticks] for n in range(1, ticks))


async def sent(alcove: Assembly, chat: Chat, text: str) -> tuple[float, Message]:
    """Seconds from Send to the first token, after which the reply ends."""
    began = perf_counter()
    async with aclosing(alcove.talk.ask(chat.id, text)) as events:
        async for event in events:
            if isinstance(event, Ended):
                return perf_counter() - began, event.message
    raise AssertionError("no reply")


async def typed_and_sent(alcove: Assembly, chat: Chat, text: str, ahead: bool) -> tuple[float, int]:
    """Seconds to the first token, and tokens read after Send; the time between keys passes either way."""
    await alcove.preferences.set("read_ahead", ahead)
    reading = []
    for draft in typing(text):
        reading.append(asyncio.create_task(alcove.talk.ahead(chat, draft)))
        await asyncio.sleep(TICK_S if ahead else 0)
    seconds, reply = await sent(alcove, chat, text)
    await asyncio.gather(*reading)
    return seconds, reply.usage.prompt_tokens - reply.usage.cached_tokens


async def interrupting(alcove: Assembly, times: int) -> tuple[list[float], list[float]]:
    """Seconds an order takes while a long text is read ahead, and while nothing is."""
    busy, idle, short = [], [], ask("a")
    for number in range(times):
        text = ask(f"{number} " + question(number) * 6)
        reading = asyncio.create_task(alcove.engine.prepare(GenerateRequest(text)))
        await asyncio.sleep(0.4 + 0.05 * (number % 7))
        for found in (busy, idle):
            began = perf_counter()
            await alcove.engine.count([short])
            found.append(perf_counter() - began)
        prepared = await reading
        if prepared is None or prepared.held >= prepared.total:
            busy.pop()  # it was over before
    return busy, idle


async def measure(path: Path, home: Path, quick: bool, threads: int, rounds: int) -> dict[str, object]:
    paths = Paths(home)
    async with Assembly.opened(paths) as alcove:
        alcove.guard.limits = Limits(0, 0)
        settings = {"temperature": 0.0, "max_tokens": 1, "threads": threads, "context": 2048}
        first = await alcove.chats.create(model=str(path), settings=settings)
        await sent(alcove, first, "a")
        found: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
        for number in range(rounds * 2):
            chat = await alcove.chats.create(model=str(path), settings=settings)
            found[number % 2 == 0].append(await typed_and_sent(alcove, chat, question(number), number % 2 == 0))
        busy, idle = await interrupting(alcove, 8 if quick else 20)
    ahead_s, without_s = (median(seconds for seconds, _ in found[ahead]) for ahead in (True, False))
    return {
        "shape": "2 layers of TinyLlama-1.1B Q4_0" if quick else "TinyLlama-1.1B Q4_0",
        "machine": machine().strip(),
        "ratio": round(ahead_s / without_s, 3),
        "ahead_s": round(ahead_s, 3),
        "without_s": round(without_s, 3),
        "tokens_ahead": [tokens for _, tokens in found[True]],
        "tokens_without": [tokens for _, tokens in found[False]],
        "order_while_reading_ms": [round(1000 * s, 1) for s in sorted(busy)],
        "order_while_idle_ms": [round(1000 * s, 1) for s in sorted(idle)],
        "yield_worst_ms": round(1000 * (max(busy) - median(idle)), 1) if busy else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two layers instead of 22")
    parser.add_argument("--threads", type=int, default=0, help="0: as the engine chooses")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = tinyllama_shape(Path(folder) / "shape.gguf", layers=2 if given.quick else 22)
        found = asyncio.run(measure(path, Path(folder) / "home", given.quick, given.threads, given.rounds))
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
