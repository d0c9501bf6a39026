"""Whatever the Hub sends becomes a sound value, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core import records
from desktop.core.repos import RepoFile, Repository

ROW = {
    "id": "TheBloke/Tiny-GGUF",
    "downloads": 1200,
    "likes": 7,
    "lastModified": "2023-12-09T11:58:03.000Z",
    "tags": ["gguf", 7, "license:apache-2.0", "region:us"],
    "gated": "manual",
    "gguf": {"total": 7_241_732_096, "architecture": "llama", "context_length": 32768},
}
WORDS = st.sampled_from(["id", "downloads", "likes", "lastModified", "tags", "gated", "gguf", "total", "architecture"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("a/b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
)


def test_a_row_as_the_hub_sends_it() -> None:
    assert records.repository(ROW) == Repository(
        "TheBloke/Tiny-GGUF", 1200, 7, 1702123083.0, "apache-2.0", True, 7_241_732_096, "llama", 32768
    )


@pytest.mark.parametrize("row", [None, [], "a/b", {}, {"id": 1}, {"id": "../x"}, {"id": "a/b/c"}])
def test_a_row_without_a_name_is_none(row: object) -> None:
    assert records.repository(row) is None


@pytest.mark.parametrize(
    "change",
    [
        {"downloads": -1, "likes": True, "lastModified": "yesterday", "tags": "license:mit", "gated": None, "gguf": []},
        {"downloads": 1 << 60, "likes": "7", "lastModified": 5, "tags": None, "gated": False, "gguf": {"total": 1.5}},
        {"downloads": None, "likes": {}, "lastModified": "0001-01-01T00:00:00+14:00", "tags": ["license:" + "x" * 99]},
    ],
)
def test_mistyped_figures_are_unknown(change: dict[str, object]) -> None:
    row = {**ROW, "gguf": {"architecture": "a\nb", "context_length": -5}, "gated": False, **change}
    assert records.repository(row) == Repository("TheBloke/Tiny-GGUF")


@given(JSON)
def test_any_json(value: object) -> None:
    found = records.repository(value)
    assert found is None or (found.downloads >= 0 and found.modified >= 0)
    records.file(value, value, value)
    records.commit(value)


def test_files_and_commits() -> None:
    assert records.file("a.gguf", 5, "ab" * 32) == RepoFile("a.gguf", 5, "ab" * 32)
    assert records.file("a.gguf", 5, None) == records.file("a.gguf", 5, "short") == RepoFile("a.gguf", 5)
    assert records.file("a.gguf", 0, None) is records.file(None, 5, None) is records.file("a", "5", None) is None
    assert records.commit("ab" * 20) == "ab" * 20
    assert records.commit("main") == records.commit(None) == ""
