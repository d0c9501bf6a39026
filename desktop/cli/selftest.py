"""`alcove self-test`, also `alcove --self-test`: tries every part of this installation and says what is wrong.

Invariant: the parts are the real ones, the engine included; what they write goes to a folder of its own that is deleted
at the end; of the person's own data nothing is changed, and no connection is opened. Status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

from desktop.assembly import Assembly
from desktop.cli import checks
from desktop.cli.doctor import Finding, as_json, engine, program, refused
from desktop.core.chat import Opening
from desktop.core.errors import N_, UserError
from desktop.core.talk import Ended
from desktop.services.paths import Paths, resources
from desktop.ui import formats
from desktop.ui.translation import _

QUESTIONS = {"en": "What is Alcove?", "ko": "알코브는 무엇인가요?", "it": "Che cos'è Alcove?"}
_LIMIT_S = 120.0  # for an answer of the guide: a second here, 40 under an emulated processor


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("self-test", help=_(N_("try every part of this installation, and say what is wrong")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    parser.set_defaults(run=run)


async def run(parsed: argparse.Namespace) -> int:
    findings = []
    async for finding in findings_of(Paths.of_person(), resources()):
        findings.append(finding)
        if not parsed.json:
            print(f"{'✓' if finding.well else '✗'} {finding.topic}: {finding.seen}", flush=True)
    if parsed.json:
        print(as_json(findings))
    return 0 if all(finding.well for finding in findings) else 1


async def findings_of(paths: Paths, shipped: Path) -> AsyncIterator[Finding]:
    """One after the other, as they are found: what others need comes first."""
    own = (lambda: checks.files(shipped), lambda: checks.translations(shipped / "locale"), checks.display)
    lent = (lambda: checks.folder(paths), lambda: checks.chats(paths), checks.certificates, checks.keyring)
    for finding in (*program(), *(one for check in own for one in _looked(check)), *await engine()):
        yield finding
    with tempfile.TemporaryDirectory(prefix="alcove-self-test-", ignore_cleanup_errors=True) as folder:
        async for finding in _tried(Paths(Path(folder))):
            yield finding
    for check in lent:
        for finding in _looked(check):
            yield finding


def _looked(check: Callable[[], Finding | list[Finding]]) -> list[Finding]:
    """What a check finds; that a part of the program is not even there is a finding, too."""
    try:
        found = check()
    except (ImportError, OSError) as error:
        sentence = N_("A part of the program cannot be used ({reason}). Install Alcove again.")
        return [Finding(_(N_("Program files")), _(sentence, reason=error), well=False)]
    return found if isinstance(found, list) else [found]


async def _tried(paths: Paths) -> AsyncIterator[Finding]:
    """The services themselves, in an empty folder: chats are stored, and the guide answers."""
    try:
        async with Assembly.opened(paths) as alcove:
            yield await _stored(alcove)
            for language, question in QUESTIONS.items():
                yield await _answered(alcove, language, question)
    except UserError as error:
        yield refused(_(N_("Chats")), error)


async def _stored(alcove: Assembly) -> Finding:
    chat = await alcove.chats.create(model="", opening=Opening(), title="알코브 àè")
    found = await alcove.chats.get(chat.id)
    well = found.title == chat.title
    return Finding(_(N_("Chats")), _(N_("stored and found again") if well else N_("not found again")), well)


async def _answered(alcove: Assembly, language: str, question: str) -> Finding:
    """The guide's answer, through everything that a person's question goes through."""
    topic = f"{_(N_('Guide'))} ({language})"
    alcove.help.spoken = language
    chat = await alcove.chats.create(model="", opening=Opening())
    reply = None
    try:
        async with asyncio.timeout(_LIMIT_S), aclosing(alcove.talk.ask(chat.id, question)) as events:
            async for event in events:
                if isinstance(event, Ended):
                    reply = event.message
    except UserError as error:
        return refused(topic, error)
    except TimeoutError:
        return Finding(topic, _(N_("no answer within {time}"), time=formats.duration(_LIMIT_S)), well=False)
    if reply is None or not reply.text.strip():
        return Finding(topic, _(N_("an empty answer")), well=False)
    return Finding(topic, " ".join(reply.text.split())[:60])
