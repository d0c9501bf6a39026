"""A lock between programs: one has it, and its end, however it comes, gives it back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from desktop.core.errors import StorageError
from desktop.services import locks
from desktop.services.locks import locked

HOLDS = """
import sys, time
from pathlib import Path
from desktop.services.locks import locked
with locked(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


def test_a_program_that_is_killed_gives_it_back(tmp_path: Path) -> None:
    file = tmp_path / "D'Angelò 김철수.lock"
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with locked(file) as ours:
            assert not ours
    finally:
        other.kill()
        other.communicate(timeout=20)
    with locked(file, 20.0) as ours:
        assert ours


def test_it_is_waited_for_as_long_as_one_likes(tmp_path: Path) -> None:
    file, begun, end = tmp_path / "lock", threading.Event(), threading.Event()

    def hold() -> None:
        with locked(file):
            begun.set()
            end.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait(20)
    before = time.monotonic()
    with locked(file, 0.05) as ours:
        assert not ours
    assert time.monotonic() - before >= 0.05
    end.set()
    with locked(file, 20.0) as ours:
        assert ours
    thread.join()


def test_a_disk_without_locks_gives_it_to_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def none(handle: int, how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(tmp_path / "lock") as one, locked(tmp_path / "lock") as two:
        assert one
        assert two
    assert 37 not in locks._TAKEN


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is not there"), locked(tmp_path / "no" / "lock"):
        pass
