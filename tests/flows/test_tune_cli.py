"""`alcove tune` as a shell sees it."""

from __future__ import annotations

import os
import signal
import time
import tomllib
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop.services.paths import Paths
from tests.flows.program import PATIENCE_S, SETTINGS, Program

TRIAL = {"settings", "read_per_s", "write_per_s", "read_noise", "write_noise", "committed_bytes"}
KEYS = {"threads", "batch_threads", "batch", "flash_attention", "repack", "gpu_layers"}


FEW = ("--limit", "10")  # seconds: a busy machine takes long with two threads


def kept(alcove: Program) -> dict[str, Any]:
    """What is set for models."""
    file = Paths(alcove.home).preferences
    found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("models", {})
    return found


@pytest.fixture
def alcove(alcove: Program) -> Program:
    """On one thread."""
    Paths(alcove.home).create()
    Paths(alcove.home).preferences.write_text(SETTINGS)
    return alcove


def test_what_is_found_is_told_and_kept(alcove: Program, endless: Path) -> None:
    told = alcove.run("tune", endless, "--json", "--apply", *FEW)
    assert (told.status, told.err) == (0, "")
    record = told.record
    assert list(record) == [
        "model", "default", "best", "changes", "read_gain", "write_gain", "told", "trials",
        "complete", "unclear", "busy", "applied",
    ]  # fmt: skip
    for trial in (record["default"], record["best"], *record["told"], *record["trials"]):
        assert set(trial) == TRIAL
        assert set(trial["settings"]) == {*KEYS, "kv_type"}
        assert min(trial["read_per_s"], trial["write_per_s"], trial["committed_bytes"]) > 0
    assert record["default"]["settings"]["threads"] == 1
    assert set(record["changes"]) <= KEYS
    assert kept(alcove).get(record["model"], {}) == record["changes"]
    assert alcove.run("tune", endless, "--reset").status == 0
    assert not kept(alcove).get(record["model"])


def test_the_guide_keeps_its_settings(alcove: Program) -> None:
    for option in ("--apply", "--reset"):
        told = alcove.run("tune", option)
        assert (told.status, told.out) == (1, "")
        assert "guide" in told.err


def test_people_are_shown_a_table(alcove: Program, brief: Path) -> None:
    told = alcove.run("tune", brief, *FEW)
    assert told.status == 0
    lines = told.out.splitlines()
    assert lines[0].split() == ["Reading", "Writing", "Memory"]
    assert lines[1].startswith("Defaults ")
    assert "fastest with" in told.out or "nothing was faster" in told.out or "cannot be judged" in told.out
    assert kept(alcove) == {}


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_changes_nothing(alcove: Program, endless: Path) -> None:
    with alcove.started("tune", endless, "--apply") as process:
        started = psutil.Process(process.pid)
        while not started.children():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert kept(alcove) == {}


@pytest.mark.parametrize("wrong", [("--limit", "0"), ("--limit", "soon"), ("--apply", "--reset")])
def test_bad_usage(alcove: Program, wrong: tuple[str, ...]) -> None:
    assert alcove.run("tune", *wrong).status == 2
