"""A model's shape as far as memory depends on it: what each layer keeps for a token, and where its weights may lie.

Invariant: every number is whole, at least 0 and bounded, whatever a header claims, so that what is computed from them
is finite; a layer whose kind is not known counts as one that keeps all of the context. Estimates are `core.fit`'s.
Sources: llama.cpp's `src/models/*.cpp` (windows) and `ggml-cpu/repack.cpp` (repacking), of llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Self

from desktop.core import mixtures
from desktop.core.gguf import Header, Tensor, Value
from desktop.core.quants import FileType

MAX_CONTEXT = 1 << 26  # tokens; the largest published is 10 million
_MOST = 1 << 40  # of any single number a header gives
_MOST_LAYERS = 512  # LLAMA_MAX_LAYERS
_MOST_EXPERTS = 1024  # twice LLAMA_MAX_EXPERTS
_BLOCK = re.compile(r"blk\.(\d{1,6})\.")

# Every n-th layer sees all of the context, the others a window (load_swa_pattern); not in the headers of that time.
_PATTERNS = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "cohere2": 4, "gpt-oss": 2, "olmo2": 4}
_WINDOWS = {"gemma2": 4096}  # where the header does not say
# Architectures for which the closed form was compared with llama.cpp's own figures.
_HELD = {"llama", "mistral3", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "olmo2", "starcoder2", "stablelm"}
# parameters in thousand millions: layers, width, feed forward, heads, heads of K and V; published models of that size
_USUAL = (
    (0.8, (28, 1024, 3072, 16, 8)),  # Qwen3-0.6B
    (1.4, (22, 2048, 5632, 32, 8)),  # TinyLlama, Llama-3.2-1B
    (2.3, (28, 2048, 6144, 16, 8)),  # Qwen3-1.7B
    (5.0, (36, 2560, 9728, 32, 8)),  # Qwen3-4B
    (9.5, (36, 4096, 14336, 32, 8)),  # Mistral-7B, Llama-3-8B, Qwen3-8B
    (16.0, (40, 5120, 17408, 40, 8)),  # Qwen3-14B
    (40.0, (64, 5120, 27648, 64, 8)),  # Qwen3-32B
    (float("inf"), (80, 8192, 28672, 64, 8)),  # Llama-3-70B
)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer keeps: numbers of K and of V for each token, for the last `window` tokens (0: for all)."""

    keys: int
    values: int
    window: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The tensors of each file of a model; equal only to itself, so that what is worked out of it can be kept."""

    files: tuple[tuple[Tensor, ...], ...]
    by_layer: tuple[int, ...]  # bytes of each layer, and last of the output

    @classmethod
    def of(cls, headers: Sequence[Header], layers: int) -> Self:
        return cls._of(tuple(header.tensors for header in headers), layers)

    @classmethod
    def made(cls, tensors: tuple[Tensor, ...] | None, layers: int) -> Self | None:
        """Of one file; None of None."""
        return None if tensors is None else cls._of((tensors,), layers)

    @classmethod
    def _of(cls, files: tuple[tuple[Tensor, ...], ...], layers: int) -> Self:
        bytes_of = [0] * (layers + 2)  # the last for what is only looked up, and for layers that are not loaded
        for file in files:
            for tensor in file:
                bytes_of[layer_of(tensor, layers)] += tensor.nbytes
        return cls(files, tuple(bytes_of[:-1]))


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers of a model; `held` says that the closed form is known to be right for models of this kind."""

    architecture: str
    layers: tuple[Layer, ...]
    width: int
    feed_forward: int  # of all experts that take part in a token
    heads: int
    query: int  # numbers of Q for a token: heads times their width
    vocabulary: int
    trained_context: int
    weights_bytes: int
    weights: Weights | None = None  # None where no header was seen
    state_bytes: int = 0  # of recurrent layers, whatever the context
    merges: int = 0  # rules of a vocabulary of the BPE kind
    shares: tuple[tuple[int, float], ...] = ()  # of the bytes, by tensor type; where no tensors are known
    experts: int = 0  # that take part in a token
    held: bool = False

    @classmethod
    def of(cls, headers: Sequence[Header]) -> Self:
        """The shape in the headers of a model's files, the first file first."""
        first = headers[0]
        numbers = _Numbers(first)
        layers, experts = _layers(numbers), min(numbers["expert_used_count"], _MOST_EXPERTS)
        return cls(
            architecture=first.architecture,
            layers=layers,
            width=numbers["embedding_length"],
            feed_forward=max(
                numbers["feed_forward_length"],
                (numbers["expert_feed_forward_length"] or numbers["feed_forward_length"]) * experts,
            ),
            heads=numbers["attention.head_count"],
            query=numbers["attention.head_count"] * _key_length(numbers),
            vocabulary=first.vocabulary,
            trained_context=min(numbers["context_length"], MAX_CONTEXT),
            weights_bytes=sum(header.weights_bytes for header in headers),
            weights=Weights.of(headers, len(layers)),
            state_bytes=_state(numbers, layers),
            merges=_length(first, "tokenizer.ggml.merges"),
            experts=experts,
            held=first.architecture in _HELD and not numbers["expert_count"] and all(la.keys for la in layers),
        )

    @classmethod
    def guessed(
        cls, size: int, quantisation: FileType | None, parameters: int = 0, architecture: str = "", context: int = 0
    ) -> Self:
        """A shape for a file of which no header is here: a usual model of that many parameters, rather too large.

        Without the parameters they follow from the size (bytes) and the type. Llama models trained on 4,096 tokens at
        most are those of 2023, whose larger ones keep every head.
        """
        bits = quantisation.bits if quantisation else 4.5  # bits: that of the usual types
        billions = (parameters or size * 8 / bits) / 1e9
        layers, width, feed_forward, heads, kept = next(row for limit, row in _USUAL if billions <= limit)
        vocabulary = 32_000 if architecture == "llama" and context <= 4096 else 152_000
        if architecture == "llama" and 5 < billions < 16 and 0 < context <= 4096:
            kept = heads
        each = kept * (width // heads)
        shape = cls(
            architecture=architecture,
            layers=(Layer(each, each),) * layers,
            width=width,
            feed_forward=feed_forward,
            heads=heads,
            query=width,
            vocabulary=vocabulary,
            trained_context=min(max(context, 0), MAX_CONTEXT),
            weights_bytes=max(size, 0),
            merges=vocabulary if vocabulary > 32_000 else 0,
        )
        return shape.sibling(shape.weights_bytes, quantisation, parameters=parameters)

    def layer_bytes(self, number: int) -> int:
        """Weights of a layer, of the output for the number after the last one; an even share where none are known."""
        if self.weights is None:
            return self.weights_bytes // (len(self.layers) + 1)
        return self.weights.by_layer[number]

    def sibling(self, size: int, quantisation: FileType | None, described: int = 0, parameters: int = 0) -> Self:
        """The same model in another variant, of which nothing was read; `described` are the bytes before the weights.

        Its tensors follow from this one's where llama.cpp's usual mixture makes up just that size. Where they do not,
        what it is mixed of is that of a llama of these numbers, and of so many parameters, if they are known.
        """
        weights = None
        if self.weights is not None and quantisation is not None:
            known = [tensor for file in self.weights.files for tensor in file]
            weights = Weights.made(mixtures.tensors_of(known, quantisation, size - described), len(self.layers))
        taken = sum(tensor.nbytes for tensor in weights.files[0]) if weights else max(size, 0)
        shares = () if weights or quantisation is None else self._shares(quantisation, size, parameters)
        return replace(self, weights_bytes=taken, weights=weights, shares=shares)

    def _shares(self, quantisation: FileType, size: int, parameters: int) -> tuple[tuple[int, float], ...]:
        if self.weights is not None and not parameters:
            parameters = sum(prod(tensor.shape) for file in self.weights.files for tensor in file)
        bits = 8 * size / parameters if parameters else 0.0
        kept = max((layer.keys for layer in self.layers), default=0)
        found = len(self.layers), self.width, self.feed_forward, kept, self.vocabulary
        return mixtures.shares(quantisation, *found, bits) if all(found) else ()


def layer_of(tensor: Tensor, layers: int) -> int:
    """The layer a tensor belongs to; -1 for what is only looked up.

    The number after the last layer's means the output, and the next one a layer that is not loaded.
    """
    found = _BLOCK.match(tensor.name)
    if found:
        number = int(found[1])
        return number if number < layers else layers + 1
    return layers if tensor.name.startswith("output") else -1


class _Numbers:
    """Whole numbers of a header by the key's end, bounded; 0 where they are missing."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self.architecture = header.architecture

    def __getitem__(self, key: str) -> int:
        return _bounded(self._header.whole(f"{self.architecture}.{key}"))

    def listed(self, key: str, count: int, default: int) -> list[int]:
        """One number for each layer, from a list or from a single number."""
        value = self.raw(key)
        if isinstance(value, tuple):
            found = [_bounded(v) if isinstance(v, int) else default for v in value[:count]]
            return found + [default] * (count - len(found))
        return [_bounded(value) if isinstance(value, int) else default] * count

    def raw(self, key: str) -> Value | None:
        return self._header.metadata.get(f"{self.architecture}.{key}")


def _length(header: Header, key: str) -> int:
    value = header.metadata.get(key)
    return len(value) if isinstance(value, tuple) else 0


def _bounded(value: int | None) -> int:
    return min(max(int(value or 0), 0), _MOST)


def _layers(numbers: _Numbers) -> tuple[Layer, ...]:
    count = max(min(numbers["block_count"], _MOST_LAYERS) - numbers["nextn_predict_layers"], 0)  # those are not loaded
    key = _key_length(numbers)
    value = numbers["attention.value_length"] or key
    kept = numbers.listed("attention.head_count_kv", count, numbers["attention.head_count"])
    if numbers["ssm.state_size"] and numbers.raw("attention.head_count_kv") is None:
        kept = [0] * count  # Mamba: nothing is kept for a token
    windows = _windows(numbers, count)
    return tuple(Layer(n * key, n * value, window) for n, window in zip(kept, windows, strict=True))


def _key_length(numbers: _Numbers) -> int:
    heads = numbers["attention.head_count"]
    return numbers["attention.key_length"] or (numbers["embedding_length"] // heads if heads else 0)


def _windows(numbers: _Numbers, count: int) -> list[int]:
    window = numbers["attention.sliding_window"] or _WINDOWS.get(numbers.architecture, 0)
    pattern = numbers.raw("attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        slides = numbers.listed("attention.sliding_window_pattern", count, 0)
        return [window if slide else 0 for slide in slides]
    every = _bounded(pattern if isinstance(pattern, int) else 0) or _PATTERNS.get(numbers.architecture, 1)
    if numbers.architecture not in _PATTERNS:
        every = 1  # every layer whole: whether llama.cpp honours the window depends on the kind of model
    return [window if n % every < every - 1 else 0 for n in range(count)]


def _state(numbers: _Numbers, layers: tuple[Layer, ...]) -> int:
    """Bytes that recurrent layers keep, one sequence, f32: the last inputs of the convolution and the state."""
    inner, state = numbers["ssm.inner_size"], numbers["ssm.state_size"]
    groups, kernel = numbers["ssm.group_count"], numbers["ssm.conv_kernel"]
    recurrent = sum(not layer.keys for layer in layers)
    return 4 * recurrent * (max(kernel - 1, 0) * (inner + 2 * groups * state) + inner * state)
