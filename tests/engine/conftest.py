"""Models made once for all tests of the engine, and short ways to say prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.core.generation import LoadSettings
from desktop.engine.conversation import Conversation
from desktop.engine.halt import Halt
from desktop.engine.llama import Backend, Model
from tests import models
from tests.models import ASSISTANT, EOS, byte_tokens, chain, token

Loader = Callable[..., Model]
SETTINGS = LoadSettings(context=512, threads=1, batch=128)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where models lie: a name that has broken other programs."""
    path = tmp_path_factory.mktemp("models") / "D'Angelò 김철수"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def random_model(folder: Path) -> Path:
    return models.tiny_model(folder / "random.gguf")


@pytest.fixture(scope="session")
def korean_model(folder: Path) -> Path:
    """Answers `한글🙂` in byte tokens, then ends; talks without end in letters after anything else."""
    return models.scripted_model(folder / "korean.gguf", chain(ASSISTANT, *byte_tokens("한글🙂"), EOS))


@pytest.fixture(scope="session")
def english_model(folder: Path) -> Path:
    """Answers ` the hex`, where stop strings can lie across tokens, then ends."""
    script = chain(ASSISTANT, token("▁the"), token("▁"), token("he"), token("x"), EOS)
    return models.scripted_model(folder / "english.gguf", script)


@pytest.fixture(scope="session")
def sliding_model(folder: Path) -> Path:
    return models.sliding_model(folder / "sliding.gguf")


@pytest.fixture(scope="session")
def recurrent_model(folder: Path) -> Path:
    return models.recurrent_model(folder / "recurrent.gguf")


@pytest.fixture(scope="session")
def experts_model(folder: Path) -> Path:
    return models.experts_model(folder / "experts.gguf")


@pytest.fixture(scope="session")
def hybrid_model(folder: Path) -> Path:
    return models.hybrid_model(folder / "hybrid.gguf")


@pytest.fixture(scope="session")
def backend() -> Backend:
    return Backend()


@pytest.fixture
def loader(backend: Backend) -> Iterator[Loader]:
    """Loads models in this process and frees them after the test."""
    loaded: list[Model] = []

    def load(path: Path, settings: LoadSettings = SETTINGS) -> Model:
        model = backend.load(path, settings, Halt(), lambda _: None)
        assert model is not None
        loaded.append(model)
        return model

    yield load
    for model in loaded:
        model.close()


@pytest.fixture
def talk(loader: Loader) -> Callable[..., Conversation]:
    return lambda path, settings=SETTINGS: Conversation(loader(path, settings))
