"""The tables, the Markdown and the chart of a benchmark: every figure is there or says why it is not."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from desktop.cli import figures
from desktop.cli.bench import _depths, _picture, _seconds, record
from desktop.cli.picture import ACCENT, GROUND, MUTED, TEXT, TRACK, drawn
from desktop.core.benchmark import (
    Benchmark,
    Computer,
    Depth,
    FirstToken,
    Lookup,
    Memory,
    Moment,
    Spread,
    Subject,
    Why,
)
from desktop.core.fit import Source
from desktop.core.generation import LoadSettings
from desktop.ui.drawing import Box, Words, svg
from desktop.ui.theme import LIGHT

HERE = Computer("AMD EPYC", 2, 2, 4, 16 * 10**9, "Linux 6 (x86_64)")
SPEED, WAIT = Spread(84.2, 80.0, 90.0, 3), Spread(0.0534, 0.05, 0.06, 3)
WHOLE = Benchmark(
    Subject("tiny", 5_400_000, "Q8_0", "llama", 5_000_000),
    "CPU",
    4096,
    LoadSettings(threads=2),
    0.25,
    (Depth(0, 508, SPEED, WAIT, SPEED), Depth(512, 508, SPEED, WAIT, SPEED)),
    tuple(FirstToken(moment, WAIT, 0.5 if moment is Moment.COLD else 0.0, 600, 590) for moment in Moment),
    Lookup(Spread(130.0, 130.0, 130.0, 1), SPEED, 60, 48),
    Memory(1_040_000_000, 1_000_000_000, 0, Source.PROBE),
    HERE,
    (("Alcove", "0.1.0"), ("llama.cpp", "b1"), ("llama-cpp-python", "0.3"), ("Python", "3.11")),
    12.0,
)


def without(why: Why) -> Benchmark:
    """As if nothing could be measured."""
    return replace(
        WHOLE,
        depths=(Depth(0, why=why), Depth(512, why=why)),
        first_tokens=tuple(FirstToken(moment, why=why) for moment in Moment),
        lookup=Lookup(why=why),
        memory=Memory(0, 0, 0, Source.CLOSED_FORM),
    )


def test_the_tables_have_every_figure() -> None:
    told = figures.text(WHOLE, "tiny")
    for part in (
        *("tiny, Q8_0, 5.4 MB, CPU", "84.2 ±6 %", "53 ms ±9 %", "48 of 60 drafted tokens taken"),
        *("1.0 GB, estimated 1.0 GB (+4.0 %)", "AMD EPYC: 2 cores, 4 threads, 16.0 GB, Linux 6 (x86_64)"),
        *("Alcove 0.1.0, llama.cpp b1, llama-cpp-python 0.3, Python 3.11", "--threads=2", "--kv-type=f16"),
        *("--mmap=on", "590", "508", "500 ms"),
    ):
        assert part in told
    assert "Other programs" not in told


@pytest.mark.parametrize("why", [why for why in Why if why])
def test_what_is_missing_says_why(why: Why) -> None:
    for told in (figures.text(without(why), "x"), figures.markdown(without(why), "x"), svg(drawn(without(why), "x"))):
        assert told.count(figures.WHYS[why]) >= 10
        assert "None" not in told


def test_what_was_measured_in_time_is_told_as_it_is() -> None:
    late = replace(WHOLE, lookup=replace(WHOLE.lookup, why=Why.TIME))
    assert "48 of 60" in figures.text(late, "x")
    assert figures.WHYS[Why.TIME] not in figures.text(late, "x")


def test_one_figure_is_told_where_no_drafts_were_tried() -> None:
    never = replace(WHOLE, lookup=Lookup(Spread(2840.0, 2840.0, 2840.0, 1), Spread(6458.0, 6458.0, 6458.0, 1)))
    for told in (figures.text(never, "x"), figures.markdown(never, "x")):
        assert "6,458" in told
        assert "no drafts were tried" in told
        assert "2,840" not in told
        assert "With drafts" not in told


def test_a_table_of_markdown_has_cells_as_many_as_its_head() -> None:
    for benchmark in (WHOLE, without(Why.TIME)):
        for block in figures.markdown(benchmark, "x").split("\n\n"):
            if block.startswith("|"):
                assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_name_does_not_break_the_markdown() -> None:
    told = figures.markdown(WHOLE, "a|b\n# `c` <img src=x> [d](e) *f*")
    assert told.startswith("## a\\|b # \\`c\\` \\<img src=x> \\[d](e) \\*f\\*, Q8\\_0")


def test_a_disturbed_computer_is_told_everywhere() -> None:
    busy = replace(WHOLE, computer=replace(HERE, busy=0.66, on_battery=True))
    for told in (figures.text(busy, "x"), figures.markdown(busy, "x"), svg(drawn(busy, "x"))):
        assert "took 66 % of the processor" in told
        assert "battery" in told
    assert record(busy)["computer"]["disturbed"] is True


def test_the_record_is_json_and_keeps_its_first_fields() -> None:
    said = json.loads(json.dumps(record(WHOLE)))
    assert (said["model"], said["threads"], said["prompt_tokens"]) == ("tiny", 2, 508)
    assert (said["prompt_per_s"], said["generation_per_s"], said["first_token_s"]) == (84.2, 84.2, 0.0534)
    assert [row["moment"] for row in said["first_tokens"]] == [m.value for m in Moment]
    assert said["first_tokens"][0]["read_tokens"] == 10
    none = record(without(Why.DIED))
    assert (none["prompt_per_s"], none["prompt_tokens"], none["depths"][0]["why"]) == (0.0, 0, "died")
    assert record(replace(WHOLE, depths=()))["prompt_per_s"] == 0.0


def test_the_chart_has_the_colours_of_the_light_theme() -> None:
    assert (LIGHT.ground, LIGHT.hover, LIGHT.text, LIGHT.muted, LIGHT.accent) == (GROUND, TRACK, TEXT, MUTED, ACCENT)


def test_everything_lies_on_the_chart() -> None:
    chart = drawn(replace(WHOLE, depths=tuple(replace(WHOLE.depths[0], depth=n) for n in range(20))), "이름 " * 90)
    for shape in chart.shapes:
        if isinstance(shape, Box):
            assert 0 <= shape.x <= shape.x + shape.width <= chart.width + 0.01
            assert 0 <= shape.y <= shape.y + shape.height <= chart.height
        if isinstance(shape, Words):
            assert 0 < shape.y < chart.height
    title = next(s for s in chart.shapes if isinstance(s, Words) and s.size > 20)
    assert title.text.endswith("…")
    assert ElementTree.fromstring(svg(chart).encode()) is not None


@pytest.mark.parametrize(("text", "depths"), [("0", (0,)), ("0,512, 4096", (0, 512, 4096)), ("1048576", (1048576,))])
def test_depths_are_numbers(text: str, depths: tuple[int, ...]) -> None:
    assert _depths(text) == depths


@pytest.mark.parametrize("text", ["", ",", "1,", "-1", "1.5", "x", "²", "٣", "1048577", ",".join(["1"] * 33)])
def test_other_depths_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        _depths(text)


@pytest.mark.parametrize("text", ["", "0", "-5", "x", "1e3", "999999999"])
def test_odd_limits_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        _seconds(text)


def test_a_picture_is_svg_or_png() -> None:
    assert _picture("a/b.PNG").name == "b.PNG"
    with pytest.raises(argparse.ArgumentTypeError):
        _picture("a.jpg")
