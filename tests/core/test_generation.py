"""What crosses the engine's pipe is plain: frozen, comparable, and made of what JSON can hold."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, fields, is_dataclass
from typing import get_args

import pytest

from desktop.core import generation
from desktop.core.generation import (
    Appended,
    Finished,
    GenerateEvent,
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

VALUES = [
    LoadSettings(),
    Sampling(stop=("끝", "</s>")),
    GenerateRequest((Piece(PieceKind.SPECIAL, "<s>"), Piece(PieceKind.TEXT, "안녕 \x00 \U0001f600"))),
    LoadProgress(0.5),
    PromptProgress(1, 2),
    Appended("가"),
    Finished(StopReason.STOP, Usage(1, 2, 3), Timings(0.1, 0.2, 3.0, 4.0)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_plain(value: object) -> None:
    assert is_dataclass(value)
    assert not isinstance(value, type)
    assert json.loads(json.dumps(asdict(value))) is not None
    assert hash(value) == hash(value)
    assert not hasattr(value, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)


def test_every_event_is_named() -> None:
    assert set(get_args(GenerateEvent)) == {PromptProgress, Appended, Finished}


def test_every_class_of_the_module_can_cross() -> None:
    kinds = [
        kind for kind in vars(generation).values() if isinstance(kind, type) and kind.__module__ == generation.__name__
    ]
    assert all(is_dataclass(kind) or issubclass(kind, str) for kind in kinds)


def test_reasons_are_the_words_of_the_json_output() -> None:
    assert [str(reason) for reason in StopReason] == ["stop", "length", "context", "cancelled", "memory", "died"]
