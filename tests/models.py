"""Makes small GGUF models for tests, and large ones of realistic shape for benchmarks.

A model has a real SPM vocabulary with byte fallback. Its weights are random, or *scripted*: attention does nothing and
each token is followed by the one the script names, so a test knows every word of the reply beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SPECIAL = (
    ("<unk>", TokenType.UNKNOWN),
    ("<s>", TokenType.CONTROL),
    ("</s>", TokenType.CONTROL),
    ("<|user|>", TokenType.CONTROL),
    ("<|assistant|>", TokenType.CONTROL),
    ("<think>", TokenType.USER_DEFINED),
)
_PIECES = (
    "▁",
    *"abcdefghijklmnopqrstuvwxyzABCXYZ.,!?/<>|[]0123456789",
    "th",
    "he",
    "▁th",
    "▁the",
    "▁a",
    "▁b",
    "ab",
    "▁ab",
)
VOCABULARY: tuple[str, ...] = (*(t for t, _ in _SPECIAL), *(f"<0x{b:02X}>" for b in range(256)), *_PIECES)
UNK, BOS, EOS, USER, ASSISTANT, THINK = range(6)
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}{{ message['content'] }}"
    "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def token(piece: str) -> int:
    """The id of a vocabulary entry."""
    return VOCABULARY.index(piece)


def byte_tokens(text: str) -> list[int]:
    """The byte-fallback tokens of a text."""
    return [len(_SPECIAL) + byte for byte in text.encode()]


def chain(*tokens: int) -> dict[int, int]:
    """A script in which each token is followed by the next; no token may come twice."""
    if len(set(tokens[:-1])) != len(tokens) - 1:
        raise ValueError("a token comes twice")
    return dict(pairwise(tokens))


def tiny_model(path: Path, **options: object) -> Path:
    """A llama of two layers and random weights; `options` as `scripted_model`'s."""
    return _Maker(path, dim=64, **options).llama()  # type: ignore[arg-type]


def scripted_model(path: Path, script: Mapping[int, int], **options: object) -> Path:
    """A llama that follows a script; tokens outside it go round the letters a to z without end."""
    letters = [token(c) for c in "abcdefghijklmnopqrstuvwxyz"]
    follow = dict.fromkeys(range(len(VOCABULARY)), letters[0]) | dict(
        zip(letters, letters[1:] + letters[:1], strict=True)
    )
    return _Maker(path, dim=512, **options).llama(follow | dict(script))  # type: ignore[arg-type]


class _Maker:
    """One file being written."""

    def __init__(
        self,
        path: Path,
        dim: int,
        arch: str = "llama",
        layers: int = 2,
        context: int = 4096,
        add_bos: bool = True,
        space_prefix: bool = True,
        comment: str = "",
        seed: int = 0,
        template: str = TEMPLATE,
        kinds: Mapping[str, TokenType] | None = None,
        shards: int = 0,  # tensors in one file, where the model is split into several
        kv_heads: int | list[int] = 1,
    ) -> None:
        self.path, self.dim, self.arch, self.layers = path, dim, arch, layers
        self.random = np.random.default_rng(seed)
        self.writer = GGUFWriter(path, arch, split_max_tensors=shards)
        w = self.writer
        w.add_name("Tiny")
        if comment:
            w.add_description(comment)
        w.add_context_length(context)
        w.add_embedding_length(dim)
        w.add_block_count(layers)
        w.add_feed_forward_length(2 * dim)
        w.add_head_count(2)
        w.add_head_count_kv(kv_heads)
        w.add_layer_norm_rms_eps(1e-5)
        w.add_rope_dimension_count(dim // 2)
        w.add_file_type(0)
        w.add_vocab_size(len(VOCABULARY))
        self._tokenizer(add_bos, space_prefix, dict(_SPECIAL) | dict(kinds or {}))
        if template:
            w.add_chat_template(template)

    def _tokenizer(self, add_bos: bool, space_prefix: bool, special: Mapping[str, TokenType]) -> None:
        w = self.writer
        w.add_tokenizer_model("llama")
        w.add_token_list(VOCABULARY)
        kinds = [special[t] for t, _ in _SPECIAL] + [TokenType.BYTE] * 256 + [TokenType.NORMAL] * len(_PIECES)
        w.add_token_types(kinds)
        w.add_token_scores([0.0] * (len(_SPECIAL) + 256) + [len(p) - 10.0 for p in _PIECES])
        w.add_bos_token_id(BOS)
        w.add_eos_token_id(EOS)
        w.add_unk_token_id(UNK)
        w.add_add_bos_token(add_bos)
        w.add_add_space_prefix(space_prefix)

    def tensor(self, name: str, *shape: int, scale: float = 0.2) -> None:
        self.put(name, self.random.standard_normal(shape, np.float32) * np.float32(scale))

    def put(self, name: str, values: Floats) -> None:
        self.writer.add_tensor(name + ".weight" if not name.endswith((".bias", "ssm_a", "ssm_d")) else name, values)

    def ones(self, name: str, count: int) -> None:
        self.put(name, np.ones(count, np.float32))

    def finish(self) -> Path:
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()
        return self.path

    def embedding(self, script: Mapping[int, int] | None = None, norm: str = "output_norm") -> None:
        words = len(VOCABULARY)
        if script is None:
            self.tensor("token_embd", words, self.dim, scale=1.0)
            self.tensor("output", words, self.dim, scale=1.0)
        else:
            self.put("token_embd", np.eye(words, self.dim, dtype=np.float32))
            output = np.zeros((words, self.dim), np.float32)
            for here, following in script.items():
                output[following, here] = 2.0
            self.put("output", output)
        self.ones(norm, self.dim)

    def attention(self, block: str, out: float = 0.2) -> None:
        half = self.dim // 2
        self.ones(f"{block}.attn_norm", self.dim)
        self.tensor(f"{block}.attn_q", self.dim, self.dim)
        self.tensor(f"{block}.attn_k", half, self.dim)
        self.tensor(f"{block}.attn_v", half, self.dim)
        self.tensor(f"{block}.attn_output", self.dim, self.dim, scale=out)

    def feed_forward(self, block: str, out: float = 0.2) -> None:
        self.ones(f"{block}.ffn_norm", self.dim)
        self.tensor(f"{block}.ffn_gate", 2 * self.dim, self.dim)
        self.tensor(f"{block}.ffn_up", 2 * self.dim, self.dim)
        self.tensor(f"{block}.ffn_down", self.dim, 2 * self.dim, scale=out)

    def llama(self, script: Mapping[int, int] | None = None) -> Path:
        self.embedding(script)
        for layer in range(self.layers):
            self.attention(f"blk.{layer}", 0.2 if script is None else 0.0)
            self.feed_forward(f"blk.{layer}", 0.2 if script is None else 0.0)
        return self.finish()


def sliding_model(path: Path, window: int = 64) -> Path:
    """A Gemma-3-like model: five of six layers see only a window."""
    maker = _Maker(path, dim=64, arch="gemma3", layers=6)
    maker.writer.add_sliding_window(window)
    maker.writer.add_key_length(32)
    maker.writer.add_value_length(32)
    maker.embedding()
    for layer in range(6):
        block = f"blk.{layer}"
        maker.attention(block)
        maker.feed_forward(block)
        for norm, size in (
            ("attn_q_norm", 32),
            ("attn_k_norm", 32),
            ("post_attention_norm", 64),
            ("post_ffw_norm", 64),
        ):
            maker.ones(f"{block}.{norm}", size)
    return maker.finish()


def recurrent_model(path: Path) -> Path:
    """A Mamba-like model, whose state cannot be cut."""
    maker = _Maker(path, dim=64, arch="mamba")
    inner, state, conv, rank = 128, 16, 4, 4
    w = maker.writer
    w.add_ssm_conv_kernel(conv)
    w.add_ssm_inner_size(inner)
    w.add_ssm_state_size(state)
    w.add_ssm_time_step_rank(rank)
    maker.embedding()
    for layer in range(maker.layers):
        block = f"blk.{layer}"
        maker.ones(f"{block}.attn_norm", maker.dim)
        maker.tensor(f"{block}.ssm_in", 2 * inner, maker.dim)
        maker.tensor(f"{block}.ssm_conv1d", inner, conv)
        maker.tensor(f"{block}.ssm_conv1d.bias", inner)
        maker.tensor(f"{block}.ssm_x", rank + 2 * state, inner)
        maker.tensor(f"{block}.ssm_dt", inner, rank)
        maker.tensor(f"{block}.ssm_dt.bias", inner)
        maker.put(f"{block}.ssm_a", -np.ones((inner, state), np.float32))
        maker.put(f"{block}.ssm_d", np.ones(inner, np.float32))
        maker.tensor(f"{block}.ssm_out", maker.dim, inner)
    return maker.finish()


def experts_model(path: Path, experts: int = 4) -> Path:
    """A Qwen3-like mixture of experts, two of which answer for each token."""
    maker = _Maker(path, dim=64, arch="qwen3moe")
    w = maker.writer
    w.add_key_length(32)
    w.add_value_length(32)
    w.add_expert_count(experts)
    w.add_expert_used_count(2)
    w.add_expert_feed_forward_length(64)
    maker.embedding()
    for layer in range(maker.layers):
        block = f"blk.{layer}"
        maker.attention(block)
        maker.ones(f"{block}.attn_q_norm", 32)
        maker.ones(f"{block}.attn_k_norm", 32)
        maker.ones(f"{block}.ffn_norm", maker.dim)
        maker.tensor(f"{block}.ffn_gate_inp", experts, maker.dim)
        for name in ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"):
            maker.tensor(f"{block}.{name}", experts, 64, 64)
    return maker.finish()


def hybrid_model(path: Path) -> Path:
    """An LFM2-like model: layers of short convolutions, whose state cannot be cut, between layers of attention."""
    maker = _Maker(path, dim=64, arch="lfm2", layers=4, kv_heads=[0, 1, 0, 1])
    maker.writer.add_shortconv_l_cache(3)
    maker.embedding(norm="token_embd_norm")
    for layer in range(maker.layers):
        block = f"blk.{layer}"
        if layer % 2:
            maker.attention(block)
            maker.ones(f"{block}.attn_q_norm", 32)
            maker.ones(f"{block}.attn_k_norm", 32)
        else:
            maker.ones(f"{block}.attn_norm", 64)
            maker.tensor(f"{block}.shortconv.conv", 64, 3, scale=1.0)
            maker.tensor(f"{block}.shortconv.in_proj", 192, 64)
            maker.tensor(f"{block}.shortconv.out_proj", 64, 64)
        maker.feed_forward(block)
    return maker.finish()


def following_shape(path: Path, script: Mapping[str, str], layers: int = 22) -> Path:
    """The shape of TinyLlama-1.1B in Q4_0, in which each character is followed by another, by a script.

    Its words are single characters from 一 on. All is computed that a real model computes; what the layers say is 0.
    """
    words, fill = 32000, [chr(0x4E00 + n) for n in range(20_900)]
    fill += [chr(0xAC00 + n) for n in range(words - len(VOCABULARY) - len(fill))]
    places = {piece: len(VOCABULARY) + n for n, piece in enumerate(fill)}
    scale = np.frombuffer(np.float16(0.02).tobytes(), np.uint8)
    table = np.empty((words, 64, 18), np.uint8)  # of each token a direction of its own: -1 and 1 by chance
    table[..., :2] = scale
    table[..., 2:] = (np.random.default_rng(0).integers(0, 256, (words, 64, 16), np.uint8) & 0x22) + 0x77
    output = np.full_like(table, 0x88)
    output[..., :2] = scale
    for here, following in script.items():
        output[places[following]] = table[places[here]]
    made = {"token_embd": table, "output": output}
    return _large(path, GGMLQuantizationType.Q4_0, layers, fill, made, silent=True)


def tinyllama_shape(path: Path, kind: GGMLQuantizationType = GGMLQuantizationType.Q4_0, layers: int = 22) -> Path:
    """The shape of TinyLlama-1.1B with random blocks of Q4_0 or Q8_0 (0.64 or 1.17 GB), written in seconds."""
    return _large(path, kind, layers, [f"▁w{n}" for n in range(32000 - len(VOCABULARY))], {})


def _large(
    path: Path,
    kind: GGMLQuantizationType,
    layers: int,
    fill: Sequence[str],
    made: Mapping[str, NDArray[np.uint8]],
    silent: bool = False,
) -> Path:
    """Random blocks but for tensors that are `made` already; `silent` layers add nothing."""
    dim, hidden, words, size = 2048, 5632, 32000, {"Q4_0": 18, "Q8_0": 34}[kind.name]
    writer = _large_writer(path, dim, hidden, layers, 2 if kind.name == "Q4_0" else 7)
    _large_vocabulary(writer, fill)
    random = np.random.default_rng(0)
    tile = random.integers(0, 256, (dim * hidden // 32, size), np.uint8)
    tile[:, :2] = np.frombuffer(np.float16(0.002).tobytes(), np.uint8)

    def blocks(name: str, rows: int, columns: int, factor: int = 1) -> None:
        data = made.get(name)
        if data is None:
            data = np.resize(tile, (rows * columns // 32, size)) * np.uint8(factor)
        writer.add_tensor(name + ".weight", data.reshape(rows, columns // 32 * size), raw_dtype=kind)

    def ones(name: str) -> None:
        writer.add_tensor(name + ".weight", np.ones(dim, np.float32))

    blocks("token_embd", words, dim)
    blocks("output", words, dim)
    ones("output_norm")
    for layer in range(layers):
        block = f"blk.{layer}"
        for name, rows, columns in (
            ("attn_q", dim, dim),
            ("attn_k", 256, dim),
            ("attn_v", 256, dim),
            ("attn_output", dim, dim),
            ("ffn_gate", hidden, dim),
            ("ffn_up", hidden, dim),
            ("ffn_down", dim, hidden),
        ):
            blocks(f"{block}.{name}", rows, columns, factor=0 if silent and name in ("attn_output", "ffn_down") else 1)
        ones(f"{block}.attn_norm")
        ones(f"{block}.ffn_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _large_writer(path: Path, dim: int, hidden: int, layers: int, file_type: int) -> GGUFWriter:
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(dim)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(32)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(64)
    writer.add_file_type(file_type)
    return writer


def _large_vocabulary(writer: GGUFWriter, fill: Sequence[str]) -> None:
    kinds = [k for _, k in _SPECIAL] + [TokenType.BYTE] * 256 + [TokenType.NORMAL] * (len(_PIECES) + len(fill))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*VOCABULARY, *fill])
    writer.add_token_types(kinds)
    writer.add_token_scores([0.0] * (len(_SPECIAL) + 256) + [-1.0] * (len(_PIECES) + len(fill)))
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_unk_token_id(UNK)
    writer.add_vocab_size(len(VOCABULARY) + len(fill))
    writer.add_chat_template(TEMPLATE)
