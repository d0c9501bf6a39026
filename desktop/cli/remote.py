"""What is typed for a model on the Hub: a repository's id or address, and which of its variants is meant.

Invariant: nothing is guessed; where a text could mean several variants, they are named and none is taken. What stands
on this computer is `terminal.chosen`'s.
"""

from __future__ import annotations

from desktop.assembly import Assembly
from desktop.cli.terminal import tell
from desktop.core.errors import N_, HubError, NetworkError
from desktop.core.repos import Listing, Pasted, Variant, valid_id

_MOST_NAMED = 30


def addressed(alcove: Assembly, text: str) -> Pasted | None:
    """What a text points at: an id, `repo:variant`, a page of the Hub, the address of a file; None if at nothing."""
    repo, _, variant = text.partition(":")
    if variant and valid_id(repo):
        return Pasted(repo, variant=variant)
    return alcove.hub.pasted(text)


def no_address(text: str) -> HubError:
    if text.lower().startswith("http://"):
        return HubError(N_("“{text}” is not encrypted. Use an address that begins with https."), text=text[:200])
    return HubError(
        N_("“{text}” names no repository of the Hub. It has an author and a name: TheBloke/zephyr-7B-beta-GGUF."),
        text=text[:200],
    )


async def listed(alcove: Assembly, target: Pasted, *, known: bool = False) -> Listing:
    """What a repository holds. With `known`, the catalogue stands in where the Hub does not answer.

    Raises `NetworkError`, `HubError`, the latter also where there is no model in it.
    """
    try:
        listing = await alcove.hub.listing(target.repo, target.revision)
    except NetworkError as error:
        rows = alcove.hub.starting_points() if known else ()
        found = next((row for row in rows if row.repository.id.casefold() == target.repo.casefold()), None)
        if found is None:
            raise
        tell(error.message, **error.fields)
        tell(N_("These figures are from the catalogue."))
        return found
    if listing.stale:
        tell(N_("The Hub does not answer. This is what it said when it was asked last."))
    if not listing.variants:
        raise HubError(
            N_("“{repo}” holds no model in the GGUF format. Look for a repository with GGUF in its name."),
            repo=target.repo,
        )
    return listing


def variant_of(listing: Listing, target: Pasted) -> Variant:
    """The variant that is meant. Raises `HubError` where there is none, or not just one."""
    named = target.variant or target.file
    if not named and len(listing.variants) == 1:
        return listing.variants[0]
    found = listing.variant(named) if named else None
    if found is None:
        labels = [variant.label for variant in listing.variants]
        usual = [
            (v.quantisation.bits, v.label) for v in listing.variants if v.quantisation and v.quantisation.recommended
        ]
        more = ["…"] if len(labels) > _MOST_NAMED else []
        message = (
            N_("“{repo}” has no variant “{named}”. It has: {labels}.")
            if named
            else N_("Say which variant of “{repo}”, as in {example}. It has: {labels}.")
        )
        raise HubError(
            message,
            repo=target.repo,
            named=named,
            example=f"{target.repo}:{min(usual)[1] if usual else labels[0]}",
            labels=", ".join(labels[:_MOST_NAMED] + more),
        )
    return found
