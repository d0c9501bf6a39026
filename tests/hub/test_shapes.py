"""The repositories made for tests are what they say: as long as TheBloke's, and read as models."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.engine.files import read_header
from tests.hub.shapes import bloke_repository
from tests.hub.true_sizes import LLAMA_2, MISTRAL, TINYLLAMA, VARIANTS, Shape, sparse_model

SIZES = {  # GB of his tables, in the order of VARIANTS
    "Mistral": (MISTRAL, "3.08 3.16 3.52 3.82 4.11 4.14 4.37 5.00 5.00 5.13 5.94 7.70"),
    "Llama-2": (LLAMA_2, "2.83 2.95 3.30 3.60 3.83 3.86 4.08 4.65 4.65 4.78 5.53 7.16"),
    "TinyLlama": (TINYLLAMA, "0.483 0.500 0.551 0.593 0.638 0.644 0.669 0.767 0.767 0.783 0.904 1.17"),
}


@pytest.mark.parametrize(("shape", "sizes"), SIZES.values(), ids=SIZES)
def test_sparse_files_are_as_long_as_thebloke_says(tmp_path: Path, shape: Shape, sizes: str) -> None:
    for variant, said in zip(VARIANTS, sizes.split(), strict=True):
        path = sparse_model(tmp_path / "model.gguf", shape, variant)
        header = read_header(path)  # which compares the length with the tensors
        assert path.stat().st_size == header.expected_size()
        assert abs(path.stat().st_size / 1e9 - float(said)) < 0.005, variant
        assert header.quantisation == variant
        assert header.data_offset < 1_000_000


def test_twelve_variants_and_what_is_none(tmp_path: Path) -> None:
    made = bloke_repository(tmp_path)
    names = [f"mistral-7b-instruct-v0.1.{variant}.gguf" for variant in VARIANTS]
    assert set(names) < set(made.files)
    sizes = [made.files[name].size for name in names]
    assert sizes == sorted(set(sizes))
    for name, variant in zip(names, VARIANTS, strict=True):
        source = made.files[name].source
        assert isinstance(source, Path)
        assert read_header(source).quantisation == variant
    others = {name.rpartition(".")[2] for name in set(made.files) - set(names)}
    assert others == {"gitattributes", "md", "json", "imatrix", "gguf"}


def test_a_sparse_file_is_not_read_for_its_hash(tmp_path: Path) -> None:
    made = bloke_repository(tmp_path, "TheBloke/Llama-2-7b-Chat-GGUF", true_sizes=True, only=("Q8_0",))
    content = made.files["llama-2-7b-chat.Q8_0.gguf"]
    assert content.sparse
    assert len(content.sha256) == 64
    assert made.gguf is not None
    assert made.gguf["total"] == 6_738_415_616
