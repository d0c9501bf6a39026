"""Which type llama.cpp's quantiser gives each matrix: the tensors of one variant from those of another.

Invariant: an answer makes up the variant's own length to within a header's difference, or there is none. So a mixture
of another maker, with an importance matrix or not, is found out by its size and left to the guess by its main type.
Source: `llama_tensor_get_type`, as of today (llama-quant.cpp) and as of autumn 2023 (llama.cpp at b1200), when most of
TheBloke's files were made. Mixtures of experts, and the IQ types' own rules, are not foreseen here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from desktop.core import quants
from desktop.core.gguf import Tensor
from desktop.core.quants import FileType

_LAYER = re.compile(r"blk\.(\d+)\.(\w+)\.weight")
_SLACK = 64 << 10  # bytes: descriptions of two variants differ by a template or a few keys
_ALIGNMENT = 32  # GGUF_DEFAULT_ALIGNMENT
_NUMBERS = {row.name: row.number for row in quants.TENSOR_TYPES.values()}
_KEPT_OUTPUT = frozenset({"F32", "F16", "BF16", "Q8_0"})
# Where a row is no multiple of 256, k-quants do not fit (tensor_type_fallback).
_FALLBACK = {"Q2_K": "IQ4_NL", "Q3_K": "IQ4_NL", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What has differed: Q2_K mixtures, and how Q4_0 and Q5_0 go with an importance matrix."""

    old: bool
    importance: bool = False


_KNOWN = (_Rules(old=False), _Rules(old=True), _Rules(old=False, importance=True))


def tensors_of(known: Sequence[Tensor], variant: FileType, size: int) -> tuple[Tensor, ...] | None:
    """The tensors of a variant whose weights take `size` bytes, from the tensors of another; None if not foreseen."""
    for rules in _KNOWN:
        found = _mixed(known, variant, rules)
        if found is not None and abs(found[-1].offset + _padded(found[-1].nbytes) - size) <= _SLACK:
            return found
    return None


def _mixed(known: Sequence[Tensor], variant: FileType, rules: _Rules) -> tuple[Tensor, ...] | None:
    numbered = [int(found[1]) for tensor in known if (found := _LAYER.match(tensor.name))]
    layers = max(numbered, default=-1) + 1
    tied = all(tensor.name != "output.weight" for tensor in known)
    heads_shared = _shared(known)
    made: list[Tensor] = []
    offset = 0
    for tensor in known:
        number = (
            _NUMBERS[_type(tensor, variant, layers, tied, heads_shared, rules)] if _quantised(tensor) else tensor.type
        )
        if _quantised(tensor) and tensor.shape[0] % quants.TENSOR_TYPES[number].block:
            name = _FALLBACK.get(quants.TENSOR_TYPES[number].name, "F16")
            number = _NUMBERS[name if tensor.shape[0] % quants.TENSOR_TYPES[_NUMBERS[name]].block == 0 else "F16"]
        nbytes = quants.tensor_bytes(number, tensor.shape)
        if nbytes is None:
            return None
        made.append(replace(tensor, type=number, nbytes=nbytes, offset=offset))
        offset += _padded(nbytes)
    return tuple(made) or None


def _quantised(tensor: Tensor) -> bool:
    """Norms, biases and the routers of experts stay as they are; those are F32 in every variant."""
    return len(tensor.shape) >= 2 and tensor.shape[1] > 1 and tensor.type != _NUMBERS["F32"]


def _shared(known: Sequence[Tensor]) -> bool:
    """Whether at least four heads share their K and V."""
    sizes = {found[2]: t.shape[1] for t in known if (found := _LAYER.match(t.name)) and len(t.shape) > 1}
    return sizes.get("attn_q", 0) >= 4 * sizes.get("attn_v", 1 << 62)


def _type(tensor: Tensor, variant: FileType, layers: int, tied: bool, shared: bool, rules: _Rules) -> str:
    """The type of one matrix, before it is seen whether its rows allow it."""
    most = variant.tensor_types[0].name
    if tensor.name == "output.weight" or (tied and tensor.name == "token_embd.weight"):
        return most if most in _KEPT_OUTPUT else "Q6_K"
    found = _LAYER.match(tensor.name)
    if found is None:
        return most
    layer, part = int(found[1]), found[2]
    eighth = layers // 8
    more = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2  # use_more_bits
    match part, variant.name:
        case "attn_v", "Q2_K" if not rules.old and shared:
            return "Q4_K"
        case "attn_v" | "attn_output" | "ffn_down", "Q2_K":
            return "Q3_K"
        case "ffn_gate" | "ffn_up", "Q2_K" if rules.old:
            return "Q3_K"
        case "attn_v", "Q3_K_M":
            return "Q5_K" if layer < 2 else "Q4_K"
        case "ffn_down", "Q3_K_M":
            return "Q5_K" if layer < (2 if rules.old else layers // 16) else "Q4_K"
        case "attn_output" | "attn_qkv", "Q3_K_M":
            return "Q4_K"
        case "attn_qkv", "Q3_K_L" | "Q4_K_M" | "Q5_K_M":
            return {"Q3_K_L": "Q4_K", "Q4_K_M": "Q5_K"}.get(variant.name, "Q6_K")
        case "attn_v" | "attn_output" | "ffn_down", "Q3_K_L":
            return "Q5_K"
        case "attn_v", "Q4_K_S" if layer < 4:
            return "Q5_K"
        case "ffn_down", "Q4_K_S" if layer < (4 if rules.old else eighth):
            return "Q5_K"
        case "attn_v" | "ffn_down", "Q4_K_M" | "Q5_K_M" if more:
            return "Q6_K"
        case "ffn_down", "Q4_0" | "Q5_0" if rules.importance and layer < eighth:
            return variant.name[:3] + "1"
    return most


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
