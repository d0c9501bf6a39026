"""A language that nobody speaks, made from the program's messages: “[!!Ñééw chäät!!]”.

Invariant: every message that the program marks is in it, with accents, brackets and its placeholders, and at least 40 %
longer; so what a person sees without brackets has gone past translation, and what does not fit has no room to spare.
Qt's own words are made so too, as they are asked for. It is offered to nobody.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from PySide6.QtCore import QObject, QTranslator

from scripts.messages import messages, texts

LONGER = 1.4
_BRACKETS = len("[!!!!]")  # are part of it: a short word gets much longer by them alone
_KEPT = re.compile(r"(\{[^{}]*\}|%L?\d+|%n|&|<[^<>]*>|\n)")  # placeholders, ours and Qt's; mnemonics; markup
_ACCENTS = str.maketrans("acdeghijlnorstuwyzACDEGHIJLNORSTUWYZ", "äçđéğĥïĵľñöřšťüŵýžÄÇĐÉĞĤÏĴĽÑÖŘŠŤÜŴÝŽ")
_KEYS = "QShortcut"  # the names of keys stand on the keyboard


def pseudo(text: str) -> str:
    """The text as this language has it; nothing stays nothing."""
    if not text:
        return ""
    parts = _KEPT.split(text)
    letters = sum(len(part) for part in parts[::2])
    missing = max(0, math.ceil(letters * LONGER) - letters - _BRACKETS)
    vowels = sum(c in "aeiouAEIOU" for part in parts[::2] for c in part)
    parts[::2] = [_longer(part, missing, max(1, vowels)) for part in parts[::2]]
    return f"[!!{''.join(parts)}{'' if vowels else '~' * missing}!!]"


def _longer(part: str, missing: int, vowels: int) -> str:
    """Vowels are drawn out, as speakers of longer languages would; words stay words, so that lines can break."""
    more, rest = divmod(missing, vowels)
    drawn = "".join(c * (1 + more + (rest > 0)) if c in "aeiouAEIOU" else c for c in part)
    return drawn.translate(_ACCENTS)


def compile_catalogue(folder: Path) -> Path:
    """Writes it below `folder`, as a translation into English; returns the folder, for `translation.use`."""
    catalogue = Catalog(locale="en", charset="utf-8")
    for message in messages():
        if message.id:
            said = [pseudo(text) for text in texts(message.id)]
            catalogue.add(message.id, said[0] if isinstance(message.id, str) else tuple(said))
    target = folder / "en" / "LC_MESSAGES" / "alcove.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)
    return folder


class PseudoQt(QTranslator):
    """What Qt itself says, in the same language; `asked` are the messages that were asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.asked: set[tuple[str, str]] = set()

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        self.asked.add((context, text))
        return text if context == _KEYS else pseudo(text)
