"""`alcove fit`: what a model takes in memory with given settings, and whether this computer has it now.

The model may lie here or on the Hub, of which only the header is fetched. The figures are those of the window, and
the JSON has all that are printed but the speed and what would make room.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any

from desktop.assembly import Assembly
from desktop.cli import options, remote
from desktop.cli.terminal import chosen, shown, table, tell, tell_notices
from desktop.core.errors import N_, UserError
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings, load_settings
from desktop.core.remedies import Kind, Remedy
from desktop.core.settings import GPU_AUTOMATIC, Group, resolve
from desktop.engine.refusal import refuse_settings
from desktop.services.fit.fitting import Fit, Subject
from desktop.ui import formats
from desktop.ui.translation import _

VERDICTS: Mapping[Verdict, str] = {
    Verdict.FITS: N_("fits"),
    Verdict.TIGHT: N_("tight"),
    Verdict.PARTLY: N_("partly on the GPU"),
    Verdict.TOO_LARGE: N_("too large"),
}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("fit", help=_(N_("what a model takes in memory, and whether it is there")))
    parser.add_argument("model", help=_(N_("a file, a model of the library, or REPOSITORY:VARIANT on the Hub")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    options.add_settings(parser, Group.LOAD)
    parser.set_defaults(run=_fit)


async def _fit(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        name, subject = await _subject(alcove, parsed.model)
        if not parsed.json:
            await alcove.fitting.prepare()  # for the speed, which the JSON does not have
        settings = wanted(alcove, parsed, subject)
        fit = await alcove.fitting.exact(subject, settings)
        _tell_differences(settings, fit)
        if parsed.json:
            print(json.dumps({"model": name, **record(fit)}, ensure_ascii=False))
        else:
            _print(name, fit, alcove, subject)
    return 0


async def _subject(alcove: Assembly, text: str) -> tuple[str, Subject]:
    """What lies here comes first; a name that is neither here nor an address is told as one that is not here."""
    try:
        model = chosen(alcove, text)
    except UserError:
        target = None if _is_file(text) else remote.addressed(alcove, text)
        if target is None or not target.repo:
            raise
        listing = await remote.listed(alcove, target, known=True)
        variant = remote.variant_of(listing, target)
        return f"{listing.repository.id}:{variant.label}", Subject.remote(listing, variant)
    return shown(model), Subject.local(model)


def _is_file(text: str) -> bool:
    """Whether a file is meant, there or not: `folder/model.gguf` has the form of an id, too."""
    return os.path.exists(text) or (text.lower().endswith(".gguf") and text.count("/") == 1 and ":" not in text)


def wanted(alcove: Assembly, parsed: argparse.Namespace, subject: Subject | None = None) -> LoadSettings:
    """The settings in force, those that were typed above all. Raises `LoadError` where they do not go together."""
    typed = options.settings_of(parsed)
    if subject is not None and subject.model is not None:
        settings = load_settings(alcove.preferences.levels(subject.model.name, typed))
    else:
        settings = load_settings(resolve(typed, alcove.preferences.values()))
    refuse_settings(settings)
    return settings


def _tell_differences(wanted: LoadSettings, fit: Fit) -> None:
    """What was asked for and cannot be had, so that nobody reads the figures as those of another choice."""
    if wanted.context > fit.settings.context:
        tell(
            N_("The model was trained on {count} tokens of context and is judged with those."),
            count=formats.number(fit.trained_context),
        )
    if wanted.gpu_layers not in (0, GPU_AUTOMATIC) and not fit.estimate.gpu_layers:
        tell(N_("The engine finds no graphics card here: all layers stay with the processor."))


def record(fit: Fit) -> dict[str, Any]:
    """A fit as other programs read it."""
    estimate = fit.estimate
    return {
        "ctx": fit.settings.context,
        "kv_type": fit.settings.kv_type,
        "gpu_layers": estimate.gpu_layers,
        "weights_bytes": estimate.weights_bytes,
        "repack_bytes": estimate.repack_bytes,
        "kv_bytes": estimate.kv_bytes,
        "compute_bytes": estimate.compute_bytes,
        "output_bytes": estimate.output_bytes,
        "process_bytes": estimate.process_bytes,
        "keeping_bytes": estimate.keeping_bytes,
        "committed_bytes": estimate.committed_bytes,
        "file_backed_bytes": estimate.file_backed_bytes,
        "device_bytes": estimate.device_bytes,
        "total_bytes": estimate.total_bytes,
        "state_bytes": estimate.state_bytes,
        "available_bytes": fit.available_bytes,
        "verdict": fit.verdict.value,
        "max_ctx": fit.largest_context,
        "source": estimate.source.value,
    }


def _print(name: str, fit: Fit, alcove: Assembly, subject: Subject) -> None:
    context = formats.number(fit.settings.context)
    told = _(
        N_("{model} with {context} tokens of context, KV cache {kv}"),
        model=name,
        context=context,
        kv=fit.settings.kv_type,
    )
    print(told)
    print(table(_items(fit), right=(1,)))
    total, free = formats.size(fit.estimate.total_bytes), formats.size(fit.available_bytes)
    print(
        _(
            N_("{total} of {available} available: {verdict}"),
            total=total,
            available=free,
            verdict=verdict(fit),
        )
    )
    if fit.largest_context:
        print(_(N_("Largest context that fits: {count} tokens"), count=formats.number(fit.largest_context)))
    size = formats.size(fit.estimate.state_bytes)
    print(_(N_("A chat that fills the context takes {size} on disk, so that it is not read again."), size=size))
    if fit.speed is not None:
        print(speed(fit), f"({_(fit.speed.basis)})")
    if fit.refused and fit.fault is not None:
        tell(fit.fault.message, **fit.fault.fields)
    elif not fit.exact:
        tell(N_("This is computed, not asked of the engine; it can be off by some per cent."))
        if fit.fault is not None:
            tell(fit.fault.message, **fit.fault.fields)
    if outdated := alcove.fitting.outdated(subject):
        tell(outdated)
    if fit.remedies:
        print(_(N_("What would make room:")))
        print(table([("", change(one, fit.settings), _saving(one)) for one in fit.remedies]))
    loads = alcove.fitting.history(subject)
    if loads:
        off = max(abs(load.resident_bytes - load.estimate_bytes) for load in loads)
        print(_(N_("Last loads: within {size}"), size=formats.size(off)))


def _items(fit: Fit) -> list[tuple[str, str]]:
    estimate = fit.estimate
    weights = N_("Weights, mapped from the file") if estimate.mapped else N_("Weights, kept in memory")
    items = [
        (_(weights), estimate.weights_bytes),
        (_(N_("Weights, repacked for this processor")), estimate.repack_bytes),
        (_(N_("KV cache")), estimate.kv_bytes),
        (_(N_("Computing")), estimate.compute_bytes),
        (_(N_("Output")), estimate.output_bytes),
        (_(N_("Engine process")), estimate.process_bytes),
        (_(N_("Keeping what was read")), estimate.keeping_bytes),
        *((use.name, use.total_bytes) for use in estimate.devices),
    ]
    return [(text, formats.size(size)) for text, size in items if size]


def verdict(fit: Fit) -> str:
    """In a word or two."""
    return _(N_("not readable")) if fit.refused else _(VERDICTS[fit.verdict])


def speed(fit: Fit) -> str:
    """The forecast, roughly."""
    if fit.speed is None:
        return ""
    value = fit.speed.tokens_per_s
    return _(N_("about {speed} tokens/s"), speed=formats.number(value, 1 if value < 10 else 0))


def _saving(remedy: Remedy) -> str:
    return _(N_("saves {size}"), size=formats.size(remedy.saving_bytes))


def change(remedy: Remedy, now: LoadSettings) -> str:
    """Every change of a remedy, as it is typed: "--ctx 2048 --kv q8_0", or the variant that would do."""
    if remedy.kind is Kind.VARIANT:
        return _(N_("{variant} instead"), variant=remedy.variant)
    then = remedy.settings
    typed = [
        f"--ctx {then.context}" if then.context != now.context else "",
        f"--kv {then.kv_type}" if then.kv_type != now.kv_type else "",
        "--mmap off" if then.mmap != now.mmap else "",
        "--repack off" if then.repack != now.repack else "",
        f"--gpu-layers {then.gpu_layers}" if then.gpu_layers != now.gpu_layers else "",
        remedy.variant and _(N_("{variant} instead"), variant=remedy.variant),
    ]
    return " ".join(part for part in typed if part)
