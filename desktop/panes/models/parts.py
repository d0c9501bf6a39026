"""What memory is taken for: the parts of a bar, and the same as lines to read.

Invariant: the parts of a model add up to the total that rows and verdicts name, but for those of less than 1 MB; with
what other programs use and what remains they are all of this computer's memory. Nothing is estimated or drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from desktop.panes.models.edges import Fit
from desktop.ui import formats
from desktop.ui.translation import _

_NOISE = 1_000_000  # bytes; what takes less tells nobody anything


class Kind(Enum):
    """What a part is for, in the order in which parts stand beside each other."""

    OTHERS = auto()  # what is in use without the model
    WEIGHTS = auto()
    COPY = auto()
    CONVERSATION = auto()
    WORK = auto()
    PROCESS = auto()
    FREE = auto()
    CARD = auto()  # in the memory of a graphics card, not in that of the computer


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes, and what they are for."""

    kind: Kind
    name: str
    octets: int

    @property
    def said(self) -> str:
        """ "Working memory: 125.8 MB"."""
        return _("{name}: {value}", name=self.name, value=formats.size(self.octets))


def taken(fit: Fit) -> list[Part]:
    """What the model takes, part by part; what takes next to nothing is left out."""
    e, settings = fit.estimate, fit.settings
    tokens = formats.number(settings.context)
    parts = [
        Part(Kind.WEIGHTS, _("Weights, read from the file"), e.weights_bytes),
        Part(Kind.COPY, _("Weights, repacked for this processor"), e.repack_bytes),
        Part(
            Kind.CONVERSATION,
            _("The conversation: {count} tokens as {kind}", count=tokens, kind=settings.kv_type),
            e.kv_bytes,
        ),
        Part(Kind.WORK, _("Working memory"), e.compute_bytes),
        Part(Kind.WORK, _("Output"), e.output_bytes),
        Part(Kind.PROCESS, _("The engine's process"), e.process_bytes),
        Part(Kind.PROCESS, _("Keeping what was read"), e.keeping_bytes),
        *(
            Part(Kind.WEIGHTS if card.shared else Kind.CARD, _("On {device}", device=card.name), card.total_bytes)
            for card in e.devices
        ),
    ]
    least = min(_NOISE, max(e.weights_bytes, 1))  # of a tiny model even less is something
    return [part for part in parts if part.octets >= least]


def used(fit: Fit) -> Part:
    """What other programs hold, and the system."""
    return Part(Kind.OTHERS, _("The system and other programs"), max(0, fit.memory_bytes - fit.available_bytes))


def remaining(fit: Fit) -> Part:
    """What is left for other programs while the model is loaded."""
    left = fit.available_bytes - fit.estimate.total_bytes
    return Part(Kind.FREE, _("Remains for other programs"), max(0, left))


def memory(fit: Fit) -> int:
    """All there is, bytes; where nobody knows, what is available."""
    return fit.memory_bytes or fit.available_bytes


def whole(fit: Fit) -> tuple[Part, ...]:
    """All of this computer's memory, from left to right."""
    here = (part for part in taken(fit) if part.kind is not Kind.CARD)
    return (used(fit), *here, remaining(fit))
