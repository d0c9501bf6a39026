"""Frames go round unchanged, and nothing else is accepted."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.errors import LoadError, UserError
from desktop.core.generation import (
    Appended,
    Finished,
    FlashAttention,
    GenerateRequest,
    LoadProgress,
    LoadSettings,
    Piece,
    PieceKind,
    PromptProgress,
    Sampling,
    StopReason,
    Timings,
    Usage,
)
from desktop.engine import frames
from desktop.engine.frames import FrameError

ODD = "NUL \0, half \ud83d a pair, 김철수 🙂"
PIECES = (Piece(PieceKind.SPECIAL, "<s>"), Piece(PieceKind.TEXT, ODD), Piece(PieceKind.REPLY, ""))
MESSAGES: list[frames.Message] = [
    frames.Load("/모델/D'Angelò\udcff.gguf", LoadSettings(context=8192, flash_attention=FlashAttention.OFF)),
    frames.Generate(GenerateRequest(PIECES, Sampling(temperature=0, stop=("a", ODD)))),
    frames.Count((PIECES, ())),
    frames.List(PIECES),
    frames.Stop(),
    frames.Counted((1, 2)),
    frames.Listed(((1, "<s>"), (2, ODD))),
    frames.Failed("LoadError", "“{name}”", {"name": ODD, "size": 3, "share": 0.5}),
    frames.Crashed("Traceback"),
    LoadProgress(0.25),
    PromptProgress(3, 10),
    Appended(ODD),
    Finished(StopReason.CONTEXT, Usage(3, 2, 1), Timings(0.1, 0.2, 30.0, 4.0)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_goes_round(message: frames.Message) -> None:
    stream = io.BytesIO(frames.encode(7, message) + frames.encode(8, frames.Stop()))
    assert frames.read(stream) == (7, message)
    assert frames.read(stream) == (8, frames.Stop())
    assert frames.read(stream) is None


@given(st.text(st.characters(codec=None)))
def test_any_text_goes_round(text: str) -> None:
    _, message = frames.read(io.BytesIO(frames.encode(0, Appended(text)))) or (0, None)
    assert isinstance(message, Appended)
    # two halves of a pair that happen to meet become one character, as in UTF-16
    assert message.text.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


def test_errors_keep_their_kind() -> None:
    error = frames.Failed.of(LoadError("“{name}” {why}", name="x", why=ValueError("broken"))).error()
    assert type(error) is LoadError
    assert str(error) == "“x” broken"
    assert type(frames.Failed("Nonsense", "m", {}).error()) is UserError


def test_a_stream_that_ends_in_the_middle() -> None:
    frame = frames.encode(1, frames.Stop())
    for length in range(len(frame)):
        assert frames.read(io.BytesIO(frame[:length])) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[1]",
        b'[1,"Nothing",{}]',
        b'[1,"Appended",{}]',
        b'[1,"Appended",{"text":3}]',
        b'[1,"Appended",{"text":"a","more":1}]',
        b'[1,"Counted",{"counts":[1,"a"]}]',
        b'[1,"Counted",{"counts":[true]}]',
        b'[1,"Listed",{"tokens":[[1]]}]',
        b'[1,"Failed",{"kind":"a","message":"b","fields":{"a":[]}}]',
        b'[1,"List",{"prompt":[{"kind":"other","text":""}]}]',
        b"[" * 100_000,
        "é".encode("latin-1"),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        frames.decode(body)


def test_length_is_bounded_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FrameError):
        frames.read(io.BytesIO(b"\xff\xff\xff\xff" + b"x" * 100))
    monkeypatch.setattr(frames, "MAX_FRAME", 100)
    with pytest.raises(FrameError):
        frames.encode(1, Appended("x" * 100))
    assert json.loads(frames.encode(1, Appended("x"))[4:]) == [1, "Appended", {"text": "x"}]
