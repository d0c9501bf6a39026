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
        ("model-UD-Q4_K_XL.gguf", "Q4_K_M"),
        ("gpt-oss-MXFP4_MOE.gguf", "MXFP4"),
        ("model.Q4_0_4_4.gguf", "Q4_0_4_4"),
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


def test_every_type_says_how_it_stores_weights() -> None:
    for tensor in quants.TENSOR_TYPES.values():
        assert "{" not in str(tensor.storage)
        assert str(tensor.storage).endswith(".")
    for row in quants.FILE_TYPES.values():
        assert 1 <= len(row.storage) <= 2
        assert all("{" not in str(sentence) for sentence in row.storage)
    q4 = quants.BY_NAME["Q4_K_M"]
    assert [t.name for t in q4.tensor_types] == ["Q4_K", "Q6_K"]
    assert str(q4.storage[0]).startswith("Blocks of 256 weights in 8 groups: 4 bits for each weight")
    assert str(q4.storage[1]) == "Most weights are Q4_K, some Q6_K: more bits where errors cost more."
    assert len(quants.BY_NAME["F16"].storage) == 1


def test_bits_of_a_mixture_lie_between_those_of_its_parts() -> None:
    for row in quants.FILE_TYPES.values():
        bits = [tensor.bits for tensor in row.tensor_types]
        assert min(bits) - 0.05 <= row.bits <= max(bits) + 0.05, row.name  # the norms' 32 bits come on top


def test_what_the_project_promises_to_explain() -> None:
    promised = "Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_0 Q4_1 Q4_K_S Q4_K_M Q5_0 Q5_1 Q5_K_S Q5_K_M Q6_K Q8_0 F16 F32"
    assert set(promised.split()) < set(quants.BY_NAME)
    assert [row.name for row in quants.FILE_TYPES.values() if row.recommended] == ["Q4_K_M", "Q5_K_S", "Q5_K_M"]


def test_less_loss_with_more_bits() -> None:
    k_types = [quants.BY_NAME[name] for name in "Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K Q8_0".split()]
    losses = [row.loss for row in k_types if row.loss is not None]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == len(k_types)


def test_types_that_were_removed_say_so() -> None:
    assert [row.name for row in quants.FILE_TYPES.values() if not row.loadable] == ["Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *[
            ("m.q4_k_m.gguf", "Q4_K_M"),
            ("m-UD-IQ1_S", "UD-IQ1_S"),
            ("m-Q8_0-and-Q4_K_S", "Q4_K_S"),
            ("m-TQ1_0", "TQ1_0"),
        ],
        *[("m-IQ3_K", "IQ3_K"), ("m-bf16", "BF16"), ("m-nvfp4", "NVFP4"), ("mQ4_0", ""), ("model", ""), ("f163", "")],
    ],
)
def test_labels(name: str, label: str) -> None:
    assert quants.label(name) == label


def test_the_words_of_quality_are_a_scale_of_the_losses_that_were_measured() -> None:
    steps = {quants.Quality.HARDLY: 0.06, quants.Quality.LITTLE: 0.2, quants.Quality.SOME: 0.5, quants.Quality.LARGE: 1}
    measured = [(row.loss, row.quality) for row in quants.FILE_TYPES.values() if row.loss is not None]
    for loss, quality in measured:
        first = next((word for word, most in steps.items() if loss <= most), quants.Quality.VERY_LARGE)
        assert quality is first
    assert {quality for _loss, quality in measured} == {*steps, quants.Quality.VERY_LARGE}
    assert [str(word).split()[0] for word in quants.Quality][:6] == ["no", "hardly", "little", "some", "large", "very"]


def test_qualities_do_not_contradict_the_published_words() -> None:
    """TheBloke's, of the model cards, best first."""
    order = list(quants.Quality)
    names = "Q8_0 Q6_K Q5_K_M Q5_K_S Q4_K_M Q4_K_S Q3_K_L Q3_K_M Q3_K_S Q2_K".split()
    ranks = [order.index(quants.BY_NAME[name].quality) for name in names]
    assert ranks == sorted(ranks)
