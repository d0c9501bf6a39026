"""What is said about a model, in words a person understands.

Invariant: every figure comes from the model's own value; nothing is estimated and no widget is touched.
"""

from __future__ import annotations

from desktop.core.quants import BY_NAME, FileType
from desktop.panes.models.library.controller import Model
from desktop.ui import formats
from desktop.ui.translation import _


def name(model: Model) -> str:
    return _("Guide") if model.built_in else model.name


def summary(model: Model) -> str:
    """One line for a list: "4.4 GB · Q4_K_M", and what is special about it."""
    if not model.present:
        return _("file missing")
    if model.changed:
        return _("file changed")
    if model.built_in:
        return _("built in, {size}, knows Alcove only", size=formats.size(model.size))
    parts = [formats.size(model.size), model.quantisation, _("linked") if model.linked else ""]
    return " · ".join(part for part in parts if part)


def condition(model: Model) -> str:
    """What is to be known about its file, in a sentence or two; "" where there is nothing."""
    if not model.present and model.built_in:
        return _("The file of the guide is missing from this installation. Install Alcove again; your chats are kept.")
    if not model.present and model.linked:
        return _(
            "The file is not where it was ({path}). It may have been moved, or its disk is not connected. "
            "Bring it back, or import it again.",
            path=str(model.path),
        )
    if not model.present:
        return _("The file of this model is gone. Import it again to use it.")
    if model.changed:
        return _("The file has changed since it came into the library. Use it as it is now, or put the old one back.")
    if model.built_in:
        text = _(
            "Built in, {size}. It answers questions about Alcove and local models only.", size=formats.size(model.size)
        )
        return text + " " + _("For everything else, find a larger model.")
    if model.linked:
        return _("Linked: the file stays at {path}.", path=str(model.path))
    return ""


def facts(model: Model) -> list[tuple[str, str, str]]:
    """Label, value and explanation of what matters when one chooses a model."""
    quantisation = BY_NAME.get(model.quantisation)
    rows = [
        (_("Size"), formats.size(model.size) if model.size else "", ""),
        (_("Quantisation"), model.quantisation, explained(quantisation) if quantisation else ""),
        (_("Parameters"), _count(model.parameters) if model.parameters else "", ""),
        (
            _("Context"),
            _("{count} tokens", count=formats.number(model.context_length)) if model.context_length else "",
            _("The most text it was trained to look at."),
        ),
        (_("Architecture"), model.architecture, ""),
        (_("From"), *_origin(model)),
        (_("Verified"), formats.moment(model.verified) if model.verified else "", ""),
        (_("Added"), formats.date(model.added) if model.added and not model.built_in else "", ""),
    ]
    return [row for row in rows if row[1]]


def _origin(model: Model) -> tuple[str, str]:
    """The repository, and below it the commit that the file is of."""
    origin = model.origin
    if origin is None:
        return "", ""
    return origin.repo, _(
        "{file}, as of {commit}", file=origin.file, commit=origin.commit[:10]
    ) if origin.commit else ""


def explained(kind: FileType) -> str:
    """What a quantisation type is good for, what it stores how, and what was measured to be lost."""
    sentences = [_(kind.explanation), *(_(one.message, **one.fields) for one in kind.storage)]
    if kind.loss is not None:
        loss = formats.number(kind.loss, 2 if kind.loss >= 0.01 else 4)  # Q8_0 loses 0.0026, which is not nothing
        sentences.append(
            _("Measured with Llama 3 8B, it raises perplexity, the error of guessing, by {loss}.", loss=loss)
        )
    return " ".join(sentences)


def _count(parameters: int) -> str:
    if parameters >= 1e9:
        return _("{count} billion", count=formats.number(parameters / 1e9, 1))
    return _("{count} million", count=formats.number(parameters / 1e6, 1))
