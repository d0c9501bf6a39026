"""One furnished data folder and one Hub for all tests that look at the running window."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository
from tests.look.pseudo import compile_catalogue
from tests.look.world import RUNNING, furnish


@pytest.fixture(scope="session")
def pseudo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_catalogue(tmp_path_factory.mktemp("pseudo"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Chats, models and downloads, one of which is on its way."""
    held = bloke_repository(tmp_path / "hub", true_sizes=True)
    with HubServer({MISTRAL_REPO: held}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.misbehave(RUNNING, on="cdn", piece=1_000_000, every_s=0.05)
        asyncio.run(furnish(tmp_path / "home", tmp_path / "models", "en", held))
        yield tmp_path / "home"
