"""Code in colours, by Pygments, as HTML for Qt's rich text.

Invariant: the text between the tags is the code, character for character. A language nobody knows stays uncoloured;
nothing is guessed, because guessing reads the code many times over.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

from desktop.ui.theme import Colours

_LONGEST = 8_000  # characters; beyond it colours would cost more than a frame


def html(code: str, language: str, colours: Colours) -> str:
    """The code with spans of colour; line breaks are kept, so it belongs into `<pre>`."""
    lexer = _lexer(language.lower())
    if lexer is None or len(code) > _LONGEST:
        return escape(code)
    ink = {
        Comment: colours.code_comment,
        Keyword: colours.code_keyword,
        Name.Builtin: colours.code_name,
        Name.Function: colours.code_name,
        Name.Class: colours.code_name,
        Name.Tag: colours.code_name,
        Name.Decorator: colours.code_name,
        Number: colours.code_number,
        String: colours.code_text,
    }
    parts: list[str] = []
    for kind, text in lexer.get_tokens(code):
        colour = _colour(kind, ink)
        parts.append(f'<span style="color:{colour}">{escape(text)}</span>' if colour else escape(text))
    return "".join(parts)


def name(language: str) -> str:
    """How the language is called: "py" → "Python"."""
    lexer = _lexer(language.lower())
    return str(lexer.name) if lexer is not None else language


def _colour(kind: _TokenType, ink: dict[_TokenType, str]) -> str:
    while kind:
        if kind in ink:
            return ink[kind]
        kind = kind.parent
    return ""


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
