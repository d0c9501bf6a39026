"""The beginning of a file as it arrives: whether it can become a model at all.

Invariant: what is no GGUF file, a damaged one, or none of a language model is told as soon as its header is here, not
after all of its bytes. A checksum that is known changes nothing: it may be that of a file nobody can use. Nothing is
written here, and what a header cannot tell, the library does at the end.
"""

from __future__ import annotations

import logging

from desktop.core.errors import N_, ModelFileError, TransferError
from desktop.core.gguf import MAX_HEADER, NeedMore, check, parse
from desktop.services.models.modelfiles import no_language_model
from desktop.services.transfer.part import Part

UNSOUND = N_(
    "Alcove cannot use “{name}” as it is published: it is no language model in GGUF form, is damaged, or needs a newer "
    "Alcove. Nothing of it was kept. Choose another file."
)
_FIRST = 512  # bytes that tell what kind of file it is, as `core.gguf` wants them

log = logging.getLogger(__name__)


class Opening:
    """Looks at one part again and again, until its header is whole; each time at twice as much at least."""

    def __init__(self) -> None:
        self._next = _FIRST

    def look(self, part: Part) -> None:
        """Raises `TransferError` for what will be no model; then nothing of the part is kept."""
        if part.received < self._next and not part.held.whole:
            return
        try:
            header = parse(part.beginning(MAX_HEADER), part.size or None)
            if part.size:
                check(header, part.size)
            sound = not no_language_model(header.metadata)
        except NeedMore as more:
            self._next = max(more.bytes_needed, 2 * part.received)
            return
        except ModelFileError as error:
            log.warning("%s: %s", part.target.name, error)
            sound = False
        if not sound:
            part.discard()
            raise TransferError(UNSOUND, name=part.target.name)
        self._next = MAX_HEADER << 40  # never again
