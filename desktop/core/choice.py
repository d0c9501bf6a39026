"""Which variant to take: the best quality that this computer holds with room to spare, and why, in a sentence.

Invariant: of variants that can be judged there is always one, if only the smallest with the advice to make room; the
usual types are preferred to rarer ones that need as much. What fits is `core.fit`'s to say, a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from desktop.core.errors import N_
from desktop.core.fit import Verdict
from desktop.core.quants import Quality
from desktop.core.repos import Variant

USUAL = ("Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K")  # TheBloke's "recommended", and Q6_K, which loses next to nothing
_MOST_BITS = 9.0  # more than Q8_0 costs twice the memory and speed for nothing that is noticed
_POOR = (Quality.SUBSTANTIAL, Quality.HIGH, Quality.SEVERE)

BEST = N_("The best quality that leaves memory for other programs.")
OTHER = N_("None of the usual types leaves memory for other programs. Of the others this is the best.")
PARTLY = N_("A usual type, part of which fits on the graphics card.")
TIGHT = N_("A usual type that fits if other programs stay small.")
POOR = N_("Better ones do not fit with memory to spare. Answers suffer noticeably.")
SMALLEST = N_("None of the usual types fits. Of those that do, this is the smallest.")
NONE = N_("None fits as it is set. This is the smallest; its details say what would make room.")

Row = tuple[Variant, Verdict]
Sort = Callable[[Variant], bool]


def recommended(rows: Sequence[Row]) -> tuple[Variant, str]:
    """The variant, and the reason as a message id. There must be a row."""
    for verdict, sort, best, reason in _ORDER:
        found = [variant for variant, its in rows if its is verdict and sort(variant)]
        if found:
            return (max if best else min)(found, key=_bits), reason
    return min((v for v, _ in rows), key=lambda v: v.size), NONE


def _usual(variant: Variant) -> bool:
    return variant.quantisation is not None and variant.quantisation.name in USUAL


def _good(variant: Variant) -> bool:
    """Whether nothing speaks against a rarer type: neither a noticeable loss nor more than anybody notices."""
    kind = variant.quantisation
    return kind is not None and kind.loadable and kind.quality not in _POOR and kind.bits < _MOST_BITS


def _poor(variant: Variant) -> bool:
    return variant.quantisation is not None and variant.quantisation.quality in _POOR


def _any(variant: Variant) -> bool:
    return True


def _bits(variant: Variant) -> tuple[float, int]:
    return (variant.quantisation.bits if variant.quantisation else 0.0), variant.size


_ORDER: tuple[tuple[Verdict, Sort, bool, str], ...] = (
    (Verdict.FITS, _usual, True, BEST),
    (Verdict.FITS, _good, True, OTHER),
    (Verdict.PARTLY, _usual, False, PARTLY),
    (Verdict.TIGHT, _usual, False, TIGHT),
    (Verdict.FITS, _poor, True, POOR),
    (Verdict.FITS, _any, False, SMALLEST),
    (Verdict.PARTLY, _any, False, SMALLEST),
    (Verdict.TIGHT, _any, False, SMALLEST),
)
