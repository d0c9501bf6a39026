"""Korean and Italian are complete, and every fault a translation can have is found."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Catalog

from scripts.messages import LANGUAGES, SAME, faults, messages, placeholders, read


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
