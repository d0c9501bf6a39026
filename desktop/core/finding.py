"""Finding a name by some of its letters as they are typed: "nc" finds "New chat", "ㅅㄷㅎ" and "샏" find "새 대화".

Case, accents, spaces and punctuation do not count. Invariant: every character that was typed is accounted for, in
order within a word; a Hangul letter alone stands for a syllable that begins with it, and a syllable as it is while it
is being composed ("댛" on the way to "대화") finds what it will become. Of thousands of names only the likely ones are
judged (`Names`); words that are not shown are found by their beginnings and stems (`Words`). Nothing else is searched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

# What a guess costs. They have no source but trying: a hit at a word's beginning goes before one inside a word, and
# letters that stand together before letters that are spread.
_WORD, _INSIDE = 1, 4  # where the first letter is found, if not at the beginning of all
_NEXT_WORD, _SAME_WORD, _ANYWHERE = 2, 3, 6  # where the next letter is found, if not beside the last one
_PER_LETTER = 2  # a word that costs more for each of its letters is no hit
_BEGUN, _ENDED = 0.5, 1.0  # a word that is not shown, of which the beginning was typed, or another form
_STEM, _ENDING = 6, 3  # keys: "caratteri" and "carattere", "ingrandire" and "ingrandisci"; by trying
_DISORDER = 1  # for a word that stands before the one typed before it
_JUDGED = 80  # names, of as many as there may be: more than are listed; 5 ms
_LONGEST = 60  # letters of a query, and ten times as many of a name: enough for any title

_FIRST_SYLLABLE, _LAST_SYLLABLE = ord("가"), ord("힣")
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ".split()
_FINALS = [
    "",
    *"ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ".split(),
]
_CLUSTERS = dict(
    zip("ㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ", "ㄱㅅ ㄴㅈ ㄴㅎ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅂㅅ".split(), strict=True)
)
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})  # Unicode takes nothing off them


@dataclass(frozen=True, slots=True)
class Match:
    """`cost`: less is better, below 1 is what begins so. `places` are the indices in `Name.text` of what was found."""

    cost: float
    places: tuple[int, ...]


class _Letter(NamedTuple):
    """A key that is pressed for a text. `first`: a character begins with it; `word`: a word does."""

    key: str
    first: bool
    word: bool
    place: int  # in the text
    nth: int  # of the characters that count


_Path = tuple[float, tuple[int, ...]]  # what was found so far: its cost, and where in the text it is
_Paths = dict[int, _Path]  # by the letter of the name that was found last


class Name:
    """A text that can be found. Taking it apart takes longer than asking, so one is kept while questions come.

    `keys`: what is typed for it; `spread`: the same, with a space before what follows a space or a sign.
    """

    def __init__(self, text: str) -> None:
        self.text = unicodedata.normalize("NFC", text)
        self.spread = _spread(self.text[: 10 * _LONGEST])
        self.keys = self.spread.replace(" ", "")

    @cached_property
    def _letters(self) -> list[_Letter]:
        return _letters(self.text[: 10 * _LONGEST])

    def match(self, query: str) -> Match | None:
        """How well the words of the query fit; None where one does not. A query without letters fits everything."""
        cost, places, before = 0.0, set[int](), -1
        for word in _words(query[:_LONGEST]):
            found = self._find(word)
            if found is None:
                return None
            cost += found[0] + (_DISORDER if found[1][0] < before else 0)
            before = found[1][0]
            places.update(found[1])
        return Match(cost + len(self.text) / 1000, tuple(sorted(places)))  # of two alike, the shorter

    def _find(self, word: list[_Letter]) -> _Path | None:
        if not self._holds(word):
            return None
        straight = self._straight(word)
        if straight is not None:
            return straight
        paths = self._begin(word[0])
        for letter in word[1:]:
            paths = self._jump(letter, paths) if letter.first else self._follow(letter, paths)
        cheap = [path for path in paths.values() if path[0] <= _PER_LETTER * len(word)]
        return min(cheap, default=None)

    def _holds(self, word: list[_Letter]) -> bool:
        """Whether the keys occur in order at all: most names end here, because what follows is slow."""
        at = 0
        for letter in word:
            at = self.keys.find(letter.key, at) + 1
            if not at:
                return False
        return True

    def _straight(self, word: list[_Letter]) -> _Path | None:
        """Where a word begins just so, which nothing can beat and which is soon seen."""
        keys = "".join(letter.key for letter in word)
        at = self.keys.find(keys)
        while at >= 0:
            mine = self._letters[at : at + len(word)]
            if (at == 0 or mine[0].word) and all(m.first for m, letter in zip(mine, word, strict=True) if letter.first):
                return (0 if at == 0 else _WORD, tuple(m.place for m in mine))
            at = self.keys.find(keys, at + 1)
        return None

    def _begin(self, letter: _Letter) -> _Paths:
        return {
            at: (0 if at == 0 else _WORD if mine.word else _INSIDE, (mine.place,))
            for at, mine in enumerate(self._letters)
            if mine.first and mine.key == letter.key
        }

    def _follow(self, letter: _Letter, paths: _Paths) -> _Paths:
        """A letter within a syllable comes at once, though it may begin the next syllable: it is still being typed."""
        nexts = ((at + 1, path) for at, path in paths.items() if self.keys[at + 1 : at + 2] == letter.key)
        return {at: (cost, (*places, self._letters[at].place)) for at, (cost, places) in nexts}

    def _jump(self, letter: _Letter, paths: _Paths) -> _Paths:
        """The first letter of a character may be that of any later one; far away costs more."""
        longer: _Paths = {}
        beside: _Paths = {}  # the best by character
        anywhere = here = _NOWHERE  # the best so far, and in the word where `at` is
        for at, mine in enumerate(self._letters):
            if mine.word:
                here = _NOWHERE
            if mine.first and mine.key == letter.key:
                far = (anywhere[0] + (_NEXT_WORD if mine.word else _ANYWHERE), anywhere[1])
                near = (here[0] + _SAME_WORD, here[1])
                cost, places = min(beside.get(mine.nth - 1, _NOWHERE), near, far)
                if places:
                    longer[at] = (cost, (*places, mine.place))
            if at in paths:
                path = paths[at]
                anywhere, here = min(anywhere, path), min(here, path)
                beside[mine.nth] = min(beside.get(mine.nth, _NOWHERE), path)
        return longer


_NOWHERE: _Path = (float("inf"), ())


class Names:
    """Many names, asked together: what is likely to be among the best is judged, `_JUDGED` of them at most.

    As a query grows letter by letter, only what held the shorter one is looked through.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._names = [Name(text) for text in texts]
        self._keys, self._spread = [name.keys for name in self._names], [name.spread for name in self._names]
        self._lengths = [len(name.text) for name in self._names]  # of two alike, the shorter is better
        self._before: tuple[list[str], Sequence[int]] = ([], range(len(self._names)))  # words, and who holds them

    def match(self, query: str) -> list[tuple[int, Match]]:
        """The names by their numbers, in no order."""
        found = ((at, self._names[at].match(query)) for at in self._likely(["".join(k) for k in _keys(query)]))
        return [(at, match) for at, match in found if match is not None]

    def text(self, at: int) -> str:
        """The name, as the places in it are counted."""
        return self._names[at].text

    def _likely(self, words: list[str]) -> list[int]:
        held = self._holding(words)
        if len(held) <= _JUDGED:
            return list(held)
        taken: dict[int, None] = {}
        for stage in self._stages(held, words):
            taken.update(dict.fromkeys(sorted(stage, key=self._lengths.__getitem__)))
            if len(taken) >= _JUDGED:
                break
        return list(taken)[:_JUDGED]

    def _holding(self, words: list[str]) -> Sequence[int]:
        """Who has the keys of every word in order."""
        before, among = self._before
        grown = len(before) <= len(words) and all(w.startswith(b) for w, b in zip(words, before, strict=False))
        patterns = [re.compile("".join(f"[^{re.escape(k)}]*{re.escape(k)}" for k in word)) for word in words]
        held, keys = (among if grown else range(len(self._names))), self._keys
        for pattern in patterns:
            held = [at for at in held if pattern.match(keys[at])]
        self._before = words, held
        return held

    def _stages(self, held: Sequence[int], words: list[str]) -> Iterator[list[int]]:
        """The numbers that hold the words, in the order in which they are likely to cost least."""
        keys, spread = self._keys, self._spread
        yield [at for at in held if keys[at].startswith(words[0])]
        begun = [f" {word}" for word in words]
        yield [at for at in held if all(word in spread[at] for word in begun)]
        initials = [re.compile(".* ".join(["", *map(re.escape, word)])) for word in words]
        yield [at for at in held if all(one.match(spread[at]) for one in initials)]
        yield [at for at in held if all(word in keys[at] for word in words)]
        yield list(held)


class Words:
    """Words by which something is found though they are not shown: everyday ones, and its names in other languages."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = {"".join(keys) for text in texts for keys in _keys(text)}

    def match(self, query: str) -> float | None:
        """What it costs, where every word of the query begins one of these, with two keys at least, or has its stem."""
        wanted = ["".join(keys) for keys in _keys(query)]
        if not wanted or any(len(word) < 2 for word in wanted):
            return None
        costs = [self._cost(word) for word in wanted]
        return None if None in costs else sum(filter(None, costs))

    def _cost(self, word: str) -> float | None:
        if word in self._words:
            return 0.0
        if any(mine.startswith(word) for mine in self._words):
            return _BEGUN
        stem, longest = word[: max(_STEM, len(word) - _ENDING)], len(word) + _ENDING
        return _ENDED if any(mine.startswith(stem) and len(mine) <= longest for mine in self._words) else None


def _keys(text: str) -> Iterator[list[str]]:
    """The keys of each word between spaces and commas."""
    return ([letter.key for letter in word] for word in _words(text.replace(",", " ")))


@lru_cache(maxsize=8)  # thousands of names are asked the same
def _words(query: str) -> list[list[_Letter]]:
    words = (_letters(word) for word in unicodedata.normalize("NFC", query).split())
    return [word for word in words if word]


def _letters(text: str) -> list[_Letter]:
    """The keys of a text, without what does not count. A place is counted in the text's own characters."""
    found: list[_Letter] = []
    before, nth = "", -1
    for place, character in enumerate(text):
        for part in _parts(character):
            nth += 1
            word = _begins_word(before, character)
            found.extend(_Letter(key, not n, word and not n, place, nth) for n, key in enumerate(part))
            before = character
        if unicodedata.category(character)[0] in "ZPC":
            before = ""
    return found


class _Typed(dict[str, str]):
    """What is typed for a character; a space for one that parts words."""

    def __missing__(self, character: str) -> str:
        keys = "".join(_parts(character))
        self[character] = keys or (" " if unicodedata.category(character)[0] in "ZPC" else "")
        return self[character]


_TYPED = _Typed()  # as many as there are characters in use


def _spread(text: str) -> str:
    return " " + " ".join("".join(map(_TYPED.__getitem__, text)).split())


@lru_cache(maxsize=4096)
def _parts(character: str) -> list[str]:
    """The characters that count of one, each as the keys it is typed by."""
    code = ord(character)
    if _FIRST_SYLLABLE <= code <= _LAST_SYLLABLE:
        rest, final = divmod(code - _FIRST_SYLLABLE, len(_FINALS))
        initial, vowel = divmod(rest, len(_VOWELS))
        return [_INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]]
    plain = _CLUSTERS.get(character) or unicodedata.normalize("NFKD", character.casefold()).translate(_PLAIN)
    if "\u1100" <= plain[:1] <= "\u11ff":  # a Hangul letter alone, which NFKD makes one of another kind
        plain = character
    return [part for part in plain.casefold() if unicodedata.category(part)[0] not in "ZPCM"]


def _begins_word(before: str, character: str) -> bool:
    """Whether a new word begins: after a space or sign, at the capital in "TheBloke", at the figure in "Mistral7"."""
    if not before:
        return True
    return (before.islower() and character.isupper()) or before.isdecimal() != character.isdecimal()
