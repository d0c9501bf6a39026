"""The command line: what can be typed after `alcove`, and what its exit status means.

0 success; 1 a `UserError`, one line on standard error; 2 bad usage; 130 interrupted. Without a verb the window opens.
Each verb is a module beside this one; none of them opens a window. Nothing is computed here.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop import __version__
from desktop.core.errors import N_, UserError

if TYPE_CHECKING:
    import argparse

HIDDEN = {"engine-host": "desktop.engine.host", "engine-probe": "desktop.engine.probe"}  # of a frozen executable


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in HIDDEN:
        status: int = importlib.import_module(HIDDEN[given[0]]).main()
        return status
    if not given:
        from desktop import launch  # paints before it imports the rest; nothing of a verb may come before that

        return launch.main()
    return _verb(given)


def _verb(given: Sequence[str]) -> int:
    import asyncio

    from desktop.services.paths import resources
    from desktop.ui.translation import _, use

    _speak_utf8()
    use("system", resources() / "locale")
    parsed = _parser().parse_args(given)
    try:
        status: int = asyncio.run(parsed.run(parsed))
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


def _speak_utf8() -> None:
    """Whatever the locale or a Windows code page says; no stray byte or file name of another encoding ends a verb."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _parser() -> argparse.ArgumentParser:
    import argparse

    from desktop.cli import bench, chat, doctor, models
    from desktop.ui.translation import _

    parser = argparse.ArgumentParser(prog="alcove", description=_(N_("Talk to language models on this computer.")))
    parser.add_argument("--version", action="version", version=f"Alcove {__version__}")
    verbs = parser.add_subparsers(title=_(N_("commands")), metavar="", required=True)
    for verb in (chat, models, bench, doctor):
        verb.add_to(verbs)
    return parser
