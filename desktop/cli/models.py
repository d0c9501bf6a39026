"""`alcove models`: the models on this computer, one of them in detail, import, removal, checks, and others' files."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from desktop.assembly import Assembly
from desktop.cli.terminal import Line, chosen, shown, table, tell, tell_notices
from desktop.core.errors import N_
from desktop.services.models import elsewhere
from desktop.services.models.library import How, Model, Proof
from desktop.ui import formats
from desktop.ui.translation import _

_JSON = N_("print JSON, for other programs")
_WAYS = {  # as the window explains them
    How.COPY: N_("The file is copied into Alcove's folder. The original stays, and needs its space too."),
    How.LINK: N_("The file stays where it is and takes no more space. Do not move or delete it."),
    How.MOVE: N_("The file is moved into Alcove's folder and is gone from where it was."),
}
_PROVEN = {
    Proof.PUBLISHED: N_("“{model}” is whole: every byte is as its repository published it."),
    Proof.RECORDED: N_("“{model}” is whole: every byte is as it was when it came."),
    Proof.FIRST: N_("“{model}” was read to its end. There was no checksum to compare it with."),
}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("models", help=_(N_("the models on this computer")))
    parser.add_argument("--json", action="store_true", help=_(_JSON))
    parser.set_defaults(run=_list)
    inner = parser.add_subparsers(metavar="")
    for name, text, run in (
        ("info", N_("what a model file says of itself"), _info),
        ("import", N_("take a GGUF file into the library"), _import),
        ("remove", N_("move a model to the bin"), _remove),
        ("verify", N_("read every byte of a model and say whether it is whole"), _verify),
        ("elsewhere", N_("model files of other applications, which can be used where they lie"), _elsewhere),
    ):
        verb = inner.add_parser(name, help=_(text))
        if name == "import":
            _add_ways(verb)
        elif name != "elsewhere":
            verb.add_argument("model", help=_(N_("its name, the beginning of that, or its file")))
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_(_JSON))
        verb.set_defaults(run=run)


def _add_ways(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("path", help=_(N_("a GGUF file; of a model in several, the first")))
    ways = verb.add_mutually_exclusive_group()
    for way, text in _WAYS.items():
        ways.add_argument(f"--{way.value}", dest="how", action="store_const", const=way, help=_(text))
    verb.set_defaults(how=How.COPY)


async def _list(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:  # the chats are not needed, even where they cannot be read
        tell_notices(alcove)
        models = alcove.library.all()
        if parsed.json:
            print(json.dumps([record(m) for m in models], ensure_ascii=False))
        else:
            print(table([_columns(m) for m in models]))
    return 0


async def _info(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = chosen(alcove, parsed.model)
        details = await alcove.library.info(model)
        if parsed.json:
            print(json.dumps({**record(model), "metadata": dict(details)}, ensure_ascii=False, default=str))
        else:
            for key, value in details:
                print(f"{key}: {value}")
    return 0


async def _import(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        path = Path(parsed.path)
        model = await alcove.library.import_file(path, parsed.how, found=await _known(alcove, path, parsed.how))
        if parsed.json:
            print(json.dumps(record(model), ensure_ascii=False))
        else:
            print(_(N_("“{model}” is in the library."), model=model.name))
    return 0


async def _known(alcove: Assembly, path: Path, how: How) -> elsewhere.Found | None:
    """What another application knows of its file: its name, since Ollama calls the files by their checksums."""
    if how is not How.LINK and path.suffix.lower() == ".gguf":
        return None
    return await elsewhere.known(path, alcove.library.all())


async def _remove(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = chosen(alcove, parsed.model)
        await alcove.library.remove(model.name)
        if parsed.json:
            print(json.dumps({"removed": model.name}, ensure_ascii=False))
        else:
            print(_(N_("“{model}” is in the bin."), model=model.name))
    return 0


async def _verify(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        model = chosen(alcove, parsed.model)
        line = Line()
        try:
            proof = await alcove.library.verify(model, lambda part: line.show(formats.percent(part)))
        finally:
            line.clear()
        if parsed.json:
            print(json.dumps({"verified": model.name, "against": proof.value}, ensure_ascii=False))
        else:
            print(_(_PROVEN[proof], model=shown(model)))
    return 0


async def _elsewhere(parsed: argparse.Namespace) -> int:
    async with Assembly.private() as alcove:
        tell_notices(alcove)
        findings = await elsewhere.found(alcove.library.all())
        if parsed.json:
            print(json.dumps([_offer(one) for one in findings.found], ensure_ascii=False))
        elif findings.found:
            rows = [(f.application, f.name, formats.size(f.size), f.quantisation, str(f.path)) for f in findings.found]
            print(table(rows, right=(2,)))
            tell(N_("alcove models import --link PATH uses one where it lies."))
        else:
            tell(N_("No other application's model files were found."))
        for skipped in findings.skipped:
            said = _(skipped.problem.message, **skipped.problem.fields)
            print(f"{skipped.path}: {said}", file=sys.stderr)
        if not findings.complete:
            tell(N_("There was more than could be looked at in reasonable time."))
    return 0


def _offer(found: elsewhere.Found) -> dict[str, Any]:
    return {
        "application": found.application,
        "name": found.name,
        "path": str(found.path),
        "size_bytes": found.size,
        "quantisation": found.quantisation,
        "architecture": found.architecture,
    }


def record(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "path": str(model.path),
        "size_bytes": model.size,
        "quantisation": model.quantisation,
        "architecture": model.architecture,
        "context_length": model.context_length,
        "parameters": model.parameters,
        "built_in": model.built_in,
        "linked": model.linked,
        "present": model.present,
        "changed": model.changed,
        "repo": model.origin.repo if model.origin else None,
        "commit": model.origin.commit if model.origin else None,
        "sha256": model.sha256 or None,
    }


def _columns(model: Model) -> tuple[str, ...]:
    context = _(N_("{count} tokens"), count=formats.number(model.context_length)) if model.context_length else ""
    return (shown(model), formats.size(model.size), model.quantisation, model.architecture, context, _state(model))


def _state(model: Model) -> str:
    """What is special about its file, if anything is."""
    if not model.present:
        return _(N_("file missing"))
    if model.changed:
        return _(N_("file changed"))
    return _(N_("linked")) if model.linked else ""
