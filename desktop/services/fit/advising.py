"""Which model this computer is advised to take: one answer for the welcome, the search for models and the command line.

Invariant: who asks in the same program is told the same, until that model does not fit any more or what was said is
forgotten; the variant is the one that `core.choice` takes wherever a repository is shown. Nothing is fetched or
measured for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop.core.fit import Verdict
from desktop.core.generation import load_settings
from desktop.core.quants import POOR
from desktop.core.repos import Listing, Variant
from desktop.core.settings import resolve
from desktop.core.templates import is_base
from desktop.services.fit.fitting import Fit, Fitting, Subject
from desktop.services.online.hub import Hub
from desktop.services.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Advised:
    """A variant of a starting point, and how it fits with the settings a model is loaded with."""

    listing: Listing
    variant: Variant
    fit: Fit


class Advising:
    def __init__(self, hub: Hub, fitting: Fitting, preferences: Preferences) -> None:
        self._hub, self._fitting, self._preferences = hub, fitting, preferences
        self._seen: dict[str, Listing] = {}
        self._repo = ""  # what was advised before

    def saw(self, listing: Listing) -> None:
        """What the Hub says of a starting point: headers are known of that."""
        if self._catalogued(listing.repository.id) is not None:
            self._seen[listing.repository.id] = listing

    def variant(self, repo: str) -> Advised | None:
        """The variant to take of a starting point; None of any other repository."""
        listing = self._seen.get(repo) or self._catalogued(repo)
        if listing is None or not listing.variants:
            return None
        settings = load_settings(resolve(self._preferences.values()))
        fits = {v.label: self._fitting.quick(Subject.remote(listing, v), settings) for v in listing.variants}
        variant, _reason = self._fitting.recommended(listing, fits)
        return Advised(listing, variant, fits[variant.label])

    def model(self) -> Advised | None:
        """The first starting point to chat with that fits well; the one said before, as long as it does."""
        repos = [listing.repository for listing in self._hub.starting_points()]
        chatty = [repo.id for repo in repos if not is_base(repo.name)]
        found = self._first([self._repo, *chatty] if self._repo else chatty)
        self._repo = found.listing.repository.id if found else ""
        return found

    def forget(self) -> None:
        """Whoever asks next is told as if nobody had asked before."""
        self._repo = ""

    def _first(self, repos: Iterable[str]) -> Advised | None:
        advised = (self.variant(repo) for repo in repos)
        return next((one for one in advised if one is not None and _well(one)), None)

    def _catalogued(self, repo: str) -> Listing | None:
        return next((found for found in self._hub.starting_points() if found.repository.id == repo), None)


def _well(advised: Advised) -> bool:
    """A poor type of a large model is no better than a good one of the next smaller."""
    kind = advised.variant.quantisation
    return advised.fit.verdict is Verdict.FITS and kind is not None and kind.quality not in POOR
