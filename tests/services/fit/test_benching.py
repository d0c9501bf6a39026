"""A model is measured through real engines: nothing is read twice, what cannot be had says why, nothing is left."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from desktop.assembly import Assembly
from desktop.core.benchmark import Benchmark, Moment, Plan, Why
from desktop.core.errors import EngineDied, ModelFileError, StorageError
from desktop.core.generation import GenerateRequest, LoadSettings
from desktop.engine.client import Engine
from desktop.services.fit import benching, pace
from desktop.services.fit.benching import Benching, states_folder
from desktop.services.paths import Paths
from tests import models
from tests.models import EOS, VOCABULARY

BRIEF = Plan((0, 128), 2, 200, 3000.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("모델 l'una")


@pytest.fixture(scope="module")
def letters(folder: Path) -> Path:
    """Says the alphabet until it is stopped."""
    return models.scripted_model(folder / "letters.gguf", {}, context=4096)


@pytest.fixture(scope="module")
def recurrent(folder: Path) -> Path:
    return models.recurrent_model(folder / "recurrent.gguf")


def bench(
    paths: Paths,
    model: Path,
    plan: Plan = BRIEF,
    context: int = 2048,
    tell: Callable[[Benching, str], None] = lambda _bench, _what: None,
) -> Benchmark:
    async def main() -> Benchmark:
        async with Assembly.opened(paths) as alcove:
            settings = LoadSettings(context=context, threads=1, batch_threads=1)
            with states_folder(paths.cache) as states:
                made = Benching(
                    alcove.library.find(str(model)), settings, plan, states, lambda what, _count: tell(made, what)
                )
                return await made.run(alcove.fitting, alcove.machine)

    return asyncio.run(main())


def at(found: Benchmark, moment: Moment) -> int:
    """Tokens read for a first token."""
    row = next(row for row in found.first_tokens if row.moment is moment)
    assert row.seconds is not None, row
    return row.prompt_tokens - row.cached_tokens


def of_this_test(kind: str) -> list[psutil.Process]:
    """Processes of this one's that were called with a word and have not ended."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found += [process] if kind in process.cmdline() else []
    return found


def test_all_is_measured_and_nothing_is_left(paths: Paths, letters: Path) -> None:
    found = bench(paths, letters)
    assert [row.depth for row in found.depths] == [0, 128]
    for row in found.depths:
        assert (row.why, row.prompt_tokens > 100) == (Why.NONE, True), row
        assert row.prompt_per_s is not None
        assert row.first_token_s is not None
        assert row.generation_per_s is not None
        assert row.prompt_per_s.runs == row.generation_per_s.runs == 2
    assert [row.moment for row in found.first_tokens] == list(Moment)
    assert all(row.seconds is not None for row in found.first_tokens)
    assert found.lookup.generation_per_s is not None
    assert found.lookup.without_per_s is not None
    assert found.lookup.drafted >= found.lookup.accepted >= 0
    assert found.memory.estimate_bytes * 0.5 < found.memory.engine_bytes < found.memory.estimate_bytes * 2
    assert (found.context, found.device, found.model.architecture) == (2048, "CPU", "llama")
    assert dict(found.versions).keys() == {"Alcove", "llama.cpp", "llama-cpp-python", "Python"}
    assert all(version for _name, version in found.versions)
    assert list(paths.cache.glob("bench-*")) == []
    assert of_this_test("desktop.engine.host") == []
    assert at(found, Moment.NEW) > 100
    assert at(found, Moment.WARM) <= 32
    assert at(found, Moment.AHEAD) < at(found, Moment.TYPED) / 2
    assert at(found, Moment.REOPENED) <= 32
    assert {row.why for row in found.first_tokens} == {Why.NONE}


def test_going_deeper_reads_only_what_is_new(paths: Paths, letters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted at the engine: all prompts of the depths together, less what was cached."""
    reads = []
    whole = pace.Pace.of

    def counted(finished: benching.Finished) -> pace.Pace:
        reads.append(whole(finished).read)
        return whole(finished)

    monkeypatch.setattr(pace.Pace, "of", counted)
    bench(paths, letters, Plan((0, 256, 1024), 2, 64, 3000.0), context=2048)
    assert len(reads) >= 7  # cold, three depths with two runs each
    assert max(reads) <= 512 + 16


def test_the_smallest_context(paths: Paths, letters: Path) -> None:
    found = bench(paths, letters, Plan((0, 512, 2048), 1, 4000, 3000.0, chosen=True), 256)
    assert found.depths[0].generation_per_s is not None
    assert [row.why for row in found.depths[1:]] == [Why.CONTEXT, Why.CONTEXT]
    assert {row.why for row in found.first_tokens} <= {Why.NONE, Why.CONTEXT, Why.READ_AGAIN}
    assert found.lookup.why is Why.NONE


def test_a_model_whose_state_cannot_be_cut(paths: Paths, recurrent: Path) -> None:
    found = bench(paths, recurrent, Plan((0, 128, 4096), 1, 200, 3000.0), 1024)
    assert [row.depth for row in found.depths] == [0, 128]  # a depth nobody asked for is left out where it cannot be
    assert found.depths[0].prompt_per_s is not None
    assert all(row.seconds is not None for row in found.first_tokens)
    assert at(found, Moment.WARM) <= 64  # of some 300: the question, and the reply before it


def test_a_model_that_ends_at_once(paths: Paths, folder: Path) -> None:
    ending = models.scripted_model(folder / "ending.gguf", dict.fromkeys(range(len(VOCABULARY)), EOS))
    found = bench(paths, ending, Plan((0,), 1, 64, 3000.0))
    assert found.depths[0].why is Why.ENDED
    assert found.depths[0].prompt_per_s is not None
    assert found.depths[0].generation_per_s is None
    assert found.lookup.why is Why.ENDED


def test_no_time_is_told(paths: Paths, letters: Path) -> None:
    found = bench(paths, letters, Plan((0, 128), 1, 64, 0.001))
    assert {row.why for row in (*found.depths, *found.first_tokens, found.lookup)} == {Why.TIME}
    assert found.load_s > 0


def test_a_death_costs_one_figure(paths: Paths, letters: Path) -> None:
    def kill(bench: Benching, what: str) -> None:
        if what == "The tenth reply" and bench._engine.pid:
            os.kill(bench._engine.pid, 9)

    found = bench(paths, letters, tell=kill)
    said = {row.moment: row.why for row in found.first_tokens}
    assert said.pop(Moment.COLD) is said.pop(Moment.NEW) is Why.NONE
    assert set(said.values()) == {Why.DIED}
    assert found.lookup.generation_per_s is not None


def test_cancelling_leaves_nothing(paths: Paths, letters: Path) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            begun = asyncio.Event()
            with states_folder(paths.cache) as states:
                made = Benching(
                    alcove.library.find(str(letters)),
                    LoadSettings(context=4096, threads=1, batch_threads=1),
                    Plan((0, 2048), 3, 2000, 600.0),
                    states,
                    lambda what, _count: begun.set() if what.startswith("Speed") else None,
                )
                task = asyncio.create_task(made.run(alcove.fitting, alcove.machine))
                await begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert of_this_test("desktop.engine.host") == []

    asyncio.run(main())
    assert list(paths.cache.glob("bench-*")) == []


def test_a_file_that_is_no_model_is_one_sentence(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelFileError):
        bench(paths, tmp_path / "no.gguf")


def test_folders_of_the_dead_are_removed(paths: Paths) -> None:
    paths.cache.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    dead, alive, other = (paths.cache / name for name in (f"bench-{ended.pid}", f"bench-{os.getppid()}", "bench-x"))
    for made in (dead, alive, other):
        made.mkdir()
    with states_folder(paths.cache) as folder:
        assert list(folder.iterdir()) == []
        assert (dead.exists(), alive.exists(), other.exists()) == (False, True, True)
    assert not folder.exists()


def test_a_place_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError), states_folder(tmp_path / "file"):
        pass


def test_a_speed_is_that_of_what_was_read(letters: Path) -> None:
    async def main() -> None:
        engine = Engine()
        try:
            await engine.load(letters, LoadSettings(context=1024, threads=1, batch_threads=1))
            first, second = [await pace.measure_speed(engine, 128, 16, salt) for salt in (1, 2)]
            again = await pace.measure_speed(engine, 128, 16, 2)
            few = await pace.measure_speed(engine, 128, 4, 3)
        finally:
            await engine.close()
        assert first.read > 100
        assert second.read > 100
        assert (second.cached <= 2, second.written) == (True, 16)
        assert min(first.read_per_s, second.read_per_s, first.write_per_s, second.write_per_s) > 0
        assert (again.read, again.read_per_s) == (1, 0.0)
        assert (few.written, few.write_per_s) == (4, 0.0)

    asyncio.run(main())


def test_measuring_without_a_model_says_so() -> None:
    async def main() -> None:
        await pace.reply(Engine(), GenerateRequest(pace.plain("x")))

    with pytest.raises(Exception, match="No model is loaded") as raised:
        asyncio.run(main())
    assert not isinstance(raised.value, EngineDied)
