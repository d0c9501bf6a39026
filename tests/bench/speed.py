"""How near the whole product comes to what the machine can do, row by row of the table that speed is judged by.

    python -m tests.bench.speed [ROW ...] [--quick] [--threads N] [--folder FOLDER] [--json]

Rows: writing, reading, reopened, switched, edited, swapped, stopped. Ours is measured through the engine's process,
pipe and event loop, the reference alternately in the same run. Models have published shapes and random weights; they
are made in the folder, or in a temporary one, and stay there. Exits 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

from desktop.core.generation import Finished, GenerateRequest, LoadSettings, Piece, PromptProgress, Sampling, StopReason
from desktop.engine.client import Engine
from tests import models, shapes
from tests.bench import disk
from tests.bench.generation import WORDS, BareLoop
from tests.engine.prompts import GREEDY, ask

ONE = replace(GREEDY, max_tokens=1)
SLIGHT = 8  # tokens that may be read again
BUDGET = 8 << 30
STATES = replace(shapes.MISTRAL_7B, width=256, feed_forward=256, heads=8)  # Mistral's 128 KiB a token, quickly read
_SPINNING_S = 0.03
SHAPES = (("TinyLlama-1.1B", ""), ("Mistral-7B", ", 8 of 32 layers"))


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    measure: str
    figure: str
    limit: str
    kept: bool


@dataclass(frozen=True)
class Given:
    folder: Path
    quick: bool
    threads: int = 0

    def model(self, name: str) -> Path:
        """A model of that name, made unless it is there."""
        path = self.folder / f"{name}{'-quick' * self.quick}.gguf"
        layers = 2 if self.quick else 0
        if path.exists():
            return path
        if name == "TinyLlama-1.1B":
            return models.tinyllama_shape(path, layers=layers or 22)
        if name == "Mistral-7B":
            return shapes.write(path, replace(shapes.MISTRAL_7B, layers=layers or 8), filled=True)
        if name == "Mistral's state":
            return shapes.write(path, STATES, filled=True)
        makers = {"Gemma-3": models.sliding_model, "Mamba": models.recurrent_model, "experts": models.experts_model}
        return makers[name](path)


@asynccontextmanager
async def loaded(
    model: Path, context: int = 4608, states: Path | None = None, threads: int = 0
) -> AsyncIterator[Engine]:
    engine = Engine(states=states, budget=lambda: BUDGET)
    try:
        await engine.load(model, LoadSettings(context=context, threads=threads, batch_threads=threads))
        yield engine
    finally:
        await engine.close()


async def finished(
    engine: Engine, prompt: tuple[Piece, ...], count: int = 1, sampling: Sampling = GREEDY, chat: str = "one"
) -> Finished:
    """The end of a reply of so many tokens."""
    request = GenerateRequest(prompt, replace(sampling, max_tokens=count), chat, lookup=False)
    events = [event async for event in engine.generate(request)]
    assert isinstance(events[-1], Finished)
    return events[-1]


async def saying(engine: Engine, tokens: int) -> str:
    """A text of about so many tokens of the model that is loaded."""
    short, long = await engine.count([ask(WORDS), ask(WORDS * 11)])
    return WORDS * max(1, 10 * tokens // (long - short))


def read(reply: Finished) -> int:
    return reply.usage.prompt_tokens - reply.usage.cached_tokens


def compared(name: str, form: str, ours: Sequence[float], bare: Sequence[float]) -> Row:
    """Ours as a ratio of the bare loop's rate: the median of neighbours in time is judged, that of the best told."""
    ratio, best = median(a / b for a, b in zip(ours, bare, strict=True)), max(ours) / max(bare)
    return Row(
        name, f"{ratio:.3f} (of the best rates {best:.3f}); {max(ours):{form}} tokens/s", "≥ 0.98", ratio >= 0.98
    )


async def rested(bare: BareLoop, tokens: Sequence[int], count: int) -> float:
    """The bare loop's rate, between two pauses: threads that have nothing to do go on waiting for a moment."""
    await asyncio.sleep(_SPINNING_S)
    rate = bare.rate(tokens, count)
    await asyncio.sleep(_SPINNING_S)
    return rate


async def writing(given: Given) -> list[Row]:
    """Generation against decode and sample in a bare loop, after 20 and after 2,000 tokens.

    As chats write unless told otherwise, and at temperature 0, where one token is computed as several are. The engine
    asks for large pages (`engine.process`), the bare loop has them where `GLIBC_TUNABLES` of this command says so.
    """
    rows, rounds, count = [], 16, 32
    for name, layers in SHAPES:
        model = given.model(name)
        settings = LoadSettings(context=4608, threads=given.threads, batch_threads=given.threads)
        async with loaded(model, threads=given.threads) as engine:
            bare = BareLoop(model, settings)
            for depth, sampling in ((20, Sampling()), (2000, Sampling()), (2000, GREEDY)):
                prompt = ask(await saying(engine, depth))
                tokens = [token for token, _ in await engine.tokens(prompt)]
                await finished(engine, prompt)
                ours, theirs = [], []
                bare.choose(sampling)
                for number in range(rounds):
                    first = await rested(bare, tokens, count) if number % 2 else 0.0
                    ours.append((await finished(engine, prompt, count, sampling)).timings.generation_per_s)
                    theirs.append(first or await rested(bare, tokens, count))
                cold = ", temperature 0" if sampling is GREEDY else ""
                what = f"writing against a bare loop, {name}{layers}, depth {depth:,}{cold}"
                rows.append(compared(what, ".1f", ours, theirs))
            bare.close()
    return rows


async def reading(given: Given) -> list[Row]:
    """Reading four batches against four bare decodes; both read the last token after them, alone."""
    rows, rounds = [], 8 if given.quick else 6
    for name, layers in SHAPES:
        model = given.model(name)
        settings = LoadSettings(context=4608, threads=given.threads, batch_threads=given.threads)
        async with loaded(model, threads=given.threads) as engine:
            bare, ours, theirs = BareLoop(model, settings), [], []
            text = await saying(engine, 2040)
            await finished(engine, ask(text[: len(text) // 4]))  # how fast it reads is learned here
            for number in range(rounds):
                prompt = ask(f"{number}" + text)
                tokens = [token for token, _ in await engine.tokens(prompt)]
                first = len(tokens) / bare.reading(tokens) if number % 2 else 0.0
                ours.append((await finished(engine, prompt)).timings.prompt_per_s)
                theirs.append(first or len(tokens) / bare.reading(tokens))
            bare.close()
        rows.append(compared(f"reading against bare decodes of 512, {name}{layers}", ".0f", ours, theirs))
    return rows


async def reopened(given: Given) -> list[Row]:
    """The first token of a chat of 4,000 tokens: read, and after quitting."""
    model = given.model("TinyLlama-1.1B")
    with tempfile.TemporaryDirectory(dir=given.folder) as states:
        async with loaded(model, states=Path(states)) as engine:
            text = await saying(engine, 4000)
            whole = await finished(engine, ask(text))
        async with loaded(model, states=Path(states)) as engine:
            again = await finished(engine, ask(text, "", "and then"))
    ratio = again.timings.first_token_s / whole.timings.first_token_s
    figure = (
        f"{ratio:.3f} ({again.timings.first_token_s:.2f} s / {whole.timings.first_token_s:.1f} s); "
        f"{read(again)} of {again.usage.prompt_tokens:,} tokens read"
    )
    name = "first token of a 4,000-token chat reopened after quitting, against reading it, TinyLlama-1.1B"
    return [Row(name, figure, "≤ 0.05", ratio <= 0.05)]


KINDS = ("TinyLlama-1.1B", "Gemma-3", "Mamba", "experts")  # of caches: whole, sliding, one state for all, whole


async def switched(given: Given) -> list[Row]:
    """Tokens read beyond the new ones when a chat is left for another and asked again."""
    beyond: dict[str, int] = {}
    for kind in KINDS:
        given_here = replace(given, quick=True) if kind == "TinyLlama-1.1B" else given
        with tempfile.TemporaryDirectory(dir=given.folder) as states:
            async with loaded(given_here.model(kind), 2048, Path(states)) as engine:
                before = await finished(engine, ask(WORDS * 20), 12, chat="A")
                await finished(engine, ask("ba " * 300), 12, chat="B")
                text = await finished(engine, ask(WORDS * 20, "ab", "and then the bath"), 1, chat="A")
                new = text.usage.prompt_tokens - before.usage.prompt_tokens
                beyond[kind] = read(text) - new
    figure = "; ".join(f"{kind} {more}" for kind, more in beyond.items())
    return [Row("A → B → A → send: tokens read beyond the new ones", figure, "≤ 8", max(beyond.values()) <= SLIGHT)]


async def edited(given: Given) -> list[Row]:
    """Tokens read beyond what follows the edit, when the third of ten messages is another."""
    beyond: dict[str, int] = {}
    turns = [f"{n} " + WORDS * 3 for n in range(10)]
    changed = [*turns[:2], "9 9 9 " + turns[2], *turns[3:]]
    for kind in KINDS:
        given_here = replace(given, quick=True) if kind == "TinyLlama-1.1B" else given
        with tempfile.TemporaryDirectory(dir=given.folder) as states:
            async with loaded(given_here.model(kind), 2048, Path(states)) as engine:
                for end in range(1, 10, 2):  # as a chat grows
                    await finished(engine, ask(*turns[:end]))
                (before,) = await engine.count([ask(*turns[:2], "")])
                reply = await finished(engine, ask(*changed[:9]))
                beyond[kind] = read(reply) - (reply.usage.prompt_tokens - before)
    figure = "; ".join(f"{kind} {more}" for kind, more in beyond.items())
    name = "message 3 of 10 edited: tokens read beyond what follows"
    return [Row(name, figure, "≤ 8", max(beyond.values()) <= SLIGHT)]


async def swapped(given: Given) -> list[Row]:
    """Saving and restoring 4,000 tokens against `dd` and the same bytes."""
    model, prompt = given.model("Mistral's state"), ask(" ".join(f"{n}" for n in range(200 if given.quick else 800)))
    ours: dict[str, list[float]] = {"save": [], "cold": [], "warm": []}
    theirs: dict[str, list[float]] = {"save": [], "cold": [], "warm": [], "stored": []}
    tokens = size = 0
    for _ in range(3):
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            states = Path(folder)
            async with loaded(model, 8192, states) as engine:
                tokens = (await finished(engine, prompt)).usage.prompt_tokens
                theirs["save"].append(disk.written(states / "dd", tokens << 17))
                (states / "dd").unlink()
                began = perf_counter()
                await engine.keep()
                ours["save"].append(perf_counter() - began)
                size = disk.size(states)
            for how in ("warm", "cold"):
                async with loaded(model, 8192, states) as engine:
                    disk.settle(states, forget=how == "cold")
                    theirs[how].append(disk.read(states))
                    disk.settle(states, forget=how == "cold")
                    if how == "warm":
                        theirs["stored"].append(disk.stored(states))
                    first = (await finished(engine, prompt)).timings.first_token_s
                    ours[how].append(first - (await finished(engine, prompt)).timings.first_token_s)
    rows = []
    for key, reference, what, dds in (
        ("save", "save", "saving", "dd"),
        ("cold", "cold", "restoring from the disk", "dd"),
        ("warm", "stored", "restoring from the page cache", "dd into memory"),
        ("warm", "warm", "restoring from the page cache", "dd to nowhere"),
    ):
        mine, dd = min(ours[key]), min(theirs[reference])
        figure = f"{mine / dd:.2f} ({mine:.3f} s / {dd:.3f} s, {size / 1e6:.0f} MB)"
        name = f"{what} {tokens:,} tokens of Mistral-7B's state, against {dds}"
        rows.append(Row(name, figure, "≤ 2", mine <= 2 * dd))
    return rows


async def stopped(given: Given) -> list[Row]:
    """From `stop` to the end of the reply, at moments all over the reading of 8,000 tokens.

    It is one prompt: what was read until a stop is there for the next one, which comes 300 tokens further on.
    """
    taken = []
    async with loaded(given.model("TinyLlama-1.1B"), 8704, threads=given.threads) as engine:
        prompt = ask(await saying(engine, 8000))
        (whole,) = await engine.count([prompt])
        for number in range(24):
            taken.append(await _stopped_at(engine, prompt, whole - number * 300, 0.013 * (number % 7)))
    worst = sorted(taken)[int(0.95 * len(taken))]
    figure = f"{1000 * worst:.0f} ms (median {1000 * median(taken):.0f}, worst {1000 * max(taken):.0f} of {len(taken)})"
    name = "stop in the middle of reading 8,000 tokens, TinyLlama-1.1B, 95th percentile"
    return [Row(name, figure, "≤ 100 ms", worst <= 0.1)]


async def _stopped_at(engine: Engine, prompt: tuple[Piece, ...], left: int, wait_s: float) -> float:
    """Seconds that a stop takes when so many tokens at most are left to be read, and so long into a chunk."""
    began = 0.0
    async with aclosing(engine.generate(GenerateRequest(prompt, ONE))) as events:
        async for event in events:
            if isinstance(event, PromptProgress) and event.total - event.done <= left and not began:
                await asyncio.sleep(wait_s)
                began = perf_counter()
                await engine.stop()
    assert isinstance(event, Finished)
    assert event.stop_reason is StopReason.CANCELLED
    return perf_counter() - began


ROWS: dict[str, Callable[[Given], Awaitable[list[Row]]]] = {
    "writing": writing,
    "reading": reading,
    "reopened": reopened,
    "switched": switched,
    "edited": edited,
    "swapped": swapped,
    "stopped": stopped,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW")
    parser.add_argument("--quick", action="store_true", help="two layers of each shape")
    parser.add_argument("--threads", type=int, default=0, help="of writing and reading; 0: as the engine chooses")
    parser.add_argument("--folder", type=Path, help="where the models are made, and stay")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        given = Given(options.folder or Path(temporary), options.quick, options.threads)
        given.folder.mkdir(parents=True, exist_ok=True)
        for name in options.rows or ROWS:
            for row in asyncio.run(ROWS[name](given)):  # type: ignore[arg-type]
                found.append(row)
                if not options.json:
                    print(
                        f"{row.measure}: {row.figure}   limit {row.limit}{'' if row.kept else '   MISSED'}", flush=True
                    )
    if options.json:
        print(json.dumps([asdict(row) for row in found]))
    return 0 if all(row.kept for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
