"""One model's memory with any settings: what llama.cpp said where it was asked, else the closed form drawn to that.

Invariant: the same settings give the same number, whoever asks; a figure of llama.cpp's for one context corrects the
arithmetic for all others of the model. It answers in far less than a millisecond and asks nobody: that is
`engine.measure`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from desktop.core.fit import Buffers, Card, Estimate, Source, bounded, closed_form, layers_on_cards, probed
from desktop.core.generation import LoadSettings
from desktop.core.repacking import NONE, Repacking
from desktop.core.shape import Shape


class Estimator:
    """Estimates of one shape on one machine; `correction` is what the engine process takes beside its estimate."""

    def __init__(
        self, shape: Shape, repacking: Repacking = NONE, cards: Sequence[Card] = (), correction: int = 0
    ) -> None:
        self.shape = shape
        self.correction = correction
        self._repacking, self._cards = repacking, tuple(cards)
        self._said: dict[LoadSettings, Estimate] = {}

    def key(self, settings: LoadSettings) -> LoadSettings:
        """The settings as far as memory depends on them, with what "automatic" and "as trained" mean here."""
        settings = bounded(settings, self.shape)
        layers = layers_on_cards(self.shape, settings, self._cards)
        return replace(settings, threads=0, batch_threads=0, gpu_layers=layers)

    def learn(self, said: Mapping[LoadSettings, Buffers]) -> None:
        """What llama.cpp answered, by keys as `key` makes them."""
        for key, buffers in said.items():
            if key not in self._said:
                self._said[key] = probed(self.shape, key, buffers, self._repacking, self._cards)

    def __call__(self, settings: LoadSettings) -> Estimate:
        key = self.key(settings)
        estimate = self._said.get(key) or self._drawn(key)
        return replace(estimate, process_bytes=max(0, estimate.process_bytes + self.correction))

    def _drawn(self, key: LoadSettings) -> Estimate:
        computed = self._computed(key)
        known = [other for other in self._said if _alike(key, other)]
        if not known:
            return computed
        near = min(known, key=lambda other: (other.kv_type != key.kv_type, abs(other.context - key.context)))
        said, there = self._said[near], self._computed(near)
        return replace(
            said,
            kv_bytes=_scaled(computed.kv_bytes, said.kv_bytes, there.kv_bytes),
            compute_bytes=_scaled(computed.compute_bytes, said.compute_bytes, there.compute_bytes),
            process_bytes=computed.process_bytes,
            keeping_bytes=computed.keeping_bytes,
            devices=computed.devices,
            source=Source.CLOSED_FORM,
        )

    def _computed(self, key: LoadSettings) -> Estimate:
        return closed_form(self.shape, key, self._repacking, self._cards)


def _alike(one: LoadSettings, other: LoadSettings) -> bool:
    """Whether the settings differ in nothing but the context and its type."""
    return replace(one, context=0, kv_type="") == replace(other, context=0, kv_type="")


def _scaled(computed: int, said: int, there: int) -> int:
    return computed * said // there if there > 0 else said
