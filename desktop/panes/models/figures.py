"""What is said about repositories and variants, in words and figures a person understands.

Invariant: a verdict is said by a word, a colour and a shape, always the same three; every figure is the value's own.
Nothing is estimated here and no widget is touched.
"""

from __future__ import annotations

from desktop.core.errors import N_
from desktop.core.fit import Verdict
from desktop.core.repos import Repository, Variant
from desktop.core.transfer import Download, State
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
EXPLAINED: dict[Verdict, str] = {
    Verdict.FITS: N_("It fits into the memory that is available now, and leaves some for other programs."),
    Verdict.TIGHT: N_("It just fits. Other programs may become slow while it is loaded."),
    Verdict.PARTLY: N_("Some of its layers fit on the graphics card; the processor computes the others."),
    Verdict.TOO_LARGE: N_("It needs more memory than is available now. The computer could slow to a crawl."),
}


def parameters(count: int) -> str:
    """ "7.2 billion"."""
    if count >= 1e9:
        return _("{count} billion", count=formats.number(count / 1e9, 1))
    return _("{count} million", count=formats.number(count / 1e6))


def repository(row: Repository, *, author: bool = True) -> str:
    """One line of facts: "TheBloke · 7.2 billion parameters · llama · apache-2.0 · 28 September 2023"."""
    parts = [
        row.author if author else "",
        _("{count} parameters", count=parameters(row.parameters)) if row.parameters else "",
        row.architecture,
        row.licence,
        formats.date(row.modified) if row.modified else "",
    ]
    return " · ".join(part for part in parts if part)


def quality(variant: Variant) -> str:
    """ "4.9 bits · balanced", or the number of files where the type is not known."""
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


def transfer(download: Download) -> str:
    """Where a download stands, in a sentence: "1.2 GB of 4.4 GB, 12 MB/s, 4 min 20 s left"."""
    got, whole = formats.size(download.received), formats.size(download.size)
    far = _("{got} of {size}", got=got, size=whole) if download.size else got
    problem = _(download.problem.message, **download.problem.fields) if download.problem else ""
    match download.state:
        case State.RUNNING:
            parts = [far, _("{size}/s", size=formats.size(round(download.speed))) if download.speed else ""]
            if download.seconds_left is not None:
                parts.append(_("{time} left", time=formats.duration(download.seconds_left)))
            return ", ".join(part for part in parts if part)
        case State.WAITING if problem:
            again = _("Next attempt in {time}.", time=formats.duration(download.retry_in))
            return f"{far}. {problem} {again}" if download.retry_in else f"{far}. {problem}"
        case State.WAITING:
            return _("{far}, waiting for its turn", far=far)
        case State.PAUSED:
            return f"{far}. {problem}" if problem else _("{far}, paused", far=far)
        case State.VERIFYING:
            return _("{far}, checking that every byte is right", far=far)
        case State.FAILED:
            return problem or _("The download failed.")
        case State.DONE:
            return _("{size}, whole and checked", size=whole)
