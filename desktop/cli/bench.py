"""`alcove bench`: how fast a model loads, reads and writes here, and how long the first word takes, as chats have it.

The measuring is `services.fit.benching`'s; this is its options, the JSON for programs, and where the result goes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from desktop.assembly import Assembly
from desktop.cli import figures, options
from desktop.cli.fit import wanted
from desktop.cli.picture import drawn
from desktop.cli.terminal import Line, chosen, shown, tell_notices
from desktop.core.benchmark import QUICK, Benchmark, Depth, FirstToken, Plan, Spread
from desktop.core.errors import N_
from desktop.core.settings import BY_KEY, Group
from desktop.services.disk import refused, write_whole
from desktop.services.fit.benching import Benching, states_folder
from desktop.services.fit.fitting import Subject
from desktop.ui import drawing, formats
from desktop.ui.translation import _

_MOST_DEPTHS = 32
_LONGEST_S = 24 * 3600.0
_PICTURES: dict[str, Callable[[drawing.Drawing], bytes]] = {
    ".svg": lambda shapes: drawing.svg(shapes).encode(),
    ".png": drawing.png,
}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("bench", help=_(N_("how fast a model is on this machine")))
    parser.add_argument("model", nargs="?", default="", help=_(N_("a file, or a model's name; the guide if left out")))
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    how.add_argument("--markdown", action="store_true", help=_(N_("print Markdown, to paste into a report")))
    parser.add_argument(
        "--picture", type=_picture, metavar="FILE", help=_(N_("draw a chart, too; FILE ends in .svg or .png"))
    )
    parser.add_argument("--quick", action="store_true", help=_(N_("measure once and less, within half a minute")))
    parser.add_argument(
        "--depths", type=_depths, metavar="N,N,…", help=_(N_("behind how many tokens speeds are measured: 0,512,4096"))
    )
    parser.add_argument(
        "--limit", type=_seconds, metavar="SECONDS", help=_(N_("how long measuring may take, loading aside"))
    )
    options.add_settings(parser, Group.LOAD)
    parser.set_defaults(run=run)


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _PICTURES:
        raise argparse.ArgumentTypeError(_(N_("a picture's name ends in .svg or .png")))
    return path


def _depths(text: str) -> tuple[int, ...]:
    most = int(BY_KEY["context"].high)
    found = tuple(int(part) for part in text.split(",") if part.strip().isascii() and part.strip().isdecimal())
    if len(found) != text.count(",") + 1 or len(found) > _MOST_DEPTHS or max(found) > most:
        raise argparse.ArgumentTypeError(_(N_("depths are numbers of tokens with commas between: 0,512,4096")))
    return found


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _LONGEST_S:
        raise argparse.ArgumentTypeError(_(N_("a whole number of seconds is needed")))
    return float(text)


async def run(parsed: argparse.Namespace) -> int:
    if parsed.picture:
        _refuse_place(parsed.picture)  # before minutes are spent
    line = Line()
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = chosen(alcove, parsed.model)
        settings = await alcove.fitting.suited(model, wanted(alcove, parsed, Subject.local(model)))
        try:
            with states_folder(alcove.paths.cache) as states:
                bench = Benching(model, settings, _plan(parsed), states, lambda *step: line.show(_step(*step)))
                benchmark = await bench.run(alcove.fitting, alcove.machine)
        finally:
            line.clear()
        name = shown(model) if model.id or model.built_in else model.path.name  # a report tells no folders
    if parsed.json:
        print(json.dumps(record(benchmark), ensure_ascii=False))
    else:
        print((figures.markdown if parsed.markdown else figures.text)(benchmark, name))
    if parsed.picture:
        write_whole(parsed.picture, _PICTURES[parsed.picture.suffix.lower()](drawn(benchmark, name)))
    return 0


def _step(what: str, count: int) -> str:
    """What is measured now."""
    return _(what, count=formats.number(count)) + "…"


def _refuse_place(path: Path) -> None:
    """Raises `StorageError` where no picture can be put."""
    if path.is_dir():
        raise refused(IsADirectoryError(21, ""), path)
    if not path.absolute().parent.is_dir():
        raise refused(FileNotFoundError(2, ""), path.parent)


def _plan(parsed: argparse.Namespace) -> Plan:
    plan = QUICK if parsed.quick else Plan()
    if parsed.depths:
        plan = replace(plan, depths=parsed.depths, chosen=True)
    return replace(plan, limit_s=parsed.limit) if parsed.limit else plan


def record(benchmark: Benchmark) -> dict[str, Any]:
    """A benchmark as other programs read it. The figures on top are those of the least depth."""
    first = benchmark.depths[0] if benchmark.depths else Depth(0)
    here = benchmark.computer
    return {
        "model": benchmark.model.name,
        "device": benchmark.device,
        "threads": benchmark.settings.threads,
        "context": benchmark.context,
        "load_s": benchmark.load_s,
        "prompt_tokens": first.prompt_tokens,
        "prompt_per_s": _median(first.prompt_per_s),
        "first_token_s": _median(first.first_token_s),
        "generation_per_s": _median(first.generation_per_s),
        "engine_bytes": benchmark.memory.engine_bytes,
        "depths": [asdict(row) for row in benchmark.depths],
        "first_tokens": [_first_token(row) for row in benchmark.first_tokens],
        "lookup": asdict(benchmark.lookup),
        "memory": asdict(benchmark.memory),
        "file": {key: value for key, value in asdict(benchmark.model).items() if key != "name"},
        "settings": asdict(benchmark.settings),
        "computer": {**asdict(here), "disturbed": here.disturbed},
        "versions": dict(benchmark.versions),
        "took_s": benchmark.took_s,
    }


def _median(figure: Spread | None) -> float:
    return figure.median if figure else 0.0


def _first_token(row: FirstToken) -> dict[str, Any]:
    return {**asdict(row), "read_tokens": row.prompt_tokens - row.cached_tokens}
