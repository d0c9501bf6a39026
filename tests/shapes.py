"""Makes GGUF files with the shapes of published models: real headers, vocabularies of their size, no real weights.

A file is sparse (zeros, as long as the real one, taking almost no disk) or filled with random bytes that are harmless
numbers in every type. What a model answers is nonsense; what it takes of memory is what the published one takes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from gguf.constants import GGML_QUANT_SIZES

Kind = GGMLQuantizationType


@dataclass(frozen=True)
class Look:
    """A model: `kind` is the type of most matrices, `better` that of some, `table` that of the embedding."""

    arch: str
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    context: int
    kind: Kind = Kind.Q4_K
    better: Kind = Kind.Q6_K
    table: Kind = Kind.Q4_K
    tied: bool = False
    bpe: bool = False
    window: int = 0
    experts: int = 0
    used: int = 0


TINYLLAMA = Look("llama", 22, 2048, 5632, 32, 4, 64, 32_000, 2048)
MISTRAL_7B = Look("llama", 32, 4096, 14336, 32, 8, 128, 32_000, 32_768)
LLAMA_2_7B = Look("llama", 32, 4096, 11008, 32, 32, 128, 32_000, 4096)
QWEN3_600M = Look("qwen3", 28, 1024, 3072, 16, 8, 128, 151_936, 40_960, table=Kind.Q6_K, tied=True, bpe=True)
GEMMA3_1B = Look(
    *("gemma3", 26, 1152, 6912, 4, 1, 256, 262_144, 32_768),  # 1152 is no multiple of 256: no K types
    kind=Kind.Q4_0,
    better=Kind.Q4_0,
    table=Kind.Q8_0,
    tied=True,
    window=512,
)
QWEN3_30B = Look(  # a mixture of 128 experts
    "qwen3moe", 48, 2048, 768, 32, 4, 128, 151_936, 40_960, bpe=True, experts=128, used=8
)


def write(path: Path, look: Look, filled: bool = False) -> Path:
    """Writes the file: sparse, or `filled` with random bytes."""
    writer = GGUFWriter(path, look.arch)
    _numbers(writer, look)
    _vocabulary(writer, look)
    sizes = []
    for name, shape, kind in tensors(look):
        plain = kind == Kind.F32
        row = shape[0] if plain else _nbytes(shape[:1], kind)
        stored, dtype = (*reversed(shape[1:]), row), np.dtype(np.float32 if plain else np.uint8)
        sizes.append(_nbytes(shape, kind))
        writer.add_tensor_info(name, stored, dtype, sizes[-1], raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    _lengthen(path, sum(-(-size // 32) * 32 for size in sizes), filled)
    return path


def tensors(look: Look) -> Iterator[tuple[str, tuple[int, ...], Kind]]:
    """Names, shapes (the row's length first) and types, in the file's order."""
    width, query, kept = look.width, look.heads * look.head, look.kv_heads * look.head
    yield "token_embd.weight", (width, look.vocabulary), look.table
    yield "output_norm.weight", (width,), Kind.F32
    if not look.tied:
        yield "output.weight", (width, look.vocabulary), look.better
    for layer in range(look.layers):
        block = f"blk.{layer}"
        better = look.better if layer % 2 else look.kind
        for name in _norms(look):
            yield f"{block}.{name}.weight", (look.head if name.endswith(("q_norm", "k_norm")) else width,), Kind.F32
        yield f"{block}.attn_q.weight", (width, query), look.kind
        yield f"{block}.attn_k.weight", (width, kept), look.kind
        yield f"{block}.attn_v.weight", (width, kept), better
        yield f"{block}.attn_output.weight", (query, width), look.kind
        yield from _feed_forward(look, block, better)


def _norms(look: Look) -> tuple[str, ...]:
    norms: tuple[str, ...] = ("attn_norm", "ffn_norm")
    if look.arch in ("qwen3", "qwen3moe", "gemma3"):
        norms += ("attn_q_norm", "attn_k_norm")
    if look.arch == "gemma3":
        norms += ("post_attention_norm", "post_ffw_norm")
    return norms


def _feed_forward(look: Look, block: str, better: Kind) -> Iterator[tuple[str, tuple[int, ...], Kind]]:
    width, inner = look.width, look.feed_forward
    end, many = ("", ()) if not look.experts else ("_exps", (look.experts,))
    if look.experts:
        yield f"{block}.ffn_gate_inp.weight", (width, look.experts), Kind.F32
    yield f"{block}.ffn_gate{end}.weight", (width, inner, *many), look.kind
    yield f"{block}.ffn_up{end}.weight", (width, inner, *many), look.kind
    yield f"{block}.ffn_down{end}.weight", (inner, width, *many), better


def _numbers(writer: GGUFWriter, look: Look) -> None:
    writer.add_context_length(look.context)
    writer.add_embedding_length(look.width)
    writer.add_block_count(look.layers)
    writer.add_feed_forward_length(look.feed_forward)
    writer.add_head_count(look.heads)
    writer.add_head_count_kv(look.kv_heads)
    writer.add_key_length(look.head)
    writer.add_value_length(look.head)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(look.head)
    if look.window:
        writer.add_sliding_window(look.window)
    if look.experts:
        writer.add_expert_count(look.experts)
        writer.add_expert_used_count(look.used)
        writer.add_expert_feed_forward_length(look.feed_forward)


def _vocabulary(writer: GGUFWriter, look: Look) -> None:
    """Words of the lengths that published vocabularies have: 6 to 7 letters on average."""
    dice = random.Random(look.vocabulary)
    letters = "abcdefghijklmnopqrstuvwxyz"
    special = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))] if not look.bpe else ["<s>", "</s>"]
    words = [f"{''.join(dice.choices(letters, k=dice.randint(1, 6)))}-{n:x}" for n in range(look.vocabulary)]
    words[: len(special)] = special
    kinds = [TokenType.NORMAL] * look.vocabulary
    kinds[: len(special)] = [TokenType.CONTROL] * len(special)
    if not look.bpe:
        kinds[0], kinds[3:259] = TokenType.UNKNOWN, [TokenType.BYTE] * 256
        writer.add_token_scores([-float(n) for n in range(look.vocabulary)])
    writer.add_tokenizer_model("gpt2" if look.bpe else "llama")
    writer.add_token_list(words)
    writer.add_token_types(kinds)
    if look.bpe:
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_merges([f"{word[:2]} {word[2:]}x" for word in words[300:]])
    writer.add_bos_token_id(0 if look.bpe else 1)
    writer.add_eos_token_id(1 if look.bpe else 2)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")


def _nbytes(shape: tuple[int, ...], kind: Kind) -> int:
    block, size = GGML_QUANT_SIZES[kind]
    return prod(shape) // block * size


def _lengthen(path: Path, size: int, filled: bool) -> None:
    with path.open("r+b") as file:
        end = -(-file.seek(0, 2) // 32) * 32
        if filled:
            tile = bytes(byte & 0x3B for byte in random.Random(0).randbytes(1 << 20))  # no type makes these infinite
            file.truncate(end)
            file.seek(end)
            for at in range(0, size, len(tile)):
                file.write(tile[: min(len(tile), size - at)])
        file.truncate(end + size)
