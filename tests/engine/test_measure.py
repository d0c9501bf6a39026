"""llama.cpp says what a model would take; and what becomes of a process that cannot."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.fit import closed_form, probed
from desktop.core.generation import LoadSettings
from desktop.core.repacking import Repacking, place, placed
from desktop.core.shape import Shape
from desktop.engine import llama
from desktop.engine.files import read_header
from desktop.engine.measure import Measurement, measure, prepare
from tests import shapes
from tests.bench.fit import resident as held

CPU = LoadSettings(context=1024, gpu_layers=0, threads=1)
LOOKS = {
    "llama": replace(shapes.MISTRAL_7B, vocabulary=2000),
    "every head": replace(shapes.LLAMA_2_7B, layers=3, vocabulary=2000),
    "tied": replace(shapes.QWEN3_600M, layers=3, vocabulary=2000, table=shapes.Kind.Q4_0),
    "sliding": replace(shapes.GEMMA3_1B, layers=7, vocabulary=2000),
    "experts": replace(shapes.QWEN3_30B, layers=3, vocabulary=2000),
}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def ask(path: Path, *settings: LoadSettings, process: subprocess.Popen[bytes] | None = None) -> Measurement:
    return asyncio.run(measure(path, settings or (CPU,), process=process))


def python(script: str) -> subprocess.Popen[bytes]:
    return prepare([sys.executable, "-c", script])


def shape_of(path: Path) -> Shape:
    return Shape.of([read_header(path)])


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("D'Angelò 김철수")
    return {name: shapes.write(folder / f"{name}.gguf", look) for name, look in LOOKS.items()}


@pytest.mark.parametrize("name", LOOKS)
def test_the_rules_for_copies_are_those_of_llama_cpp(sparse: dict[str, Path], name: str) -> None:
    shape, said = shape_of(sparse[name]), ask(sparse[name]).buffers[0]
    assert said is not None
    assert shape.weights is not None
    by_rule = place(shape, Repacking.of(llama.system_info()), len(shape.layers) + 1)
    assert placed(shape.weights, said.tensors) == by_rule
    assert by_rule.repacked_bytes > 0 or "AVX2 = 1" not in llama.system_info()


@pytest.mark.parametrize("name", ["llama", "every head", "tied", "sliding"])
def test_the_closed_form_holds(sparse: dict[str, Path], name: str) -> None:
    shape, repacking = shape_of(sparse[name]), Repacking.of(llama.system_info())
    wanted = [replace(CPU, context=n, kv_type=kind) for kind in ("f16", "q8_0") for n in (1024, 8192)]
    for settings, said in zip(wanted, ask(sparse[name], *wanted).buffers, strict=True):
        assert said is not None
        exact, form = probed(shape, settings, said), closed_form(shape, settings, repacking)
        assert form.kv_bytes == pytest.approx(exact.kv_bytes, abs=20_000)
        assert form.compute_bytes == pytest.approx(exact.compute_bytes, abs=16 << 20)  # the least it ever says
        assert form.total_bytes == pytest.approx(exact.total_bytes, rel=0.04)


def test_nothing_of_the_weights_is_read_or_written(sparse: dict[str, Path]) -> None:
    before = sparse["llama"].stat()
    assert before.st_size > 4 * 10**9
    began = time.monotonic()
    assert ask(sparse["llama"]).buffers[0] is not None
    assert time.monotonic() - began < 15  # 0.4 s on a quiet machine
    assert sparse["llama"].stat().st_mtime_ns == before.st_mtime_ns


def test_a_recurrent_model_takes_the_same_for_every_context(recurrent_model: Path) -> None:
    short, long = ask(recurrent_model, CPU, replace(CPU, context=8192)).buffers
    assert short is not None
    assert long is not None
    assert short.kv == long.kv
    assert sum(short.kv.values()) > 0


def test_answers_come_in_the_order_of_the_questions(random_model: Path) -> None:
    wanted = [replace(CPU, context=n, repack=repack) for repack in (True, False, True) for n in (4096, 8192)]
    found = ask(random_model, *wanted)
    assert found.fault is None
    assert [sum(said.kv.values()) >> 20 for said in found.buffers if said] == [1, 2] * 3
    assert ask(random_model, replace(CPU, gpu_layers=-2)).buffers[0] is not None


LOAD = """
import sys
from pathlib import Path
from desktop.core.generation import LoadSettings
from desktop.engine.gauge import Notes
from desktop.engine.halt import Halt
from desktop.engine.llama import Backend
notes = Notes()
backend = Backend(notes.heard)
backend.load(Path(sys.argv[1]), LoadSettings(context=1024, gpu_layers=0), Halt(), lambda _: None)
print(notes.found)
"""


def test_what_is_foretold_is_what_is_loaded(random_model: Path) -> None:
    said = ask(random_model).buffers[0]
    assert said is not None
    done = subprocess.run([sys.executable, "-c", LOAD, random_model], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == str({"kv": dict(said.kv), "compute": dict(said.compute), "output": dict(said.output)})


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "processor lacks", marks=posix),
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended from outside", marks=posix),
        ("input(); print('{'); raise SystemExit(0)", "ended unexpectedly"),
        ("input(); print('[1, 2]')", "ended unexpectedly"),
        ("input(); print('x' * 10**7)", "ended unexpectedly"),
        ("raise SystemExit(0)", "ended unexpectedly"),
    ],
)
def test_a_death_is_a_finding(random_model: Path, script: str, words: str) -> None:
    found = ask(random_model, CPU, CPU, process=python(script))
    assert found.buffers == (None, None)
    assert words in str(found.fault)


def test_a_death_costs_only_its_own_settings(random_model: Path) -> None:
    line = '{"kv": {"CPU": 1}, "compute": {}, "output": {}, "tensors": null}'
    process = python(f"import os; input(); print({line!r}, flush=True); os.abort()")
    first, second, third = ask(random_model, CPU, CPU, CPU, process=process).buffers
    assert first is not None
    assert first.kv == {"CPU": 1}
    assert second is None
    assert third is not None
    assert third.kv["CPU"] > 1


def test_a_process_that_hangs_is_ended(random_model: Path) -> None:
    process = python("import time; time.sleep(60)")
    began = time.monotonic()
    found = asyncio.run(measure(random_model, [CPU], limit_s=0.3, process=process))
    assert time.monotonic() - began < 20
    assert "did not answer" in str(found.fault)
    assert process.poll() is not None


def test_nobody_who_waits_no_more_leaves_a_process(random_model: Path) -> None:
    process = python("import time; time.sleep(60)")

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(measure(random_model, [CPU], process=process), 0.2)

    asyncio.run(give_up())
    assert process.wait(10) != 0


def damaged(path: Path, name: str) -> Path:
    content = {"missing": None, "empty": b"", "foreign": b"hello" * 200, "cut": path.read_bytes()[:900]}[name]
    copy = path.with_name(f"{name}.bin")
    if content is not None:
        copy.write_bytes(content)
    return copy


@pytest.mark.parametrize("name", ["missing", "empty", "foreign", "cut"])
def test_what_is_no_model_is_refused(random_model: Path, name: str) -> None:
    found = ask(damaged(random_model, name), CPU, CPU)
    assert found.buffers == (None, None)
    assert "refuses" in str(found.fault)


def test_a_context_beyond_all_memory_ends_nothing_but_the_process(random_model: Path) -> None:
    huge = replace(CPU, context=1 << 30)
    found = ask(random_model, CPU, huge)
    assert found.buffers[0] is not None
    assert found.buffers[1] is None
    assert found.fault is not None


def test_a_prepared_process_waits_for_its_question(random_model: Path) -> None:
    process = prepare()
    time.sleep(0.5)
    assert process.poll() is None
    assert ask(random_model, process=process).buffers[0] is not None
    unused = prepare()
    unused.communicate(timeout=20)  # its input ends: so does it
    assert unused.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere resident memory means something else")
@pytest.mark.parametrize("repack", [True, False])
def test_what_is_foretold_is_what_is_held(tmp_path: Path, repack: bool) -> None:
    """The whole table is `python -m tests.bench.fit`; here two layers, whose copy alone would be seen."""
    path = shapes.write(tmp_path / "model.gguf", replace(shapes.LLAMA_2_7B, layers=2, vocabulary=8000))
    settings = replace(CPU, context=4096, batch=32, repack=repack)
    shape, said = shape_of(path), ask(path, settings).buffers[0]
    assert said is not None
    estimate = probed(shape, settings, said)
    assert estimate.total_bytes == pytest.approx(held(path, shape, settings), rel=0.03, abs=40e6)
    assert min(estimate.weights_bytes, estimate.kv_bytes) > 60e6
    copies = repack and bool(Repacking.of(llama.system_info()).rules)  # kernels without AVX2 have no use for a copy
    assert (estimate.repack_bytes > 120e6) is copies
