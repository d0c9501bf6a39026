"""The table of contents, against the pages there are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from desktop.panes.help.contents import OTHERS, SECTIONS, arranged

HELP = Path(__file__).parents[3] / "resources" / "help"


@pytest.mark.parametrize("language", ["en", "ko", "it"])
def test_every_page_stands_under_one_heading(language: str) -> None:
    listed = Counter(topic for _heading, topics in SECTIONS for topic in topics)
    assert set(listed) == {page.stem for page in (HELP / language).glob("*.md")}
    assert set(listed.values()) == {1}


def test_only_headings_with_pages_and_new_pages_last() -> None:
    assert arranged(["stop", "news", "about"]) == [
        ("Getting to know Alcove", ["about"]),
        ("Chats", ["stop"]),
        (OTHERS, ["news"]),
    ]
