"""What would make room is said as it is typed; a fit's record has the design's fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop.cli.fit import _items, _tell_differences, change, record, speed, verdict
from desktop.core.fit import Estimate, Verdict
from desktop.core.generation import LoadSettings
from desktop.core.remedies import Kind, Remedy
from desktop.core.speed import Basis, Speed
from desktop.services.fit.fitting import Fit

NOW = LoadSettings(context=8192)
FIT = Fit(Estimate(7, 6, 5, 4, 3, 2), Verdict.TIGHT, NOW, 100, 4096, -1, 32768, Speed(4.23, Basis.BANDWIDTH))


@pytest.mark.parametrize(
    ("kind", "then", "variant", "said"),
    [
        (Kind.CONTEXT, replace(NOW, context=4096), "", "--ctx 4096"),
        (Kind.KV_TYPE, replace(NOW, kv_type="q8_0"), "", "--kv q8_0"),
        (Kind.MMAP, replace(NOW, mmap=False), "", "--mmap off"),
        (Kind.REPACK, replace(NOW, repack=False), "", "--repack off"),
        (Kind.GPU_LAYERS, replace(NOW, gpu_layers=12), "", "--gpu-layers 12"),
        (
            Kind.SEVERAL,
            replace(NOW, context=2048, kv_type="q8_0", repack=False),
            "",
            "--ctx 2048 --kv q8_0 --repack off",
        ),
        (Kind.VARIANT, NOW, "Q4_K_M", "Q4_K_M instead"),
    ],
)
def test_a_remedy_is_said_as_it_is_typed(kind: Kind, then: LoadSettings, variant: str, said: str) -> None:
    assert change(Remedy(kind, then, variant, 1000), NOW) == said


def test_a_record_counts_every_byte_once() -> None:
    row = record(FIT)
    assert (row["committed_bytes"], row["file_backed_bytes"], row["total_bytes"]) == (20, 7, 27)
    assert (row["verdict"], row["max_ctx"], row["source"], row["ctx"]) == ("tight", 4096, "closed-form", 8192)


def test_a_record_tells_what_keeping_takes_in_memory_and_on_disk() -> None:
    row = record(replace(FIT, estimate=replace(FIT.estimate, keeping_bytes=9)))
    assert (row["process_bytes"], row["keeping_bytes"], row["state_bytes"]) == (2, 9, 9)
    parts = ("repack_bytes", "kv_bytes", "compute_bytes", "output_bytes", "process_bytes", "keeping_bytes")
    assert sum(row[part] for part in parts) == row["committed_bytes"] == 29


def test_a_forecast_is_round() -> None:
    assert speed(FIT) == "about 4.2 tokens/s"
    assert speed(replace(FIT, speed=Speed(42.4, Basis.MODEL))) == "about 42 tokens/s"
    assert speed(replace(FIT, speed=None)) == ""


def test_what_cannot_be_had_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_differences(NOW, FIT)
    assert capsys.readouterr().err == ""
    _tell_differences(replace(NOW, context=65536, gpu_layers=10), FIT)
    told = capsys.readouterr().err
    assert "trained on 32,768 tokens" in told
    assert "no graphics card" in told


def test_weights_that_are_not_mapped_are_not_called_so() -> None:
    assert _items(FIT)[0][0] == "Weights, mapped from the file"
    assert _items(replace(FIT, estimate=replace(FIT.estimate, mapped=False)))[0][0] == "Weights, kept in memory"


def test_what_the_engine_does_not_read_does_not_fit() -> None:
    fits = replace(FIT, verdict=Verdict.FITS)
    assert (verdict(fits), verdict(replace(fits, refused=True))) == ("fits", "not readable")
