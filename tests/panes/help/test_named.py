"""What the help pages name, and the guide's answers with them, against the program: labels, keys and commands.

A page that tells of a button by a name that the window does not show leads nowhere. Names stand in “…”, in Korean in
‘…’; keys and commands also in `…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec

import pytest
from PySide6.QtGui import QKeySequence

from desktop.core.quants import FILE_TYPES
from desktop.services.help import LANGUAGES
from desktop.ui.menus import Command, keys
from desktop.ui.shortcuts import PLACES
from scripts.messages import ROOT, messages, read, texts

pytestmark = pytest.mark.usefixtures("qapp")  # the keys of the platform are its affair
PAGES = ROOT / "resources" / "help"
ANSWERS = ROOT / "packaging" / "guide" / "corpus"
NAMED = {"en": "“([^”]+)”", "ko": "‘([^’]+)’", "it": "“([^”]+)”"}
EXPLAINED = {"Local", "Locale", "로컬", "Instruct"}  # words that a page explains, not of the window
ON_THE_KEY = {"Invio": "Enter", "Canc": "Delete", "Esc": "Escape", "Cmd": "Ctrl"}
KEY = re.compile(r"\b(?:(?:Ctrl|Cmd|Shift|Alt)\+)+(?:[A-Za-z]+|[^\s`])|\bF\d+")
CODE = re.compile(r"`([^`]+)`")
FILES = {"ALCOVE_HOME", "TheBloke/Mistral-7B-Instruct-v0.1-GGUF", ".gguf", ".safetensors", "safetensors", ".bin"}
COMMANDS = {"alcove --self-test", "sudo apt remove alcove"}
SIGNS = {"<think>", "‹2/3›", "Ctrl", "Cmd"}


@cache
def labels(language: str) -> frozenset[str]:
    """Every message of the program as this language has it."""
    translation, found = read(language), set()
    for message in messages():
        known = translation.get(message.id) if message.id else None
        found.update(texts((known.string if known else None) or message.id or ""))
    return frozenset(found)


@cache
def bound() -> frozenset[str]:
    """Every key that does something: those of the menus and of single places."""
    menus = {QKeySequence(key) if isinstance(key, str) else key for command in Command for key in keys(command)}
    found = {s.toString() for key in menus for s in ([key] if isinstance(key, QKeySequence) else _standard(key))}
    found |= {QKeySequence(key).toString() for _title, rows in PLACES for _text, many in rows for key in many}
    return frozenset(found | {"Ctrl+,"})  # which the menus bind to the pane of settings


def _standard(key: QKeySequence.StandardKey) -> list[QKeySequence]:
    return QKeySequence.keyBindings(key)


def written(language: str) -> Iterator[tuple[str, str]]:
    """Every page, and every answer that the guide is taught, with where it stands."""
    for path in sorted((PAGES / language).glob("*.md")):
        yield f"{language}/{path.stem}", path.read_text("utf-8")
    for path in sorted((ANSWERS / language).glob("*.txt")):
        answers = [line for line in path.read_text("utf-8").splitlines() if line.startswith("=")]
        yield f"the guide, {language}/{path.stem}", "\n".join(answers)


def titles(language: str) -> set[str]:
    return {path.read_text("utf-8").partition("\n")[0].removeprefix("# ") for path in (PAGES / language).glob("*.md")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_is_one_of_the_window(language: str) -> None:
    known = labels(language) | titles(language) | EXPLAINED
    named = [(where, name) for where, text in written(language) for name in re.findall(NAMED[language], text)]
    assert len(named) > 300
    assert [f"{where}: {name}" for where, name in named if name not in known] == []


def pressed(key: str) -> str:
    for shown, meant in ON_THE_KEY.items():
        key = key.replace(shown, meant)
    return QKeySequence(key).toString()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_does_something(language: str) -> None:
    found = [(where, key) for where, text in written(language) for key in KEY.findall(text)]
    assert len(found) > 30
    assert [f"{where}: {key}" for where, key in found if pressed(key) not in bound()] == []


def is_code(text: str) -> bool:
    command = re.fullmatch(r"alcove (\w+)(?: -p \".+\")?", text)
    if command is not None:
        return find_spec(f"desktop.cli.{command[1]}") is not None
    return text in FILES | SIGNS | COMMANDS | {"--json"} or text in {kind.name for kind in FILE_TYPES.values()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_in_code_is_a_key_a_command_or_a_file(language: str) -> None:
    found = [(where, code) for where, text in written(language) for code in CODE.findall(text)]
    assert len(found) > 10
    assert [f"{where}: {code}" for where, code in found if not is_code(code) and pressed(code) not in bound()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_names_its_page(language: str) -> None:
    for path in sorted((ANSWERS / language).glob("[!_]*.txt")):
        title = (PAGES / language / f"{path.stem}.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
        answers = [line for line in path.read_text("utf-8").splitlines() if line.startswith("=")]
        assert answers
        assert [answer for answer in answers if title not in answer] == []
