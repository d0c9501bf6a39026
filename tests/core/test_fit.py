"""How many layers a graphics card takes."""

from __future__ import annotations

import pytest

from desktop.core.fit import RESERVE, layers_that_fit

GIB = 1 << 30


@pytest.mark.parametrize(
    ("free", "layers"),
    [(RESERVE + 4 * GIB, -1), (RESERVE + 2 * GIB, 16), (RESERVE, 0), (GIB // 2, 0), (0, 0)],
)
def test_layers_that_fit(free: int, layers: int) -> None:
    assert layers_that_fit(32, 4 * GIB, free) == layers
