"""A data folder whose name is hard on programs, and models whose every word is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import models
from tests.flows.program import Program
from tests.models import ASSISTANT, EOS, byte_tokens, chain, token

REPLY = " the 한글"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "D'Angelò 김철수"


@pytest.fixture
def alcove(home: Path) -> Program:
    return Program(home)


@pytest.fixture(scope="session")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers ` the 한글` and ends."""
    script = chain(ASSISTANT, token("▁the"), token("▁"), *byte_tokens("한글"), EOS)
    return models.scripted_model(tmp_path_factory.mktemp("모델 l'una") / "brief-chat.gguf", script)


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says the alphabet until it is stopped, or the context is full."""
    return models.scripted_model(tmp_path_factory.mktemp("models") / "endless-chat.gguf", {}, context=32768)
