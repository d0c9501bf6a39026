"""The guide's tokens: sentencepiece BPE with byte fallback, trained on the corpus itself.

Text is taken as it is (identity normalisation, no space put before it), so that llama.cpp with
``add_space_prefix = false`` cuts the same pieces. The newline is not in the vocabulary: it is byte
``<0x0A>``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

UNKNOWN, BOS, END, PAGE, USER, GUIDE = range(6)
ROLES = ("<|page|>", "<|user|>", "<|guide|>")


def train(lines: Iterable[str], path: Path, size: int) -> None:
    """Train on ``lines`` and write the sentencepiece model to ``path``."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=size,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_digits=True,
        unk_id=UNKNOWN,
        bos_id=BOS,
        eos_id=END,
        pad_id=-1,
        eos_piece="<|end|>",
        control_symbols=list(ROLES),
        num_threads=1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


def load(path: Path) -> sentencepiece.SentencePieceProcessor:
    """Load the vocabulary that :func:`train` wrote."""
    return sentencepiece.SentencePieceProcessor(model_file=str(path))
