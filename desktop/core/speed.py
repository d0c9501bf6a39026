"""How fast a model will write: tokens per second from the bytes each token has to read, and what the figure rests on.

Invariant: a forecast says its basis, and what was measured wins over what was computed: this model's own runs, then
those of a model of like size, then the memory's bandwidth. Where the bytes are not known there is no forecast.
Measuring is `services`' affair.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from desktop.core.errors import N_
from desktop.core.gguf import Header

SHARE = 0.8  # of the bandwidth: 75 to 85 % is reached in practice (FACTS: M1, M1 Pro, published runs of 7 B and 8 B)
_PER_CORE = 16e9  # bytes a second that one fast core works off: TinyLlama Q4_0, 51.5 tokens/s on two (docs/benchmarks)
_ALIKE = 4  # times larger or smaller: beyond, caches and fixed costs make another law (a 3 MB model runs in the cache)
_LATEST = 5  # runs that count: older ones may be of another version or another power plan
_LEAST = 32 << 20  # bytes a token: the whole model lies in a cache below that, and bandwidth says nothing


class Basis(StrEnum):
    """What a forecast rests on, in words."""

    MODEL = N_("measured here with this model")
    SCALED = N_("scaled from another model measured here")
    BANDWIDTH = N_("from the memory bandwidth of this computer")


@dataclass(frozen=True, slots=True)
class Speed:
    """A forecast for writing with the context half full."""

    tokens_per_s: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured once: `bytes_read` is what each token of it had to read, on the processor or a `gpu`."""

    model: str
    bytes_read: int
    tokens_per_s: float
    gpu: bool = False

    @property
    def bandwidth(self) -> float:
        return self.bytes_read * self.tokens_per_s


def weights_read(headers: Sequence[Header]) -> int:
    """Bytes of weights read for one token: of experts only the active ones, of the embedding only one row.

    A model without an output matrix of its own uses the embedding for it, and then reads it whole.
    """
    if not headers:
        return 0
    first = headers[0]
    experts = first.whole(f"{first.architecture}.expert_count") or 0
    used = first.whole(f"{first.architecture}.expert_used_count") or 0
    active = min(1.0, used / experts) if experts > 0 and used > 0 else 1.0
    tensors = [tensor for header in headers for tensor in header.tensors]
    tied = not any(tensor.name == "output.weight" for tensor in tensors)
    total = 0.0
    for tensor in tensors:
        if tensor.name.startswith(("token_embd.", "per_layer_token_embd.")):
            total += tensor.nbytes if tied and tensor.name.startswith("token_embd.") else 0
        else:
            total += tensor.nbytes * (active if "_exps." in tensor.name else 1.0)
    return int(total)


def reachable(bandwidth: float, cores: int = 0) -> float:
    """Bytes of a model that are worked off in a second, by the memory's bandwidth and that many fast cores.

    Nearly always the memory is the limit; few cores on a server's memory are not enough for it. 0: graphics cores, of
    which there are always enough.
    """
    return min(SHARE * bandwidth, _PER_CORE * cores) if cores else SHARE * bandwidth


def forecast(
    names: Collection[str], bytes_read: int, runs: Sequence[Run], rate: float, gpu: bool = False
) -> Speed | None:
    """Tokens per second for `bytes_read` a token of the model with these names in `runs` (the latest last).

    `rate` is what is `reachable` in the memory the weights are in, bytes a second; 0 where it is not known.
    """
    if bytes_read <= 0:
        return None
    alike = [run for run in runs if run.gpu == gpu and run.bytes_read > 0 and run.tokens_per_s > 0]
    own = [run.bandwidth for run in alike if run.model in names]
    if own:
        return Speed(_undisturbed(own) / bytes_read, Basis.MODEL)
    near = [run.bandwidth for run in alike if 1 / _ALIKE <= run.bytes_read / bytes_read <= _ALIKE]
    if near:
        return Speed(_undisturbed(near) / bytes_read, Basis.SCALED)
    if rate > 0 and bytes_read >= _LEAST:
        return Speed(rate / bytes_read, Basis.BANDWIDTH)
    return None


def _undisturbed(rates: Sequence[float]) -> float:
    """The best of the latest: other programs only slow runs down. Of five the second, for drafts may speed one up."""
    latest = sorted(rates[-_LATEST:])
    return latest[-2 if len(latest) == _LATEST else -1]
