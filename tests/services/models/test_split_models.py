"""A model in several files as llama-gguf-split makes them: only the first says which kind of model it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from desktop.core.errors import ModelFileError
from desktop.services.models.library import How, Library
from desktop.services.paths import Paths, resources
from tests.hub.shapes import split_model


def test_a_split_model_is_imported_by_its_first_file(tmp_path: Path) -> None:
    files = split_model(tmp_path / "tiny.gguf")
    assert len(files) == 3

    async def imported() -> None:
        paths = Paths(tmp_path / "home")
        paths.create()
        library = await Library.open(paths, resources())
        with pytest.raises(ModelFileError, match="later part"):
            await library.import_file(files[1], How.COPY)
        model = await library.import_file(files[0], How.COPY)
        assert model.architecture == "llama"
        assert model.size == sum(file.stat().st_size for file in files)

    asyncio.run(imported())
