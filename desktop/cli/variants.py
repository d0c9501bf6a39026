"""`alcove variants`: what a repository of the Hub holds, and which of it fits this computer.

One header is fetched, that of the recommended variant: it makes the figures of all rows those of the model's own shape.
With `--exact` the engine is asked about each row, as `fit` asks it about one.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from desktop.assembly import Assembly
from desktop.cli import options, remote
from desktop.cli.fit import record, speed, verdict, wanted
from desktop.cli.terminal import table, tell, tell_notices
from desktop.core.errors import N_, UserError
from desktop.core.generation import LoadSettings
from desktop.core.repos import Listing, Variant
from desktop.core.settings import Group
from desktop.services.fit.fitting import Fit, Subject
from desktop.ui import formats
from desktop.ui.translation import _


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("variants", help=_(N_("what a repository holds, and what of it fits this computer")))
    parser.add_argument("repository", help=_(N_("its id, as in TheBloke/zephyr-7B-beta-GGUF, or its address")))
    parser.add_argument("--exact", action="store_true", help=_(N_("ask the engine about every variant; takes longer")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    options.add_settings(parser, Group.LOAD)
    parser.set_defaults(run=_variants)


async def _variants(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        target = remote.addressed(alcove, parsed.repository)
        if target is None or not target.repo:
            raise remote.no_address(parsed.repository)
        listing = await remote.listed(alcove, target, known=True)
        await alcove.fitting.prepare()
        fits = await _fits(alcove, listing, wanted(alcove, parsed), parsed.exact)
        best, reason = alcove.fitting.recommended(listing, fits)
        if parsed.json:
            print(json.dumps(_record(listing, fits, best, alcove), ensure_ascii=False))
        else:
            _print(listing, fits, best)
            tell(N_("{variant} is recommended: {reason}"), variant=best.label, reason=_(reason))
            if outdated := alcove.fitting.outdated(Subject.remote(listing, best)):
                tell(outdated)
    return 0


async def _fits(alcove: Assembly, listing: Listing, settings: LoadSettings, every: bool) -> dict[str, Fit]:
    """The fit of every variant by its label; a header that cannot be had is told, once, and done without."""
    subjects = {v.label: Subject.remote(listing, v) for v in listing.variants}
    best, _reason = alcove.fitting.recommended(
        listing, {label: alcove.fitting.quick(subject, settings) for label, subject in subjects.items()}
    )
    try:
        for variant in (best, *(listing.variants if every else ())):
            await alcove.fitting.exact(subjects[variant.label], settings)
        await alcove.fitting.survey(listing)
    except UserError as error:
        tell(error.message, **error.fields)
    return {label: alcove.fitting.quick(subject, settings) for label, subject in subjects.items()}


def _record(listing: Listing, fits: dict[str, Fit], best: Variant, alcove: Assembly) -> dict[str, Any]:
    row = listing.repository
    return {
        "repo": row.id,
        "commit": listing.commit,
        "licence": row.licence,
        "gated": row.gated,
        "parameters": row.parameters,
        "architecture": row.architecture,
        "modified": datetime.fromtimestamp(row.modified, UTC).isoformat() if row.modified else None,
        "outdated": bool(alcove.fitting.outdated(Subject.remote(listing, best))),
        "recommended": best.label,
        "variants": [_variant(variant, fits[variant.label]) for variant in listing.variants],
    }


def _variant(variant: Variant, fit: Fit) -> dict[str, Any]:
    kind = variant.quantisation
    return {
        "label": variant.label,
        "quantisation": kind.name if kind else "",
        "bits_per_weight": kind.bits if kind else None,
        "size_bytes": variant.size,
        "files": [{"path": f.path, "size_bytes": f.size, "sha256": f.sha256} for f in variant.files],
        **record(fit),
        "readable": not fit.refused,
        "tokens_per_s": round(fit.speed.tokens_per_s, 2) if fit.speed else None,
    }


def _print(listing: Listing, fits: dict[str, Fit], best: Variant) -> None:
    heads = (N_("Variant"), N_("Bits"), N_("Size"), N_("Memory"), N_("Verdict"), N_("Speed"), N_("Quality"))
    rows = [(*map(_, heads), "")]
    for variant in listing.variants:
        kind, fit = variant.quantisation, fits[variant.label]
        rows.append(
            (
                variant.label,
                formats.number(kind.bits, 1) if kind else "",
                formats.size(variant.size),
                formats.size(fit.estimate.total_bytes),
                verdict(fit),
                speed(fit),
                _(kind.quality) if kind else "",
                _(N_("recommended")) if variant == best else "",
            )
        )
    print(table(rows, right=(1, 2, 3)))
