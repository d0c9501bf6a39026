"""What was read outlives the engine process, however that ends; and it is put on disk when nothing else is asked."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from desktop.core.errors import EngineDied
from desktop.core.generation import Finished, FlashAttention, GenerateRequest, LoadSettings, Piece
from desktop.engine import fingerprint, room, states
from desktop.engine.client import Engine
from desktop.engine.frames import Answer, Generate, Load, Loaded
from desktop.engine.room import Room
from tests import models
from tests.engine.prompts import GREEDY, ask, end, said
from tests.engine.scenes import PATIENCE, until

SETTINGS = LoadSettings(context=2048, threads=1)
SHORT = replace(GREEDY, max_tokens=8)
QUESTION = ask("the cab a bad hex " * 20)
BUDGET = 1 << 30
STUCK = """
import io, os, time
from desktop.engine import host, shelf, statefile
from desktop.engine.statefile import Kind
shelf._SLICE = 270 << 10  # 256 tokens of the model below
write = statefile._write
def half(file, kind, start, end, note, data):
    if kind is not Kind.SLICE or start < 512:
        return write(file, kind, start, end, note, data)
    whole = io.BytesIO()
    write(whole, kind, start, end, note, data)
    file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
    os.write(2, b"half of the third")
    time.sleep(600)
statefile._write = half
host.main()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "D'Angelò 김철수"


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    yield Engine(states=home, budget=lambda: BUDGET)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("engine")]


async def talked(engine: Engine, path: Path, prompt: tuple[Piece, ...] = QUESTION) -> tuple[str, int]:
    """The reply, and the tokens that were read for it."""
    async with asyncio.timeout(PATIENCE):
        await engine.load(path, SETTINGS)
        events = [event async for event in engine.generate(GenerateRequest(prompt, SHORT, "a"))]
    usage = end(events).usage
    return said(events), usage.prompt_tokens - usage.cached_tokens


def test_a_chat_reopened_after_quitting_is_not_read_again(engine: Engine, random_model: Path) -> None:
    async def play() -> None:
        first, read = await talked(engine, random_model)
        assert read > 100
        await engine.close()
        again, read = await talked(engine, random_model)
        assert (again, read) == (first, 1)
        await engine.close()

    asyncio.run(play())


def test_another_model_or_other_settings_do_not_believe_it(engine: Engine, home: Path, tmp_path: Path) -> None:
    one, other = (models.tiny_model(tmp_path / f"{seed}.gguf", seed=seed) for seed in (1, 2))

    async def play() -> None:
        await talked(engine, one)
        await engine.close()
        for kept in states.kept(home):  # even under the other's name
            key = fingerprint.key(other, SETTINGS, SETTINGS.context, "another version")
            os.replace(kept.path, states.new_path(home, key, "a"))
        assert (await talked(engine, other))[1] > 100
        await engine.close()

    asyncio.run(play())


def test_keys_tell_models_and_settings_apart(tmp_path: Path) -> None:
    one, other = (models.tiny_model(tmp_path / f"{seed}.gguf", seed=seed) for seed in (1, 2))
    copy = tmp_path / "copy.gguf"
    shutil.copy2(one, copy)
    keys = [
        fingerprint.key(one, SETTINGS, 2048, "1"),
        fingerprint.key(other, SETTINGS, 2048, "1"),
        fingerprint.key(one, replace(SETTINGS, kv_type="q8_0"), 2048, "1"),
        fingerprint.key(one, SETTINGS, 8192, "1"),  # beyond what it was trained on
        fingerprint.key(one, SETTINGS, 2048, "2"),
        fingerprint.key(one, replace(SETTINGS, gpu_layers=0), 2048, "1"),  # flash attention may come out otherwise
    ]
    assert len(set(keys)) == 6
    told = replace(SETTINGS, flash_attention=FlashAttention.ON)
    assert fingerprint.key(one, told, 2048, "1") == fingerprint.key(one, replace(told, gpu_layers=0), 2048, "1")
    assert fingerprint.key(copy, replace(SETTINGS, threads=7, batch=64), 1024, "1") == keys[0]
    os.utime(copy, (1, 1))  # mended in a place that no sample sees
    assert fingerprint.key(copy, SETTINGS, 2048, "1") != keys[0]


def test_keys_look_at_all_parts_of_a_split_model(tmp_path: Path) -> None:
    models.tiny_model(tmp_path / "m.gguf", shards=8)
    parts = sorted(tmp_path.glob("m-*.gguf"))
    assert len(parts) > 1
    before = fingerprint.key(parts[0], SETTINGS, 2048, "1")
    data = bytearray(parts[-1].read_bytes())
    data[-1] ^= 1
    parts[-1].write_bytes(data)
    assert fingerprint.key(parts[0], SETTINGS, 2048, "1") != before


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_system_that_shuts_down_asks_first(engine: Engine, home: Path, random_model: Path) -> None:
    async def play() -> None:
        await talked(engine, random_model)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await until(lambda: engine.loaded is None)
        assert [kept.chat for kept in states.kept(home)] == ["a"]
        assert (await talked(engine, random_model))[1] == 1
        await engine.close()

    asyncio.run(play())


def test_killed_in_the_middle_of_a_save(engine: Engine, home: Path, tmp_path: Path) -> None:
    big = models.tiny_model(tmp_path / "big.gguf", layers=8)
    prompt = ask("the cab a bad hex " * 60)
    dying = Engine([sys.executable, "-c", STUCK], states=home, budget=lambda: BUDGET)

    async def play() -> None:
        first, whole = await talked(dying, big, prompt)
        keeping = asyncio.create_task(dying.keep())
        async with asyncio.timeout(PATIENCE):
            await until(lambda: "half of the third" in dying.log)
        assert dying.pid is not None
        os.kill(dying.pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        with pytest.raises(EngineDied):
            await keeping
        again, read = await talked(engine, big, prompt)
        assert again == first
        assert 2 * 256 <= whole - read < 3 * 256  # the two that were whole
        await engine.close()

    asyncio.run(play())


def test_a_quiet_room_puts_what_was_read_on_disk(
    random_model: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_QUIET_S", 0.05)
    over = threading.Event()

    def hear(_number: int, answer: Answer) -> None:
        if isinstance(answer, Loaded | Finished):
            over.set()

    busy = Room(hear)
    for number, order in enumerate(
        (
            Load(os.fspath(random_model), SETTINGS, os.fspath(home), BUDGET),
            Generate(GenerateRequest(QUESTION, SHORT, "a")),
        )
    ):
        over.clear()
        busy.submit(number + 1, order)
        assert over.wait(PATIENCE)
    given_up = monotonic() + PATIENCE
    while not states.kept(home) and monotonic() < given_up:
        over.wait(0.01)
    assert [kept.chat for kept in states.kept(home)] == ["a"]
    busy.end(PATIENCE)
