"""What is judged: a model on this computer, or a variant of a repository; and what is known of it before it is loaded.

Invariant: what is known comes from the best source at hand, a header before the catalogue's shape, that before a guess
by size and type; a header of one variant serves the others of its repository, of which only the sizes differ, but not
those whose size tells that they are another model. Estimating is `fitting`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from desktop.core import quants
from desktop.core.gguf import Header, Value
from desktop.core.repos import Listing, Variant
from desktop.core.shape import Shape
from desktop.core.speed import weights_read
from desktop.services.models.library import Model
from desktop.services.online import catalogue

_TEXT_PER_TOKEN = 22  # bytes of a header for each token of the vocabulary: 0.72 MB for 32,000
# What a weight takes is more than its type says where embeddings stay large: Qwen2.5-0.5B in Q2_K has 6.7 bits.
_LEAST_SHARE, _MORE_BITS = 0.7, 4.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, or a variant in its listing. `Subject.local` and `Subject.remote` make one."""

    model: Model | None = None
    listing: Listing | None = None
    variant: Variant | None = None

    @classmethod
    def local(cls, model: Model) -> Subject:
        return cls(model=model)

    @classmethod
    def remote(cls, listing: Listing, variant: Variant) -> Subject:
        return cls(listing=listing, variant=variant)

    @property
    def identity(self) -> str:
        """The same for the same content of files."""
        if self.model is not None:
            return self.model.fingerprint or str(self.model.path)
        return f"{self.family}/{self.variant.path if self.variant else ''}"

    @property
    def family(self) -> str:
        """The same for all variants of a repository at a commit; "" for a model on this computer."""
        return f"{self.listing.repository.id}@{self.listing.commit}" if self.listing else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Under which measurements of it may be kept; the first is the one to keep new ones under."""
        if self.model is not None:
            return tuple(name for name in (self.model.sha256, self.model.fingerprint) if name)
        return tuple(file.sha256 for file in self.variant.files[:1] if file.sha256) if self.variant else ()

    @property
    def in_catalogue(self) -> bool:
        """Whether only the catalogue speaks of it, so that there is no file to ask about."""
        return self.listing is not None and not self.listing.commit


@dataclass(frozen=True, slots=True)
class Known:
    """A shape, the bytes of weights that a token reads, and if one is here, the first header without its lists.

    `rough`: nothing but the size and what the Hub says in a row is known.
    """

    shape: Shape
    weights_read: int
    header: Header | None = None
    rough: bool = False

    @classmethod
    def of(cls, headers: Sequence[Header]) -> Known:
        short = {key: value for key, value in headers[0].metadata.items() if not isinstance(value, tuple)}
        return cls(Shape.of(headers), weights_read(headers), replace(headers[0], metadata=short, tensors=()))

    def describes(self, variant: Variant) -> bool:
        """Whether a variant can be the same model: so many weights of its type take about its size."""
        weights, kind = self.shape.weights, variant.quantisation
        if weights is None or kind is None:
            return True
        count = sum(prod(tensor.shape) for file in weights.files for tensor in file)
        bits = 8 * variant.size / max(count, 1)
        return kind.bits * _LEAST_SHARE < bits < kind.bits + _MORE_BITS

    def sibling(self, variant: Variant) -> Known:
        """The same model in another variant."""
        described = self.header.data_offset if self.header else 0
        shape = self.shape.sibling(variant.size, variant.quantisation, described)
        read = self.weights_read * variant.size // max(self.shape.weights_bytes, 1)
        return Known(shape, min(read, variant.size), self.header)


def guessed(subject: Subject) -> Known:
    """What can be said without a header."""
    if subject.model is not None:
        model = subject.model
        kind = quants.BY_NAME.get(model.quantisation)
        shape = Shape.guessed(model.size, kind, model.parameters, model.architecture, model.context_length)
        return Known(shape, model.size, rough=True)
    assert subject.listing is not None  # `local` and `remote` leave no third case
    assert subject.variant is not None
    row, size, kind = subject.listing.repository, subject.variant.size, subject.variant.quantisation
    of = catalogue.shape(row.id)
    if of is None:
        return Known(Shape.guessed(size, kind, row.parameters, row.architecture, row.context_length), size, rough=True)
    row_share = of["vocab"] * of["embd"] / max(row.parameters, 1)  # of the embedding, one row is read for a token
    return Known(_llama(of).sibling(size, kind, parameters=row.parameters), int(size * (1 - min(row_share, 1.0))))


def _llama(of: Mapping[str, int]) -> Shape:
    """The shape of a llama model by the catalogue's numbers, as a header would tell it."""
    keys = {
        "block_count": of["layers"],
        "embedding_length": of["embd"],
        "feed_forward_length": of["ff"],
        "attention.head_count": of["heads"],
        "attention.head_count_kv": of["kv"],
        "context_length": of["ctx"],
    }
    metadata: dict[str, Value] = {
        "general.architecture": "llama",
        **{f"llama.{key}": value for key, value in keys.items()},
    }
    header = Header(3, metadata, (), of["vocab"] * _TEXT_PER_TOKEN, 32)
    return replace(Shape.of([header]), vocabulary=of["vocab"])
