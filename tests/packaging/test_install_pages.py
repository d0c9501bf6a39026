"""The pages on installing say the same in every language, and what the packages really do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from macos import bundle

from tests.packaging.test_windows import said

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {"english": "install.md", "korean": "install.ko.md", "italian": "install.it.md"}


def read(language: str) -> str:
    return (DOCS / PAGES[language]).read_text("utf-8")


def code(text: str) -> list[str]:
    """All that a reader may type or look for, in any order: sentences differ between languages."""
    return sorted(re.findall(r"```\n(.*?)```|`([^`\n]+)`", text, re.DOTALL))


@pytest.mark.parametrize("language", ["korean", "italian"])
def test_a_translation_has_every_section_table_and_command(language: str) -> None:
    english, translated = read("english"), read(language)
    for mark in (r"^## ", r"^\|", r"^\d\. ", r"^```"):
        assert len(re.findall(mark, translated, re.M)) == len(re.findall(mark, english, re.M)), mark
    assert code(translated) == code(english)


@pytest.mark.parametrize("language", PAGES)
def test_the_words_of_the_installer_are_the_installers(language: str) -> None:
    text, words = re.sub(r"\s+", " ", read(language)), said(language)
    for key in ("ForMe", "ForEveryone", "DeleteAll"):
        label = re.sub(r"\(&\w\)|&", "", words[key])
        assert label in text, label


@pytest.mark.parametrize("language", PAGES)
def test_links_lead_somewhere(language: str) -> None:
    text = read(language)
    headings = {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in re.findall("^#+ (.*)", text, re.M)
    }
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert link[1:] in headings if link.startswith("#") else (DOCS / link).exists(), link


@pytest.mark.parametrize("language", PAGES)
def test_what_is_needed_is_what_the_packages_ask_for(language: str) -> None:
    assert f"macOS {bundle.OLDEST.removesuffix('.0')}" in read(language)


@pytest.mark.parametrize("language", PAGES)
def test_the_data_is_where_the_program_puts_it(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.macos import MacOS
    from platformdirs.unix import Unix

    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for system in (MacOS, Unix):
        folder = system("Alcove", appauthor=False).user_data_dir.replace("/home/a", "~")
        assert f"`{folder}`" in read(language)
