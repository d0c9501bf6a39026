"""The contexts that can be tried for a model: the steps of the slider.

Invariant: they begin at 1,024 tokens, grow by about the same share each, and end with what the model was trained on.
"""

from __future__ import annotations

_USUAL_CONTEXT = 32_768  # offered where nobody knows what the model was trained on


def contexts(trained: int) -> tuple[int, ...]:
    """The steps of the slider: 1k, 1.5k, 2k, 3k, 4k … and what the model was trained on."""
    most = trained or _USUAL_CONTEXT
    steps = sorted({step for power in range(10, 21) for step in (1 << power, 3 << power - 1)})
    return (*(step for step in steps if step < most), most)
