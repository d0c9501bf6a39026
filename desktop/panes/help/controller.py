"""What the help pane shows: the pages of a language, and those that a search finds.

Invariant: pages are shown as they are written; the guide answers from the same ones. Nothing here is translated.
"""

from __future__ import annotations

import unicodedata

from PySide6.QtCore import QObject, Signal

from desktop.services.help import Help, Page

__all__ = ["HelpController", "Page"]


class HelpController(QObject):
    changed = Signal()  # other pages are listed
    page_changed = Signal()  # another page is open

    def __init__(self, help_pages: Help, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._help = help_pages
        self._language = "en"
        self._sought, self._words = "", list[str]()
        self.topic = "about"

    def speak(self, language: str) -> None:
        """Turns to the pages of a language."""
        self._language = language
        self.changed.emit()
        self.page_changed.emit()

    def search(self, words: str) -> None:
        """Lists the pages that hold every word, and below them those that the words may be about."""
        self._sought, self._words = words, _folded(words).split()
        self.changed.emit()

    def open(self, topic: str) -> None:
        """Opens a page; an unknown topic changes nothing."""
        if topic != self.topic and any(page.topic == topic for page in self._help.pages(self._language)):
            self.topic = topic
            self.page_changed.emit()

    def pages(self) -> list[Page]:
        """The pages found: with the words in their title, with the words at all, about them in other words."""
        found = [page for page in self._help.pages(self._language) if self._holds(page.title + " " + page.text)]
        about = self._help.likely(self._sought, self._language) if self._words else []
        return [*sorted(found, key=lambda page: not self._holds(page.title)), *(p for p in about if p not in found)]

    def page(self) -> Page | None:
        """The open page."""
        return next((page for page in self._help.pages(self._language) if page.topic == self.topic), None)

    def _holds(self, text: str) -> bool:
        folded = _folded(text)
        return all(word in folded for word in self._words)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
