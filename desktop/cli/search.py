"""`alcove search`: repositories with models, on the Hub or, without words, the catalogue that needs no network.

What comes from the disk because the Hub does not answer is told in one line beside the result. One model of the
catalogue is recommended, as in the window; variants are judged by `variants`.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from typing import Any

from desktop.assembly import Assembly
from desktop.cli import remote
from desktop.cli.terminal import table, tell, tell_notices
from desktop.core.errors import N_
from desktop.core.repos import Repository
from desktop.services.online.hub import Sort
from desktop.ui import formats
from desktop.ui.translation import _

_SORTS = {
    "downloads": Sort.DOWNLOADS,
    "likes": Sort.LIKES,
    "date": Sort.MODIFIED,
    "trending": Sort.TRENDING,
}
_MOST = 1000  # rows: beyond, nobody reads on, and the Hub counts calls


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("search", help=_(N_("find models on the Hub")))
    parser.add_argument("words", nargs="*", help=_(N_("words of the name, or an address; none shows the catalogue")))
    parser.add_argument("--author", default="", help=_(N_("only what this author made, such as TheBloke")))
    parser.add_argument("--sort", choices=_SORTS, default="downloads", help=_(N_("what comes first")))
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help=_(N_("so many rows at most")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    parser.set_defaults(run=_search)


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(_(N_("a number from 1 to {most}"), most=_MOST))
    return number


async def _search(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        rows = await _found(alcove, parsed)
        advised = alcove.advising.model()
        best = {advised.listing.repository.id: advised.variant.label} if advised else {}
        if parsed.json:
            print(json.dumps([_record(row, best.get(row.id, "")) for row in rows], ensure_ascii=False))
        elif rows:
            print(table([_columns(row, best.get(row.id, "")) for row in rows], right=(1, 3, 4)))
        else:
            tell(N_("Nothing was found."))
    return 0


async def _found(alcove: Assembly, parsed: argparse.Namespace) -> tuple[Repository, ...]:
    words = " ".join(parsed.words)
    if not words and not parsed.author:
        tell(N_("These figures are from the catalogue. Give words to search the Hub."))
        return tuple(listing.repository for listing in alcove.hub.starting_points())[: parsed.limit]
    target = remote.addressed(alcove, words)
    if target is not None and target.repo:
        return ((await remote.listed(alcove, target)).repository,)
    search = alcove.hub.search(words, parsed.author, _SORTS[parsed.sort])
    rows = await search.more(parsed.limit)
    if search.problem is not None:
        tell(search.problem.message, **search.problem.fields)
        tell(N_("These results were found on {moment}."), moment=formats.moment(time.time() - search.age))
    return rows


def _record(row: Repository, best: str) -> dict[str, Any]:
    """`best`: the variant to take, of the one model to begin with."""
    return {
        "id": row.id,
        "author": row.author,
        "name": row.name,
        "downloads": row.downloads,
        "likes": row.likes,
        "modified": datetime.fromtimestamp(row.modified, UTC).isoformat() if row.modified else None,
        "licence": row.licence,
        "gated": row.gated,
        "parameters": row.parameters,
        "architecture": row.architecture,
        "context_length": row.context_length,
        "catalogue": row.catalogue,
        "recommended": best,
    }


def _columns(row: Repository, best: str) -> tuple[str, ...]:
    downloads = _(N_("{count} downloads"), count=formats.number(row.downloads)) if row.downloads else ""
    likes = _(N_("{count} likes"), count=formats.number(row.likes)) if row.likes else ""
    parameters = f"{formats.number(row.parameters / 1e9, 1)} B" if row.parameters else ""
    gated = _(N_("gated")) if row.gated else ""
    day = formats.month(row.modified) if row.modified else ""
    advice = _(N_("recommended: {variant}"), variant=best) if best else ""
    return (row.id, parameters, row.architecture, downloads, likes, day, row.licence, gated, advice)
