"""A data folder whose name is hard on programs, and small models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desktop.services.paths import Paths
from tests.models import tiny_model


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "D'Angelò 김철수 🦙")
    made.create()
    return made


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models that differ: `tiny.gguf` and `other.gguf`."""
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny.gguf")
    tiny_model(folder / "other.gguf", seed=1)
    return folder


@pytest.fixture
def source(tiny: Path, tmp_path: Path) -> Path:
    """A person's own file, with a name that is hard."""
    file = tmp_path / "내 모델" / "D'Angelò 7B «q» 🦙.Q4.gguf"
    file.parent.mkdir()
    shutil.copy(tiny / "tiny.gguf", file)
    return file
