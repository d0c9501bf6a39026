"""The probe tells what runs here, and what became of itself."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from desktop.engine import cpu
from desktop.engine.devices import DeviceKind
from desktop.engine.probe import examine

PROBE = "import os, sys; from desktop.engine import survey, llama;"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_it_reports_this_machine() -> None:
    report = asyncio.run(examine())
    assert report.works, report
    assert report.version
    assert "CPU" in report.system_info
    assert report.built_for == tuple(cpu.built_for(report.system_info))
    assert any(device.kind is DeviceKind.CPU and device.total_bytes > 0 for device in report.devices)


def test_noise_on_the_standard_output_does_no_harm() -> None:
    script = PROBE + "v = llama.version; llama.version = lambda: (print('noise'), os.write(1, b'noise'), v())[2];"
    assert asyncio.run(examine(python(script + "survey.main()"))).works


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "processor lacks", marks=posix),
        ("import sys; sys.exit(3)", "fault"),
        ("print('{')", "ended unexpectedly"),
        ("print('{\"devices\": 1}')", "ended unexpectedly"),
        ("import desktop.nonsense", "ended unexpectedly"),
    ],
)
def test_a_probe_that_died_is_a_finding(script: str, words: str) -> None:
    report = asyncio.run(examine(python(script)))
    assert not report.works
    assert words in str(report.fault)


def test_a_probe_that_hangs_is_ended() -> None:
    began = time.monotonic()
    report = asyncio.run(examine(python("import time; time.sleep(60)"), limit_s=0.2))
    assert time.monotonic() - began < 20
    assert "did not answer" in str(report.fault)


def test_kernels_of_which_none_fit_are_a_finding() -> None:
    said = '{"version": "1", "system_info": "", "kernels": {"kind": "", "of": 13}, "devices": []}'
    report = asyncio.run(examine(python(f"print({said!r})")))
    assert report.fault is None
    assert not report.works
