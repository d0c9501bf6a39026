"""The engine process seen from its pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import IO

import pytest

from desktop.core.generation import Appended, Finished, GenerateRequest, LoadProgress, LoadSettings, StopReason
from desktop.engine import frames
from desktop.engine.host import Outlet
from desktop.engine.process import command, start
from tests.engine.prompts import GREEDY, text

SETTINGS = LoadSettings(context=131072, threads=1)
ENDLESS = frames.Generate(GenerateRequest((text("a"),), GREEDY))


@pytest.fixture
def host() -> Iterator[subprocess.Popen[bytes]]:
    process = start(command("", "desktop.engine.host"))
    yield process
    process.kill()
    process.communicate()


def send(host: subprocess.Popen[bytes], number: int, order: frames.Order) -> None:
    assert host.stdin is not None
    host.stdin.write(frames.encode(number, order))
    host.stdin.flush()


def hear(host: subprocess.Popen[bytes]) -> tuple[int, frames.Message]:
    assert host.stdout is not None
    found = frames.read(host.stdout)  # type: ignore[arg-type]
    assert found is not None
    return found


def final(host: subprocess.Popen[bytes]) -> tuple[int, frames.Message]:
    while True:
        number, answer = hear(host)
        if isinstance(answer, frames.Loaded | Finished | frames.Failed | frames.Counted | frames.Crashed):
            return number, answer


def test_orders_are_obeyed_in_turn_and_stopped_running_or_waiting(
    host: subprocess.Popen[bytes], korean_model: Path
) -> None:
    send(host, 1, frames.Count(()))
    assert isinstance(final(host)[1], frames.Failed)  # nothing is loaded yet
    send(host, 2, frames.Load(os.fspath(korean_model), SETTINGS))
    assert isinstance(final(host)[1], frames.Loaded)
    for number in (3, 4):
        send(host, number, ENDLESS)
    send(host, 5, frames.Count(((text("x"),),)))
    send(host, 4, frames.Stop())
    while not isinstance(hear(host)[1], Appended):
        pass
    for number in (1, 3, 99):  # over long ago, running, not there yet
        send(host, number, frames.Stop())
    for number in (3, 4):
        told, answer = final(host)
        assert told == number
        assert isinstance(answer, Finished)
        assert answer.stop_reason is StopReason.CANCELLED
    assert final(host) == (5, frames.Counted((3,)))


def test_it_ends_with_its_input(host: subprocess.Popen[bytes], korean_model: Path) -> None:
    send(host, 1, frames.Load(os.fspath(korean_model), SETTINGS))
    send(host, 2, ENDLESS)
    while not isinstance(hear(host)[1], Appended):
        pass
    assert host.stdin is not None
    host.stdin.close()
    host.stdin = None  # `communicate` must not touch it again
    assert host.wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_asked_to_end_while_it_is_ending_it_goes_on_with_that(tmp_path: Path) -> None:
    ending = """
import sys, time
from pathlib import Path
from desktop.engine import host
def end(room, patience_s):
    Path(sys.argv[1], "ending").touch()
    time.sleep(0.5)
    Path(sys.argv[1], "ended").touch()
host.Room.end = end
host.main()
"""
    process = start([sys.executable, "-c", ending, os.fspath(tmp_path)])
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    while not (tmp_path / "ending").exists() and process.poll() is None:
        sleep(0.01)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "ended").exists()


def test_it_refuses_what_is_no_frame(host: subprocess.Popen[bytes]) -> None:
    assert host.stdin is not None
    host.stdin.write(b"\0\0\0\2{}")
    host.stdin.flush()
    assert host.wait(30) == 2


def test_a_stopped_load(host: subprocess.Popen[bytes], korean_model: Path) -> None:
    send(host, 1, frames.Count(()))
    send(host, 2, frames.Load(os.fspath(korean_model), SETTINGS))
    send(host, 2, frames.Stop())
    final(host)
    assert isinstance(final(host)[1], frames.Failed | frames.Loaded)  # loading may have been faster
    send(host, 3, frames.Load(os.fspath(korean_model), SETTINGS))
    assert isinstance(final(host)[1], frames.Loaded)


class Slate:
    """What the outlet has written, frame by frame."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, frames.Message]] = []

    def write(self, data: bytes) -> None:
        self.seen.append(frames.decode(data[4:]))

    def flush(self) -> None:
        """Nothing is held back."""


def test_text_is_gathered_and_nothing_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("desktop.engine.host.monotonic", lambda: now)
    slate = Slate()
    outlet = Outlet(slate)  # type: ignore[arg-type]
    for number in (1, 2):
        for letter in "abcdef":
            outlet.post(number, Appended(letter))
            now += 0.01
        outlet.post(number, frames.Counted(()))
    texts = [(n, a.text) for n, a in slate.seen if isinstance(a, Appended)]
    assert texts == [(1, "a"), (1, "bcde"), (1, "f"), (2, "a"), (2, "bcde"), (2, "f")]


def test_progress_is_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.engine.host.monotonic", lambda: 100.0)
    slate = Slate()
    outlet = Outlet(slate)  # type: ignore[arg-type]
    for part in range(100):
        outlet.post(1, LoadProgress(part / 100))
    assert slate.seen == [(1, LoadProgress(0.0))]


def test_nobody_listens_any_more(host: subprocess.Popen[bytes], korean_model: Path) -> None:
    send(host, 1, frames.Load(os.fspath(korean_model), SETTINGS))
    send(host, 2, ENDLESS)
    hear(host)
    close(host.stdout)
    host.stdout = None
    assert host.wait(30) == 0


def close(stream: IO[bytes] | None) -> None:
    assert stream is not None
    stream.close()
