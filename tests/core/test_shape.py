"""Shapes out of headers, and guesses where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop.core.fit import closed_form
from desktop.core.generation import LoadSettings
from desktop.core.gguf import Header, Tensor, Value
from desktop.core.quants import BY_NAME
from desktop.core.repacking import Repacking
from desktop.core.shape import MAX_CONTEXT, Layer, Shape, layer_of

GB = 10**9


def header(arch: str, tensors: tuple[Tensor, ...] = (), **numbers: Value) -> Header:
    return Header(3, {"general.architecture": arch, **{f"{arch}.{k}": v for k, v in numbers.items()}}, tensors, 99, 32)


def shape(arch: str, **numbers: Value) -> Shape:
    usual: dict[str, Value] = {"block_count": 6, "embedding_length": 64, "attention.head_count": 4}
    return Shape.of([header(arch, **{**usual, **numbers})])


def windows(found: Shape) -> list[int]:
    return [layer.window for layer in found.layers]


def dotted(**numbers: Value) -> dict[str, Value]:
    """Keys with dots, which cannot be written as arguments."""
    return {key.replace("__", "."): value for key, value in numbers.items()}


def test_heads_and_their_widths() -> None:
    assert shape("llama").layers == (Layer(64, 64),) * 6
    assert shape("llama", **dotted(attention__head_count_kv=1)).layers[0] == Layer(16, 16)
    wide = shape("qwen3", **dotted(attention__head_count_kv=2, attention__key_length=128, attention__value_length=96))
    assert wide.layers[0] == Layer(256, 192)
    assert (wide.query, wide.heads, wide.width) == (512, 4, 64)


def test_a_list_gives_each_layer_its_own() -> None:
    found = shape("granitehybrid", **dotted(attention__head_count_kv=(0, 0, 2), ssm__state_size=16))
    assert [layer.keys for layer in found.layers] == [0, 0, 32, 64, 64, 64]  # what is missing counts whole
    assert not found.held


@pytest.mark.parametrize(
    ("arch", "numbers", "expected"),
    [
        ("gemma3", {"attention__sliding_window": 512}, [512] * 5 + [0]),
        ("gemma2", {}, [4096, 0] * 3),  # the window of its time is not in the file
        ("gpt-oss", {"attention__sliding_window": 128}, [128, 0] * 3),
        ("gemma3", {}, [0] * 6),
        ("phi3", {"attention__sliding_window": 2047}, [0] * 6),  # llama.cpp has switched it off
        ("llama", {"attention__sliding_window": 4096}, [0] * 6),
        ("new", {"attention__sliding_window": 64, "attention__sliding_window_pattern": (True, False) * 3}, [64, 0] * 3),
        ("gemma3", {"attention__sliding_window": 64, "attention__sliding_window_pattern": 3}, [64, 64, 0] * 2),
    ],
)
def test_windows(arch: str, numbers: dict[str, Value], expected: list[int]) -> None:
    assert windows(shape(arch, **dotted(**numbers))) == expected


def test_a_recurrent_model_keeps_a_state_and_no_tokens() -> None:
    ssm = dotted(ssm__state_size=16, ssm__inner_size=128, ssm__conv_kernel=4)
    found = shape("mamba", **ssm)
    assert all(layer == Layer(0, 0) for layer in found.layers)
    assert found.state_bytes == 6 * 4 * (3 * 128 + 128 * 16)
    assert not found.held


def test_experts_count_as_many_as_are_used() -> None:
    found = shape("qwen3moe", expert_count=128, expert_used_count=8, expert_feed_forward_length=768)
    assert (found.feed_forward, found.experts) == (8 * 768, 8)
    mixtral = shape("llama", expert_count=8, expert_used_count=2, feed_forward_length=100)
    assert mixtral.feed_forward == 200
    assert not found.held


def test_layers_that_foresee_tokens_are_not_loaded() -> None:
    assert len(shape("glm4moe", nextn_predict_layers=1).layers) == 5
    assert shape("glm4moe", nextn_predict_layers=9).layers == ()


def test_numbers_stay_within_bounds() -> None:
    found = shape("llama", block_count=2**31, embedding_length=2**64 - 1, context_length=2**63)
    assert len(found.layers) == 512
    assert found.width < 2**41
    assert found.trained_context == MAX_CONTEXT
    none = shape("llama", **dotted(attention__head_count=-3, embedding_length=-1))
    assert (none.heads, none.width, none.layers[0]) == (0, 0, Layer(0, 0))


def test_weights_by_layer() -> None:
    names = ("token_embd.weight", "output_norm.weight", "blk.0.a.weight", "blk.5.b.weight", "blk.77.c.weight")
    tensors = tuple(Tensor(name, (10,), 0, 0, 10**n) for n, name in enumerate(names))
    found = Shape.of([header("llama", tensors, block_count=6), header("", (Tensor("blk.5.d", (1,), 0, 0, 7),))])
    assert [found.layer_bytes(n) for n in range(7)] == [100, 0, 0, 0, 0, 1007, 10]
    assert found.weights_bytes == 11111 + 7
    assert [layer_of(tensor, 6) for tensor in tensors] == [-1, 6, 0, 5, 7]
    unknown = replace(found, weights=None)
    assert [unknown.layer_bytes(n) for n in range(7)] == [11118 // 7] * 7


TRUE = {  # GB of the file; parameters; layers, K numbers of a layer
    "TinyLlama-1.1B": (0.669, 1.1, 22, 256),
    "Mistral-7B": (4.37, 7.24, 32, 1024),
    "Qwen3-8B": (5.03, 8.19, 36, 1024),
    "Llama-3-70B": (42.5, 70.6, 80, 1024),
}


@pytest.mark.parametrize("name", TRUE)
def test_guesses_are_rather_too_large(name: str) -> None:
    size, billions, layers, keys = TRUE[name]
    quantisation = BY_NAME["Q4_K_M"]
    for parameters in (0, int(billions * GB)):
        guess = Shape.guessed(int(size * GB), quantisation, parameters, "", 32768)
        kept = sum(layer.keys for layer in guess.layers)
        assert layers * keys <= kept <= 2 * layers * keys


def test_guesses_for_llamas_of_2023() -> None:
    early, late = (Shape.guessed(4 * GB, BY_NAME["Q4_K_M"], 7 * GB, "llama", n) for n in (4096, 32768))
    assert (early.layers[0].keys, early.vocabulary) == (4096, 32_000)
    assert (late.layers[0].keys, late.trained_context) == (1024, 32768)


def test_a_guess_counts_what_this_processor_copies() -> None:
    avx2, settings = Repacking.of("AVX2 = 1 | REPACK = 1"), LoadSettings(gpu_layers=0)
    copied = {
        name: closed_form(Shape.guessed(4 * GB, BY_NAME.get(name)), settings, avx2).repack_bytes
        for name in ("Q4_0", "Q4_K_M", "Q4_K_S", "IQ4_NL", "Q5_K_M", "Q8_0", "IQ2_XXS", "")
    }
    assert {name for name, size in copied.items() if size} == {"Q4_0", "Q4_K_M", "Q4_K_S", "IQ4_NL", ""}


def test_a_sibling_differs_in_its_weights_only() -> None:
    known = shape("llama")
    other = known.sibling(5 * GB, BY_NAME["Q8_0"])
    assert (other.layers, other.held, other.vocabulary) == (known.layers, known.held, known.vocabulary)
    assert (other.weights_bytes, other.weights) == (5 * GB, None)
    assert Shape.guessed(-1, None).weights_bytes == 0
