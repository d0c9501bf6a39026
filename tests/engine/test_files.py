"""Opening model files, whatever lies at the path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.core.errors import ModelFileError
from desktop.engine.files import read_header
from tests.models import tiny_model

HOMES = ["plain", "D'Angelò 김철수 🙂"]


@pytest.mark.parametrize("home", HOMES)
def test_a_sound_model(tmp_path: Path, home: str) -> None:
    (tmp_path / home).mkdir()
    header = read_header(tiny_model(tmp_path / home / "모델 l'ò.gguf"))
    assert header.architecture == "llama"
    assert header.expected_size() == (tmp_path / home / "모델 l'ò.gguf").stat().st_size


def test_a_header_larger_than_the_first_read(tmp_path: Path) -> None:
    path = tiny_model(tmp_path / "big.gguf", comment="가" * 700_000)
    assert len(read_header(path).text("general.description")) == 700_000


def test_a_truncated_model(tmp_path: Path) -> None:
    path = tiny_model(tmp_path / "cut.gguf")
    data = path.read_bytes()
    for keep, words in ((len(data) - 1, "cut short"), (200, "ends in the middle"), (0, "empty")):
        path.write_bytes(data[:keep])
        with pytest.raises(ModelFileError, match=words):
            read_header(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="folder"):
        read_header(tmp_path)
    with pytest.raises(ModelFileError, match="not there"):
        read_header(tmp_path / "없다.gguf")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelFileError, match="not there"):
        read_header(tmp_path / "file" / "below.gguf")
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_header(tmp_path / ("x" * 300 + ".gguf"))


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_model(tmp_path / "locked.gguf")

    def refuse(*_: object) -> None:  # an administrator's account, in which tests may run, is refused nothing
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelFileError, match="may not read"):
        read_header(path)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_model(tmp_path / "copied.gguf")
    whole = path.stat()
    path.write_bytes(path.read_bytes()[:500])
    monkeypatch.setattr("os.fstat", lambda _: whole)
    with pytest.raises(ModelFileError, match="changed"):
        read_header(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelFileError, match="not an ordinary file"):
        read_header(tmp_path / "pipe.gguf")
