"""Repositories as TheBloke made them: twelve variants of one model, and all the files that are no variants.

Invariant: every *.gguf that is made here has a header that llama.cpp reads; no two variants are of one size. Where
`true_sizes` is asked for, files are as long as his and take no place on the disk.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection
from pathlib import Path

from tests import models
from tests.hub.contents import Content, Repository
from tests.hub.true_sizes import LLAMA_2, MISTRAL, TINYLLAMA, VARIANTS, Shape, sparse_model

MISTRAL_REPO = "TheBloke/Mistral-7B-Instruct-v0.1-GGUF"
_SHAPES = {"llama-2": LLAMA_2, "tinyllama": TINYLLAMA}
_CARD = """---
base_model: mistralai/{model}
license: apache-2.0
model_name: {model}
quantized_by: TheBloke
tags:
- gguf
---

<div style="width: auto"><img src="https://i.example.org/EBdldam.jpg" alt="TheBlokeAI"></div>
<script>alert(1)</script>

# {model} - GGUF

This repo contains GGUF format model files for [{model}](https://huggingface.co/mistralai/{model}).

| Name | Quant method | Bits |
| ---- | ---- | ---- |
| {stem}.Q2_K.gguf | Q2_K | 2 |
"""
_MODIFIED = "2023-12-09T12:41:20.000Z"


def bloke_repository(
    folder: Path,
    repo: str = MISTRAL_REPO,
    *,
    model: Path | None = None,
    true_sizes: bool = False,
    only: Collection[str] = tuple(VARIANTS),
) -> Repository:
    """Twelve variants (or `only` some), a split F16 in three parts, and what else lies there.

    The variants are copies of `model`, or of a tiny one of random weights, each a little longer than the last; with
    `true_sizes` they are as long as TheBloke's, with nothing behind their headers.
    """
    name = repo.partition("/")[2].removesuffix("-GGUF")
    stem, here = name.lower(), folder / repo
    here.mkdir(parents=True)
    files: dict[str, bytes | Path] = {
        ".gitattributes": b"*.gguf filter=lfs diff=lfs merge=lfs -text\n",
        "README.md": _CARD.format(model=name, stem=stem).encode(),
        "config.json": json.dumps({"model_type": "llama"}).encode(),
        f"{stem}.imatrix": b"imatrix",
        f"mmproj-{stem}-f16.gguf": model_bytes(models.tiny_model(folder / f"mmproj-{stem}.gguf", arch="clip"), 1),
    }
    shape = next((shape for start, shape in _SHAPES.items() if stem.startswith(start)), MISTRAL)
    files |= {path.name: path for path in _variants(here, stem, shape if true_sizes else None, model, only)}
    files |= {path.name: path for path in split_model(here / f"{stem}.fp16.gguf")}
    return Repository(
        repo,
        {path: Content(source) for path, source in files.items()},
        downloads=10_000 + len(repo),
        likes=500,
        modified=_MODIFIED,
        tags=("mistral", "text-generation"),
        gguf=_gguf(shape),
    )


def model_bytes(model: Path, file_type: int, extra: int = 0) -> bytes:
    """A model's file with another file type in its header, and longer by so many bytes."""
    data = bytearray(model.read_bytes())
    key = b"general.file_type"
    at = data.index(key) + len(key) + 4  # after the value's own type
    data[at : at + 4] = struct.pack("<I", file_type)
    return bytes(data) + bytes(extra)


def split_model(path: Path) -> list[Path]:
    """A tiny model in three files, as llama-gguf-split makes them."""
    models.tiny_model(path, shards=8)
    return sorted(path.parent.glob(f"{path.stem}-*-of-*.gguf"))


def _variants(folder: Path, stem: str, shape: Shape | None, model: Path | None, only: Collection[str]) -> list[Path]:
    paths = []
    source = None if shape else model or models.tiny_model(folder.parent / f"{stem}.source.gguf")
    for number, variant in enumerate(VARIANTS):
        if variant not in only:
            continue
        path = folder / f"{stem}.{variant}.gguf"
        if source is None:
            sparse_model(path, shape or MISTRAL, variant)
        else:
            path.write_bytes(model_bytes(source, VARIANTS[variant][0], 4096 * number))
        paths.append(path)
    return paths


def _gguf(shape: Shape) -> dict[str, object]:
    kv = shape.dim // shape.heads * shape.heads_kv
    per_layer = 2 * shape.dim * (shape.dim + kv) + 3 * shape.dim * shape.hidden + 2 * shape.dim
    total = shape.layers * per_layer + 2 * shape.words * shape.dim + shape.dim
    return {"total": total, "architecture": "llama", "context_length": shape.context, "totalFileSize": 2 * total}
