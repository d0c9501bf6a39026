"""A data folder whose name is hard on programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.services.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "D'Angelò 김철수 🦙")
    made.create()
    return made
