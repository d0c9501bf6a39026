"""The starting points that need no network: a handful of repositories with the figures that came with the program.

Invariant: what is said here is marked as the catalogue's (`Repository.catalogue`, an empty commit, no checksums), so
that nothing is downloaded by it: the Hub is asked for the real listing first. The file is `resources/catalogue.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from desktop.core.repos import Listing, RepoFile, Repository, variants
from desktop.services.paths import resources


def listings() -> tuple[Listing, ...]:
    """The shelf, in the order in which it is shown."""
    return tuple(_listing(row) for row in _file()["repositories"])


def shape(repo: str) -> Mapping[str, int] | None:
    """The shape of a repository's llama model: `layers embd ff heads kv vocab ctx`; None where it is not in here."""
    for row in _file()["repositories"]:
        if row["id"].casefold() == repo.casefold():
            found: Mapping[str, int] = _file()["shapes"][row["model"]]
            return found
    return None


@cache
def _file() -> dict[str, Any]:
    import tomllib  # late: the window is painted before it is needed

    return tomllib.loads((resources() / "catalogue.toml").read_text(encoding="utf-8"))


def _listing(row: Mapping[str, str]) -> Listing:
    of_model: Mapping[str, int] = _file()["shapes"][row["model"]]
    repository = Repository(
        row["id"],
        licence=row["licence"],
        parameters=_parameters(of_model),
        architecture="llama",
        context_length=of_model["ctx"],
        catalogue=True,
    )
    sizes: Mapping[str, float] = _file()["sizes"][row["model"]]
    files = [RepoFile(f"{row['file']}.{name}.gguf", round(size * 1e9)) for name, size in sizes.items()]
    return Listing(repository, "", variants(files))


def _parameters(of: Mapping[str, int]) -> int:
    """Weights of a llama model: embeddings and output, and for each layer attention, feed-forward and two norms."""
    embd, keys = of["embd"], of["embd"] * of["kv"] // of["heads"]
    layer = 2 * embd * embd + 2 * embd * keys + 3 * embd * of["ff"] + 2 * embd
    return 2 * of["vocab"] * embd + of["layers"] * layer + embd
