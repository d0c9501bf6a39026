"""Which variant to take: the usual type that this computer holds with room to spare, or else the best it does; and why.

Invariant: of variants that can be judged there is always one, if only the smallest with the advice to make room; the
usual types are preferred to rarer ones, of them that which the help and the guide name first, so that all say the same
before and after this computer's speed is known. The reason, a sentence, speaks of what is there and of nothing else.
What fits is `core.fit`'s to say, a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from desktop.core.errors import N_
from desktop.core.fit import Verdict
from desktop.core.quants import POOR as LOSSY
from desktop.core.repos import Variant

USUAL = ("Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K")  # TheBloke's "recommended", and Q6_K; the first that fits is taken
# Tokens a second: people read 238 words a minute (Brysbaert 2019, silent reading), and 3 words are 4 tokens of English.
READING_SPEED = 5.3
_MOST_BITS = 9.0  # more than Q8_0 costs twice the memory and speed for nothing that is noticed

USUAL_ONE = N_("The usual choice, with little loss. It leaves memory for other programs.")
FAST = N_("The best quality that leaves memory for other programs and is written as fast as people read.")
SLOW = N_("The fastest of the usual types, though on this computer it is written more slowly than people read.")
OTHER = N_("None of the usual types leaves memory for other programs. Of the others this is the best.")
PARTLY = N_("A usual type, part of which fits on the graphics card.")
TIGHT = N_("A usual type that fits if other programs stay small.")
POOR = N_("Better ones do not fit with memory to spare. Answers suffer noticeably.")
SMALLEST = N_("None of the usual types fits. Of those that do, this is the smallest.")
NONE = N_("None fits as it is set. This is the smallest; its details say what would make room.")
ONLY = N_("It is the only one here that can be used.")
BEST_HERE = N_("None of the usual types is here. Of the others that leave memory for other programs, this is the best.")
POOR_HERE = N_("The best of those that fit; all of them lose much. Answers suffer noticeably.")
SMALLEST_HERE = N_("None of the usual types is here. Of those that fit, this is the smallest.")
UNREADABLE = N_("Today's engine reads none of them.")


class Row(NamedTuple):
    """A variant, how it goes with memory, and the tokens a second it is expected to write; None where nobody knows."""

    variant: Variant
    verdict: Verdict
    speed: float | None = None

    @property
    def fast(self) -> bool:
        return self.speed is None or self.speed >= READING_SPEED


Sort = Callable[[Variant], bool]


def recommended(rows: Sequence[Row]) -> tuple[Variant, str]:
    """The variant, and the reason as a message id. There must be a row."""
    readable = [row for row in rows if loadable(row.variant)]
    if not readable:
        return min((row.variant for row in rows), key=lambda v: v.size), UNREADABLE
    for verdict, sort, best, reason in _ORDER:
        found = [row for row in readable if row.verdict is verdict and sort(row.variant)]
        if found:
            chosen, why = _best(found, reason) if best else (min(found, key=_bits), reason)
            return chosen.variant, _true(why, chosen, readable)
    return min((row.variant for row in readable), key=lambda v: v.size), NONE


def _best(found: Sequence[Row], reason: str) -> tuple[Row, str]:
    """The smallest of the usual types; of others the best that is written as fast as people read, if one is."""
    if reason is USUAL_ONE:
        usual = min(found, key=_bits)
        return usual, reason if usual.fast else SLOW
    best, fast = max(found, key=_bits), [row for row in found if row.fast]
    if fast and not best.fast and reason is not POOR:
        return max(fast, key=_bits), FAST
    return best, reason


def _true(reason: str, chosen: Row, rows: Sequence[Row]) -> str:
    """The reason, or one that says nothing of types that are not here."""
    if len(rows) == 1 and chosen.verdict is Verdict.FITS:
        return ONLY
    if reason is POOR and all(_poor(row.variant) for row in rows):
        return POOR_HERE
    if any(_usual(row.variant) for row in rows):
        return reason
    return {OTHER: BEST_HERE, SMALLEST: SMALLEST_HERE}.get(reason, reason)


def loadable(variant: Variant) -> bool:
    """Whether today's engine reads it, as far as its name tells."""
    return variant.quantisation is None or variant.quantisation.loadable


def _usual(variant: Variant) -> bool:
    return variant.quantisation is not None and variant.quantisation.name in USUAL


def _good(variant: Variant) -> bool:
    """Whether nothing speaks against a rarer type: neither a noticeable loss nor more than anybody notices."""
    kind = variant.quantisation
    return kind is not None and kind.quality not in LOSSY and kind.bits < _MOST_BITS


def _poor(variant: Variant) -> bool:
    return variant.quantisation is not None and variant.quantisation.quality in LOSSY


def _any(variant: Variant) -> bool:
    return True


def _bits(row: Row) -> tuple[float, int]:
    kind = row.variant.quantisation
    return (kind.bits if kind else 0.0), row.variant.size


_ORDER: tuple[tuple[Verdict, Sort, bool, str], ...] = (
    (Verdict.FITS, _usual, True, USUAL_ONE),
    (Verdict.FITS, _good, True, OTHER),
    (Verdict.PARTLY, _usual, False, PARTLY),
    (Verdict.TIGHT, _usual, False, TIGHT),
    (Verdict.FITS, _poor, True, POOR),
    (Verdict.FITS, _any, False, SMALLEST),
    (Verdict.PARTLY, _any, False, SMALLEST),
    (Verdict.TIGHT, _any, False, SMALLEST),
)
