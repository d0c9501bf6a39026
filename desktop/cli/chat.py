"""`alcove chat`: one question with `-p`, else a dialogue that remembers what was said.

The conversation lives in memory and is not put among the window's chats. Ctrl+C stops a reply; at the prompt it ends
the dialogue.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, redirect_stdout
from dataclasses import asdict
from typing import Any

from desktop.assembly import Assembly
from desktop.cli import options
from desktop.cli.terminal import chosen, shown, tell, tell_notices
from desktop.core.chat import Chat, Message, Opening
from desktop.core.errors import N_, UserError
from desktop.core.generation import StopReason
from desktop.core.settings import Group
from desktop.core.talk import Ended, Written
from desktop.core.templates import BY_NAME
from desktop.services.models.library import Model
from desktop.ui import formats
from desktop.ui.translation import _, language

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
CUT_SHORT = {  # as below a reply in the window
    StopReason.LENGTH: N_("longest answer reached"),
    StopReason.CONTEXT: N_("context full"),
    StopReason.CANCELLED: N_("stopped by you"),
    StopReason.MEMORY: N_("memory was running out"),
}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("chat", help=_(N_("talk to a model")), description=_(N_("Talk to a model.")))
    parser.add_argument("model", nargs="?", default="", help=_(N_("a file, or a model's name; the guide if left out")))
    parser.add_argument("-p", "--prompt", metavar="TEXT", help=_(N_("one question instead of a dialogue; - reads it")))
    parser.add_argument("--system", metavar="TEXT", default="", help=_(N_("an instruction given before everything")))
    parser.add_argument("--template", choices=tuple(BY_NAME), default="", help=_(N_("instead of the model's own")))
    parser.add_argument("--completion", action="store_true", help=_(N_("go on with the text instead of answering")))
    parser.add_argument("--json", action="store_true", help=_(N_("print JSON, for other programs")))
    options.add_settings(parser, Group.LOAD, Group.SAMPLING)
    parser.set_defaults(run=run)


async def run(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = chosen(alcove, parsed.model)
        alcove.help.spoken = language()
        opening = Opening(parsed.system, completion=parsed.completion, template=parsed.template)
        if model.built_in and opening != Opening():
            tell(N_("The guide has no use for these options: it answers each question by itself, from its help pages."))
        chat = await alcove.chats.create(model=model.name, opening=opening, settings=options.settings_of(parsed))
        if parsed.prompt is None:
            return await _dialogue(alcove, chat, model, parsed.json)
        text = sys.stdin.read() if parsed.prompt == "-" else parsed.prompt
        reply, fault = await _one(alcove, chat, text, quiet=parsed.json)
        if parsed.json and reply is not None:
            _print_json(reply)
        elif reply is not None and reply.stop_reason in (StopReason.LENGTH, StopReason.CONTEXT):
            tell(N_("The reply ended early: {reason}."), reason=_(CUT_SHORT[reply.stop_reason]))
        if fault is not None:
            raise fault
        return INTERRUPTED if reply is None or reply.stop_reason is StopReason.CANCELLED else 0


async def _one(alcove: Assembly, chat: Chat, text: str, *, quiet: bool) -> tuple[Message | None, UserError | None]:
    """Asks and prints the reply as it comes. Both come back: what was written, and what ended it before its time."""
    final: Message | None = None
    fault: UserError | None = None
    with _interrupt_stops(alcove, chat):
        try:
            async with aclosing(alcove.talk.ask(chat.id, text)) as events:
                async for event in events:
                    if isinstance(event, Written) and not quiet:
                        print(event.text, end="", flush=True)
                    if isinstance(event, Ended):
                        final = event.message
        except UserError as error:
            fault = error
    if not quiet and final is not None:
        print(flush=True)
    return final, fault


async def _dialogue(alcove: Assembly, chat: Chat, model: Model, as_json: bool) -> int:
    """Turns until the input ends. An error ends the turn, not the dialogue."""
    at_terminal = sys.stdin.isatty()
    if at_terminal:
        greeting = N_("Talking to {model}. /clear begins anew, Ctrl+C stops a reply, Ctrl+D ends.")
        tell(greeting, model=shown(model))
        await alcove.talk.ahead(chat, "")  # the model's file comes into memory while the first question is typed
    status = 0
    while (line := _line("> " if at_terminal else "")) is not None:
        if not line.strip():
            continue
        if line.strip() == "/clear":
            await alcove.chats.clear(chat.id)
            continue
        reply, fault = await _one(alcove, chat, line, quiet=as_json)
        if reply is not None and as_json:
            _print_json(reply)
        elif reply is not None and at_terminal:
            print(_statistics(reply), file=sys.stderr)
        if fault is not None:
            tell(fault.message, **fault.fields)
            status = 1
    return status


def _line(prompt: str) -> str | None:
    """What was typed, None at the end. The loop waits meanwhile, as nothing else happens: in a thread of its own
    input() would keep Ctrl+C from ending the dialogue until Enter is pressed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if sys.stdout.isatty():
            return input(prompt)  # with the terminal's own editing of lines
        with redirect_stdout(sys.stderr):  # what goes into a file are replies, and only they
            return input(prompt)
    except EOFError:
        return None
    finally:
        signal.signal(signal.SIGINT, before)


def _statistics(reply: Message) -> str:
    told = _(
        N_("{prompt} tokens read, {cached} of them cached, first word after {wait}, {written} written at {speed}"),
        prompt=formats.number(reply.usage.prompt_tokens),
        cached=formats.number(reply.usage.cached_tokens),
        wait=formats.duration(reply.timings.first_token_s),
        written=formats.number(reply.usage.completion_tokens),
        speed=_(N_("{speed} tokens/s"), speed=formats.number(reply.timings.generation_per_s, 1)),
    )
    reason = CUT_SHORT.get(reply.stop_reason or StopReason.STOP)
    return f"[{told}; {_(reason)}]" if reason else f"[{told}]"


def _print_json(reply: Message) -> None:
    record: dict[str, Any] = {
        "text": reply.text,
        "stop_reason": str(reply.stop_reason or StopReason.STOP),
        "usage": asdict(reply.usage),
        "timings": asdict(reply.timings),
    }
    print(json.dumps(record, ensure_ascii=False), flush=True)


@contextmanager
def _interrupt_stops(alcove: Assembly, chat: Chat) -> Iterator[None]:
    """While a reply is written, Ctrl+C stops it and nothing else."""
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Task[None]] = set()

    def stop() -> None:
        stopping.add(loop.create_task(alcove.talk.stop(chat.id)))

    before = signal.signal(signal.SIGINT, lambda *_args: loop.call_soon_threadsafe(stop))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
