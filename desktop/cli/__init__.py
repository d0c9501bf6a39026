"""The command line: what can be typed after `alcove`, and what its exit status means.

0 success; 1 a `UserError`, one line on standard error; 2 bad usage; 128 and the signal's number where one ended it:
129 hung up, 130 interrupted, 143 terminated. Without a verb the window opens, with the model files that are named.
Each verb is a module beside this one; none of them opens a window. Nothing is computed here.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from desktop import __version__
from desktop.cli import baseline
from desktop.core.errors import N_, UserError

if TYPE_CHECKING:
    import argparse

ENDING = ("SIGTERM", "SIGHUP")  # `kill` and `timeout`; a terminal that closes, which Windows does not tell
HIDDEN = {  # of a frozen executable, and `quit` of its installer
    "engine-host": "desktop.engine.host",
    "engine-probe": "desktop.engine.survey",
    "engine-measure": "desktop.engine.gauge",
    "bandwidth": "desktop.services.fit.bandwidth",
    "quit": "desktop.cli.quit",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if baseline.refused():
        return 1
    if given[:1] == ["--self-test"]:
        given[0] = "self-test"
    if given and given[0] in HIDDEN:
        return _hidden(HIDDEN[given[0]])
    if all(argument.lower().endswith(".gguf") for argument in given):  # none, or files to open
        from desktop import launch  # paints before it imports the rest; nothing of a verb may come before that

        return launch.main(given)
    return _verb(given)


def _hidden(module: str) -> int:
    """What is not caught ends it as usual; but a windowed program on Windows would show it and wait for a click."""
    try:
        status: int = importlib.import_module(module).main()
    except Exception:  # noqa: BLE001 - the end of a process: printed whole, as Python itself would
        import traceback

        traceback.print_exc()
        return 1
    return status


def _verb(given: Sequence[str]) -> int:
    import asyncio

    from desktop.services.paths import resources
    from desktop.ui.translation import _, use

    _speak_utf8()
    logging.getLogger("desktop").addHandler(logging.NullHandler())  # a verb says itself what went wrong, once
    use("system", resources() / "locale")
    parsed = _parser().parse_args(given)
    try:
        with _ended_in_order():
            status: int = asyncio.run(parsed.run(parsed))
        if sys.stdout is not None:  # a program of windows has none on Windows
            sys.stdout.flush()
        return status
    except UserError as error:
        print(_(error.message, **error.fields), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains while it exits
        return 1


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """A signal to end unwinds as Ctrl+C does: the engine is ended, and what was said does not stay on the disk."""

    def end(number: int, _frame: object) -> None:
        for ending in before:
            signal.signal(ending, signal.SIG_IGN)  # a second one would break off the tidying
        raise SystemExit(128 + number)

    known = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = [number for number in known if signal.getsignal(number) is signal.SIG_DFL]  # nohup ignores: so do we
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_DFL)


def _speak_utf8() -> None:
    """Whatever the locale or a Windows code page says; no stray byte or file name of another encoding ends a verb."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _parser() -> argparse.ArgumentParser:
    from desktop.cli import bench, chat, doctor, download, fit, models, search, selftest, tune, variants
    from desktop.cli.terminal import Parser
    from desktop.ui.translation import _

    version = f"Alcove {__version__}"
    parser = Parser(prog="alcove", description=_(N_("Talk to language models on this computer.")))
    parser.add_argument("--version", action="version", version=version, help=_(N_("show the version and end")))
    verbs = parser.add_subparsers(title=_(N_("commands")), metavar="", required=True)
    for verb in (chat, models, search, variants, fit, download, tune, bench, doctor, selftest):
        verb.add_to(verbs)
    return parser
