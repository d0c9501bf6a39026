"""The figures of a benchmark for people: tables for a terminal, and Markdown to paste into a report.

Invariant: both say the same, and a figure that is missing says why. JSON is `bench`'s, the chart `picture`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from desktop.cli.terminal import table
from desktop.core.benchmark import Benchmark, Depth, FirstToken, Moment, Spread, Why
from desktop.core.errors import N_
from desktop.core.settings import BY_KEY, Kind
from desktop.ui import formats
from desktop.ui.translation import _

MOMENTS: Mapping[Moment, str] = {
    Moment.COLD: N_("Just loaded"),
    Moment.NEW: N_("A chat not read yet"),
    Moment.WARM: N_("The tenth reply"),
    Moment.TYPED: N_("A long question"),
    Moment.AHEAD: N_("The same, read ahead"),
    Moment.REOPENED: N_("A chat reopened"),
}
WHYS: Mapping[Why, str] = {
    Why.CONTEXT: N_("does not fit the context"),
    Why.TIME: N_("would have taken too long"),
    Why.ENDED: N_("the model ended its answers at once"),
    Why.DIED: N_("the engine ended"),
    Why.READ_AGAIN: N_("earlier text had to be read again"),
}
_NONE = "–"


@dataclass(frozen=True, slots=True)
class Section:
    """A table: the first row is its head; `right` are columns of figures."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...]


def text(benchmark: Benchmark, name: str) -> str:
    """For a terminal."""
    parts = [headline(benchmark, name)]
    parts += [f"{section.title}\n{table(section.rows, section.right)}" for section in sections(benchmark)]
    parts.append(table(facts(benchmark)))
    return "\n\n".join([*parts, *warnings(benchmark)])


def markdown(benchmark: Benchmark, name: str) -> str:
    """For a report."""
    parts = [f"## {_plain(headline(benchmark, name))}"]
    for section in sections(benchmark):
        head, *rows = section.rows
        rule = ["---:" if column in section.right else "---" for column in range(len(head))]
        parts.append(f"### {section.title}\n\n{_lines([head, rule, *rows])}")
    parts.append("\n".join(f"- {_plain(what)}: {_plain(value)}" for what, value in facts(benchmark)))
    return "\n\n".join([*parts, *(f"> {warning}" for warning in warnings(benchmark))])


def _lines(rows: list[tuple[str, ...] | list[str]]) -> str:
    return "\n".join(f"| {' | '.join(map(_plain, row))} |" for row in rows)


def _plain(cell: str) -> str:
    """What Markdown would take for its own signs: a model's file may be called anything."""
    for sign in "\\|*_`<[":
        cell = cell.replace(sign, f"\\{sign}")
    return " ".join(cell.split())


def headline(benchmark: Benchmark, name: str) -> str:
    """The model, in a line."""
    model = benchmark.model
    told = [name, model.quantisation, formats.size(model.size_bytes), benchmark.device]
    return ", ".join(part for part in told if part)


def sections(benchmark: Benchmark) -> list[Section]:
    """The tables: speeds by depth, waits for the first word, drafts."""
    return [_depths(benchmark), _waits(benchmark), _drafts(benchmark)]


def _depths(benchmark: Benchmark) -> Section:
    speed = N_("{what}, tokens/s")
    head = (
        *(_(N_("Tokens before")), _(N_("Tokens read"))),
        *(_(speed, what=_(N_("Reading"))), _(speed, what=_(N_("Writing"))), _(N_("First word")), ""),
    )
    return Section(_(N_("Speed by depth")), (head, *map(_depth, benchmark.depths)), (0, 1, 2, 3, 4))


def _depth(row: Depth) -> tuple[str, ...]:
    return (
        formats.number(row.depth),
        formats.number(row.prompt_tokens) if row.prompt_tokens else _NONE,
        spread(row.prompt_per_s),
        spread(row.generation_per_s),
        wait(row.first_token_s),
        why(row.why),
    )


def _waits(benchmark: Benchmark) -> Section:
    head = ("", _(N_("First word")), _(N_("Loading")), _(N_("Tokens read")), _(N_("From cache")), "")
    return Section(_(N_("Waiting for the first word")), (head, *map(_wait, benchmark.first_tokens)), (1, 2, 3, 4))


def _wait(row: FirstToken) -> tuple[str, ...]:
    seen = row.seconds is not None
    return (
        _(MOMENTS[row.moment]),
        wait(row.seconds),
        formats.brief(row.load_s) if row.load_s else "",
        formats.number(row.prompt_tokens - row.cached_tokens) if seen else "",
        formats.number(row.cached_tokens) if seen else "",
        why(row.why),
    )


def _drafts(benchmark: Benchmark) -> Section:
    title, found = _(N_("Looking up repeated words")), benchmark.lookup
    head = (_(N_("Writing what repeats")), _(N_("{what}, tokens/s"), what=_(N_("Writing"))), "")
    without = spread(found.without_per_s)
    if found.generation_per_s and found.without_per_s and not found.drafted:  # two figures of the same thing
        return Section(title, (head, (_(N_("Without drafts")), without, _(N_("no drafts were tried")))), (1,))
    taken = _(
        N_("{accepted} of {drafted} drafted tokens taken"),
        accepted=formats.number(found.accepted),
        drafted=formats.number(found.drafted),
    )
    rows = (
        (_(N_("Without drafts")), without, "" if found.without_per_s else why(found.why)),
        (_(N_("With drafts")), spread(found.generation_per_s), taken if found.generation_per_s else why(found.why)),
    )
    return Section(title, (head, *rows), (1,))


def facts(benchmark: Benchmark) -> list[tuple[str, str]]:
    """Loading, memory, and all that someone else needs to compare."""
    here, memory = benchmark.computer, benchmark.memory
    cores = _(
        N_("{name}: {physical} cores, {logical} threads"),
        name=here.cpu,
        physical=here.physical_cores,
        logical=here.logical_cores,
    )
    return [
        (_(N_("Loading")), formats.brief(benchmark.load_s)),
        (_(N_("Memory of the engine")), memory_told(benchmark) if memory.engine_bytes else _NONE),
        (_(N_("Context")), formats.number(benchmark.context)),
        (_(N_("Settings")), typed(benchmark)),
        (_(N_("Computer")), f"{cores}, {formats.size(here.memory_bytes)}, {here.system}"),
        (_(N_("Versions")), ", ".join(f"{name} {version}" for name, version in benchmark.versions if version)),
        (_(N_("Measured in")), formats.duration(benchmark.took_s)),
    ]


def memory_told(benchmark: Benchmark) -> str:
    """The memory held, beside what was foretold."""
    held, said = benchmark.memory.engine_bytes, benchmark.memory.estimate_bytes
    return _(
        N_("{held}, estimated {said} ({off} %)"),
        held=formats.size(held),
        said=formats.size(said),
        off=f"{'+' if held >= said else '−'}{formats.number(abs(held / said - 1) * 100, 1)}" if said else _NONE,
    )


def typed(benchmark: Benchmark) -> str:
    """The settings as they are typed."""
    values = {key: value for key, value in asdict(benchmark.settings).items() if key in BY_KEY}
    told = {k: ("on" if v else "off") if BY_KEY[k].kind is Kind.SWITCH else v for k, v in values.items()}
    return " ".join(f"--{key.replace('_', '-')}={value}" for key, value in told.items())


def warnings(benchmark: Benchmark) -> list[str]:
    """What makes the figures less than they could be."""
    told = []
    if benchmark.computer.disturbed:
        busy = formats.number(benchmark.computer.busy * 100)
        told.append(_(N_("Other programs took {busy} % of the processor: it is faster without them."), busy=busy))
    if benchmark.computer.on_battery:
        told.append(_(N_("The computer ran on its battery: it may be faster plugged in.")))
    return told


def spread(figure: Spread | None) -> str:
    """A speed, and how far its runs lay apart."""
    if figure is None:
        return _NONE
    return formats.number(figure.median, 1 if figure.median < 100 else 0) + _apart(figure)


def wait(figure: Spread | None) -> str:
    """A time, and how far its runs lay apart."""
    return _NONE if figure is None else formats.brief(figure.median) + _apart(figure)


def _apart(figure: Spread) -> str:
    if figure.runs < 2:
        return ""
    return f" ±{formats.percent((figure.high - figure.low) / 2 / figure.median)}"


def why(reason: Why) -> str:
    return _(WHYS[reason]) if reason else ""
