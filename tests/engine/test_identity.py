"""The same words whatever way a prompt came into the KV cache: at temperature 0 a reply is a function of its prompt.

Random weights make a reply depend on every token before it, and change it for the slightest mistake in the cache. They
also leave small margins between tokens, and llama.cpp's flash attention rounds differently in batches of 64 and more,
of 2 to 63, and of 1 (there with several threads and 257 tokens or more). So the settings here are those in which it
does not: a KV cache of q8_0, or batches below 64 and one thread. What is compared is then exact, not probable.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from desktop.core.generation import Finished, GenerateRequest, LoadSettings, Piece
from desktop.engine.client import Engine
from tests import models
from tests.engine.prompts import GREEDY, ask, said

SHORT = replace(GREEDY, max_tokens=48)
EXACT = (
    LoadSettings(context=2048, threads=1, batch=512, kv_type="q8_0"),
    LoadSettings(context=2048, threads=1, batch=32),
)
SHAPES = {"llama": models.tiny_model, "gemma3": models.sliding_model, "experts": models.experts_model}
MANY = "the cabbage and the cat, a bath, a hat; " * 6  # about 150 tokens: more than the sliding window, twice
TURNS = (MANY, "that is what the cat said", "and then the bath", "no, it is the hat", "repeat the cabbage and the cat")
BUDGET = 1 << 30


@dataclass(frozen=True)
class Reply:
    text: str
    read: int
    cached: int


@pytest.fixture(scope="module", params=SHAPES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = SHAPES[request.param](tmp_path_factory.mktemp("shapes") / f"{request.param}.gguf")
    return made


@pytest.fixture(params=EXACT, ids=("q8_0", "f16 in small batches"))
def settings(request: pytest.FixtureRequest) -> LoadSettings:
    found: LoadSettings = request.param
    return found


@asynccontextmanager
async def loaded(model: Path, settings: LoadSettings, states: Path | None = None) -> AsyncIterator[Engine]:
    engine = Engine(states=states, budget=lambda: BUDGET)
    try:
        await engine.load(model, settings)
        yield engine
    finally:
        await engine.close()


def about(prompt: tuple[Piece, ...], chat: str = "one", lookup: bool = False) -> GenerateRequest:
    return GenerateRequest(prompt, SHORT, chat, lookup)


async def reply(engine: Engine, request: GenerateRequest) -> Reply:
    events = [event async for event in engine.generate(request)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    usage = finished.usage
    return Reply(said(events), usage.prompt_tokens - usage.cached_tokens, usage.cached_tokens)


async def talk(engine: Engine, lookup: bool = False) -> list[Reply]:
    """A conversation of three turns; the second and the third go on from what the model said."""
    one = await reply(engine, about(ask(MANY), lookup=lookup))
    two = await reply(engine, about(ask(MANY, one.text, "and then"), lookup=lookup))
    three = await reply(engine, about(ask(MANY, one.text, "and then", two.text, "why"), lookup=lookup))
    return [one, two, three]


def texts(replies: list[Reply]) -> list[str]:
    return [reply.text for reply in replies]


def test_fresh_cached_and_read_ahead(model: Path, settings: LoadSettings) -> None:
    async def scene() -> None:
        async with loaded(model, settings) as engine:
            fresh = await reply(engine, about(ask(*TURNS)))
            assert fresh.cached == 0
            again = await reply(engine, about(ask(*TURNS)))
            assert (again.text, again.read) == (fresh.text, 1)
            await reply(engine, about(ask("something else entirely"), "two"))
            await engine.prepare(about(ask(*TURNS)))
            ahead = await reply(engine, about(ask(*TURNS)))
            assert ahead.text == fresh.text
            assert ahead.read <= 8
            await reply(engine, about(ask("something else entirely"), "two"))
            for end in range(1, len(TURNS[-1]) + 1, 5):  # as a draft grows
                await engine.prepare(about(ask(*TURNS[:-1], TURNS[-1][:end])))
            typed = await reply(engine, about(ask(*TURNS)))
            assert typed.text == fresh.text
            assert typed.read <= 24

    asyncio.run(scene())


def test_speculated(model: Path, settings: LoadSettings) -> None:
    async def scene() -> None:
        async with loaded(model, settings) as engine:
            plain = await talk(engine)
        async with loaded(model, settings) as engine:
            assert texts(await talk(engine, lookup=True)) == texts(plain)
            again = await reply(engine, about(ask(MANY, plain[0].text, "and then"), lookup=True))
            assert again.text == plain[1].text

    asyncio.run(scene())


def test_swapped_out_and_restored_from_disk(model: Path, settings: LoadSettings, tmp_path: Path) -> None:
    async def scene() -> None:
        async with loaded(model, settings) as engine:
            live = await talk(engine)
        async with loaded(model, settings, tmp_path) as engine:
            assert texts(await talk(engine)) == texts(live)
            other = await reply(engine, about(ask("something else", "yes", "more of it"), "two"))
            longer = about(ask(MANY, live[0].text, "and then", live[1].text, "why", live[2].text, "so"))
            back = await reply(engine, longer)
            new = await engine.count([ask("so")])
            assert back.read <= new[0] + 8
        async with loaded(model, settings, tmp_path) as engine:
            reopened = await reply(engine, longer)
            assert reopened.text == back.text
            assert reopened.read <= 8
            assert (await reply(engine, about(ask("something else", "yes", "more of it"), "two"))).text == other.text

    asyncio.run(scene())


def damaged(data: bytes, dice: random.Random) -> dict[str, bytes]:
    """The ways a file goes bad, one after the other."""
    flipped = bytearray(data)
    for _ in range(20):
        flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    late = bytearray(data)
    late[-len(data) // 8] ^= 1
    half = len(data) // 2
    return {
        "bits": bytes(flipped),
        "one late bit": bytes(late),
        "cut short": data[:half],
        "zeros at the end": data[:half] + bytes(len(data) - half),
        "empty": b"",
        "something else": dice.randbytes(len(data)),
        "longer": data + data[:999],
    }


def test_state_files_damaged_on_purpose(model: Path, tmp_path: Path) -> None:
    settings = EXACT[0]
    states = tmp_path / "states"

    async def scene() -> None:
        question = about(ask(*TURNS))
        async with loaded(model, settings, states) as engine:
            sound = await reply(engine, question)
            await engine.keep()
        files = {path: path.read_bytes() for path in states.iterdir()}
        assert files
        ways = {path: damaged(data, random.Random(7)) for path, data in files.items()}
        for way in next(iter(ways.values())):
            for path in states.iterdir():
                path.unlink()
            for path, versions in ways.items():
                path.write_bytes(versions[way])
            async with loaded(model, settings, states) as engine:
                assert (await reply(engine, question)).text == sound.text, way
                assert engine.deaths(model) == 0

    asyncio.run(scene())


def test_another_models_and_another_settings_state(tmp_path: Path) -> None:
    """A file renamed to what another model, or other settings, would call theirs is not believed."""
    first, second = models.tiny_model(tmp_path / "a.gguf"), models.tiny_model(tmp_path / "b.gguf", seed=1)
    others: list[tuple[Path, LoadSettings]] = [(second, EXACT[0]), (first, EXACT[1])]
    question = about(ask(*TURNS))

    async def scene() -> None:
        for number, (model, settings) in enumerate(others):
            theirs, ours = tmp_path / f"theirs {number}", tmp_path / f"ours {number}"
            for states, (made, with_) in ((theirs, (first, EXACT[0])), (ours, (model, settings))):
                async with loaded(made, with_, states) as engine:
                    sound = await reply(engine, question)
                    await engine.keep()
            name = next(ours.iterdir()).name
            next(ours.iterdir()).unlink()
            next(theirs.iterdir()).rename(ours / name)
            async with loaded(model, settings, ours) as engine:
                found = await reply(engine, question)
                assert (found.text, found.cached) == (sound.text, 0)

    asyncio.run(scene())
