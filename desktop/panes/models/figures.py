"""What is said about repositories and variants, in words and figures a person understands.

Invariant: a verdict is said by a word, a colour and a shape, always the same three; every figure is the value's own.
Nothing is estimated here and no widget is touched.
"""

from __future__ import annotations

from desktop.core.errors import N_
from desktop.core.fit import Verdict
from desktop.core.repos import Repository, Variant
from desktop.ui import formats
from desktop.ui.icons import Icon
from desktop.ui.labels import Tone
from desktop.ui.translation import _, ngettext

VERDICTS: dict[Verdict, tuple[str, Tone, Icon]] = {
    Verdict.FITS: (N_("fits"), Tone.ACCENT, Icon.FITS),
    Verdict.TIGHT: (N_("tight"), Tone.WARNING, Icon.WARNING),
    Verdict.PARTLY: (N_("partly on the GPU"), Tone.TEXT, Icon.PARTLY),
    Verdict.TOO_LARGE: (N_("too large"), Tone.DANGER, Icon.TOO_LARGE),
}
COMPUTING = (N_("computing…"), Tone.MUTED, Icon.MORE)  # while a header is read: no verdict by the size alone
EXPLAINED: dict[Verdict, str] = {
    Verdict.FITS: N_("It fits into the memory that is available now, and leaves some for other programs."),
    Verdict.TIGHT: N_("It just fits. Other programs may become slow while it is loaded."),
    Verdict.PARTLY: N_("Some of its layers fit on the graphics card; the processor computes the others."),
    Verdict.TOO_LARGE: N_("It does not go into the memory that is available now. The computer could slow to a crawl."),
}


def verdict(variant: Variant, its: Verdict) -> tuple[str, Tone, Icon]:
    """The word, colour and shape for a variant: memory is of no use where the engine cannot read the file."""
    return VERDICTS[its] if loadable(variant) else (N_("cannot be loaded"), Tone.DANGER, Icon.TOO_LARGE)


def explained(variant: Variant, its: Verdict) -> str:
    """The same in a sentence, as a message id."""
    return variant.quantisation.explanation if variant.quantisation and not loadable(variant) else EXPLAINED[its]


def loadable(variant: Variant) -> bool:
    """Whether today's engine reads its type; one whose name says nothing is believed to be."""
    return variant.quantisation is None or variant.quantisation.loadable


def parameters(count: int) -> str:
    """ "7.2 billion"."""
    if count >= 1e9:
        return _("{count} billion", count=formats.number(count / 1e9, 1))
    return _("{count} million", count=formats.number(count / 1e6))


def repository(row: Repository, *, dated: bool = True) -> str:
    """One line of facts: "TheBloke · 7.2 billion parameters · llama · apache-2.0 · September 2023"."""
    parts = [
        row.author,
        _("{count} parameters", count=parameters(row.parameters)) if row.parameters else "",
        row.architecture,
        row.licence,
        formats.month(row.modified) if row.modified and dated else "",
    ]
    return " · ".join(part for part in parts if part)


def reach(row: Repository) -> str:
    """How many people took and liked it, and whether one has to ask: "812,345 downloads · 523 likes"."""
    if row.catalogue:
        return _("figures from the catalogue")
    parts = [
        _("{count} downloads", count=formats.number(row.downloads)),
        _("{count} likes", count=formats.number(row.likes)),
        _("asks for permission") if row.gated else "",
    ]
    return " · ".join(part for part in parts if part)


def quality(variant: Variant) -> str:
    """ "4.9 bits · little loss", or the number of files where the type is not known."""
    kind = variant.quantisation
    parts = [
        _("{bits} bits", bits=formats.number(kind.bits, 1)) if kind else "",
        _(kind.quality) if kind else "",
        ngettext("{count} file", "{count} files", len(variant.files)) if len(variant.files) > 1 else "",
    ]
    return " · ".join(part for part in parts if part)


def memory(octets: int, *, exact: bool) -> str:
    """ "5.9 GB", or "≈ 5.9 GB" where it is only computed."""
    return formats.size(octets) if exact else _("≈ {size}", size=formats.size(octets))


def age(seconds: float) -> str:
    """How old something is, roughly: "3 hours"."""
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return ngettext("{count} minute", "{count} minutes", minutes)
    hours = round(minutes / 60)
    if hours < 48:
        return ngettext("{count} hour", "{count} hours", hours)
    return ngettext("{count} day", "{count} days", round(hours / 24))
