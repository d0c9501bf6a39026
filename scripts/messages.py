"""The messages of the program against their translations: `check` them, or `update` the .po files for translators.

Invariant: a translation that passes has every message once, in words of its own, with the placeholders of the English.
The messages are read from the source each time; no .pot is kept. Compiling is `compile_messages`.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("ko", "it")
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
SAME = {  # reviewed: names and words that a language writes as English does
    "ko": frozenset(
        {"Alcove", "Mistral", "Alpaca", "Vicuna", "ChatML", "Llama-2", "Zephyr", "JSON", "Markdown", "GGUF", "Top-k"}
        | {"Top-p", "Min-p", "GB"}
    ),
    "it": frozenset(
        {"Alcove", "Mistral", "Alpaca", "Vicuna", "ChatML", "Llama-2", "Zephyr", "JSON", "Markdown", "GGUF", "Top-k"}
        | {"Top-p", "Min-p", "Batch", "OK", "File", "Download", "Hub", "Server", "Computer", "Link", "Chat", "Token"}
        | {"{tokens} token", "token", "tokens", "Seed", "Offline", "Privacy", "{count} file"}
        | {"GB", "{milliseconds} ms"}
    ),
}


def messages(root: Path = ROOT) -> Catalog:
    """All messages that the program marks."""
    found = Catalog(project="Alcove", charset="utf-8")
    rows = extract_from_dir(root / "desktop", [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",))
    for name, _line, message, comments, _context in sorted(rows, key=lambda row: row[:2]):
        found.add(message, locations=[(f"desktop/{name}".replace("\\", "/"), 0)], auto_comments=comments)
    return found


def path_of(language: str) -> Path:
    return ROOT / "resources" / "locale" / language / "LC_MESSAGES" / "alcove.po"


def read(language: str) -> Catalog:
    """The translation; empty where there is none yet."""
    if not path_of(language).exists():
        return Catalog(locale=language)
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def faults(template: Catalog, translation: Catalog, same: frozenset[str]) -> Iterator[str]:
    """What is wrong with a translation, one sentence each."""
    known = {message.id for message in template if message.id}
    for message in translation:
        if message.id and message.id not in known:
            yield f"unused: {message.id!r}"
    for obsolete in translation.obsolete.values():
        yield f"unused: {obsolete.id!r}"
    for message in template:
        found = translation.get(message.id) if message.id else None
        if message.id and (found is None or not all(texts(found.string or ""))):
            yield f"missing: {message.id!r}"
        elif found is not None and message.id:
            yield from _faults_of(message, found, same)


def _faults_of(message: Message, found: Message, same: frozenset[str]) -> Iterator[str]:
    if found.fuzzy:
        yield f"fuzzy: {message.id!r}"
    permitted = [placeholders(text) for text in texts(message.id)]
    for text in texts(found.string or ""):
        if placeholders(text) not in permitted:
            yield f"other placeholders: {message.id!r} → {text!r}"
        if text in texts(message.id) and text not in same and wordy(text):
            yield f"not translated: {message.id!r}"


def texts(message: str | tuple[str, ...] | list[str]) -> list[str]:
    """The forms of a message: one, or singular and plural."""
    return [message] if isinstance(message, str) else list(message)


def placeholders(text: str) -> frozenset[str] | None:
    """Names in braces with how they are formatted; None if the braces do not fit."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return None
    return frozenset(f"{name}!{how}:{form}" for _, name, form, how in parts if name is not None)


def wordy(text: str) -> bool:
    """Whether there is a word to translate beside placeholders."""
    return re.search(r"[^\W\d_]{2}", re.sub(r"\{[^}]*\}", "", text)) is not None


def check() -> int:
    template, count = messages(), 0
    for language in LANGUAGES:
        for fault in faults(template, read(language), SAME[language]):
            print(f"{language}: {fault}")
            count += 1
    print(f"{len(template)} messages, {count} faults")
    return 1 if count else 0


def update() -> int:
    template = messages()
    for language in LANGUAGES:
        translation = read(language)
        translation.update(template, no_fuzzy_matching=True)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        with path_of(language).open("wb") as file:
            write_po(file, translation, width=120, ignore_obsolete=True, include_lineno=False)
        print(path_of(language).relative_to(ROOT))
    return 0


def main() -> int:
    verbs = {"check": check, "update": update}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        print("usage: messages.py check | update", file=sys.stderr)
        return 2
    return verbs[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
