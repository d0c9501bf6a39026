"""What of a prompt is certain before it is asked for: of a draft the words that are finished, of two prompts with
different ways on for the draft the beginning they share.

Invariant: whatever a person adds to the settled part of a draft, the prompt still begins with what is told here, as far
as the template lets it. Tokens are the engine's affair: the last ones before the end may still join with what comes.
"""

from __future__ import annotations

from collections.abc import Sequence

from desktop.core.generation import Piece, PieceKind
from desktop.core.prefix import shared

WAYS_ON = (" x", "\ny")  # two ways a draft may go on that have nothing in common
_LONGEST_WORD = 24  # letters; what is longer is a script without spaces, or an address (no source: longest words seen)
_OPEN = 8  # letters at the end of such a run that stay open: the longest tokens are that long


def settled(draft: str) -> str:
    """The draft without its last word, which is still being written, and without the white space before that."""
    if draft[-1:].isspace():
        return draft.rstrip()
    *head, word = ["", *draft.rsplit(None, 1)]
    return draft[:-_OPEN] if len(word) > _LONGEST_WORD else head[-1] if head else ""


def beginning(one: Sequence[Piece], other: Sequence[Piece]) -> tuple[Piece, ...]:
    """What both prompts begin with; a text is cut where they part, an earlier reply is whole or left out."""
    found: list[Piece] = []
    for a, b in zip(one, other, strict=False):
        if a != b:
            end = shared(a.text, b.text)
            if a.kind is b.kind is PieceKind.TEXT and end:
                found.append(Piece(PieceKind.TEXT, a.text[:end]))
            break
        found.append(a)
    return tuple(found)
