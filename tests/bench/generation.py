"""Measures the engine against a bare loop over the C interface, alternately in one run, on a TinyLlama-1.1B shape.

    python -m tests.bench.generation [--quick] [--threads N] [--json]

Prints: generation as a ratio of the bare loop (decode + greedy sample, no text), the median of each round's and that of
the best rates; tokens read again in the second turn of a 1,500-token chat; and how long a stop takes in the middle of
reading and of writing. Ours is measured through the whole product: process, pipe and event loop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import llama_cpp.llama_cpp as C

from desktop.core.generation import Appended, Finished, GenerateRequest, LoadSettings, Piece, PromptProgress, Sampling
from desktop.engine.client import Engine
from desktop.engine.cores import threads as chosen
from desktop.engine.sampler import Sampler
from tests.engine.prompts import GREEDY, ask, said
from tests.models import tinyllama_shape

WORDS = "ab the cabbage and the cat "  # 17 tokens of the shape below


class BareLoop:
    """Decode and sample, nothing else, with the same parameters as the engine's."""

    def __init__(self, path: Path, settings: LoadSettings) -> None:
        self._log = C.llama_log_callback(lambda *_: None)
        C.llama_log_set(self._log, None)
        self._model = C.llama_model_load_from_file(bytes(path), C.llama_model_default_params())
        params = C.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_outputs_max = settings.context, 512, 512, 1
        params.n_threads, params.n_threads_batch = chosen(settings.threads, settings.batch_threads)
        params.flash_attn_type = C.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.swa_full, params.no_perf = False, True
        self._context = C.llama_init_from_model(self._model, params)
        self._held: list[int] = []
        self._words = C.llama_vocab_n_tokens(C.llama_model_get_vocab(self._model))
        self._sampler = Sampler(C._lib, self._context, self._words, GREEDY, ())

    def choose(self, sampling: Sampling) -> None:
        """From now on the next token is chosen in this way."""
        self._sampler.close()
        self._sampler = Sampler(C._lib, self._context, self._words, sampling, ())

    def read(self, tokens: Sequence[int]) -> None:
        """One decode of so many tokens, after those that are held."""
        array = (C.llama_token * len(tokens))(*tokens)
        C.llama_decode(self._context, C.llama_batch_get_one(array, len(tokens)))

    def reading(self, prompt: Sequence[int], batch: int = 512) -> float:
        """Seconds that a prompt takes from its beginning, a batch at a time."""
        C.llama_memory_clear(C.llama_get_memory(self._context), False)
        self._held = list(prompt)
        began = perf_counter()
        for at in range(0, len(prompt), batch):
            self.read(prompt[at : at + batch])
        C.llama_synchronize(self._context)
        return perf_counter() - began

    def rate(self, prompt: Sequence[int], count: int) -> float:
        """Tokens per second after the prompt has been read."""
        if self._held != list(prompt):
            self.reading(prompt)
        else:
            C.llama_memory_seq_rm(C.llama_get_memory(self._context), 0, len(prompt) - 1, -1)
            self.read(prompt[-1:])
        one = (C.llama_token * 1)(self._sampler.sample())
        batch = C.llama_batch_get_one(one, 1)
        began = perf_counter()
        for _ in range(count - 1):
            C.llama_decode(self._context, batch)
            one[0] = self._sampler.sample()
        return (count - 1) / (perf_counter() - began)

    def close(self) -> None:
        self._sampler.close()
        C.llama_free(self._context)
        C.llama_model_free(self._model)


async def reply(engine: Engine, prompt: tuple[Piece, ...], count: int) -> tuple[str, Finished]:
    request = GenerateRequest(prompt, replace(GREEDY, max_tokens=count), lookup=False)
    events = [event async for event in engine.generate(request)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    return said(events), finished


async def rates(engine: Engine, bare: BareLoop, rounds: int, count: int) -> list[tuple[float, float]]:
    """Ours and the bare loop's tokens per second, of each round; who goes first alternates."""
    prompt = ask(WORDS)
    tokens = [token for token, _ in await engine.tokens(prompt)]
    found = []
    for number in range(rounds):
        first = bare.rate(tokens, count) if number % 2 else 0.0
        ours = (await reply(engine, prompt, count))[1].timings.generation_per_s
        found.append((ours, first or bare.rate(tokens, count)))
    return found


async def second_turn(engine: Engine, tokens: int) -> int:
    """Tokens read in the second turn beyond those that are new."""
    question = WORDS * (tokens // 17)
    text, first = await reply(engine, ask(question), 40)
    _, second = await reply(engine, ask(question, text, "and then"), 2)
    known = first.usage.prompt_tokens + first.usage.completion_tokens
    return second.usage.prompt_tokens - second.usage.cached_tokens - (second.usage.prompt_tokens - known)


async def stop_latency(engine: Engine, words: str, kind: type) -> float:
    """Seconds from `stop` to the end of the reply, called at the second event of a kind."""
    seen, began = 0, 0.0
    async with aclosing(engine.generate(GenerateRequest(ask(words), GREEDY))) as events:
        async for event in events:
            seen += isinstance(event, kind)
            if seen == 2 and not began:
                await asyncio.sleep(0.05)
                began = perf_counter()
                await engine.stop()
    return perf_counter() - began


async def measure(path: Path, quick: bool, threads: int) -> dict[str, object]:
    settings = LoadSettings(context=4096, threads=threads)
    bare, engine = BareLoop(path, settings), Engine()
    try:
        await engine.load(path, settings)
        found = await rates(engine, bare, rounds=8, count=64 if quick else 32)
        again = await second_turn(engine, 300 if quick else 1500)
        reading = [await stop_latency(engine, f"{n}" + WORDS * 140, PromptProgress) for n in range(3)]
        writing = [await stop_latency(engine, f"{n}" + WORDS, Appended) for n in range(3)]
    finally:
        await engine.close()
    ours, theirs = zip(*found, strict=True)
    return {
        "shape": "2 layers of TinyLlama-1.1B Q4_0" if quick else "TinyLlama-1.1B Q4_0",
        "threads": chosen(threads, 0)[0],
        "tokens_per_s": round(max(ours), 2),
        "ratio_of_neighbours": round(median(a / b for a, b in found), 3),
        "ratio_of_best": round(max(ours) / max(theirs), 3),  # on a busy machine the one to believe
        "ratios": [round(a / b, 3) for a, b in found],
        "second_turn_extra_tokens": again,
        "stop_while_reading_ms": [round(1000 * s) for s in reading],
        "stop_while_writing_ms": [round(1000 * s) for s in writing],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two layers instead of 22")
    parser.add_argument("--threads", type=int, default=0, help="0: as the engine chooses")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = tinyllama_shape(Path(folder) / "shape.gguf", layers=2 if given.quick else 22)
        found = asyncio.run(measure(path, given.quick, given.threads))
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
