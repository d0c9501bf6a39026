"""Prompt lookup: what a text said after the same words before is a draft of what it says next; when to try one.

Invariant: a draft is tried only while it is expected to be faster, by what tokens were seen to take, computed one at a
time and several at once, and by how often the text went on as it had before, which is counted at every token, tried or
not. What is lost on drafts stays about a hundredth of a reply and `_CREDIT`. Nothing is computed here, and what of a
draft was right is found out by `engine.writing`.

Where the text must be the very same (temperature 0), a number of tokens is computed at once only if that was shown to
give, to the bit, the logits of tokens one at a time: kernels for one token and for several need not round alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SIZES = (3, 4, 8)  # tokens computed at once; kernels that repack weights take four rows at a time
MOST = SIZES[-1]
_PROOFS = (8, 3)  # sizes tried for sameness: 8 shows it for 4, and some kernels differ from four rows on
_PAYS = 1.05  # how many times faster a draft must be expected to be: what is estimated is less sure than what is
_CREDIT = 1.0  # tokens' time that may be lost at the start of a reply
_PRICE = 0.01  # of a reply's tokens' time that may be lost besides
_CANDIDATES = 8  # places looked at, latest first
_LONGEST = 16  # tokens compared; a match that has grown longer is no surer
_LEVELS = (4, 8, 16)  # lengths of match between which the chances are counted apart
_CHANCES = (0.3, 0.5, 0.7, 0.85)  # before anything was seen in this reply; no source but that they err on the low side
_HOPELESS = 0.4  # with a chance below this no size has ever paid
_SURE = 16  # tokens matched before a proof is tried, which wins nothing by itself
_MEMORY = 0.1  # weight of the newest observation
_FORGETS = 0.003  # with which a cost that forbade a draft returns to what is assumed of it: one try in some hundred


class Index:
    """Tokens, and where the last two of them, or more, stood before. 32,000 tokens take 40 ms and 5 MB."""

    def __init__(self, tokens: Iterable[int] = ()) -> None:
        self._tokens: list[int] = []
        self._latest: dict[int, int] = {}  # two tokens, as one number: where the one after them stands
        self._earlier: list[int] = []  # for the same two, by that place: the place before it; 0: none
        self._at = 0  # the token that is expected next stands here; 0: none is
        self.matched = 0  # tokens before it that are the latest ones
        for token in tokens:
            self._insert(token)
        self._find()

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def expected(self) -> int:
        """The token that may come next; -1 where nothing is known."""
        return self._tokens[self._at] if self._at else -1

    def add(self, token: int) -> None:
        """The text goes on."""
        right = self.expected == token
        self._insert(token)
        if right:
            self._at += 1
            self.matched += 1
        else:
            self._find()

    def draft(self, count: int) -> tuple[int, ...]:
        """What followed then, `count` tokens of it; what comes round is taken to go on so."""
        found: list[int] = []
        for at in range(self._at, self._at + count if self._at else 0):
            found.append(self._tokens[at] if at < len(self._tokens) else found[self._at - len(self._tokens)])
        return tuple(found)

    def _insert(self, token: int) -> None:
        place = 0
        if len(self._tokens) > 1:
            key = self._tokens[-2] << 32 | self._tokens[-1]
            place = self._latest.get(key, 0)
            self._latest[key] = len(self._tokens)
        self._earlier.append(place)
        self._tokens.append(token)

    def _find(self) -> None:
        """The longest match among the latest ones."""
        self._at = self.matched = 0
        if len(self._tokens) < 2:
            return
        place = self._latest.get(self._tokens[-2] << 32 | self._tokens[-1], 0)
        for _ in range(_CANDIDATES):
            if not place:
                return
            length = self._length(place)
            if length > self.matched:
                self._at, self.matched = place, length
            place = self._earlier[place]

    def _length(self, place: int) -> int:
        tokens, end, length = self._tokens, len(self._tokens), 2
        while length < min(_LONGEST, place) and tokens[place - 1 - length] == tokens[end - 1 - length]:
            length += 1
        return length


class Costs:
    """What tokens computed at once were seen to take with a loaded model, and how many give the same logits as one."""

    def __init__(self) -> None:
        self.single = 0.0  # seconds a token takes alone; 0: not seen yet
        self.debt = 0.0  # tokens' time spent on proofs that proved nothing; until it is earned there is no other
        self._times = {size: _assumed(size) for size in SIZES}  # as much
        self._same: dict[tuple[int, int], bool] = {}

    def times(self, size: int) -> float:
        """How many times as long as one token `size` of them take."""
        return self._times[size]

    def took(self, size: int, seconds: float) -> float:
        """Notes a time; returns it in times of a single token. What was far longer was the computer being busy."""
        if size == 1:
            before = self.single or seconds
            self.single = before + _MEMORY * (min(seconds, 2 * before) - before)
            return 1.0
        before = self._times[size]
        times = min(seconds / self.single, 2 * before) if self.single else before
        self._times[size] = before + 3 * _MEMORY * (times - before)
        return times

    def forbade(self) -> None:
        """Costs forbade a draft: what was measured ages."""
        for size, times in self._times.items():
            self._times[size] = times + _FORGETS * (_assumed(size) - times)

    def proved(self, size: int, depth: int, same: bool) -> None:
        self._same[size, _class(depth)] = same
        self.debt = 0.0

    def same(self, size: int, depth: int) -> bool:
        """Whether this size, or a larger one, gave the same logits at about this depth."""
        return any(self._same.get((larger, _class(depth)), False) for larger in SIZES if larger >= size)

    def unproved(self, depth: int) -> int:
        """The size to be tried next for sameness; 0 where all is known."""
        for size in _PROOFS:
            known = self._same.get((size, _class(depth)))
            if known is not False:
                return 0 if known else size
        return 0


def _assumed(size: int) -> float:
    """Before anything was measured: of a 1.1 B model in Q4_0 on two cores 2.0 for four tokens, 3.7 for eight."""
    return 1 + 0.38 * (size - 1)


def _class(depth: int) -> int:
    """Doublings of 256 tokens: kernels choose their ways by the length of what they attend to."""
    return (depth // 256).bit_length()


@dataclass(frozen=True, slots=True)
class Draft:
    """Tokens to be tried. `proof`: only to see whether computing them at once gives the same as one at a time."""

    tokens: tuple[int, ...] = ()
    proof: bool = False


NOTHING = Draft()


class Lookup:
    """The drafts of one reply. `strict`: the text must be the very same as without."""

    def __init__(self, costs: Costs, tokens: Iterable[int], strict: bool) -> None:
        self._costs, self._strict = costs, strict
        self._index = Index(tokens)
        self._chances = list(_CHANCES)
        self._balance = _CREDIT  # tokens' time won so far

    def add(self, token: int) -> None:
        """A token was written."""
        index = self._index
        if index.matched:
            level = _level(index.matched)
            self._chances[level] += _MEMORY * ((index.expected == token) - self._chances[level])
        index.add(token)
        self._balance += _PRICE
        self._costs.debt -= _PRICE

    def draft(self, room: int, depth: int) -> Draft:
        """What to try now, with the next token at most `room` tokens, at this depth of the context."""
        matched = self._index.matched
        if not matched or self._chances[_level(matched)] < _HOPELESS or not self._costs.single or self._balance <= 0:
            return NOTHING
        fitting = [size for size in SIZES if size <= room]
        allowed = [size for size in fitting if not self._strict or self._costs.same(size, depth)]
        size = max(allowed, key=self._gain, default=0)
        if size and self._gain(size) >= _PAYS:
            return Draft(self._index.draft(size - 1))
        size = self._costs.unproved(depth) if self._strict and matched >= _SURE and self._costs.debt <= 0 else 0
        if size in fitting and self._gain(size) >= _PAYS:
            self._costs.debt = self._costs.times(size)
            return Draft(self._index.draft(size - 1), proof=True)
        self._costs.forbade()
        return NOTHING

    def won(self, tokens: float, times: float) -> None:
        """A try gave so many tokens in so many times what a single one takes."""
        self._balance += tokens - times

    def _gain(self, size: int) -> float:
        """How many times faster this many at once are expected to be."""
        expected, chance, matched = 1.0, 1.0, self._index.matched
        for further in range(size - 1):
            chance *= self._chances[_level(matched + further)]
            expected += chance
        return expected / self._costs.times(size)


def _level(matched: int) -> int:
    return sum(matched >= length for length in _LEVELS)
