"""`alcove bench` as a person types it: with the guide, on real engines."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
from PySide6.QtGui import QImage

from tests.flows.program import PATIENCE_S, Program

ONE_THREAD = ("--threads", "1", "--batch-threads", "1")  # two would wait for each other on a busy machine
BRIEFLY = ("--quick", "--limit", "3000", *ONE_THREAD)  # one run, however long it takes on a busy machine
OLD = {
    *("model", "device", "threads", "context", "load_s", "prompt_tokens", "prompt_per_s", "first_token_s"),
    *("generation_per_s", "engine_bytes"),
}
NEW = {"depths", "first_tokens", "lookup", "memory", "file", "settings", "computer", "versions", "took_s"}
SPREAD = {"median", "low", "high", "runs"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


def test_the_guide_is_measured(alcove: Program, tmp_path: Path) -> None:
    chart = tmp_path / "내 표 l'una.svg"
    told = alcove.run("bench", "--json", "--depths", "0,256,99999", "--picture", chart, *BRIEFLY)
    assert (told.status, told.err) == (0, "")
    said = told.record
    assert set(said) == OLD | NEW
    assert (said["model"], said["device"], said["threads"]) == ("Guide", "CPU", 1)
    assert min(said[key] for key in ("load_s", "prompt_per_s", "first_token_s", "generation_per_s", "engine_bytes")) > 0
    assert [(row["depth"], row["why"]) for row in said["depths"]] == [(0, ""), (256, ""), (99999, "context")]
    assert set(said["depths"][0]["prompt_per_s"]) == SPREAD
    assert said["depths"][2]["prompt_per_s"] is None
    moments = {row["moment"]: row for row in said["first_tokens"]}
    assert list(moments) == ["cold", "new", "warm", "typed", "read-ahead", "reopened"]
    assert all(set(row["seconds"]) == SPREAD for row in moments.values())
    assert min(moments["cold"]["load_s"], moments["reopened"]["load_s"]) > 0
    assert moments["warm"]["read_tokens"] < moments["new"]["read_tokens"] / 4
    assert set(said["lookup"]) == {"generation_per_s", "without_per_s", "drafted", "accepted", "why"}
    assert said["memory"]["source"] == "probe"
    assert said["memory"]["engine_bytes"] == said["engine_bytes"]
    assert set(said["versions"]) == {"Alcove", "llama.cpp", "llama-cpp-python", "Python"}
    assert said["settings"]["batch_threads"] == 1
    words = [element.text or "" for element in ElementTree.parse(chart).iter("{http://www.w3.org/2000/svg}text")]
    assert any(said["versions"]["llama.cpp"] in word for word in words)
    assert any(said["computer"]["cpu"] in word for word in words)
    assert list((alcove.home / "cache").glob("bench-*")) == []


def test_markdown_and_a_picture_to_paste(alcove: Program, tmp_path: Path) -> None:
    chart = tmp_path / "chart.png"
    chart.write_bytes(b"an older one")
    told = alcove.run("bench", "--markdown", "--depths", "0", "--picture", chart, *BRIEFLY)
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("## Guide, Q8\\_0, ")
    assert told.out.count("\n### ") == 3
    picture = QImage(str(chart))
    assert picture.width() == 1960
    assert len({picture.pixel(x, y) for x in range(0, 1960, 7) for y in range(0, picture.height(), 7)}) > 5


def test_the_tables(alcove: Program, brief: Path) -> None:
    told = alcove.run("bench", brief, "--ctx", "256", *BRIEFLY)
    assert (told.status, told.err) == (0, "")
    for part in ("brief-chat", "Reading, tokens/s", "The tenth reply", "A chat reopened", "--context=256", "llama.cpp"):
        assert part in told.out


@pytest.mark.parametrize(
    "given", [("--depths", "x"), ("--picture", "a.jpg"), ("--limit", "0"), ("--json", "--markdown"), ("--runs", "3")]
)
def test_bad_usage(alcove: Program, given: tuple[str, ...]) -> None:
    told = alcove.run("bench", *given)
    assert (told.status, told.out) == (2, "")
    assert "Traceback" not in told.err


@pytest.mark.parametrize("place", ["not there/chart.svg", "folder.svg"])
def test_a_picture_that_has_no_place_is_told_first(alcove: Program, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.svg").mkdir()
    told = alcove.run("bench", "--picture", tmp_path / place)
    assert (told.status, told.out, len(told.err.splitlines())) == (1, "", 1)
    assert list(alcove.home.glob("cache/bench-*")) == []


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(alcove: Program, endless: Path, number: signal.Signals) -> None:
    many = ("--depths", "0,16384,30000", "--limit", "600", "--ctx", "32768")
    with alcove.started("bench", endless, *many, *ONE_THREAD) as process:
        until = time.monotonic() + PATIENCE_S
        me = psutil.Process(process.pid)
        while not (list(alcove.home.glob("cache/bench-*")) and engines(me)):
            assert time.monotonic() < until
            time.sleep(0.05)
        [engine] = engines(me)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (128 + number, b"", b"")
    assert list(alcove.home.glob("cache/bench-*")) == []
    psutil.wait_procs([engine], timeout=PATIENCE_S)
    assert not engine.is_running()


def engines(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if "desktop.engine.host" in said(child)]


def said(process: psutil.Process) -> list[str]:
    """How a process was called; nothing of one that is ending."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_what_is_printed_for_nobody_is_no_fault(alcove: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with alcove.started("bench", "--quick", "--depths", "0", *ONE_THREAD, out=writing) as process:
            assert process.stderr is not None
            assert (process.wait(PATIENCE_S), process.stderr.read()) == (1, b"")
    finally:
        os.close(writing)
