"""Engine processes that misbehave, and the end of those that do not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from desktop.core.errors import EngineDied
from desktop.engine.client import Engine, EngineFault
from desktop.engine.process import environment
from tests.engine.prompts import ask, said
from tests.engine.scenes import PATIENCE, SETTINGS, listen, run


def noisy(patch: str) -> list[str]:
    """A host changed by some lines of Python before it starts."""
    return [
        sys.executable,
        "-c",
        f"import os, sys\nfrom desktop.engine import host, room\n{patch}\nhost.main()",
    ]


def test_prints_cannot_spoil_the_frames(korean_model: Path) -> None:
    patch = (
        "obey = room.Room._obey\n"
        "def loud(*a):\n    print('noise'); os.write(1, b'more noise'); sys.stdin.read(); obey(*a)\n"
        "room.Room._obey = loud"
    )

    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        assert said(await listen(engine)) == "한글🙂"
        assert "more noise" in engine.log

    run(scene, *noisy(patch))


def test_a_bug_in_the_engine_is_told_as_one_and_survived(korean_model: Path) -> None:
    patch = (
        "def broken(self, prompts):\n    raise ZeroDivisionError('bug')\n"
        "from desktop.engine import conversation\nconversation.Conversation.count = broken"
    )

    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        with pytest.raises(EngineFault, match="ZeroDivisionError"):
            await engine.count([ask("a")])
        assert said(await listen(engine)) == "한글🙂"

    run(scene, *noisy(patch))


@pytest.mark.parametrize("output", ["b'this is no frame at all'", "b'\\0\\0\\0\\2[]'", "b''"])
def test_a_process_that_speaks_another_language(korean_model: Path, output: str) -> None:
    script = f"import os, sys, time; os.write(1, {output}); os.close(1); time.sleep({PATIENCE})"

    async def scene(engine: Engine) -> None:
        with pytest.raises(EngineDied):
            await engine.load(korean_model, SETTINGS)
        assert engine.deaths(korean_model) == 1

    run(scene, sys.executable, "-c", script)


def test_a_process_that_will_not_end_is_made_to(korean_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.engine.process._PATIENCE_S", 0.2)

    async def scene(engine: Engine) -> None:
        await engine.load(korean_model, SETTINGS)
        pid = engine.pid
        await engine.unload()
        assert pid is not None
        assert not psutil.pid_exists(pid)

    run(scene, *noisy("import time\nserve = host._serve\nhost._serve = lambda: (serve(), time.sleep(60))[0]"))


def test_the_engine_ends_with_the_application(korean_model: Path) -> None:
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom desktop.engine.client import Engine\n"
        "from desktop.core.generation import LoadSettings\n"
        "async def main():\n    e = Engine()\n    await e.load(Path(sys.argv[1]), LoadSettings(context=512))\n"
        "    print(e.pid, flush=True)\n    os._exit(9)\n"
        "asyncio.run(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, korean_model], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    pid = int(done.stdout)
    until = time.monotonic() + PATIENCE
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_one_that_is_left_puts_away_what_it_read_without_us(korean_model: Path, tmp_path: Path) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    patch = (
        "import time\nfrom pathlib import Path\nput = room.Room._put_away\n"
        "def slow(self, order):\n"
        f"    while not Path({str(go)!r}).exists(): time.sleep(0.01)\n"
        f"    os.write(2, b'nobody reads this')\n    put(self, order)\n    Path({str(done)!r}).touch()\n"
        "room.Room._put_away = slow\nhost._SAVING_S = 60"
    )
    script = (
        "import asyncio, json, sys\nfrom pathlib import Path\nfrom desktop.engine.client import Engine\n"
        "from desktop.core.generation import LoadSettings\n"
        "async def main():\n    e = Engine(json.loads(sys.argv[2]))\n"
        "    await e.load(Path(sys.argv[1]), LoadSettings(context=512))\n"
        "    pid = e.pid\n    await e.leave()\n    print(pid, e.pid)\n"
        "asyncio.run(main())"
    )
    arguments = [sys.executable, "-c", script, str(korean_model), json.dumps(noisy(patch))]
    left = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=True)
    pid, none = left.stdout.split()
    assert (none, left.stderr) == ("None", "")
    assert not done.exists()
    go.touch()
    until = time.monotonic() + PATIENCE
    while psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert done.exists()


def test_the_application_never_loads_llama_cpp() -> None:
    check = "import sys, desktop.engine.client; sys.exit('llama_cpp' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=PATIENCE, check=False).returncode == 0


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("", "glibc.malloc.hugetlb=1"),
        ("glibc.pthread.rseq=0", "glibc.pthread.rseq=0:glibc.malloc.hugetlb=1"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0"),
    ],
)
def test_the_engine_asks_for_large_pages_unless_somebody_decided_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: str, passed: str
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", given)
    assert environment()["GLIBC_TUNABLES"] == passed
