"""Reads the header of a GGUF file from bytes: what a model is, before a byte of its weights is touched.

Invariant: nothing in the file is trusted. Every count and length is compared with what the file can hold before
anything is allocated, the header may not exceed 64 MiB nor its lists four million values, and nothing recurses. `parse`
answers "I need N bytes" instead of reading, so the same code serves a file, a download and a test. Opening files is
`engine.files`; estimating memory is `core.fit`. Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from desktop.core import quants
from desktop.core.errors import N_, ModelFileError

Value = bool | int | float | str | tuple[bool, ...] | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]

MAX_HEADER = 64 << 20  # the largest seen is 15.8 MB (a vocabulary of 262,144 with merges)
_MAX_ENTRIES = 1 << 16
_MAX_TENSORS = 1 << 17
_MAX_VALUES = 1 << 22  # of all lists together: one costs up to 32 times its bytes. The largest seen have 1.4 million
_MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
_MAX_ALIGNMENT = 1 << 20
_MAX_NUMBER = 1 << 62
_MAX_NAME = 256  # characters of an architecture; the longest that llama.cpp knows has 20
# What others multiply with, count to, or ask the disk for: far more than llama.cpp takes is a lie.
_CLAIMS = (
    ("block_count", 10_000),  # LLAMA_MAX_LAYERS is 512
    ("context_length", (1 << 31) - 1),
    ("embedding_length", 1 << 24),
    ("feed_forward_length", 1 << 24),
    ("attention.head_count", 1 << 20),
    ("attention.head_count_kv", 1 << 20),
    ("attention.key_length", 1 << 20),
    ("attention.value_length", 1 << 20),
)
_MAX_PARTS = 9_999  # the largest models are split into some hundred
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

_DAMAGED = N_("The beginning of this file contradicts itself ({detail}). It is damaged: download it again.")
_SHORT = N_("This file is cut short: {found} of {expected} are there. Download it again; nothing else was changed.")


class NeedMore(Exception):
    """The header goes on beyond the bytes given; at least `bytes_needed` from the start of the file are needed."""

    def __init__(self, bytes_needed: int) -> None:
        super().__init__(bytes_needed)
        self.bytes_needed = bytes_needed


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `offset` counts from the header's `data_offset`."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the weights."""

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...] = field(repr=False)
    data_offset: int
    alignment: int

    def text(self, key: str) -> str:
        """A text value; "" where it is missing or of another kind."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def whole(self, key: str) -> int | None:
        """A whole number; None where it is missing or of another kind. Of a list (one per layer) the largest."""
        value = self.metadata.get(key)
        if isinstance(value, tuple):
            numbers = [v for v in value if isinstance(v, int)]
            return max(numbers, default=None)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def expected_size(self) -> int:
        """Bytes the whole file must have."""
        return self.data_offset + max((t.offset + t.nbytes for t in self.tensors), default=0)

    @property
    def name(self) -> str:
        return self.text("general.name") or self.text("general.basename")

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    @property
    def context_length(self) -> int:
        """Tokens the model was trained on; 0 if it does not say."""
        return self.whole(f"{self.architecture}.context_length") or 0

    @property
    def parameters(self) -> int:
        return sum(prod(t.shape) for t in self.tensors)

    @property
    def weights_bytes(self) -> int:
        return sum(t.nbytes for t in self.tensors)

    @property
    def file_type(self) -> quants.FileType | None:
        """The quantisation: what the file says, or else the type that holds most of its bytes."""
        said = said_type(self.metadata)
        if said is not None:
            return said
        held: dict[int, int] = {}
        for tensor in self.tensors:
            held[tensor.type] = held.get(tensor.type, 0) + tensor.nbytes
        return quants.from_tensor_type(max(held, key=lambda t: held[t])) if held else None

    @property
    def quantisation(self) -> str:
        row = self.file_type
        return row.name if row else ""

    @property
    def chat_template(self) -> str:
        return self.text("tokenizer.chat_template")

    @property
    def tokenizer(self) -> str:
        return self.text("tokenizer.ggml.model")

    @property
    def vocabulary(self) -> int:
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        return len(tokens) if isinstance(tokens, tuple) else 0

    @property
    def has_tokenizer_pre(self) -> bool:
        """BPE files without it, of the year 2023, answer badly in today's engines; other tokenizers need none."""
        return self.tokenizer != "gpt2" or bool(self.text("tokenizer.ggml.pre"))

    @property
    def parts(self) -> int:
        """Files this model is split into."""
        return self.whole("split.count") or 1


def parse(data: bytes | bytearray | memoryview, file_size: int | None = None) -> Header:
    """The header at the start of `data`. Raises `NeedMore`, or `ModelFileError` where no more bytes would help."""
    reader, tensor_count, entry_count = _counts(data, file_size)
    version = int.from_bytes(data[4:8], "little")
    metadata = _metadata(reader, entry_count, {})
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 0 < alignment <= _MAX_ALIGNMENT or alignment & (alignment - 1):
        detail = alignment if isinstance(alignment, int | float) else type(alignment).__name__
        raise ModelFileError(_DAMAGED, detail=f"alignment {detail}")
    tensors = _tensors(reader, tensor_count, alignment)
    return Header(version, metadata, tensors, _padded(reader.at, alignment) if tensors else reader.at, alignment)


def begun(data: bytes, file_size: int | None = None) -> Mapping[str, Value]:
    """The entries that are whole in `data`, which may end anywhere: enough to tell what kind of file it begins.

    Raises `ModelFileError` for what is no GGUF file, and for a damaged one as far as it is seen.
    """
    metadata: dict[str, Value] = {}
    try:
        reader, _, count = _counts(data, file_size)
        _metadata(reader, count, metadata)
    except NeedMore:
        pass
    return metadata


def said_type(metadata: Mapping[str, Value]) -> quants.FileType | None:
    """The quantisation that a file's entries name."""
    number = metadata.get("general.file_type")
    return quants.FILE_TYPES.get(number & ~1024) if type(number) is int else None  # 1024: "guessed"


def check(header: Header, file_size: int) -> None:
    """Compares the file's length with what its tensors need, and looks whether others can work with what it claims.

    Raises `ModelFileError`, both lengths in words.
    """
    expected = header.expected_size()
    if file_size < expected:
        raise ModelFileError(_SHORT, found=size_in_words(file_size), expected=size_in_words(expected))
    if not header.architecture and not header.whole("split.no"):  # llama-gguf-split says it in the first part only
        raise ModelFileError(N_("This GGUF file does not say which kind of model it holds. Download it again."))
    if len(header.architecture) > _MAX_NAME:
        raise ModelFileError(_DAMAGED, detail="general.architecture")
    claims = [(f"{header.architecture}.{key}", most) for key, most in _CLAIMS]
    for key, most in (*claims, ("split.count", _MAX_PARTS)):
        value = header.metadata.get(key)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and not 0 <= number <= most:
                raise ModelFileError(_DAMAGED, detail=f"{key}: {number}")


def size_in_words(size: int) -> str:
    """Bytes as people and the Hub count them: decimal, three figures at least, exact below a megabyte."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.2f} {unit}"
    return f"{size:,} bytes"


class _Reader:
    """A position in the bytes, moved only after a check that they, the file and the limit hold that much."""

    def __init__(self, data: bytes | bytearray | memoryview, file_size: int | None) -> None:
        self._data = bytes(data)
        self._limit = MAX_HEADER if file_size is None else min(MAX_HEADER, file_size)
        self._file_size = file_size
        self._values = 0
        self.at = 0

    def require(self, count: int) -> None:
        """Raises unless `count` more bytes are here."""
        end = self.at + count
        if end <= len(self._data) and end <= self._limit:
            return
        if end > MAX_HEADER:
            raise ModelFileError(_DAMAGED, detail=f"{end} > {MAX_HEADER}")
        if self._file_size is not None and end > self._file_size:
            found = size_in_words(self._file_size)
            raise ModelFileError(
                N_("This file ends in the middle of its description, after {found}. Download it again."), found=found
            )
        raise NeedMore(end)

    def take(self, count: int) -> bytes:
        self.require(count)
        self.at += count
        return self._data[self.at - count : self.at]

    def whole(self, code: str) -> int:
        return int(struct.unpack("<" + code, self.take(struct.calcsize(code)))[0])

    def string(self) -> str:
        return self.take(self.whole("Q")).decode("utf-8", "replace")

    def values(self, count: int, size: int) -> None:
        """Raises unless a list of `count` values of at least `size` bytes each is here and not one too many."""
        self._values += count
        if self._values > _MAX_VALUES:
            raise ModelFileError(_DAMAGED, detail=f"{self._values} > {_MAX_VALUES}")
        self.require(count * size)

    def strings(self, count: int) -> tuple[str, ...]:
        self.values(count, 8)
        found = []
        data, at, end = self._data, self.at, min(len(self._data), self._limit)
        for _ in range(count):
            start = at + 8
            at = start + int.from_bytes(data[at:start], "little")
            if at > end:
                self.require(at - self.at)  # raises: the file may go on, or the length is a lie
            found.append(data[start:at].decode("utf-8", "replace"))
        self.at = at
        return tuple(found)


def _recognise(start: bytes, file_size: int | None) -> None:
    if file_size == 0:
        raise ModelFileError(N_("This file is empty. Its download has probably failed: download it again."))
    if start[:4] == b"GGUF":
        return
    if len(start) < 4 and (file_size is None or file_size >= 4):
        raise NeedMore(24)
    if len(start) < 512 and (file_size is None or file_size >= 512):
        raise NeedMore(512)
    raise ModelFileError(_foreign(start))


def _foreign(start: bytes) -> str:
    """The sentence for a file that is not GGUF but may be something people take for one."""
    begin = start.lstrip().lower()
    if begin.startswith(b"version https://git-lfs.github.com"):
        return N_("This is a Git LFS pointer, a note of where the model is, not the model. Download the file itself.")
    if begin.startswith((b"<!doctype", b"<html", b"<?xml")):
        return N_("This is a web page that was saved in place of the model. Download the file itself.")
    if start[:4] in (b"lmgg", b"fmgg", b"tjgg", b"algg"):  # ggml, ggmf, ggjt, ggla as little-endian words
        return N_("This is a model in the old GGML format of before August 2023. Look for a GGUF version of it.")
    if start[:4] == b"PK\x03\x04":
        return N_("This is a PyTorch checkpoint or another ZIP archive. Look for a GGUF version of it.")
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 30:
        return N_("This is a safetensors file, which has to be converted first. Look for a GGUF version of it.")
    return N_("This is not a GGUF model file, whatever it is called. Choose another file.")


def _check_version(word: bytes) -> None:
    version = int.from_bytes(word, "little")
    if version in (2, 3):
        return
    if int.from_bytes(word, "big") in (1, 2, 3):
        raise ModelFileError(
            N_("This model was made for big-endian computers and cannot run here. Look for another file of it.")
        )
    if version == 1:
        raise ModelFileError(N_("This file has GGUF version 1, which is no longer read. Look for a newer file of it."))
    raise ModelFileError(
        N_("This file has GGUF version {version}, which this Alcove does not know. A newer Alcove may."),
        version=version,
    )


def _counts(data: bytes | bytearray | memoryview, file_size: int | None) -> tuple[_Reader, int, int]:
    """A reader behind the fixed beginning, and how many tensors and entries it announces."""
    _recognise(bytes(data[:512]), file_size)
    reader = _Reader(data, file_size)
    reader.take(4)
    _check_version(reader.take(4))
    tensors, entries = reader.whole("Q"), reader.whole("Q")
    if entries > _MAX_ENTRIES or tensors > _MAX_TENSORS:
        raise ModelFileError(_DAMAGED, detail=f"{entries} entries, {tensors} tensors")
    return reader, tensors, entries


def _metadata(reader: _Reader, count: int, metadata: dict[str, Value]) -> dict[str, Value]:
    for _ in range(count):
        key = reader.string()
        if not key or key in metadata:
            raise ModelFileError(_DAMAGED, detail=f"“{key[:60]}”")
        metadata[key] = _value(reader, key)
    return metadata


def _value(reader: _Reader, key: str) -> Value:
    kind = reader.whole("I")
    if kind == _STRING:
        return reader.string()
    if kind != _ARRAY:
        return _numbers(reader, key, kind, 1)[0]
    kind, count = reader.whole("I"), reader.whole("Q")
    return reader.strings(count) if kind == _STRING else _numbers(reader, key, kind, count)


def _numbers(reader: _Reader, key: str, kind: int, count: int) -> tuple[int, ...] | tuple[float, ...]:
    code = _SCALARS.get(kind)  # an array of arrays has no code: llama.cpp reads none either
    if code is None:
        raise ModelFileError(_DAMAGED, detail=f"“{key[:60]}”: {kind}")
    size = struct.calcsize("<" + code)
    reader.values(count, size)
    return struct.unpack(f"<{count}{code}", reader.take(count * size))


def _tensors(reader: _Reader, count: int, alignment: int) -> tuple[Tensor, ...]:
    tensors: dict[str, Tensor] = {}
    for _ in range(count):
        name = reader.string()
        dimensions = reader.whole("I")
        if not 0 < dimensions <= _MAX_DIMENSIONS or not name or name in tensors:
            raise ModelFileError(_DAMAGED, detail=f"“{name[:60]}”")
        shape = tuple(reader.whole("Q") for _ in range(dimensions))
        tensors[name] = _tensor(name, shape, reader.whole("I"), reader.whole("Q"), alignment)
    return tuple(tensors.values())


def _tensor(name: str, shape: tuple[int, ...], kind: int, offset: int, alignment: int) -> Tensor:
    if kind not in quants.TENSOR_TYPES:
        raise ModelFileError(
            N_("This file stores weights as type {type}, which this Alcove does not know. Look for another variant."),
            type=kind,
        )
    size = quants.tensor_bytes(kind, shape)
    if size is None or not 0 < prod(shape) < _MAX_NUMBER or offset % alignment or offset + size > _MAX_NUMBER:
        raise ModelFileError(_DAMAGED, detail=f"“{name[:60]}”")
    return Tensor(name, shape, kind, offset, size)


def _padded(at: int, alignment: int) -> int:
    return -(-at // alignment) * alignment
