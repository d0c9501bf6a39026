"""Misspell questions the way people do: slips of the finger, dropped particles, spaces, accents.

Every function takes its own source of randomness; the same seed gives the same text.
"""

from __future__ import annotations

import random
import re
import unicodedata

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {letter: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _ROWS for i, letter in enumerate(row)}
_PARTICLES = re.compile(r"(?<=[가-힣]{2})(은|는|이|가|을|를|에서|에|의|도|로|으로|와|과|좀)(?=[ ?.!]|$)")
_SMALL_WORDS = {
    "en": {"the", "a", "an", "to", "do", "does", "is", "my", "please", "of", "it", "can", "i"},
    "it": {
        "il",
        "lo",
        "la",
        "i",
        "gli",
        "le",
        "un",
        "una",
        "di",
        "per",
        "mi",
        "che",
        "del",
        "della",
    },
    "ko": {"좀", "제가", "그", "혹시", "저", "이거", "제"},
}
_OPENINGS = {
    "en": ("hi, ", "hello, ", "please ", "um ", "ok so ", "quick question: ", "hey ", "sorry, "),
    "it": (
        "ciao, ",
        "scusa, ",
        "senti, ",
        "buongiorno, ",
        "domanda: ",
        "ehi, ",
        "allora, ",
        "per favore, ",
    ),
    "ko": ("안녕하세요 ", "저기요 ", "혹시 ", "질문이요 ", "음 ", "근데 ", "저 ", "죄송한데 "),
}


def misspell(question: str, language: str, dice: random.Random) -> str:
    """Return ``question`` with none to three kinds of noise."""
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        question = dice.choice(_KINDS)(question, language, dice)
    return question.strip() or question


def _slip(text: str, language: str, dice: random.Random) -> str:
    """Drop, double, swap or hit the neighbour of one letter; in Korean one jamo of a syllable."""
    spots = [i for i, char in enumerate(text) if char.isalpha()]
    if len(spots) < 4:
        return text
    at = dice.choice(spots)
    char = text[at]
    if "가" <= char <= "힣":
        return text[:at] + _slip_syllable(char, dice) + text[at + 1 :]
    kind = dice.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + char + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1 : at + 2] + char + text[at + 2 :]
    return text[:at] + dice.choice(_NEIGHBOURS.get(char.lower()) or char) + text[at + 1 :]


def _slip_syllable(char: str, dice: random.Random) -> str:
    code = ord(char) - 0xAC00
    initial, vowel, final = code // 588, code % 588 // 28, code % 28
    kind = dice.randrange(3)
    if kind == 0:
        final = 0 if final else dice.choice((4, 8, 16, 20, 21))
    elif kind == 1:
        vowel = dice.randrange(21)
    else:
        return ""
    return chr(0xAC00 + initial * 588 + vowel * 28 + final)


def _drop_space(text: str, language: str, dice: random.Random) -> str:
    if language == "ko" and dice.random() < 0.4:
        return text.replace(" ", "")
    spots = [i for i, char in enumerate(text) if char == " "]
    if not spots:
        return text
    at = dice.choice(spots)
    return text[:at] + text[at + 1 :]


def _drop_small_words(text: str, language: str, dice: random.Random) -> str:
    if language == "ko":
        text = _PARTICLES.sub(lambda match: match[0] if dice.random() < 0.4 else "", text)
    small = _SMALL_WORDS[language]
    kept = [word for word in text.split(" ") if word.lower() not in small or dice.random() < 0.4]
    return " ".join(kept) or text


def _drop_word(text: str, language: str, dice: random.Random) -> str:
    words = text.split(" ")
    if len(words) < 4:
        return text
    del words[dice.randrange(len(words))]
    return " ".join(words)


def _flatten(text: str, language: str, dice: random.Random) -> str:
    """Lower case, no end mark, and for Italian no accents: how people type into a chat."""
    text = text.lower().rstrip("?.! ")
    if language == "it":
        parts = unicodedata.normalize("NFD", text)
        text = "".join(char for char in parts if not unicodedata.combining(char))
    return text


def _shout(text: str, language: str, dice: random.Random) -> str:
    return dice.choice((text.upper(), text + "??", text.rstrip("?") + "!", text + "...", text + " ?"))


def _open(text: str, language: str, dice: random.Random) -> str:
    return dice.choice(_OPENINGS[language]) + text


_KINDS = (
    _slip,
    _slip,
    _slip,
    _drop_space,
    _drop_small_words,
    _drop_word,
    _flatten,
    _flatten,
    _shout,
    _open,
)
