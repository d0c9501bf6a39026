"""Measures prompt lookup: replies with drafts against the same replies without, alternately in one run.

    python -m tests.bench.lookup [--quick] [--threads N] [--json]

`repeats`: a model of TinyLlama-1.1B's shape whose output follows a script, so that it says a text of its prompt again
with one word changed; all is computed that a real model computes. `own`: the same model on a text that never repeats.
`guide`: the built-in model, the only one here that writes real text, answers questions about help pages. Each is a
ratio of tokens per second, of all rounds' times together, the median round and the best; texts must be the same. On a
machine that does something else, the one to believe is `cpu_ratio` of `--threads 1`: of the engine's processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import psutil

from desktop.core.generation import Finished, GenerateRequest, LoadSettings, Piece
from desktop.engine.client import Engine
from tests.engine.prompts import GREEDY, reply, said, special, text
from tests.models import following_shape

ROOT = Path(__file__).parents[2]
LENGTH = 160  # tokens of the text that is repeated


@dataclass
class Found:
    """One comparison. Speeds are tokens per second of each round, without drafts and with them."""

    name: str
    without: list[float] = field(default_factory=list)
    drafting: list[float] = field(default_factory=list)
    cpu_s: dict[bool, float] = field(default_factory=lambda: {False: 0.0, True: 0.0})
    drafted: int = 0
    accepted: int = 0
    same: bool = True

    @property
    def figures(self) -> dict[str, object]:
        together = sum(1 / speed for speed in self.without) / sum(1 / speed for speed in self.drafting)
        return {
            "ratio": round(together, 3),
            "median_ratio": round(median(b / a for a, b in zip(self.without, self.drafting, strict=True)), 3),
            "cpu_ratio": round(self.cpu_s[False] / self.cpu_s[True], 3),
            "ratio_of_best": round(max(self.drafting) / max(self.without), 3),
            "tokens_per_s": round(max(self.drafting), 1),
            "drafted": self.drafted,
            "accepted": self.accepted,
            "same": self.same,
        }


async def write(engine: Engine, prompt: tuple[Piece, ...], count: int, lookup: bool) -> tuple[str, Finished]:
    request = GenerateRequest(prompt, replace(GREEDY, max_tokens=count), lookup=lookup)
    events = [event async for event in engine.generate(request)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    return said(events), finished


def cpu_s(engine: Engine) -> float:
    times = psutil.Process(engine.pid).cpu_times()
    return float(times.user + times.system)


async def compare(engine: Engine, name: str, prompts: list[tuple[Piece, ...]], count: int, rounds: int) -> Found:
    """The first reply is not counted: weights and graphs come into memory with it."""
    found = Found(name)
    await write(engine, prompts[0], 4, lookup=False)
    for number in range(rounds):
        texts, seconds, tokens = {}, {}, 0
        for lookup in (False, True) if number % 2 else (True, False):
            before = cpu_s(engine)
            replies = [await write(engine, prompt, count, lookup) for prompt in prompts]
            found.cpu_s[lookup] += cpu_s(engine) - before
            texts[lookup] = [text for text, _ in replies]
            written = [(f.usage.completion_tokens, f.timings.generation_per_s) for _, f in replies]
            tokens = sum(many for many, _ in written)
            seconds[lookup] = sum(many / max(speed, 1e-9) for many, speed in written)
            found.drafted += sum(f.drafted for _, f in replies)
            found.accepted += sum(f.accepted for _, f in replies)
        found.same &= texts[False] == texts[True]
        found.without.append(tokens / seconds[False])
        found.drafting.append(tokens / seconds[True])
    return found


def scripts(length: int) -> tuple[tuple[Piece, ...], tuple[Piece, ...], dict[str, str]]:
    """Prompts after which their text is said again with a word changed, and after which another text goes on."""
    words = [chr(0x4E00 + number) for number in range(4 * length)]
    said_before, own = words[:length], words[length : 3 * length]
    changed = [*said_before[: length // 2], words[-1], *said_before[length // 2 + 1 :]]
    script = dict(pairwise([*changed, changed[0]])) | dict(pairwise([*own, own[0]]))
    told = "".join(said_before)
    return (text(told + told[:2]),), (text(told + own[0] + own[1]),), script


async def shaped(quick: bool, threads: int, rounds: int) -> list[Found]:
    again, other, script = scripts(LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        path = following_shape(Path(folder) / "shape.gguf", script, layers=2 if quick else 22)
        engine = Engine()
        try:
            await engine.load(path, LoadSettings(context=1024, threads=threads, batch_threads=threads, gpu_layers=0))
            return [
                await compare(engine, "repeats", [again], LENGTH - 8, rounds),
                await compare(engine, "own", [other], LENGTH - 8, rounds),
            ]
        finally:
            await engine.close()


async def guided(threads: int, rounds: int) -> Found:
    """Real text: answers about pages, of which little is copied word for word."""
    pages = sorted((ROOT / "resources" / "help" / "en").glob("*.md"))[:8]
    asked = ("How does this work?", "Where do I find it?", "What should I know first?")

    def about(page: str, question: str) -> tuple[Piece, ...]:
        begin = (special("<|page|>"), text(page), special("<|end|>"), special("<|user|>"), text(question))
        return (*begin, special("<|end|>"), special("<|guide|>"), reply(""))

    engine = Engine()
    try:
        settings = LoadSettings(context=1024, threads=threads, batch_threads=threads)
        await engine.load(ROOT / "resources" / "guide" / "guide.gguf", settings)
        prompts = [about(page.read_text("utf-8")[:1200], question) for page in pages for question in asked]
        return await compare(engine, "guide", prompts, 120, rounds)
    finally:
        await engine.close()


async def measure(quick: bool, threads: int) -> dict[str, object]:
    rounds = 4 if quick else 6
    found = [*await shaped(quick, threads, rounds), await guided(threads, rounds)]
    return {one.name: one.figures for one in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two layers instead of 22")
    parser.add_argument("--threads", type=int, default=0, help="0: as the engine chooses")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = asyncio.run(measure(given.quick, given.threads))
    if given.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name, figures)


if __name__ == "__main__":
    main()
