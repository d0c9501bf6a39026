"""The help pages, as files written for people, and which of them a question is about.

Invariant: a page is shown and put before the guide exactly as it is written in `resources/help/<language>/`. Choosing
the page is `core.guide`'s; answering from it is the model's.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from desktop.core.guide import Pages, page_text

log = logging.getLogger(__name__)
LANGUAGES = ("en", "ko", "it")


@dataclass(frozen=True, slots=True)
class Page:
    """A help page: `topic` is its file's name, `text` the paragraphs below the title."""

    language: str
    topic: str
    title: str
    text: str

    @property
    def document(self) -> str:
        """As the guide reads it, and was taught to."""
        return page_text(f"# {self.title}\n\n{self.text}")


class Help:
    """The pages under a `resources` folder. `spoken` is the person's language, for questions that tell none."""

    spoken = "en"

    def __init__(self, resources: Path) -> None:
        self._resources = resources

    @cached_property
    def _pages(self) -> dict[tuple[str, str], Page]:
        found = (
            _read(language, path)
            for language in LANGUAGES
            for path in sorted((self._resources / "help" / language).glob("*.md"))
        )
        return {(page.language, page.topic): page for page in found}

    @cached_property
    def _index(self) -> Pages | None:
        """None where the file is missing or damaged: the guide then declines, which is better than no window."""
        try:
            return Pages.from_bytes((self._resources / "guide" / "pages.bin").read_bytes())
        except (OSError, ValueError) as error:
            log.error("The index of the help pages cannot be used: %s", error)
            return None

    def pages(self, language: str) -> list[Page]:
        """All pages of a language, by title; English where there are none."""
        known = language if language in LANGUAGES else "en"
        return sorted((p for p in self._pages.values() if p.language == known), key=lambda p: p.title)

    def likely(self, words: str, language: str) -> list[Page]:
        """The pages of a language that searched words may be about, though they hold others; the likeliest first."""
        by_topic = {page.topic: page for page in self.pages(language)}
        return [by_topic[topic] for topic in (self._index.likely(words) if self._index else ()) if topic in by_topic]

    def nearest(self, question: str) -> tuple[Page | None, str]:
        """The page a question is about, None if it is about something else; and the language it is asked in."""
        match = self._index.nearest(question, language=self.spoken) if self._index else None
        if match is None:
            return None, self.spoken
        return self._pages.get((match.language, match.topic or "")), match.language


def _read(language: str, path: Path) -> Page:
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    return Page(language, path.stem, title.removeprefix("# ").strip(), text.strip())
