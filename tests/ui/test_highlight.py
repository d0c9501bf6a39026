"""Colours for code, without changing or delaying it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from desktop.ui.highlight import Highlighter
from desktop.ui.theme import LIGHT

CODE = 'def f(x: int) -> str:\n    """<b>Doc</b> & more."""\n    return "é" + str(x)  # 한국어\n\n'


@pytest.fixture
def loaded(qtbot) -> Highlighter:
    highlighter = Highlighter()
    for language in ("python", "no such language"):
        qtbot.waitUntil(lambda language=language: highlighter.ready(language))
    return highlighter


def test_plain_until_loaded() -> None:
    assert "<span" not in Highlighter().html(CODE, "python", LIGHT)


def test_coloured_and_unchanged(loaded: Highlighter) -> None:
    html = loaded.html(CODE, "Python", LIGHT)
    assert LIGHT.code_keyword in html
    assert "<b>" not in html
    assert unescape(re.sub(r"<[^>]*>", "", html)) == CODE
    assert loaded.name("python") == "Python"


def test_unknown_language_stays_plain(loaded: Highlighter) -> None:
    assert loaded.html("a < b", "no such language", LIGHT) == "a &lt; b"
    assert loaded.name("no such language") == "no such language"
    assert loaded.ready("")
