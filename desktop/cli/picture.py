"""The chart of a benchmark that people paste into a report: bars for speeds, waits and memory, and where it was taken.

Invariant: every bar has its figure beside it and begins at zero; bars of one group have one scale. It places shapes;
writing and painting them is `ui.drawing`'s.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from desktop.cli import figures
from desktop.core.benchmark import Benchmark, Spread, Why
from desktop.core.errors import N_
from desktop.ui import formats
from desktop.ui.drawing import Anchor, Box, Drawing, Stroke, Words, shortened
from desktop.ui.translation import _

# The light theme's, which needs QtWidgets to be read: `ui.theme.LIGHT`.
GROUND, TRACK, TEXT, MUTED, ACCENT = "#ffffff", "#ebebe8", "#1c1e20", "#5b6167", "#17695f"
PALE = "#8fb5af"  # half of the accent
_WIDTH, _EDGE, _GAP = 980, 28, 36
_ROW, _BAR, _HEAD = 26, 14, 34
_CAPTION = 135  # letters of a line
_LABEL, _VALUE = 166, 78  # of a column's width

Shapes = tuple[Box | Stroke | Words, ...]


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    value: float
    told: str
    low: float = 0.0
    high: float = 0.0
    before: float = 0.0  # what comes first and is drawn paler

    @classmethod
    def of(cls, label: str, figure: Spread | None, told: str, before: float = 0.0) -> _Bar:
        if figure is None:
            return cls(label, 0, told)
        return cls(label, figure.median + before, told, figure.low + before, figure.high + before, before)


def drawn(benchmark: Benchmark, name: str) -> Drawing:
    """The whole chart."""
    title = figures.headline(benchmark, name)
    left, right = _speeds(benchmark), [*_waits(benchmark), _memory(benchmark)]
    column = (_WIDTH - 2 * _EDGE - _GAP) / 2
    heights = []
    shapes: list[Box | Stroke | Words] = []
    for x, groups in ((_EDGE, left), (_EDGE + column + _GAP, right)):
        y = 74.0
        for head, bars in groups:
            shapes += _group(x, y, column, head, bars)
            y += _HEAD + _ROW * len(bars) + 12
        heights.append(y)
    caption = _caption(benchmark)
    height = round(max(heights)) + 20 + 18 * len(caption) + 12
    words: Shapes = (
        Words(_EDGE, 42, shortened(title, _WIDTH - 2 * _EDGE, 21), TEXT, 21, bold=True),
        Stroke(_EDGE, max(heights) + 2, _WIDTH - _EDGE, max(heights) + 2, TRACK),
        *(
            Words(_EDGE, max(heights) + 24 + 18 * n, shortened(line, _WIDTH - 2 * _EDGE, 12), MUTED, 12)
            for n, line in enumerate(caption)
        ),
    )
    everything: Shapes = (Box(0, 0, _WIDTH, height, GROUND), *shapes, *words)
    return Drawing(_WIDTH, height, f"Alcove: {title}", everything)


def _speeds(benchmark: Benchmark) -> list[tuple[str, list[_Bar]]]:
    rows = [(_(N_("after {count} tokens"), count=formats.number(row.depth)), row) for row in benchmark.depths]
    reading = [_Bar.of(label, r.prompt_per_s, _told(r.prompt_per_s, r.why)) for label, r in rows]
    writing = [_Bar.of(label, r.generation_per_s, _told(r.generation_per_s, r.why)) for label, r in rows]
    speed = N_("{what}, tokens/s")
    return [(_(speed, what=_(N_("Reading"))), reading), (_(speed, what=_(N_("Writing"))), writing)]


def _waits(benchmark: Benchmark) -> list[tuple[str, list[_Bar]]]:
    bars = []
    for row in benchmark.first_tokens:
        told = formats.brief(row.seconds.median + row.load_s) if row.seconds else figures.why(row.why)
        bars.append(_Bar.of(_(figures.MOMENTS[row.moment]), row.seconds, told, row.load_s))
    return [(_(N_("Waiting for the first word (pale: for loading)")), bars)]


def _memory(benchmark: Benchmark) -> tuple[str, list[_Bar]]:
    held, said = benchmark.memory.engine_bytes, benchmark.memory.estimate_bytes
    bars = [
        _Bar(_(N_("Memory used")), held, formats.size(held)),
        _Bar(_(N_("Memory estimated")), said, formats.size(said), before=said),
    ]
    return _(N_("Memory of the engine")), bars


def _told(figure: Spread | None, why: Why) -> str:
    if figure is None:
        return figures.why(why)
    return formats.number(figure.median, 1 if figure.median < 100 else 0)


def _group(x: float, y: float, width: float, head: str, bars: Sequence[_Bar]) -> Iterable[Box | Stroke | Words]:
    yield Words(x, y + 18, shortened(head, width, 14), TEXT, 14, bold=True)
    longest = max((max(bar.value, bar.high) for bar in bars), default=0) or 1
    track = width - _LABEL - _VALUE
    for number, bar in enumerate(bars):
        yield from _bar(x, y + _HEAD + _ROW * number, track, longest, bar)


def _bar(x: float, y: float, track: float, longest: float, bar: _Bar) -> Shapes:
    start, base = x + _LABEL, y + _BAR - 2
    label = Words(start - 10, base, shortened(bar.label, _LABEL - 10), TEXT, anchor=Anchor.END)
    if not bar.value:
        return (label, Words(start, base, shortened(bar.told, track + _VALUE, 12), MUTED, 12))
    shapes: Shapes = (
        label,
        Box(start, y, track, _BAR, TRACK, 3),
        Box(start, y, max(bar.value / longest * track, 2), _BAR, ACCENT, 3),
        *([Box(start, y, bar.before / longest * track, _BAR, PALE, 3)] if bar.before else []),
        Words(start + track + 8, base, shortened(bar.told, _VALUE - 8), TEXT),
    )
    if bar.high > bar.low:
        ends = [start + value / longest * track for value in (bar.low, bar.high)]
        shapes += (Stroke(ends[0], y + _BAR / 2, ends[1], y + _BAR / 2, TEXT, 1.5),)
    return shapes


def _caption(benchmark: Benchmark) -> list[str]:
    told = dict(figures.facts(benchmark))
    lines = [told[_(key)] for key in (N_("Computer"), N_("Versions"))]
    settings = textwrap.wrap(told[_(N_("Settings"))], _CAPTION, break_on_hyphens=False)
    return [*lines, *settings, *figures.warnings(benchmark)]
