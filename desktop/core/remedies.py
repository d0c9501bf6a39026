"""What would make room for a model: settings that need less, another variant, and how much each saves.

Invariant: only what helps is named, in order of harm, and what it leads to was estimated the same way as everything
else. Nothing is decided here: a person picks one, or loads anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from desktop.core.fit import PADDING, Estimate, Room, Verdict, judge, lacking
from desktop.core.generation import FlashAttention, LoadSettings

Estimator = Callable[[LoadSettings], Estimate]

_LEAST = 1024  # tokens; below that no conversation is held
_UNKNOWN = 32_768  # looked no further than this where the model does not say what it was trained on
_WHOLE = ("f16", "bf16", "f32")  # KV types of which q8_0 takes half or less


class Kind(StrEnum):
    """What a remedy changes."""

    CONTEXT = "context"
    KV_TYPE = "kv-type"
    MMAP = "mmap"
    REPACK = "repack"
    GPU_LAYERS = "gpu-layers"
    SEVERAL = "several"
    VARIANT = "variant"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to make room: other settings, perhaps of another variant (its label), and the bytes it saves."""

    kind: Kind
    settings: LoadSettings
    variant: str
    saving_bytes: int


def largest_context(estimator: Estimator, settings: LoadSettings, room: Room, trained: int = 0) -> int:
    """Tokens of the largest context that is not too large; never more than trained; 0 where not even 256 are."""

    def fits(context: int) -> bool:
        return judge(estimator(replace(settings, context=context)), room) is not Verdict.TOO_LARGE

    most = trained or max(settings.context, _UNKNOWN)
    if fits(most):
        return most
    low, high = 0, -(-most // PADDING)  # in steps of 256; `low` fits, `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * PADDING) else (low, middle)
    return low * PADDING


def remedies(
    estimator: Estimator, settings: LoadSettings, room: Room, smaller: Mapping[str, Estimator] | None = None
) -> tuple[Remedy, ...]:
    """What turns "too large" into something else, or "tight" into "fits"; none where it fits.

    `smaller` are other variants by their labels, the largest first. Several changes at once come only where no single
    one is enough.
    """
    now = estimator(settings)
    verdict = judge(now, room)
    if verdict in (Verdict.FITS, Verdict.PARTLY):
        return ()

    def helps(estimate: Estimate) -> bool:
        then = judge(estimate, room)
        return then is not Verdict.TOO_LARGE if verdict is Verdict.TOO_LARGE else then is Verdict.FITS

    def found(changes: Iterator[tuple[Kind, LoadSettings]]) -> list[Remedy]:
        tried = [(kind, changed, estimator(changed)) for kind, changed in changes]
        return [Remedy(kind, changed, "", _saved(now, then)) for kind, changed, then in tried if helps(then)]

    ways = found(_single(estimator, settings, room, helps)) or found(_combined(estimator, settings, helps))[:1]
    for label, other in (smaller or {}).items():
        if helps(other(settings)):
            ways.append(Remedy(Kind.VARIANT, settings, label, _saved(now, other(settings))))
            break
    return tuple(ways)


def _saved(now: Estimate, then: Estimate) -> int:
    return now.total_bytes + now.device_bytes - then.total_bytes - then.device_bytes


def _single(
    estimator: Estimator, settings: LoadSettings, room: Room, helps: Callable[[Estimate], bool]
) -> Iterator[tuple[Kind, LoadSettings]]:
    """One change each, the least harm first."""
    if lacking(estimator(settings), room).device_bytes:
        for layers in range(estimator(settings).gpu_layers - 1, -1, -1):
            fewer = replace(settings, gpu_layers=layers)
            if not lacking(estimator(fewer), room).device_bytes:
                yield Kind.GPU_LAYERS, fewer
                break
    if _halves(settings):
        yield Kind.KV_TYPE, replace(settings, kv_type="q8_0")
    if settings.mmap:  # helps where weights are repacked: mapped, they stay in memory beside the copy
        yield Kind.MMAP, replace(settings, mmap=False)
    if settings.repack:
        yield Kind.REPACK, replace(settings, repack=False)
    context = _context(estimator, settings, helps)
    if context:
        yield Kind.CONTEXT, replace(settings, context=context)


def _combined(
    estimator: Estimator, settings: LoadSettings, helps: Callable[[Estimate], bool]
) -> Iterator[tuple[Kind, LoadSettings]]:
    """Everything that does little harm, and then also less context."""
    less = replace(settings, kv_type="q8_0" if _halves(settings) else settings.kv_type, repack=False)
    yield Kind.SEVERAL, less
    context = _context(estimator, less, helps)
    if context:
        yield Kind.SEVERAL, replace(less, context=context)


def _halves(settings: LoadSettings) -> bool:
    return settings.kv_type in _WHOLE and settings.flash_attention is not FlashAttention.OFF


def _context(estimator: Estimator, settings: LoadSettings, helps: Callable[[Estimate], bool]) -> int:
    """The largest context below the one set that is enough: in halves down to 1,024, which people recognise; or 0."""
    context = 1 << max(settings.context - 1, 1).bit_length() - 1
    while context >= _LEAST:
        if helps(estimator(replace(settings, context=context))):
            return context
        context //= 2
    return 0
