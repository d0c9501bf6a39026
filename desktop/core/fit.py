"""How much context fits into memory, by the closed form for dense models.

Invariant: the answers err on the careful side for sliding-window models (every layer is counted whole) and say 0 where
the header does not give the shape: then nothing is known. The exact number is what llama.cpp itself says when asked;
this is for defaults, before anything is loaded. Nothing here looks at the machine.
"""

from __future__ import annotations

from desktop.core.gguf import Header

KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32}
RESERVE = 768 << 20  # bytes for compute and output buffers, the process, and the window: measured at 32k context
_STEP = 256  # llama.cpp pads the context to this


def kv_elements(header: Header) -> int:
    """Numbers that the KV cache holds for each token; 0 where the shape is not given."""
    arch = header.architecture
    layers = header.whole(f"{arch}.block_count") or 0
    heads = header.whole(f"{arch}.attention.head_count") or 0
    kv_heads = header.whole(f"{arch}.attention.head_count_kv") or heads
    width = header.whole(f"{arch}.embedding_length") or 0
    usual = width // heads if heads else 0
    key = header.whole(f"{arch}.attention.key_length") or usual
    value = header.whole(f"{arch}.attention.value_length") or usual
    return max(0, layers * kv_heads * (key + value))


def largest_context(elements: int, kv_type: str, weights: int, available: int) -> int:
    """Tokens of context that fit beside the weights, both in memory that is available now (bytes); 0: not even one."""
    room = available - weights - RESERVE
    per_token = elements * KV_BYTES.get(kv_type, 2.0)
    return max(0, int(room / per_token)) // _STEP * _STEP if per_token else 0


def layers_that_fit(layers: int, weights: int, free: int) -> int:
    """Layers of a model that a card with `free` bytes takes beside its own buffers; -1: all, with the output layer."""
    room = free - RESERVE
    if weights <= room:
        return -1
    return max(0, layers * room // weights) if weights else 0
