"""`alcove tune`: finds the settings with which a model is fastest here; kept for the model only with `--apply`.

What is tried and what counts as better is `core.tuning`'s, the measuring `services.fit.tuning`'s.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from desktop.assembly import Assembly
from desktop.cli.terminal import Line, chosen, shown, table, tell, tell_notices
from desktop.core.errors import N_
from desktop.core.generation import LoadSettings
from desktop.core.settings import BY_KEY, Kind, Value
from desktop.core.tuning import KEYS, Outcome, Step, Trial, gained
from desktop.services.fit.tuning import BUDGET_S, Attempt
from desktop.ui import formats
from desktop.ui.translation import _

_SHOWN = (*KEYS, "kv_type")
_LONGEST_S = 24 * 3600


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("tune", help=_(N_("find a model's best settings for this machine")))
    parser.add_argument("model", nargs="?", default="", help=_(N_("a file, or a model's name; the guide if left out")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    parser.add_argument(
        "--limit",
        type=_seconds,
        default=BUDGET_S,
        metavar="SECONDS",
        help=_(N_("how long measuring may take, loading aside")),
    )
    then = parser.add_mutually_exclusive_group()
    then.add_argument("--apply", action="store_true", help=_(N_("keep for the model what beats the defaults")))
    then.add_argument("--reset", action="store_true", help=_(N_("measure nothing; go back to the defaults")))
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _LONGEST_S:
        raise argparse.ArgumentTypeError(_(N_("a whole number of seconds is needed")))
    return float(text)


async def run(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model, tuning = chosen(alcove, parsed.model), alcove.tuning()
        if parsed.reset or parsed.apply:
            tuning.refuse_guide(model)  # before a minute is spent
        if parsed.reset:
            await tuning.undo(model)
            if parsed.json:
                print(json.dumps({"model": model.name, "changes": {}}, ensure_ascii=False))
            else:
                print(_(N_("{model} has its defaults again."), model=shown(model)))
            return 0
        line = Line()
        try:
            outcome = await tuning.find(model, lambda attempt: line.show(_progress(attempt)), parsed.limit)
        finally:
            line.clear()
        applied = parsed.apply and not outcome.unclear
        if applied:
            await tuning.use(model, outcome)
    if parsed.json:
        print(json.dumps({"model": model.name, **record(outcome), "applied": applied}, ensure_ascii=False))
    else:
        _print(shown(model), outcome)
        if outcome.changes and not model.built_in:
            again = f'alcove tune "{parsed.model}" --apply'
            kept = _(N_("Kept for this model."))
            print(kept if applied else _(N_("To measure again and keep: {command}"), command=again))
    return 0


def _progress(attempt: Attempt) -> str:
    left = formats.duration(round(attempt.left_s))
    what = typed(_values(attempt.step)) or _(N_("Defaults"))
    return _(N_("Measuring: {settings}. About {time} left."), settings=what, time=left)


def _values(step: Step) -> dict[str, Value]:
    return {key: getattr(step.settings, key) for key in step.tried}


def record(outcome: Outcome) -> dict[str, Any]:
    """A search as other programs read it."""
    best, default = outcome.best, outcome.default
    return {
        "default": _trial(default),
        "best": _trial(best),
        "changes": dict(outcome.changes),
        "read_gain": round(gained(best.read_per_s, default.read_per_s), 4),
        "write_gain": round(gained(best.write_per_s, default.write_per_s), 4),
        "told": [_trial(trial) for trial in outcome.told],
        "trials": [_trial(trial) for trial in outcome.trials],
        "complete": outcome.complete,
        "unclear": outcome.unclear,
        "busy": outcome.busy,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "settings": {key: getattr(trial.settings, key) for key in _SHOWN},
        "read_per_s": trial.read_per_s,
        "write_per_s": trial.write_per_s,
        "read_noise": round(trial.read_noise, 4),
        "write_noise": round(trial.write_noise, 4),
        "committed_bytes": trial.committed_bytes,
    }


def typed(values: Mapping[str, Value]) -> str:
    """Settings as they are typed: `--threads 6 --repack off`."""
    told = {
        key: ("on" if value else "off") if BY_KEY[key].kind is Kind.SWITCH else value for key, value in values.items()
    }
    return " ".join(f"--{key.replace('_', '-')} {value}" for key, value in told.items())


def _others(settings: LoadSettings, default: LoadSettings) -> dict[str, Value]:
    return {key: getattr(settings, key) for key in _SHOWN if getattr(settings, key) != getattr(default, key)}


def _print(name: str, outcome: Outcome) -> None:
    latest = {trial.settings: trial for trial in (*outcome.trials, outcome.default, outcome.best)}
    head = ("", _(N_("Reading")), _(N_("Writing")), _(N_("Memory")))
    rows = [_row(trial, outcome.default.settings) for trial in latest.values()]
    print(table([head, *rows], right=(1, 2, 3)))
    print()
    for trial in outcome.told:
        kind = typed(_others(trial.settings, outcome.best.settings))
        print(_(N_("{setting} is only for comparison: it changes what the model answers."), setting=kind))
    if not outcome.complete:
        tell(N_("There was no time to try everything."))
    if outcome.disturbed:
        taken = formats.number(outcome.busy * 100)
        tell(N_("Other programs took {busy} % of the processor. Measure again when they rest."), busy=taken)
    if outcome.unclear:
        if outcome.complete and not outcome.disturbed:
            tell(N_("The measurements are too uneven. Measure again when the computer has nothing else to do."))
        print(_(N_("{model}: which settings are fastest cannot be judged now."), model=name))
        return
    if not outcome.changes:
        print(_(N_("{model}: nothing was faster than the defaults by more than the noise."), model=name))
        return
    best, default = outcome.best, outcome.default
    print(
        _(
            N_("{model} is fastest with {settings}: reading {reading}, writing {writing}."),
            model=name,
            settings=typed(outcome.changes),
            reading=formats.gain(gained(best.read_per_s, default.read_per_s)),
            writing=formats.gain(gained(best.write_per_s, default.write_per_s)),
        )
    )


def _row(trial: Trial, default: LoadSettings) -> tuple[str, ...]:
    speeds = (trial.read_per_s, trial.write_per_s)
    told = (_(N_("{speed} tokens/s"), speed=formats.number(speed, 1)) if speed else "–" for speed in speeds)
    return typed(_others(trial.settings, default)) or _(N_("Defaults")), *told, formats.size(trial.committed_bytes)
