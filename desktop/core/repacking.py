"""Which weights llama.cpp copies into another order for this processor, and what of a file stays mapped beside them.

Invariant: the copy is counted beside the mapped file, never instead of it: the pages of the file stay where they are
until the system wants them back. On the first try no file is read: a header's tensors are enough.
Source: `ggml_repack_get_optimal_repack_type` in ggml-cpu/repack.cpp of llama-cpp-python 0.3.36. Not foreseen here: AMX
and KleidiAI builds, which `engine.measure` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from desktop.core import quants
from desktop.core.gguf import Tensor
from desktop.core.shape import Shape, Weights, layer_of

_NUMBERS = {row.name: row.number for row in quants.TENSOR_TYPES.values()}
# A type is copied if its rows are a multiple of the number, where the processor has all of the instructions.
_RULES: tuple[tuple[frozenset[str], Mapping[str, int]], ...] = (
    (frozenset({"AVX2"}), {"Q4_0": 8, "Q4_K": 8, "IQ4_NL": 8, "MXFP4": 8}),
    (frozenset({"AVX512"}), {"Q2_K": 8}),
    (
        frozenset({"NEON", "DOTPROD"}),
        {"Q4_0": 4, "Q4_K": 8, "Q5_K": 8, "Q6_K": 8, "IQ4_NL": 4, "MXFP4": 4, "Q8_0": 4, "Q1_0": 4},
    ),
    (frozenset({"NEON", "MATMUL_INT8"}), {"Q4_0": 4, "Q4_K": 8, "Q5_K": 8, "Q6_K": 8, "Q8_0": 4, "Q1_0": 4}),
)
_LOOKED_UP = re.compile(
    r"^(token_embd|position_embd|token_types|per_layer_token_embd)\.|_rel_b\.|tid2eid|nextn\.embed_tok"
)
_GUESSED_SHARE = 0.9  # of a file of which not even the type is known; 95 % in Mistral-7B's Q4_0


@dataclass(frozen=True, slots=True)
class Repacking:
    """The rules of one processor: pairs of a tensor type and what the number of rows must be a multiple of."""

    rules: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, system_info: str) -> Self:
        """From llama.cpp's own words, `CPU : AVX2 = 1 | REPACK = 1 |`; none where it was built without."""
        has = set(re.findall(r"(\w+) = 1\b", system_info))
        found: dict[int, int] = {}
        for needed, types in _RULES:
            if needed <= has and "REPACK" in has:
                for name, rows in types.items():
                    number = _NUMBERS[name]
                    found[number] = min(rows, found.get(number, rows))
        return cls(frozenset(found.items()))

    def rows(self, number: int) -> int:
        """What the rows of a tensor type must be a multiple of; 0 where it is not copied."""
        return next((rows for kind, rows in self.rules if kind == number), 0)

    def takes(self, tensor: Tensor) -> bool:
        """Whether a matrix is copied; tables that are only looked up are not."""
        rows = self.rows(tensor.type)
        if not rows or _LOOKED_UP.search(tensor.name):
            return False
        matrix = len(tensor.shape) == 2 or tensor.shape[2:] == (1,)
        return (matrix or (len(tensor.shape) == 3 and "_exps." in tensor.name)) and tensor.shape[1] % rows == 0


NONE = Repacking()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where weights lie, bytes: in mapped files (whole ranges, as llama.cpp maps them), and copied.

    `used_bytes` are the mapped tensors alone: what is read into memory of its own where files are not mapped.
    """

    mapped_bytes: int
    used_bytes: int
    repacked_bytes: int


def place(shape: Shape, repacking: Repacking, host: int) -> Placement:
    """Where the weights of a shape lie by the rules, those of the first `host` layers and what is only looked up."""
    if shape.weights is not None:
        return _place(shape.weights, len(shape.layers), repacking, host)
    own = shape.weights_bytes * host // (len(shape.layers) + 1)
    share = sum(share for number, share in shape.shares if repacking.rows(number))
    if not shape.shares and repacking.rules:
        share = _GUESSED_SHARE
    copied = int(own * share)
    return Placement(own, own - copied, copied)


@lru_cache(maxsize=512)  # a slider asks about all rows of a page again: the largest have 300
def _place(weights: Weights, layers: int, repacking: Repacking, host: int) -> Placement:
    names = {tensor.name for file in weights.files for tensor in file}
    tied = "output.weight" not in names and host > layers
    found = [
        (tensor.name, "COPIED" if copied else "CPU")
        for file in weights.files
        for tensor in file
        if layer_of(tensor, layers) < host
        for copied in _uses(tensor, repacking, tied)
    ]
    return placed(weights, found)


def placed(weights: Weights, buffers: Collection[tuple[str, str]]) -> Placement:
    """Where the weights lie as llama.cpp said: pairs of a tensor's name and its buffer's, "CPU" the plain one.

    A tensor may come twice: an embedding that is the output matrix as well.
    """
    plain = {name for name, buffer in buffers if buffer == "CPU"}
    mapped = sum(_span(t for t in file if t.name in plain) for file in weights.files)
    sizes = {tensor.name: tensor.nbytes for file in weights.files for tensor in file}
    repacked = sum(sizes.get(name, 0) for name, buffer in buffers if buffer != "CPU")
    return Placement(mapped, sum(sizes.get(name, 0) for name in plain), repacked)


def _uses(tensor: Tensor, repacking: Repacking, tied: bool) -> list[bool]:
    """Whether a tensor is copied, once for each use: a tied embedding is the output matrix, too."""
    if tied and tensor.name == "token_embd.weight":
        rows = repacking.rows(tensor.type)
        return [False, True] if rows and tensor.shape[-1] % rows == 0 else [False]
    return [repacking.takes(tensor)]


def _span(tensors: Iterable[Tensor]) -> int:
    """Bytes from the first to the last: llama.cpp gives back only what lies outside."""
    listed = list(tensors)
    if not listed:
        return 0
    return max(t.offset + t.nbytes for t in listed) - min(t.offset for t in listed)
