"""How fast a loaded model reads and writes, measured through the engine as chats use it.

Invariant: nothing is reported faster than it was: what the KV cache held already does not count as read, and a reply
that the model ended after a few tokens tells no speed. Prompts that differ in `salt` share no more than their first
token; one that is longer begins with the shorter of the same salt, so that going deeper reads only what is new.
Which measurements are made, and for how long, is `benching`'s and `tuning`'s.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from desktop.core.generation import Appended, Finished, GenerateRequest, Piece, PieceKind, Sampling
from desktop.engine.client import Engine

READ = 512  # tokens: llama-bench's own pp512
WRITTEN = 64  # tokens; half of llama-bench's tg128: a second at 60 tokens/s, six on a laptop with a large model
LEAST_WRITTEN = 8  # tokens; the first ones wait for what is cold


@dataclass(frozen=True, slots=True)
class Pace:
    """One reply. Tokens, seconds, and tokens per second; a speed is 0 where too little was read or written to tell."""

    read: int
    cached: int
    written: int
    first_token_s: float
    read_per_s: float
    write_per_s: float

    @classmethod
    def of(cls, finished: Finished) -> Pace:
        usage, timings = finished.usage, finished.timings
        read, told = usage.prompt_tokens - usage.cached_tokens, usage.completion_tokens >= LEAST_WRITTEN
        return cls(
            read,
            usage.cached_tokens,
            usage.completion_tokens,
            timings.first_token_s,
            timings.prompt_per_s if read >= LEAST_WRITTEN else 0.0,
            timings.generation_per_s if told else 0.0,
        )


async def measure_speed(engine: Engine, tokens: int = READ, written: int = WRITTEN, salt: int = 0) -> Pace:
    """Reads about `tokens` tokens that were not read before and writes at most `written`; each call needs its own salt.

    Raises what `Engine.generate` does. Cancelling stops the engine.
    """
    return Pace.of((await reply(engine, request(await words(engine, tokens, salt), written)))[1])


async def words(engine: Engine, tokens: int, salt: int = 0) -> tuple[Piece, ...]:
    """As many words as make `tokens` tokens at most, at least one word: numbers, which models go on with."""
    known = [f"{salt} {index * 7919 % 1000}" for index in range(tokens)]  # a token each at the least
    few, many = 1, max(tokens, 1)
    while few < many:
        middle = (few + many + 1) // 2
        [count] = await engine.count([plain(" ".join(known[:middle]))])
        few, many = (middle, many) if count <= tokens else (few, middle - 1)
    return plain(" ".join(known[:few]) or str(salt))


def plain(text: str) -> tuple[Piece, ...]:
    """A prompt of nothing but text: the model goes on with it, whatever its template."""
    return (Piece(PieceKind.TEXT, text),)


def joined(before: tuple[Piece, ...], after: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """One plain text behind another."""
    return plain(" ".join(piece.text for piece in (*before, *after)))


def request(prompt: tuple[Piece, ...], written: int, chat: str = "", lookup: bool = False) -> GenerateRequest:
    """What the model answers the same way each time; without drafts, unless they are what is measured."""
    sampling = Sampling(temperature=0.0, repeat_penalty=1.0, max_tokens=written, seed=1)
    return GenerateRequest(prompt, sampling, chat, lookup)


async def reply(engine: Engine, wanted: GenerateRequest) -> tuple[str, Finished]:
    """One reply to its end, and its text."""
    said, finished = [], None
    async with aclosing(engine.generate(wanted)) as events:
        async for event in events:
            if isinstance(event, Appended):
                said.append(event.text)
            elif isinstance(event, Finished):
                finished = event
    assert finished is not None  # the client's promise: every reply ends with it, or raises
    return "".join(said), finished
