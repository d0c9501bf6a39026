"""`alcove download`: a variant of the Hub into the library, whole and verified, whatever happens on the way.

Invariant: what has arrived is never lost. Ctrl+C pauses, and the same command goes on. Progress is shown on standard
error where that is a terminal; elsewhere only what holds it up is told, once each time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from desktop.assembly import Assembly
from desktop.cli import remote
from desktop.cli.models import record
from desktop.cli.terminal import Line, tell, tell_notices
from desktop.core.errors import N_, Sealed
from desktop.core.transfer import Download, State
from desktop.services.models.library import Model
from desktop.ui import formats
from desktop.ui.translation import _


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("download", help=_(N_("get a model from the Hub into the library")))
    parser.add_argument("model", help=_(N_("REPOSITORY:VARIANT, or the address of a GGUF file")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    parser.set_defaults(run=_run)


async def _run(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = await _arrived(alcove, await _queued(alcove, parsed.model))
        if parsed.json:
            print(json.dumps(record(model), ensure_ascii=False))
        else:
            print(_(N_("“{model}” is in the library."), model=model.name))
    return 0


async def _queued(alcove: Assembly, text: str) -> Download:
    target = remote.addressed(alcove, text)
    if target is None:
        raise remote.no_address(text)
    if target.url:
        tell(N_("Nobody has published a checksum of this file: only its length and its header can be checked."))
        return await alcove.downloads.add_url(target.url)
    listing = await remote.listed(alcove, target)
    return await alcove.downloads.add(listing.repository.id, listing.commit, remote.variant_of(listing, target))


async def _arrived(alcove: Assembly, row: Download) -> Model:
    """The model, once it is here. Raises what ended the download; an interruption pauses it."""
    progress = _Progress(alcove, row.id)
    stop = alcove.downloads.listen(progress.show)
    try:
        row = await _settled(alcove, row, progress)
    except asyncio.CancelledError:
        row = next((one for one in alcove.downloads.all() if one.id == row.id), row)
        alcove.downloads.pause(row.id)
        progress.clear()
        tell(N_("Paused; {received} are kept. The same command goes on."), received=formats.size(row.received))
        raise
    finally:
        stop()
        progress.clear()
    return next(model for model in alcove.library.all() if model.id == row.model)


async def _settled(alcove: Assembly, row: Download, progress: _Progress) -> Download:
    """Waits for the end, or for the offline switch, which no waiting would end."""
    arrival = asyncio.ensure_future(alcove.downloads.wait(row.id))
    sealed = asyncio.ensure_future(progress.sealed.wait())
    try:
        await asyncio.wait((arrival, sealed), return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result()
        alcove.downloads.pause(row.id)
        raise progress.problem
    finally:
        arrival.cancel()
        sealed.cancel()


class _Progress:
    """One line that is written over, or a line for each thing that holds the download up."""

    def __init__(self, alcove: Assembly, id_: str) -> None:
        self._alcove, self._id = alcove, id_
        self._bar = Line()
        self._told = ""
        self.sealed = asyncio.Event()
        self.problem = Sealed("")

    def show(self) -> None:
        row = next((one for one in self._alcove.downloads.all() if one.id == self._id), None)
        if row is None:
            return
        if isinstance(row.problem, Sealed):  # it ends the command, which says so
            self.problem = row.problem
            self.sealed.set()
            return
        problem = _(row.problem.message, **row.problem.fields) if row.problem and row.state is State.WAITING else ""
        if problem and problem != self._told:
            self._bar.clear()
            print(problem, file=sys.stderr, flush=True)
        self._told = problem
        self._bar.show(_line(row))

    def clear(self) -> None:
        self._bar.clear()


def _line(row: Download) -> str:
    """Where it stands: "42 %  1.8 GB of 4.4 GB  31 MB/s  1 min 22 s left"."""
    if row.state is State.VERIFYING:
        return _(N_("Checking that every byte is right"))
    if row.state is State.WAITING and row.retry_in:
        return _(N_("Next attempt in {time}"), time=formats.duration(row.retry_in))
    parts = [
        formats.percent(100 * row.received // row.size / 100) if row.size else "",
        _(N_("{received} of {size}"), received=formats.size(row.received), size=formats.size(row.size)),
        _(N_("{size}/s"), size=formats.size(round(row.speed))) if row.speed else "",
        _(N_("{time} left"), time=formats.duration(row.seconds_left)) if row.seconds_left is not None else "",
    ]
    return "  ".join(part for part in parts if part)
