"""The application's side, with a real engine process that is loaded, stopped, cancelled and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from desktop.core.errors import EngineDied, LoadError, ModelFileError, PromptTooLong, UserError
from desktop.core.generation import (
    Appended,
    Finished,
    GenerateRequest,
    LoadSettings,
    PromptProgress,
    StopReason,
)
from desktop.engine.client import Engine
from tests.engine.prompts import GREEDY, ask, end, said, text
from tests.engine.scenes import ENDLESS, SETTINGS, listen, run, talking, until
from tests.models import tiny_model


def test_load_ask_and_unload(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        heard: list[float] = []
        assert (engine.loaded, engine.pid, engine.busy) == (None, None, False)
        info = await engine.load(korean_model, SETTINGS, heard.append)
        assert info.context == 512
        assert engine.loaded == (korean_model, SETTINGS, info)
        assert heard
        assert all(0 <= f <= 1 for f in heard)
        assert said(await listen(engine)) == "한글🙂"
        pid = engine.pid
        assert pid is not None
        assert await engine.load(korean_model, SETTINGS) is info
        assert engine.pid == pid
        await engine.load(korean_model, replace(SETTINGS, context=256))
        assert engine.pid != pid
        assert not psutil.pid_exists(pid)
        await engine.unload()
        assert (engine.loaded, engine.pid) == (None, None)
        with pytest.raises(UserError, match="No model"):
            await listen(engine)

    run(scene)


def test_counting_and_showing(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        prompts = [ask("a"), ask("a", "b", "c"), (text("half \ud83d, NUL \0, 🙂"),)]
        counts = await engine.count(prompts)
        assert counts == [len(await engine.tokens(p)) for p in prompts]
        assert end(await listen(engine, prompts[1])).usage.prompt_tokens == counts[1]
        assert (await engine.tokens((text("the"),)))[1][1] == " the"

    run(scene)


def test_text_comes_in_few_frames_and_the_first_at_once(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, replace(SETTINGS, context=2048))
        began = time.monotonic()
        events = await listen(engine, (text("a"),))
        seconds = time.monotonic() - began
        texts = [e.text for e in events if isinstance(e, Appended)]
        assert len(texts[0]) == 1
        assert len(texts) <= 30 * seconds + 3
        assert len("".join(texts)) > 1900
        assert end(events).stop_reason is StopReason.CONTEXT

    run(scene)


def test_stop_ends_the_reply_and_keeps_the_text(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.stop()
        await engine.load(korean_model, ENDLESS)
        async with talking(engine) as events:
            assert engine.busy
            began = time.monotonic()
            await engine.stop()
            rest = [event async for event in events]
            assert time.monotonic() - began < 5
        assert end(rest).stop_reason is StopReason.CANCELLED
        assert not engine.busy
        assert said(await listen(engine)) == "한글🙂"

    run(scene)


def test_stop_in_the_middle_of_a_long_prompt(folder: Path) -> None:
    path = tiny_model(folder / "long.gguf", layers=64, context=32768)

    async def scene(engine: Engine) -> None:
        await engine.load(path, LoadSettings(context=32768, threads=1))
        prompt = (text("abc xyz " * 3900),)
        async with aclosing(engine.generate(GenerateRequest(prompt, GREEDY))) as events:
            async for event in events:
                if isinstance(event, PromptProgress):
                    began = time.monotonic()
                    await engine.stop()
                    break
            rest = [event async for event in events]
        assert time.monotonic() - began < 3  # 0.1 s where nobody else computes: tests/bench/generation.py measures it
        assert end(rest).stop_reason is StopReason.CANCELLED

    run(scene)


def test_leaving_early_stops_the_engine(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, ENDLESS)
        async with talking(engine):
            pass
        assert said(await listen(engine)) == "한글🙂"

        task = asyncio.create_task(listen(engine, (text("a"),)))
        await until(lambda: engine.busy)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert said(await listen(engine)) == "한글🙂"

    run(scene)


def test_a_second_caller_waits_its_turn(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        both = await asyncio.gather(listen(engine), listen(engine), engine.count([ask("a")]))
        assert [said(events) for events in both[:2]] == ["한글🙂", "한글🙂"]

    run(scene)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("name", "words"),  # Windows has not all of them, and reads this, too
    [
        ("SIGKILL", "memory ran out"),
        ("SIGILL", "instruction"),
        ("SIGSEGV", "crashed"),
        ("SIGBUS", "drive"),
        ("SIGABRT", "fault"),
        ("SIGTERM", "asked"),
    ],
)
def test_death_in_the_middle_of_a_reply_and_life_after_it(korean_model: Path, name: str, words: str) -> None:
    number = signal.Signals[name]

    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, ENDLESS)
        assert engine.pid is not None
        async with talking(engine) as events:
            os.kill(engine.pid, number)
            with pytest.raises(EngineDied, match=words) as died:
                async for _ in events:
                    pass
        assert f"signal {number}" in str(died.value.fields["detail"])
        assert (engine.loaded, engine.deaths(korean_model)) == (None, 1)
        await engine.load(korean_model, SETTINGS)
        assert said(await listen(engine)) == "한글🙂"

    run(scene)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_death_while_nobody_asks(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        for deaths in (1, 2):
            await engine.load(korean_model, SETTINGS)
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            await until(lambda: engine.loaded is None)
            with pytest.raises(EngineDied):
                await listen(engine)
            assert engine.deaths(korean_model) == deaths
        await engine.load(korean_model, SETTINGS)
        assert said(await listen(engine)) == "한글🙂"
        assert engine.deaths(korean_model.parent) == 0

    run(scene)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_one_death_counts_once_however_many_calls_wait(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        calls = [
            engine.prepare(GenerateRequest(ask("a b"), GREEDY)),
            engine.count([ask("a")]),
            engine.count([ask("b")]),
        ]
        waiting = [asyncio.create_task(call) for call in calls]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        os.kill(engine.pid, signal.SIGKILL)
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in errors] == [EngineDied, EngineDied, UserError]  # the last found nobody there
        assert engine.deaths(korean_model) == 1

    run(scene)


def test_a_cancelled_load_leaves_no_process(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        task = asyncio.create_task(engine.load(korean_model, SETTINGS))
        await until(lambda: engine.pid)
        pid = engine.pid
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not psutil.pid_exists(pid)
        assert (engine.loaded, engine.pid, engine.deaths(korean_model)) == (None, None, 0)
        await engine.load(korean_model, SETTINGS)

    run(scene)


def test_damaged_files_are_told_and_survived(folder: Path, korean_model: Path) -> None:
    whole = korean_model.read_bytes()
    bad = folder / "bad.gguf"

    async def refused(engine: Engine, kind: type[UserError], words: str, data: bytes) -> None:
        bad.write_bytes(data)
        with pytest.raises(kind, match=words):
            await engine.load(bad, SETTINGS)
        assert engine.loaded is None

    async def scene(engine: Engine) -> None:
        await refused(engine, ModelFileError, "not a GGUF", b"hello, world" * 100)
        await refused(engine, ModelFileError, "empty", b"")
        await refused(engine, ModelFileError, "cut short", whole[:-100])
        await refused(engine, ModelFileError, "damaged", whole[:8] + b"\xff" * 8 + whole[16:])
        await refused(
            engine, LoadError, "nonsens", whole.replace(b"\5\0\0\0\0\0\0\0llama", b"\7\0\0\0\0\0\0\0nonsens", 1)
        )
        await refused(engine, LoadError, "cannot use", whole.replace(b"blk.1.attn_norm", b"blk.9.attn_norm"))
        with pytest.raises(ModelFileError, match="not there"):
            await engine.load(folder / "없다.gguf", SETTINGS)
        with pytest.raises(ModelFileError, match="folder"):
            await engine.load(folder, SETTINGS)
        with pytest.raises(LoadError, match="flash attention"):
            await engine.load(korean_model, replace(SETTINGS, flash_attention="off", kv_type="q8_0"))  # type: ignore[arg-type]
        assert engine.deaths(bad) == 0
        await engine.load(korean_model, SETTINGS)
        assert said(await listen(engine)) == "한글🙂"

    run(scene)


@pytest.mark.parametrize("kind", ["bert", "nomic-bert", "clip", "t5encoder"])
def test_models_that_write_no_text_are_not_to_be_downloaded_again(tmp_path: Path, kind: str) -> None:
    async def scene(engine: Engine) -> None:
        with pytest.raises(LoadError, match=r"not a model that writes text\. Choose a chat or text model\.$"):
            await engine.load(tiny_model(tmp_path / "a.gguf", arch=kind), SETTINGS)

    run(scene)


def test_an_immense_paste_is_refused(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        with pytest.raises(PromptTooLong):
            await listen(engine, (text("가나다라마 " * 80_000),))
        with pytest.raises(UserError, match="too long"):
            await listen(engine, (text("\0" * 12_000_000),))
        assert said(await listen(engine)) == "한글🙂"

    run(scene)


def test_finished_is_the_last_event(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        events = await listen(engine)
        assert [isinstance(e, Finished) for e in events] == [False] * (len(events) - 1) + [True]

    run(scene)


def test_unloading_in_the_middle_of_a_reply_stops_it_first(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, ENDLESS)
        async with talking(engine) as events:
            unloading = asyncio.create_task(engine.unload())
            rest = [event async for event in events]
        assert end(rest).stop_reason is StopReason.CANCELLED
        await unloading
        assert engine.pid is None

    run(scene)


def test_closing_in_the_middle_of_a_reply_waits_for_nobody(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, ENDLESS)
        async with talking(engine) as events:
            await engine.close()
            with pytest.raises(EngineDied, match="closed"):
                async for _ in events:
                    pass
        assert engine.deaths(korean_model) == 0

    run(scene)


def test_reading_ahead_is_activity_for_which_nobody_waits(korean_model: Path) -> None:
    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        reading = asyncio.create_task(engine.prepare(GenerateRequest(ask("a b " * 60), GREEDY)))
        await until(lambda: engine.active)
        assert not engine.busy
        assert await engine.count([ask("a")])
        await reading
        assert not engine.active

    run(scene)
