"""A process that does what the engine process does, fills the context, and prints what it holds resident.

    python -m tests.bench.resident MODEL SETTINGS_AS_JSON [STATE]

Without a state the context is filled by reading that many tokens, as a chat would. With one, made by `write_state`, the
KV cache is given a context full but for one batch (zeros, from a sparse file), and that batch is computed at the end of
it: the same cells, the same largest graph, without the hours that long contexts take on two cores. Then all checkpoints
are taken that the engine would take, and as much of the state is held as it holds while it saves a chat.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import psutil

import desktop.engine.host  # noqa: F401 - what the engine process imports counts
from desktop.core.fit import LOADED_AT_ONCE, SAVED_AT_ONCE
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.quants import TENSOR_TYPES
from desktop.core.shape import Layer, Shape
from desktop.engine.checkpoints import Checkpoints
from desktop.engine.conversation import Conversation
from desktop.engine.halt import Halt
from desktop.engine.llama import Backend, C, Model  # type: ignore[attr-defined]

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_MAGIC, _VERSION = 0x67677371, 3  # LLAMA_STATE_SEQ_MAGIC, LLAMA_STATE_SEQ_VERSION


def resident() -> dict[str, int]:
    """Bytes: all, and of that the pages of files."""
    status = dict(
        line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Rss")
    )
    return {
        "rss": psutil.Process().memory_info().rss,
        "file": int(status["RssFile"].split()[0]) << 10,
        "anonymous": int(status["RssAnon"].split()[0]) << 10,
    }


def write_state(path: Path, shape: Shape, settings: LoadSettings) -> None:
    """A state of a context full but for one batch, all zeros, as `llama_kv_cache::state_read` reads it."""
    tokens = settings.context - min(settings.batch, settings.context)
    whole = [layer for layer in shape.layers if not layer.window]
    sliding = [layer for layer in shape.layers if layer.window]
    with path.open("wb") as file:
        file.write(struct.pack("<III", _MAGIC, _VERSION, 0))
        _cache(file, whole, settings, range(tokens))
        if sliding:
            _cache(file, sliding, settings, range(max(0, tokens - sliding[0].window), tokens))
        file.truncate(file.tell())


def _cache(file: BinaryIO, layers: list[Layer], settings: LoadSettings, positions: range) -> None:
    kind = next(row for row in TENSOR_TYPES.values() if row.name.lower() == settings.kv_type)
    write = file.write
    write(struct.pack("<II", 1, len(positions)))
    for position in positions:
        write(struct.pack("<iIi", position, 1, 0))
    write(struct.pack("<II", 0, len(layers)))
    for numbers in (*(la.keys for la in layers), *(la.values for la in layers)):
        row = numbers // kind.block * kind.size
        write(struct.pack("<iQ", kind.number, row))
        file.seek(row * len(positions), os.SEEK_CUR)


def fill(model: Model, state: str) -> None:
    """Makes the context full from a state, its last batch computed."""
    batch = min(model.batch, model.context)
    if batch < model.context:
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)  # what reading the state takes is given back, then
        room, count = (C.llama_token * 1)(), ctypes.c_size_t(0)
        done = C.llama_state_seq_load_file(model._context, os.fsencode(state), 0, room, 1, ctypes.byref(count))
        assert done, "the state was refused"
    model.decode([7 + n % 200 for n in range(batch)])


def keep(model: Model) -> tuple[Checkpoints, bytearray]:
    """What going back in a chat and saving it take."""
    taken = Checkpoints(model)
    for at in range(1, taken.capacity + 1):
        taken.take(at)
    size = model.kv.size()
    piece = bytearray(min(size, LOADED_AT_ONCE * SAVED_AT_ONCE) if model.sliceable else size)
    ctypes.memset((ctypes.c_char * len(piece)).from_buffer(piece), 1, len(piece))
    return taken, piece


def read(model: Model) -> None:
    """Makes the context full by reading."""
    done = 0
    while done < model.context:
        count = min(model.batch, model.context - done)
        model.decode([7 + n % 200 for n in range(count)])
        done += count


def main() -> None:
    path, given = Path(sys.argv[1]), json.loads(sys.argv[2])
    settings = LoadSettings(**{**given, "flash_attention": FlashAttention(given["flash_attention"])})
    backend = Backend(lambda _: None)  # kept: llama.cpp logs through it
    model = backend.load(path, settings, Halt(), lambda _: None)
    assert model is not None
    conversation = Conversation(model)
    loaded = resident()
    if len(sys.argv) > 3:
        fill(model, sys.argv[3])
    else:
        read(model)
    kept = keep(model)
    print(json.dumps({**resident(), "loaded": loaded["rss"]}))
    del conversation, kept


if __name__ == "__main__":
    main()
