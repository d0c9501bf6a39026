"""Files of TheBloke's of their true length, real header and all, whose weights are a hole on the disk.

The types of the tensors are chosen as llama.cpp's quantiser of that autumn chose them (llama_tensor_get_type at b1200),
so the lengths come out as his tables have them. Nothing can be said with such a model; it can be listed, measured,
asked of llama.cpp without its weights, and a transfer of it can begin.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, TokenType

T = GGMLQuantizationType


@dataclass(frozen=True)
class Shape:
    """A llama's measures."""

    layers: int
    dim: int
    hidden: int
    heads: int
    heads_kv: int
    context: int
    words: int = 32000


MISTRAL = Shape(32, 4096, 14336, 32, 8, 32768)
LLAMA_2 = Shape(32, 4096, 11008, 32, 32, 4096)
TINYLLAMA = Shape(22, 2048, 5632, 32, 4, 2048)

# llama.cpp's number of the file type, and the type that most tensors have
VARIANTS: dict[str, tuple[int, GGMLQuantizationType]] = {
    "Q2_K": (10, T.Q2_K),
    "Q3_K_S": (11, T.Q3_K),
    "Q3_K_M": (12, T.Q3_K),
    "Q3_K_L": (13, T.Q3_K),
    "Q4_0": (2, T.Q4_0),
    "Q4_K_S": (14, T.Q4_K),
    "Q4_K_M": (15, T.Q4_K),
    "Q5_0": (8, T.Q5_0),
    "Q5_K_S": (16, T.Q5_K),
    "Q5_K_M": (17, T.Q5_K),
    "Q6_K": (18, T.Q6_K),
    "Q8_0": (7, T.Q8_0),
}


def sparse_model(path: Path, shape: Shape, variant: str) -> Path:
    """Writes the header, and makes the file as long as its weights would have it."""
    writer = GGUFWriter(path, "llama")
    _describe(writer, shape, VARIANTS[variant][0])
    for name, rows, columns, kind in tensors(shape, variant):
        block, size = GGML_QUANT_SIZES[kind]
        if rows == 1:
            writer.add_tensor_info(name, (columns,), np.dtype(np.float32), columns * 4)
        else:
            stored = (rows, columns // block * size)
            writer.add_tensor_info(name, stored, np.dtype(np.uint8), prod(stored), raw_dtype=kind)
    weights = sum(_padded(info.nbytes) for info in writer.tensors[0].values())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    os.truncate(path, _padded(path.stat().st_size) + weights)
    return path


def tensors(shape: Shape, variant: str) -> list[tuple[str, int, int, GGMLQuantizationType]]:
    """Name, rows, columns and type of every tensor, in the order of the file."""
    return [
        (name, rows, columns, T.F32 if rows == 1 else _kind(variant, name, shape.layers))
        for name, rows, columns in _tensors(shape)
    ]


def _padded(size: int) -> int:
    return -(-size // 32) * 32  # GGUF_DEFAULT_ALIGNMENT


def _describe(writer: GGUFWriter, shape: Shape, file_type: int) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.dim)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads_kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.dim // shape.heads)
    writer.add_file_type(file_type)
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    # hexadecimal: the mean length of Mistral's own words, so that the header is as long as theirs (0.75 MB)
    words = [*special, *(f"▁{n:x}" for n in range(shape.words - len(special)))]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([-float(n) for n in range(shape.words)])
    writer.add_token_types(kinds + [TokenType.NORMAL] * (shape.words - len(kinds)))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def _tensors(shape: Shape) -> list[tuple[str, int, int]]:
    kv = shape.dim // shape.heads * shape.heads_kv
    rows = [("token_embd.weight", shape.words, shape.dim)]
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        rows += [
            (block + "attn_q.weight", shape.dim, shape.dim),
            (block + "attn_k.weight", kv, shape.dim),
            (block + "attn_v.weight", kv, shape.dim),
            (block + "attn_output.weight", shape.dim, shape.dim),
            (block + "ffn_gate.weight", shape.hidden, shape.dim),
            (block + "ffn_up.weight", shape.hidden, shape.dim),
            (block + "ffn_down.weight", shape.dim, shape.hidden),
            (block + "attn_norm.weight", 1, shape.dim),
            (block + "ffn_norm.weight", 1, shape.dim),
        ]
    return [*rows, ("output_norm.weight", 1, shape.dim), ("output.weight", shape.words, shape.dim)]


def _kind(variant: str, name: str, layers: int) -> GGMLQuantizationType:
    """The type of one matrix."""
    most = VARIANTS[variant][1]
    parts = name.split(".")
    layer = int(parts[1]) if parts[0] == "blk" else 0
    more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
    match parts[-2], variant:
        case "output", _:
            return most if most is T.Q8_0 else T.Q6_K
        case "attn_v" | "attn_output" | "ffn_down" | "ffn_gate" | "ffn_up", "Q2_K":
            return T.Q3_K
        case "attn_v" | "ffn_down", "Q3_K_M":
            return T.Q5_K if layer < 2 else T.Q4_K
        case "attn_output", "Q3_K_M":
            return T.Q4_K
        case "attn_v" | "attn_output" | "ffn_down", "Q3_K_L":
            return T.Q5_K
        case "attn_v" | "ffn_down", "Q4_K_S" if layer < 4:
            return T.Q5_K
        case "attn_v" | "ffn_down", "Q4_K_M" | "Q5_K_M" if more:
            return T.Q6_K
    return most
