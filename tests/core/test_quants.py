"""The catalogue agrees with the sizes the gguf package and llama.cpp use."""

from __future__ import annotations

import pytest
from gguf.constants import GGML_QUANT_SIZES, LlamaFileType

from desktop.core import quants


def test_block_sizes_are_those_of_the_reference() -> None:
    for kind, (block, size) in GGML_QUANT_SIZES.items():
        if kind.name == "Q8_1":  # the reference counts a float32 sum where llama.cpp has two halves
            continue
        row = quants.TENSOR_TYPES[int(kind)]
        assert (row.name, row.block, row.size) == (kind.name, block, size)


def test_every_file_type_of_the_reference_has_a_row() -> None:
    assert {int(t) for t in LlamaFileType} - {1024} <= set(quants.FILE_TYPES)
    for number, row in quants.FILE_TYPES.items():
        assert row.number == number
        assert 1 < row.bits <= 32
        assert row.explanation.endswith(".")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mistral-7b-instruct-v0.1.Q6_K.gguf", "Q6_K"),
        ("tinyllama-1.1b-chat-v1.0.q4_k_m.gguf", "Q4_K_M"),
        ("Meta-Llama-3-8B-IQ2_XXS.gguf", "IQ2_XXS"),
        ("Q8_0-notes/model-bf16.gguf", "BF16"),
        ("ggml-model-f16.gguf", "F16"),
    ],
)
def test_type_from_a_file_name(name: str, found: str) -> None:
    row = quants.from_file_name(name)
    assert row is not None
    assert row.name == found


@pytest.mark.parametrize("name", ["model.gguf", "XQ4_0Y.gguf", "q4.gguf", ""])
def test_no_type_in_the_name(name: str) -> None:
    assert quants.from_file_name(name) is None


def test_bytes_of_a_tensor() -> None:
    assert quants.tensor_bytes(0, (3, 5)) == 60
    assert quants.tensor_bytes(12, (4096, 2)) == 2 * 16 * 144
    assert quants.tensor_bytes(12, (100, 256)) is None  # not whole blocks
    assert quants.tensor_bytes(999, (256,)) is None
    assert quants.tensor_bytes(0, ()) is None


def test_type_of_a_file_from_its_tensors() -> None:
    assert quants.from_tensor_type(12) is quants.BY_NAME["Q4_K_M"]
    assert quants.from_tensor_type(8) is quants.BY_NAME["Q8_0"]
    assert quants.from_tensor_type(26) is None
    assert quants.TENSOR_TYPES[14].bits == 6.5625
