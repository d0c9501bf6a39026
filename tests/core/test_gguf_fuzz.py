"""The header parser on bytes nobody meant: it ends, says what it lacks or what is wrong, and takes little memory.

`fuzz_gguf` holds the same against a coverage-guided fuzzer; what that brought is in `docs/testing.md`.
"""

from __future__ import annotations

import struct
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from desktop.core import gguf
from desktop.core.errors import ModelFileError
from desktop.core.gguf import Header, NeedMore, begun, check, parse, said_type
from tests.core.test_gguf import ARRAY, SOUND, STRING, U32, array, entry, start, string, tensor, text, u32

_PER_BYTE = 48  # bytes of memory for each byte of header: the shortest tensor of 33 bytes becomes 700 of objects
_BESIDES = 256 << 10  # the exception, its traceback, and what Python itself keeps
_DEEP = 60  # frames below the caller's; nothing in the parser goes deeper, whatever is nested

_lies = st.sampled_from([0, 1, 2, 7, 8, 9, 31, 255, 2**16, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1]).map(
    lambda n: struct.pack("<Q", n)
)
_kinds = st.integers(0, 14) | st.just(2**32 - 1)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound header with a few places overwritten, cut out, doubled or pushed apart."""
    data = bytearray(SOUND)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        much = draw(st.integers(0, 40))
        piece = draw(_lies | st.binary(max_size=16) | st.just(bytes(data[at : at + much])))
        data[at : at + draw(st.sampled_from([0, len(piece), much]))] = piece
    return bytes(data)


@st.composite
def built(draw: st.DrawFn) -> bytes:
    """Entries and tensors in the right places, with counts, lengths, types and shapes that may all be lies."""
    keys = st.sampled_from(["general.architecture", "general.alignment", "split.count", "llama.block_count", "k", ""])
    entries = []
    for key in draw(st.lists(keys, max_size=5)):
        kind = draw(_kinds)
        value = draw(st.binary(max_size=24))
        if draw(st.booleans()):
            kind, value = ARRAY, struct.pack("<I", draw(_kinds)) + draw(_lies) + value
        entries.append(entry(key, kind, value))
    tensors = [
        string(draw(st.text(max_size=3))) + struct.pack("<I", draw(st.integers(0, 6))) + draw(st.binary(max_size=50))
        for _ in range(draw(st.integers(0, 3)))
    ]
    data = bytearray(start(*entries, tensors=tuple(tensors), version=draw(st.sampled_from([1, 2, 3, 3 << 24]))))
    if draw(st.booleans()):
        data[8:16] = draw(_lies)
    return bytes(data) + draw(st.binary(max_size=64))


@contextmanager
def shallow() -> Iterator[None]:
    """Little room on the stack: recursion on what a file holds would end in a `RecursionError`."""
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + _DEEP)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def outcome(data: bytes, file_size: int | None) -> Header | NeedMore | ModelFileError:
    """What becomes of the bytes, everything a header tells asked for; any other exception is a fault."""
    try:
        with shallow():
            header = parse(data, file_size)
            check(header, len(data))
            assert header.weights_bytes >= 0
            assert 1 <= header.parts <= 9_999
            assert header.context_length >= 0
            assert len(header.quantisation) + len(header.name) + len(header.tokenizer) <= len(data) + 20
            return header
    except (NeedMore, ModelFileError) as told:
        return told


def examined(data: bytes) -> None:
    with suppress(ModelFileError):
        said_type(begun(data, len(data)))
    for size in (None, len(data), len(data) + 5000):
        tracemalloc.start()
        try:
            told = outcome(data, size)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak <= _BESIDES + _PER_BYTE * len(data)
        if isinstance(told, NeedMore):  # whoever asks gets further, and never past what the file has
            assert len(data) < told.bytes_needed <= gguf.MAX_HEADER
            assert size is None or told.bytes_needed <= max(size, 24)
        elif isinstance(told, ModelFileError):
            assert len(str(told)) < 500


_calm = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_calm
@given(st.binary(max_size=2000) | st.binary(max_size=600).map(lambda rest: b"GGUF\x03\0\0\0" + rest))
def test_any_bytes(data: bytes) -> None:
    examined(data)


@_calm
@given(mutated())
@example(SOUND[:-1])
def test_a_sound_header_with_faults(data: bytes) -> None:
    examined(data)


@_calm
@given(built())
@example(start(array("k", ARRAY, 2**60, b"\x09\0\0\0" * 500)))
@example(start(array("general.alignment", U32, 3, bytes(12))))
@example(start(text("general.architecture", "llama"), entry("split.count", 10, b"\xff" * 8)))
@example(start(text("general.architecture", "llama"), entry("split.count", 11, b"\xff" * 8)))
@example(start(text("general.architecture", "x" * 5000), u32("split.count", 0)))
def test_lying_counts_lengths_and_types(data: bytes) -> None:
    examined(data)


@pytest.mark.parametrize("depth", [1, 100, 20_000])
def test_arrays_in_arrays_are_refused_not_followed(depth: int) -> None:
    nested = struct.pack("<IQ", ARRAY, 1) * depth
    examined(start(entry("k", ARRAY, nested)))
    with pytest.raises(ModelFileError, match="contradicts itself"):
        parse(start(entry("k", ARRAY, nested)))


@pytest.mark.parametrize(("kind", "value"), [(0, b"\0"), (7, b"\1"), (12, bytes(8)), (STRING, string("ab"))])
def test_lists_of_millions_are_refused_before_they_are_made(kind: int, value: bytes) -> None:
    """All lists of a header together: the memory for values is many times their bytes."""
    one = array("a", kind, 1 << 21, value * (1 << 21))
    data = start(one, one.replace(b"\1\0\0\0\0\0\0\0a", b"\1\0\0\0\0\0\0\0b", 1), array("c", kind, 1, value))
    with pytest.raises(ModelFileError, match="4194305 > 4194304"):
        parse(data, len(data))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (start(text("general.architecture", "x" * 300)), "general.architecture"),
        (start(text("general.architecture", "a"), u32("split.count", 10_000)), "split.count: 10000"),
        (start(text("general.architecture", "a"), entry("split.count", 5, b"\xff" * 4)), "split.count: -1"),
        (start(text("general.architecture", "a"), u32("a.context_length", 1 << 31)), "a.context_length: 2147483648"),
        (start(text("general.architecture", "a"), entry("a.context_length", 5, b"\xff" * 4)), "a.context_length: -1"),
        (
            start(
                text("general.architecture", "a"),
                array("a.attention.head_count_kv", U32, 2, struct.pack("<2I", 8, 1 << 31)),
            ),
            "head_count_kv",
        ),
    ],
)
def test_claims_that_others_would_count_to_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelFileError, match=says):
        check(parse(data), len(data))


def test_the_largest_number_of_tensors_costs_what_it_should() -> None:
    """The shortest tensors there can be: the bound on memory holds at its worst, and it takes no more than seconds."""
    names = [struct.pack("<Q", 3) + struct.pack("<I", n)[:3] for n in range(20_000)]
    rest = tensor("", (1,), 24, 0)[8:]
    data = start(tensors=tuple(name + rest for name in names))
    examined(data + bytes(64))
