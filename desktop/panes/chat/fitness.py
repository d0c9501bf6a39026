"""How the chosen model goes with this computer's memory, in a word and in a sentence; and a model that would.

Invariant: the figures are `services.fit`'s, the words the same as in the models pane. Values only: no widget.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop.core.errors import N_
from desktop.core.fit import Verdict
from desktop.ui import formats
from desktop.ui.labels import Tone
from desktop.ui.translation import _

_WORDS: dict[Verdict, tuple[str, str, Tone]] = {
    Verdict.FITS: (
        N_("fits"),
        N_("It fits into the memory that is available now, and leaves some for other programs."),
        Tone.MUTED,
    ),
    Verdict.TIGHT: (
        N_("tight"),
        N_("It just fits. Other programs may become slow while it is loaded."),
        Tone.WARNING,
    ),
    Verdict.PARTLY: (
        N_("partly on the GPU"),
        N_("Some of its layers fit on the graphics card; the processor computes the others."),
        Tone.MUTED,
    ),
    Verdict.TOO_LARGE: (
        N_("too large"),
        N_("It does not go into the memory that is available now. The computer could slow to a crawl."),
        Tone.DANGER,
    ),
}


@dataclass(frozen=True, slots=True)
class Fitness:
    """The verdict on a model with the chat's settings, and what it rests on, in bytes."""

    verdict: Verdict
    needed: int
    available: int

    @property
    def tone(self) -> Tone:
        return _WORDS[self.verdict][2]

    @property
    def brief(self) -> str:
        """ "fits · 5.1 of 9.8 GB", in the window's language."""
        needed, there = formats.size(self.needed), formats.size(self.available)
        amounts = _("{size} of {available}", size=needed, available=there)
        return f"{_(_WORDS[self.verdict][0])} · {amounts}"

    @property
    def sentence(self) -> str:
        return _(_WORDS[self.verdict][1])

    @property
    def amounts(self) -> str:
        needed, there = formats.size(self.needed), formats.size(self.available)
        return _("It needs {size}, and {available} are available.", size=needed, available=there)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A model of the shelf that fits this computer: its name, the file's bytes, and where it is found.

    `coming`: its download is in the queue; `refused`: why it cannot begin, as a message id. `here`: it is one of the
    library, to be talked to.
    """

    name: str
    size: int
    repo: str = ""
    label: str = ""
    coming: bool = False
    refused: str = ""
    here: bool = False
