"""Chooses the next token from what was computed, as the settings of a reply say.

Invariant: one throw of the dice a token, so that a seed gives the same reply however many tokens were computed at once.
This module does not load llama.cpp: `engine.llama` hands over the library it has loaded, whose functions know their
types.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from desktop.core.generation import Sampling

_PENALTY_SPAN = 64  # tokens looked back at by the repeat penalty: llama.cpp's default
_RANDOM_SEED = 0xFFFFFFFF  # LLAMA_DEFAULT_SEED


class Sampler:
    """A chain of samplers. Must be closed.

    The chain cuts to `top_k` first, as every later link costs by the candidate. At most 64 tokens are penalised, and
    a penalty only lowers them, so cutting to `top_k + 64` before the penalty and to `top_k` after it is exact.
    """

    def __init__(
        self, library: ctypes.CDLL, context: Any, words: int, sampling: Sampling, reply: Sequence[int]
    ) -> None:
        self._library, self._context = library, context
        self._chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        top_k = 1 if sampling.temperature <= 0 else sampling.top_k
        penalty = sampling.repeat_penalty if sampling.repeat_penalty > 0 else 1.0
        if penalty != 1:
            if top_k and penalty > 1:
                self._add(library.llama_sampler_init_top_k(top_k + _PENALTY_SPAN))
            self._add(library.llama_sampler_init_penalties(words, _PENALTY_SPAN, penalty, 0.0, 0.0))
        if sampling.temperature <= 0:
            self._add(library.llama_sampler_init_greedy())
        else:
            self._add_dice(sampling)
        for token in reply[-_PENALTY_SPAN:]:
            library.llama_sampler_accept(self._chain, token)

    def _add(self, link: Any) -> None:
        self._library.llama_sampler_chain_add(self._chain, link)

    def _add_dice(self, sampling: Sampling) -> None:
        if sampling.top_k > 0:
            self._add(self._library.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            self._add(self._library.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            self._add(self._library.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(self._library.llama_sampler_init_temp(sampling.temperature))
        self._add(self._library.llama_sampler_init_dist(sampling.seed if sampling.seed >= 0 else _RANDOM_SEED))

    def sample(self, index: int = -1) -> int:
        """The next token, after the last one of the last decode, or the one of that index."""
        return int(self._library.llama_sampler_sample(self._chain, self._context, index))

    def close(self) -> None:
        self._library.llama_sampler_free(self._chain)
