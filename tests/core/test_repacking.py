"""Which weights are copied for a processor."""

from __future__ import annotations

import pytest

from desktop.core.gguf import Header, Tensor
from desktop.core.quants import TENSOR_TYPES, tensor_bytes
from desktop.core.repacking import NONE, Placement, Repacking, place, placed
from desktop.core.shape import Shape

NUMBERS = {row.name: row.number for row in TENSOR_TYPES.values()}
AVX2 = "CPU : AVX = 1 | AVX2 = 1 | FMA = 1 | LLAMAFILE = 1 | OPENMP = 1 | REPACK = 1 | "
AVX512 = AVX2 + "AVX512 = 1 | AVX512_VNNI = 1 | "
OLD = "CPU : SSE3 = 1 | AVX = 1 | REPACK = 1 | "
M1 = "Metal : EMBED_LIBRARY = 1 | CPU : NEON = 1 | ARM_FMA = 1 | DOTPROD = 1 | ACCELERATE = 1 | REPACK = 1 | "
M2 = M1 + "MATMUL_INT8 = 1 | "


def tensor(name: str, shape: tuple[int, ...] = (256, 64), kind: str = "Q4_K", offset: int = 0) -> Tensor:
    size = tensor_bytes(NUMBERS[kind], shape)
    assert size is not None
    return Tensor(name, shape, NUMBERS[kind], offset, size)


@pytest.mark.parametrize(
    ("system_info", "expected"),
    [
        (AVX2, "Q4_0 Q4_K IQ4_NL MXFP4"),
        (AVX512, "Q2_K Q4_0 Q4_K IQ4_NL MXFP4"),
        (M1, "Q1_0 Q4_0 Q4_K Q5_K Q6_K Q8_0 IQ4_NL MXFP4"),
        (M2, "Q1_0 Q4_0 Q4_K Q5_K Q6_K Q8_0 IQ4_NL MXFP4"),
        (OLD, ""),
        (AVX2.replace("REPACK = 1", ""), ""),
        ("", ""),
    ],
)
def test_types_by_processor(system_info: str, expected: str) -> None:
    repacking = Repacking.of(system_info)
    found = {kind for kind in NUMBERS if repacking.takes(Tensor("blk.0.ffn_up.weight", (256, 64), NUMBERS[kind], 0, 1))}
    assert found == set(expected.split())


@pytest.mark.parametrize(
    ("name", "shape", "taken"),
    [
        ("blk.0.attn_q.weight", (256, 64), True),
        ("output.weight", (256, 32_000), True),
        ("blk.0.attn_q.weight", (256, 60), False),  # not a multiple of 8
        ("blk.0.ffn_up_exps.weight", (256, 64, 8), True),
        ("blk.0.attn_k_b.weight", (256, 64, 8), False),  # three dimensions, but no experts
        ("blk.0.norm.weight", (256,), False),
        ("token_embd.weight", (256, 64), False),
        ("per_layer_token_embd.weight", (256, 64), False),
    ],
)
def test_matrices_are_copied_and_tables_are_not(name: str, shape: tuple[int, ...], taken: bool) -> None:
    assert Repacking.of(AVX2).takes(tensor(name, shape)) is taken


def shape(*tensors: Tensor) -> Shape:
    at, laid = 0, []
    for item in tensors:
        laid.append(Tensor(item.name, item.shape, item.type, at, item.nbytes))
        at += item.nbytes
    numbers = {"general.architecture": "llama", "llama.block_count": 2}
    return Shape.of([Header(3, numbers, tuple(laid), 0, 32)])


SIZE = tensor("x").nbytes


def test_a_copied_tensor_between_two_others_stays_mapped() -> None:
    found = shape(tensor("token_embd.weight"), tensor("blk.0.a.weight"), tensor("output.weight", kind="Q6_K"))
    last = tensor("x", kind="Q6_K").nbytes
    assert place(found, Repacking.of(AVX2), 3) == Placement(2 * SIZE + last, SIZE + last, SIZE)
    assert place(found, NONE, 3) == Placement(2 * SIZE + last, 2 * SIZE + last, 0)


def test_what_stands_outside_is_given_back() -> None:
    found = shape(tensor("blk.0.a.weight"), tensor("token_embd.weight"), tensor("output.weight"))
    assert place(found, Repacking.of(AVX2), 3) == Placement(SIZE, SIZE, 2 * SIZE)


def test_a_tied_embedding_is_copied_for_its_other_use() -> None:
    tied = shape(tensor("token_embd.weight"), tensor("blk.0.a.weight"))
    assert place(tied, Repacking.of(AVX2), 3) == Placement(SIZE, SIZE, 2 * SIZE)
    assert place(tied, Repacking.of(AVX2), 2).repacked_bytes == SIZE  # the output is on a card
    other = shape(tensor("token_embd.weight", kind="Q6_K"), tensor("blk.0.a.weight"))
    assert place(other, Repacking.of(AVX2), 3).repacked_bytes == SIZE


def test_layers_on_a_card_are_not_here() -> None:
    found = shape(tensor("token_embd.weight"), tensor("blk.0.a.weight"), tensor("blk.1.a.weight"))
    assert [place(found, NONE, host).used_bytes // SIZE for host in (0, 1, 2, 3)] == [1, 2, 3, 3]


def test_what_llama_cpp_said_is_taken_as_it_is() -> None:
    found = shape(tensor("token_embd.weight"), tensor("blk.0.a.weight"), tensor("blk.1.a.weight"))
    said = [("token_embd.weight", "CPU"), ("token_embd.weight", "AMX"), ("blk.0.a.weight", "AMX"), ("unknown", "AMX")]
    assert found.weights is not None
    assert placed(found.weights, said) == Placement(SIZE, SIZE, 2 * SIZE)
    assert placed(found.weights, []) == Placement(0, 0, 0)
