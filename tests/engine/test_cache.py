"""How a prompt is read: in which pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest

from desktop.engine.cache import Cache
from desktop.engine.halt import Outcome
from tests.engine.conftest import SETTINGS, Loader

LENGTH = 325


@pytest.mark.parametrize("batch", [512, 100, 32])
@pytest.mark.parametrize("speed", [0.0, 100.0, 1e4, 1e9])
def test_how_fast_reading_is_does_not_decide_what_is_read_in_small_pieces(
    loader: Loader, random_model: Path, monkeypatch: pytest.MonkeyPatch, batch: int, speed: float
) -> None:
    """Kernels round otherwise for fewer than 64 tokens, so the answer would depend on what else the computer does."""
    model = loader(random_model, replace(SETTINGS, batch=batch))
    decode, pieces = model.decode, [0]

    def noted(tokens: Sequence[int], every: bool = False) -> Outcome:
        pieces.append(len(tokens))
        cache._speed = speed
        return decode(tokens, every)

    monkeypatch.setattr(model, "decode", noted)
    cache = Cache(model)
    cache._speed = speed
    assert cache.read([5] * LENGTH, lambda _done, _total: None)
    small = {start for start, count in zip(accumulate(pieces), pieces[1:], strict=False) if count < 64}
    assert sum(pieces) == LENGTH
    assert max(pieces) <= batch
    assert pieces[-1] == 1
    assert batch < 64 or small == {LENGTH - 1}
