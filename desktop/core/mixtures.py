"""Which type llama.cpp's quantiser gives each matrix: the tensors of one variant from those of another.

Invariant: an answer makes up the variant's own length to within a header's difference, or there is none. So a mixture
of another maker, with an importance matrix or not, is found out by its size and left to the guess by usual shares.
Source: `llama_tensor_get_type`, as of today (llama-quant.cpp) and as of autumn 2023 (llama.cpp at b1200), when most of
TheBloke's files were made. Mixtures of experts, and the IQ types' own rules, are not foreseen here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

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


@dataclass(frozen=True, slots=True)
class _Model:
    """What the rules ask about a model as a whole."""

    layers: int
    tied: bool  # the embedding is the output, too
    shared: bool


_TODAY, _OLD, _WEIGHED = _Rules(old=False), _Rules(old=True), _Rules(old=False, importance=True)
_DIFFERING = {
    "Q2_K": (_TODAY, _OLD),
    "Q3_K_M": (_TODAY, _OLD),
    "Q4_K_S": (_TODAY, _OLD),
    "Q4_0": (_TODAY, _WEIGHED),
    "Q5_0": (_TODAY, _WEIGHED),
}


def tensors_of(known: Sequence[Tensor], variant: FileType, size: int) -> tuple[Tensor, ...] | None:
    """The tensors of a variant whose weights take `size` bytes, from the tensors of another; None if not foreseen.

    Takes about 3 ms for 300 tensors, less where the size is another one.
    """
    for rules in _DIFFERING.get(variant.name, (_TODAY,)):
        numbers = _mixed(known, variant, rules)
        sizes = [quants.tensor_bytes(number, t.shape) or 0 for number, t in zip(numbers, known, strict=True)]
        if known and all(sizes) and abs(sum(map(_padded, sizes)) - size) <= _SLACK:
            offsets = accumulate(map(_padded, sizes), initial=0)
            rows = zip(known, numbers, offsets, sizes, strict=False)
            return tuple(Tensor(t.name, t.shape, number, offset, nbytes) for t, number, offset, nbytes in rows)
    return None


def shares(
    variant: FileType, layers: int, width: int, feed_forward: int, kept: int, vocabulary: int, bits: float = 0.0
) -> tuple[tuple[int, float], ...]:
    """Of a llama's bytes, the share of each type's matrices: pairs with its number; tables that are only looked up add
    nothing. `kept` are the rows of K; of several mixtures, that with about so many `bits` for each weight (0: today's).
    """
    square, narrow, broad = width * width, width * kept, width * feed_forward
    counts = {"attn_q": square, "attn_output": square, "attn_k": narrow, "attn_v": narrow}
    counts |= dict.fromkeys(("ffn_gate", "ffn_up", "ffn_down"), broad)
    model = _Model(layers, tied=False, shared=width >= 4 * kept)
    weights = layers * sum(counts.values()) + 2 * width * vocabulary
    found: list[tuple[float, tuple[tuple[int, float], ...]]] = []
    for rules in _DIFFERING.get(variant.name, (_TODAY,)):
        sizes: Counter[str] = Counter()
        for layer in range(layers):
            for part, count in counts.items():
                name = _type(layer, part, variant, model, rules)
                sizes[name] += round(count * quants.TENSOR_TYPES[_NUMBERS[name]].bits)
        ends = [_type(-1, part, variant, model, rules) for part in ("output.weight", "token_embd.weight")]
        output, looked_up = (round(width * vocabulary * quants.TENSOR_TYPES[_NUMBERS[name]].bits) for name in ends)
        sizes[ends[0]] += output
        whole = sizes.total() + looked_up
        off = abs(whole / weights - bits) if bits else float(bool(found))
        found.append((off, tuple((_NUMBERS[name], size / whole) for name, size in sizes.items())))
    return min(found)[1]


def _mixed(known: Sequence[Tensor], variant: FileType, rules: _Rules) -> list[int]:
    """The number of each tensor's type."""
    found = [_LAYER.match(tensor.name) for tensor in known]
    model = _Model(
        layers=max((int(one[1]) for one in found if one), default=-1) + 1,
        tied=all(tensor.name != "output.weight" for tensor in known),
        shared=_shared({one[2]: t.shape[1] for one, t in zip(found, known, strict=True) if one and len(t.shape) > 1}),
    )
    numbers = []
    for tensor, place in zip(known, found, strict=True):
        number = tensor.type
        if _quantised(tensor):
            layer, part = (int(place[1]), place[2]) if place else (-1, tensor.name)
            number = _allowed(_type(layer, part, variant, model, rules), tensor.shape[0])
        numbers.append(number)
    return numbers


def _allowed(name: str, columns: int) -> int:
    """The number of the type, or of the one that takes its place where a row is not whole blocks of it."""
    for one in (name, _FALLBACK.get(name, "F16")):
        if columns % quants.TENSOR_TYPES[_NUMBERS[one]].block == 0:
            return _NUMBERS[one]
    return _NUMBERS["F16"]


def _quantised(tensor: Tensor) -> bool:
    """Norms, biases and the routers of experts stay as they are; those are F32 in every variant."""
    return len(tensor.shape) >= 2 and tensor.shape[1] > 1 and tensor.type != _NUMBERS["F32"]


def _shared(rows: Mapping[str, int]) -> bool:
    """Whether at least four heads share their K and V, by the rows of the layers' matrices."""
    return rows.get("attn_q", 0) >= 4 * rows.get("attn_v", 1 << 62)


def _type(layer: int, part: str, variant: FileType, model: _Model, rules: _Rules) -> str:
    """The type of one matrix, before it is seen whether its rows allow it; `layer` is -1 outside the layers."""
    most, layers = variant.tensor_types[0].name, model.layers
    if part == "output.weight" or (model.tied and part == "token_embd.weight"):
        return most if most in _KEPT_OUTPUT else "Q6_K"
    if layer < 0:
        return most
    eighth = layers // 8
    more = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2  # use_more_bits
    match part, variant.name:
        case "attn_v", "Q2_K" if not rules.old and model.shared:
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
