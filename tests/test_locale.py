"""Korean and Italian are complete, and every fault a translation can have is found."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message

from scripts.messages import KEYWORDS, LANGUAGES, ROOT, SAME, faults, messages, placeholders, read, texts


@pytest.fixture(scope="module")
def template() -> Catalog:
    return messages()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_is_complete_and_keeps_its_placeholders(template: Catalog, language: str) -> None:
    assert list(faults(template, read(language), SAME[language])) == []


def test_messages_of_all_layers_are_found(template: Catalog) -> None:
    ids = {message.id for message in template}
    assert {"Context", "“{label}” cannot be “{value}”."} <= ids  # core
    assert any(isinstance(id, tuple) for id in ids)  # a singular with its plural
    assert all(placeholders(text) is not None for id in ids for text in ([id] if isinstance(id, str) else id))


def said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every message that a source marks, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            for given in node.args[: 2 if node.func.id == "ngettext" else 1]:
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield node.lineno, given.value


def test_no_marked_message_is_overlooked(template: Catalog) -> None:
    """One within an f-string is: what collects the messages sees a single token there."""
    known = {text for message in template for text in texts(message.id or "")}
    sources = sorted((ROOT / "desktop").rglob("*.py"))
    marked = [(path, *found) for path in sources for found in said(ast.parse(path.read_text("utf-8")))]
    assert len(marked) > len(known)
    assert [f"{path}:{line}: {text}" for path, line, text in marked if text and text not in known] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_fault_of_the_real_translation_is_found(template: Catalog, language: str) -> None:
    """Broken on purpose: one message taken out, one that is not in the program, one with another placeholder."""
    before, broken = set(faults(template, read(language), SAME[language])), read(language)
    missing, renamed = (find(broken, fields) for fields in (False, True))
    broken.delete(missing.id)
    broken.add("Nobody says this", "…")
    renamed.string = f"{renamed.string} {{else}}"
    found = set(faults(template, broken, SAME[language])) - before
    assert found == {
        f"missing: {missing.id!r}",
        "unused: 'Nobody says this'",
        f"other placeholders: {renamed.id!r} → {renamed.string!r}",
    }


def find(catalogue: Catalog, fields: bool) -> Message:
    """A translated message that the program has, with placeholders or without."""
    known = {message.id for message in messages() if isinstance(message.id, str)}
    return next(m for m in catalogue if m.id in known and m.string and bool(placeholders(m.id)) is fields and m.id)


def pair(string: str | tuple[str, ...], id: str | tuple[str, ...] = "{n} of {all}") -> list[str]:
    """The faults of one translation of one message, by kind."""
    template, translation = Catalog(), Catalog(locale="it")
    template.add(id)
    translation.add(id, string)
    return [fault.split(":")[0] for fault in faults(template, translation, frozenset({"Chat"}))]


@pytest.mark.parametrize(
    ("string", "found"),
    [
        ("{n} di {all}", []),
        ("di {all}, {n}", []),
        ("{n} di {tutti}", ["other placeholders"]),
        ("{n} di", ["other placeholders"]),
        ("{n} di {all", ["other placeholders"]),
        ("{n:d} di {all}", ["other placeholders"]),
        ("{n} of {all}", ["not translated"]),
        ("", ["missing"]),
    ],
)
def test_faults_of_placeholders_are_found(string: str, found: list[str]) -> None:
    assert pair(string) == found


def test_plurals_are_compared_form_by_form() -> None:
    id = ("One file", "{count} files")
    assert pair(("Un documento", "{count} documenti"), id) == []
    assert pair(("Un documento", ""), id) == ["missing"]
    assert pair(("Un documento", "{conto} documenti"), id) == ["other placeholders"]


def test_what_may_stay_english() -> None:
    assert pair("Chat", "Chat") == []
    assert pair("{a} · {b}", "{a} · {b}") == []
    assert pair("File", "File") == ["not translated"]


def test_unused_fuzzy_and_missing_messages_are_found() -> None:
    template, translation = Catalog(), Catalog(locale="it")
    template.add("Old")
    template.add("New")
    translation.add("Old", "Vecchio", flags=["fuzzy"])
    translation.add("Gone", "Andato")
    assert list(faults(template, translation, frozenset())) == ["unused: 'Gone'", "fuzzy: 'Old'", "missing: 'New'"]
