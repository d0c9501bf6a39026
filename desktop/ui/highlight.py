"""Code in colours, by Pygments, as HTML for Qt's rich text.

Invariant: the text between the tags is the code, character for character, and the window never waits for a language:
compiling one takes up to 50 ms, so it is loaded on a thread of its own, and until then its code is plain. A language
nobody knows stays plain; nothing is guessed, because guessing reads the code many times over.
"""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING

from desktop.ui.theme import Colours

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LONGEST = 8_000  # characters; beyond it colours would cost more than a frame
_INKS = {  # Pygments' token types by name: importing them takes longer than an empty window does
    "Token.Comment": "code_comment",
    "Token.Keyword": "code_keyword",
    "Token.Name.Builtin": "code_name",
    "Token.Name.Function": "code_name",
    "Token.Name.Class": "code_name",
    "Token.Name.Tag": "code_name",
    "Token.Name.Decorator": "code_name",
    "Token.Literal.Number": "code_number",
    "Token.Literal.String": "code_text",
}


class Highlighter:
    """The languages loaded so far. One for the whole window."""

    def __init__(self) -> None:
        self._lexers: dict[str, Lexer | None] = {"": None}
        self._inks: dict[object, str] = {}
        self._loading: threading.Thread | None = None

    def ready(self, language: str) -> bool:
        """Whether the language's colours are known; if not, they begin to load."""
        language = language.lower()
        if language in self._lexers:
            return True
        if self._loading is None or not self._loading.is_alive():
            self._loading = threading.Thread(target=self._load, args=(language,), name="lexer", daemon=True)
            self._loading.start()
        return False

    def html(self, code: str, language: str, colours: Colours) -> str:
        """The code with spans of colour; line breaks are kept, so it belongs into `<pre>`."""
        lexer = self._lexers.get(language.lower())
        if lexer is None or len(code) > _LONGEST:
            return escape(code)
        parts: list[str] = []
        for kind, text in lexer.get_tokens(code):
            ink = self._ink(kind)
            parts.append(f'<span style="color:{getattr(colours, ink)}">{escape(text)}</span>' if ink else escape(text))
        return "".join(parts)

    def name(self, language: str) -> str:
        """How the language is called: "py" → "Python"; as it was given until it has been loaded."""
        lexer = self._lexers.get(language.lower())
        return str(lexer.name) if lexer is not None else language

    def _load(self, language: str) -> None:
        from pygments.lexers import get_lexer_by_name
        from pygments.util import ClassNotFound

        try:
            lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
            list(lexer.get_tokens(" "))  # compiles the first state's rules
        except ClassNotFound:
            lexer = None
        self._lexers[language] = lexer

    def _ink(self, kind: object) -> str:
        if kind not in self._inks:
            name = str(kind)
            while name and name not in _INKS:
                name = name.rpartition(".")[0]
            self._inks[kind] = _INKS.get(name, "")
        return self._inks[kind]
