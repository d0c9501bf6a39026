"""A data folder whose name is hard on programs, and small models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.services.paths import Paths
from tests.hub import HubServer
from tests.models import tiny_model
from tests.services import fetching


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


@pytest.fixture
def bloke(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub with one model to download, and a gated one; sends in small steps, so that what is in flight is bounded."""
    with fetching.hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setattr("desktop.core.transfer._FIRST_WAIT_S", 0.05)  # there are many failures to wait after
        yield server
