"""The tensors of a variant from those of another: as llama.cpp chooses them, and only where the size proves it."""

from __future__ import annotations

from math import prod

import pytest

from desktop.core import quants
from desktop.core.gguf import Tensor
from desktop.core.mixtures import shares, tensors_of
from tests.hub.true_sizes import LLAMA_2, MISTRAL, TINYLLAMA, VARIANTS, Shape, tensors

NUMBERS = {row.name: row.number for row in quants.TENSOR_TYPES.values()}


def tensor(name: str, kind: str, *shape: int) -> Tensor:
    return Tensor(name, shape, NUMBERS[kind], 0, quants.tensor_bytes(NUMBERS[kind], shape) or prod(shape))


def model(layers: int, kind: str = "F16", output: bool = True) -> list[Tensor]:
    width, hidden, kept, words = 1024, 2048, 256, 512
    rows = [tensor("token_embd.weight", kind, width, words)]
    for layer in range(layers):
        parts = {
            "attn_q": (width, width),
            "attn_k": (width, kept),
            "attn_v": (width, kept),
            "attn_output": (width, width),
        }
        parts |= {"ffn_gate": (width, hidden), "ffn_up": (width, hidden), "ffn_down": (hidden, width)}
        rows += [tensor(f"blk.{layer}.{name}.weight", kind, *size) for name, size in parts.items()]
        rows.append(tensor(f"blk.{layer}.attn_norm.weight", "F32", width))
    return [*rows, tensor("output.weight", kind, width, words)] if output else rows


def published(shape: Shape, variant: str) -> list[Tensor]:
    """As the file of TheBloke's has them, whose length is his table's (tests/hub/test_shapes.py)."""
    rows = [(name, kind, (columns, n) if n > 1 else (columns,)) for name, n, columns, kind in tensors(shape, variant)]
    return [tensor(name, kind.name, *size) for name, kind, size in rows]


@pytest.mark.parametrize("shape", [MISTRAL, LLAMA_2, TINYLLAMA], ids=["Mistral", "Llama-2", "TinyLlama"])
@pytest.mark.parametrize("known", ["Q4_K_M", "Q8_0"])
def test_every_variant_of_thebloke_is_foreseen_from_any_other(shape: Shape, known: str) -> None:
    for variant in VARIANTS:
        there = published(shape, variant)
        made = tensors_of(published(shape, known), quants.BY_NAME[variant], sum(t.nbytes for t in there) + 4000)
        assert made is not None, variant
        assert [(t.name, t.type, t.nbytes) for t in made] == [(t.name, t.type, t.nbytes) for t in there]
        ends = [t.offset + t.nbytes for t in made]
        assert all(t.offset >= end for t, end in zip(made[1:], ends, strict=False))


def names(made: tuple[Tensor, ...] | None, part: str) -> list[str]:
    assert made is not None
    return [quants.TENSOR_TYPES[t.type].name for t in made if part in t.name]


def sized(known: list[Tensor], variant: str, **kinds: str) -> tuple[Tensor, ...] | None:
    """With the size that the parts make up in these types; a part not named is in the first."""
    total = 0
    for one in known:
        part = one.name.split(".")[-2]
        kind = "F32" if "norm" in part else kinds.get(part, kinds["most"])
        total += -(-(quants.tensor_bytes(NUMBERS[kind], one.shape) or 0) // 32) * 32
    return tensors_of(known, quants.BY_NAME[variant], total)


def test_todays_mixtures_differ_from_those_of_2023() -> None:
    made = sized(model(8), "Q2_K", most="Q2_K", attn_v="Q4_K", attn_output="Q3_K", ffn_down="Q3_K", output="Q6_K")
    assert set(names(made, "attn_v")) == {"Q4_K"}
    made = sized(model(8), "Q8_0", most="Q8_0")
    assert set(names(made, "output.weight")) == {"Q8_0"}
    made = sized(model(8, output=False), "Q6_K", most="Q6_K")
    assert set(names(made, "token_embd")) == {"Q6_K"}
    made = sized(model(8, output=False), "Q5_K_S", most="Q5_K", token_embd="Q6_K")  # tied: it is the output, too
    assert set(names(made, "token_embd")) == {"Q6_K"}


def test_with_an_importance_matrix_the_first_layers_get_an_offset() -> None:
    known = model(16)
    plain = {"output": "Q6_K", "most": "Q4_0"}
    total = sum(t.nbytes + -t.nbytes % 32 for t in sized(known, "Q4_0", **plain) or ())
    more = 2 * (2048 * 1024 // 32) * 2  # two layers, two bytes a block
    made = tensors_of(known, quants.BY_NAME["Q4_0"], total + more)
    assert names(made, "ffn_down")[:3] == ["Q4_1", "Q4_1", "Q4_0"]


def test_fused_attention_has_rules_of_its_own() -> None:
    known = [tensor("blk.0.attn_qkv.weight", "F16", 1024, 3072), tensor("output.weight", "F16", 1024, 512)]
    for variant, kind in (("Q3_K_M", "Q4_K"), ("Q3_K_L", "Q4_K"), ("Q4_K_M", "Q5_K"), ("Q5_K_M", "Q6_K")):
        assert names(sized(known, variant, most=kind, output="Q6_K"), "attn_qkv") == [kind]


def test_rows_that_k_quants_cannot_have_fall_back() -> None:
    known = [tensor("blk.0.attn_q.weight", "F16", 896, 896), tensor("blk.0.attn_k.weight", "F16", 100, 896)]
    known.append(tensor("output.weight", "F16", 1024, 512))
    made = sized(known, "Q4_K_S", most="Q5_0", attn_k="F16", output="Q6_K")
    assert names(made, "attn_q") == ["Q5_0"]
    assert names(made, "attn_k") == ["F16"]


def test_a_mixture_of_another_maker_is_not_guessed() -> None:
    known = model(4)
    assert sized(known, "Q4_K_M", most="Q5_K") is None
    assert tensors_of([], quants.BY_NAME["Q4_K_M"], 0) is None
    odd = [Tensor("blk.0.attn_norm.weight", (64,), 10_000, 0, 0)]
    assert tensors_of(odd, quants.BY_NAME["Q4_K_M"], 0) is None


@pytest.mark.parametrize("variant", list(VARIANTS))
@pytest.mark.parametrize("shape", [LLAMA_2, MISTRAL], ids=["llama-2", "mistral"])
def test_shares_are_those_of_published_files(shape: Shape, variant: str) -> None:
    """What is guessed before a header is read stays near what the header says."""
    rows = published(shape, variant)
    whole, count = sum(row.nbytes for row in rows), sum(prod(row.shape) for row in rows)
    of_type = {
        number: sum(r.nbytes for r in rows if r.type == number and len(r.shape) > 1 and r.name != "token_embd.weight")
        for number in {row.type for row in rows}
    }
    kept = next(row.shape[1] for row in rows if row.name == "blk.0.attn_k.weight")
    numbers = shape.layers, shape.dim, shape.hidden, kept, shape.words
    found = dict(shares(quants.BY_NAME[variant], *numbers, 8 * whole / count))
    for number, size in of_type.items():
        assert found.get(number, 0.0) == pytest.approx(size / whole, abs=0.01), number
