"""`alcove bench`: how fast a model loads, reads and writes here, measured through the engine as chats use it."""

from __future__ import annotations

import argparse
import json
import statistics
from contextlib import aclosing
from dataclasses import asdict, dataclass

from desktop.assembly import Assembly
from desktop.cli import options
from desktop.cli.terminal import chosen, shown, table, tell_notices
from desktop.core.errors import N_
from desktop.core.generation import Finished, GenerateRequest, Piece, PieceKind, Sampling, load_settings
from desktop.core.settings import Group, resolve
from desktop.ui import formats
from desktop.ui.translation import _

PROMPT_TOKENS = 512  # llama-bench's own pp512
WRITTEN = 64
RUNS = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the runs; seconds and tokens per second."""

    model: str
    device: str
    threads: int
    context: int
    load_s: float
    prompt_tokens: int
    prompt_per_s: float
    first_token_s: float
    generation_per_s: float
    engine_bytes: int


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("bench", help=_(N_("how fast a model is on this machine")))
    parser.add_argument("model", nargs="?", default="", help=_(N_("a file, or a model's name; the guide if left out")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    options.add_settings(parser, Group.LOAD)
    parser.set_defaults(run=run)


async def run(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = chosen(alcove, parsed.model)
        wanted = load_settings(resolve(options.settings_of(parsed)))
        settings = await alcove.fitting.suited(model, wanted)
        info = await alcove.engine.load(model.path, settings)
        tokens = min(PROMPT_TOKENS, info.context // 2)  # room is left for what is written
        runs = [await _measured(alcove, await _words(alcove, number, tokens)) for number in range(RUNS)]
        ended = [run for run in runs if run.timings.generation_per_s > 0] or runs
        figures = Figures(
            model=model.name if parsed.json else shown(model),
            device=info.device,
            threads=settings.threads,
            context=info.context,
            load_s=info.load_s,
            prompt_tokens=runs[0].usage.prompt_tokens,
            prompt_per_s=statistics.median(r.timings.prompt_per_s for r in runs),
            first_token_s=statistics.median(r.timings.first_token_s for r in runs),
            generation_per_s=statistics.median(r.timings.generation_per_s for r in ended),
            engine_bytes=alcove.machine.resident(alcove.engine.pid),
        )
    print(json.dumps(asdict(figures), ensure_ascii=False) if parsed.json else _table(figures))
    return 0


async def _words(alcove: Assembly, number: int, tokens: int) -> str:
    """As many words as make `tokens` in the model's vocabulary, in an order that no earlier run has in the cache."""
    words = [f"{number} {index * 7919 % 1000}" for index in range(tokens)]  # a token each at the least
    few, many = 1, tokens
    while few < many:
        middle = (few + many + 1) // 2
        [count] = await alcove.engine.count([_prompt(" ".join(words[:middle]))])
        few, many = (middle, many) if count <= tokens else (few, middle - 1)
    return " ".join(words[:few])


def _prompt(words: str) -> tuple[Piece, ...]:
    return (Piece(PieceKind.TEXT, words),)


async def _measured(alcove: Assembly, words: str) -> Finished:
    """One run over the words, and as much written as always."""
    sampling = Sampling(temperature=0.0, repeat_penalty=1.0, max_tokens=WRITTEN, seed=1)
    request = GenerateRequest(_prompt(words), sampling)
    finished: Finished | None = None
    async with aclosing(alcove.engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                finished = event
    assert finished is not None  # the client's promise: every reply ends with it, or raises
    return finished


def _table(figures: Figures) -> str:
    rows = (
        (_(N_("Model")), figures.model),
        (_(N_("Device")), figures.device),
        (_(N_("Loading")), formats.duration(figures.load_s)),
        (_(N_("Reading")), _(N_("{speed} tokens/s"), speed=formats.number(figures.prompt_per_s, 1))),
        (_(N_("First word")), formats.duration(figures.first_token_s)),
        (_(N_("Writing")), _(N_("{speed} tokens/s"), speed=formats.number(figures.generation_per_s, 1))),
        (_(N_("Memory of the engine")), formats.size(figures.engine_bytes)),
    )
    return table(rows)
