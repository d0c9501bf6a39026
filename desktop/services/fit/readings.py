"""What is worth keeping of a load and of a reply: a row for `calibration`, or nothing where it would teach nothing.

Invariant: a row stands beside what had been said for that very moment. Nothing is read from the machine or written.
"""

from __future__ import annotations

import time

from desktop.core.chat import Message
from desktop.core.estimator import Estimator
from desktop.core.fit import Estimate
from desktop.core.generation import LoadSettings
from desktop.core.speed import Run
from desktop.services.fit.calibration import Measured
from desktop.services.fit.subjects import Known

_LEAST_TOKENS = 16  # of a reply whose speed is kept: the first ones pay for what is cold


def load_of(
    name: str, known: Known, estimator: Estimator, estimate: Estimate, resident: int, first: bool
) -> Measured | None:
    """What there is to keep: the first look at a process, or one that finds more than was said for everything."""
    total = estimate.total_bytes
    if not first and resident <= total:
        return None
    said = total - estimate.compute_bytes - estimate.keeping_bytes if first else total
    sure = first and estimate.held and known.header is not None and not estimate.gpu_layers
    return Measured(name, said, resident, time.time(), said - estimator.correction if sure else 0)


def bytes_read(known: Known, estimate: Estimate, fill: float) -> tuple[int, bool]:
    """What a token reads with the context filled to that part: from the computer's memory, or a card's (True).

    Where a card holds only some of the layers, those of the computer's memory take the time.
    """
    kept = estimate.kv_bytes + sum(use.kv_bytes for use in estimate.devices)
    total = known.weights_read + kept * fill
    if estimate.gpu_layers > estimate.layers:
        return int(total), True
    return int(total * (1 - estimate.gpu_layers / (estimate.layers + 1))), False


def run_of(name: str, known: Known, estimate: Estimate, settings: LoadSettings, reply: Message) -> Run | None:
    """The speed of a reply that was long enough to tell."""
    tokens, speed = reply.usage.completion_tokens, reply.timings.generation_per_s
    if tokens < _LEAST_TOKENS or speed <= 0 or not settings.context:
        return None
    read, gpu = bytes_read(known, estimate, min(1.0, (reply.usage.prompt_tokens + tokens) / settings.context))
    return Run(name, read, speed, gpu)
