"""The header parser on sound, damaged and lying bytes."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core import gguf
from desktop.core.errors import ModelFileError
from desktop.core.gguf import NeedMore, check, parse

ARRAY, STRING, U32, F32 = 9, 8, 4, 6


def string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def u32(key: str, value: int) -> bytes:
    return entry(key, U32, struct.pack("<I", value))


def text(key: str, value: str) -> bytes:
    return entry(key, STRING, string(value))


def array(key: str, kind: int, count: int, values: bytes) -> bytes:
    return entry(key, ARRAY, struct.pack("<IQ", kind, count) + values)


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def start(*entries: bytes, tensors: tuple[bytes, ...] = (), version: int = 3) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(entries)) + b"".join(entries) + b"".join(tensors)


def padded(header: bytes, data: int) -> bytes:
    return header + bytes(-len(header) % 32) + bytes(data)


SOUND = padded(
    start(
        text("general.architecture", "llama"),
        text("general.name", "작은 모델"),
        u32("general.file_type", 15),
        u32("llama.context_length", 2048),
        array("llama.attention.head_count_kv", U32, 2, struct.pack("<II", 4, 8)),
        text("tokenizer.ggml.model", "gpt2"),
        text("tokenizer.chat_template", "{{ messages }}"),
        array("tokenizer.ggml.tokens", STRING, 3, string("a") + string("") + string("é")),
        array("tokenizer.ggml.scores", F32, 2, struct.pack("<ff", 0.5, -1)),
        tensors=(tensor("a", (256, 2), 12, 0), tensor("b", (4,), 0, 288)),
    ),
    288 + 16,
)


def fault(data: bytes, file_size: int | None = None) -> str:
    with pytest.raises(ModelFileError) as caught:
        parse(data, len(data) if file_size is None else file_size)
    return str(caught.value)


def test_a_sound_header() -> None:
    header = parse(SOUND, len(SOUND))
    assert (header.version, header.architecture, header.name) == (3, "llama", "작은 모델")
    assert header.context_length == 2048
    assert header.quantisation == "Q4_K_M"
    assert header.whole("llama.attention.head_count_kv") == 8
    assert header.metadata["tokenizer.ggml.tokens"] == ("a", "", "é")
    assert header.metadata["tokenizer.ggml.scores"] == (0.5, -1)
    assert (header.vocabulary, header.parameters, header.weights_bytes, header.parts) == (3, 516, 304, 1)
    assert header.chat_template == "{{ messages }}"
    assert not header.has_tokenizer_pre
    assert header.tensors[1] == gguf.Tensor("b", (4,), 0, 288, 16)
    assert header.expected_size() == len(SOUND)
    check(header, len(SOUND))


def test_it_asks_for_exactly_what_it_needs_until_it_has_enough() -> None:
    size, rounds = 0, 0
    while True:
        try:
            header = parse(SOUND[:size], len(SOUND))
            break
        except NeedMore as more:
            needed = more.bytes_needed
        assert size < needed <= len(SOUND)
        size, rounds = needed, rounds + 1
    assert header == parse(SOUND)
    assert rounds < 100


def test_the_type_comes_from_the_tensors_when_the_file_does_not_say() -> None:
    header = parse(padded(start(tensors=(tensor("a", (256, 2), 14, 0), tensor("b", (4,), 0, 448))), 464))
    assert header.quantisation == "Q6_K"
    assert parse(start()).quantisation == ""
    assert parse(start(u32("general.file_type", 0))).quantisation == "F32"
    assert parse(start(u32("general.file_type", 1024 + 2))).quantisation == "Q4_0"


def test_values_of_another_kind_are_passed_over() -> None:
    header = parse(start(u32("general.name", 3), text("split.count", "many")))
    assert (header.name, header.parts, header.context_length, header.vocabulary) == ("", 1, 0, 0)
    assert header.has_tokenizer_pre


def test_a_file_cut_short_is_told_with_both_sizes() -> None:
    header = parse(SOUND, len(SOUND))
    with pytest.raises(ModelFileError) as caught:
        check(header, len(SOUND) - 1)
    assert f"{len(SOUND) - 1} bytes" in str(caught.value).replace(",", "")
    assert "ends in the middle" in fault(SOUND[:100])
    with pytest.raises(ModelFileError, match="which kind"):
        check(parse(start()), 24)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"GG", "not a GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"tjgg\x03\0\0\0", "old GGML"),
        (b"PK\x03\x04aaaa", "PyTorch"),
        (struct.pack("<Q", 40) + b'{"__metadata__":{}}', "safetensors"),
        (b"%PDF-1.7 and so on", "not a GGUF model file, whatever it is called"),
        (struct.pack(">4sIQQ", b"GGUF", 3, 0, 0), "big-endian"),
        (start(version=1), "version 1"),
        (start(version=77), "77"),
    ],
)
def test_other_files_are_named(data: bytes, words: str) -> None:
    assert words in fault(data)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1 << 60),
        struct.pack("<4sIQQ", b"GGUF", 3, 1 << 60, 0),
        start(string("k") + struct.pack("<IQ", STRING, 1 << 63)),
        start(array("k", STRING, 1 << 61, b"")),
        start(array("k", F32, 1 << 61, b"")),
        start(array("k", ARRAY, 1, struct.pack("<IQ", ARRAY, 1))),
        start(array("k", STRING, 1, struct.pack("<Q", 1 << 63))),
        start(entry("k", 99, b"")),
        start(u32("k", 1), u32("k", 1)),
        start(u32("", 1)),
        start(u32("general.alignment", 0)),
        start(u32("general.alignment", 24)),
        start(text("general.alignment", "32")),
        start(tensors=(tensor("a", (4,) * 5, 0, 0),)),
        start(tensors=(tensor("a", (), 0, 0),)),
        start(tensors=(tensor("a", (4,), 0, 0), tensor("a", (4,), 0, 32))),
        start(tensors=(tensor("a", (100,), 12, 0),)),
        start(tensors=(tensor("a", (0,), 0, 0),)),
        start(tensors=(tensor("a", (4,), 0, 7),)),
        start(tensors=(tensor("a", (1 << 63, 1 << 63), 0, 0),)),
        start(tensors=(tensor("a", (4,), 0, (1 << 64) - 32),)),
    ],
)
def test_lies_are_found_without_believing_them(data: bytes) -> None:
    tracemalloc.start()
    try:
        assert "damaged" in fault(data, 1 << 40)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("layers", "sound"), [(0, True), (10_000, True), (10_001, False), ((1 << 32) - 1, False)])
def test_more_layers_than_any_model_has_are_refused(layers: int, sound: bool) -> None:
    header = parse(start(text("general.architecture", "llama"), u32("llama.block_count", layers)))
    if sound:
        check(header, header.data_offset)
    else:
        with pytest.raises(ModelFileError, match=f"block_count: {layers}.*download it again"):
            check(header, header.data_offset)


def test_an_unknown_tensor_type_is_not_called_damage() -> None:
    assert "type 500" in fault(start(tensors=(tensor("a", (4,), 500, 0),)))


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=8))
def test_any_change_ends_in_an_answer(at: int, change: bytes) -> None:
    data = SOUND[:at] + change + SOUND[at + len(change) :]
    try:
        check(parse(data, len(data)), len(data))
    except (ModelFileError, NeedMore):
        pass


def test_sizes_in_words() -> None:
    assert gguf.size_in_words(4_368_439_584) == "4.37 GB"
    assert gguf.size_in_words(5_300_000) == "5.30 MB"
    assert gguf.size_in_words(12_345) == "12,345 bytes"


def test_what_a_file_says_first_is_told_from_its_beginning_alone() -> None:
    """A file is recognised without its vocabulary, which is most of a header."""
    at = SOUND.index(b"tokenizer.ggml.tokens") + 60
    begins = gguf.begun(SOUND[:at], len(SOUND))
    assert begins["general.architecture"] == "llama"
    assert "tokenizer.ggml.tokens" not in begins
    kind = gguf.said_type(begins)
    assert kind is not None
    assert kind.name == "Q4_K_M"
    assert gguf.begun(SOUND) == parse(SOUND).metadata
    assert gguf.begun(b"GGUF") == gguf.begun(b"") == {}
    assert gguf.said_type({}) is gguf.said_type({"general.file_type": "2"}) is None
    with pytest.raises(ModelFileError, match="not a GGUF"):
        gguf.begun(b"?" * 600)
