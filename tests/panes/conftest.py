"""What all tests of panes share: cyclic garbage is collected after each, in the thread of Qt, as the program does."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _collected_here() -> Iterator[None]:
    """Else a widget's or timer's end may come in a thread of a service, which Qt does not survive (`ui.garbage`)."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()
