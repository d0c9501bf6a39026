"""Addresses and places: quoted where they are asked for, harmless where they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.errors import TransferError
from desktop.core.repos import RepoFile
from desktop.core.transfer import Download
from desktop.services.transfer.consignment import errands, target
from desktop.services.transfer.folders import make_folder

FOLDER = Path("/models").absolute()


def download(*paths: str, repo: str = "TheBloke/Tiny-GGUF", url: str = "") -> Download:
    return Download("id", repo, "c" * 40, "it", tuple(RepoFile(path, 5) for path in paths), 5, url=url)


def test_a_file_lies_as_other_applications_have_it() -> None:
    (errand,) = errands(FOLDER, download("tiny.Q4_K_M.gguf"), "https://hub.example")
    assert errand.part.target == FOLDER / "TheBloke" / "Tiny-GGUF" / "tiny.Q4_K_M.gguf"
    assert errand.url == f"https://hub.example/TheBloke/Tiny-GGUF/resolve/{'c' * 40}/tiny.Q4_K_M.gguf"


def test_folders_of_the_repository_stay_and_addresses_are_quoted() -> None:
    (errand,) = errands(FOLDER, download("Q4/한글 #1%.gguf"), "https://hub.example")
    assert errand.part.target == FOLDER / "TheBloke" / "Tiny-GGUF" / "Q4" / "한글 #1%.gguf"
    assert errand.url.endswith("/Q4/%ED%95%9C%EA%B8%80%20%231%25.gguf")


def test_a_repository_without_an_author_and_another_host() -> None:
    assert target(FOLDER, download("m.gguf", repo="gpt2"), RepoFile("m.gguf", 1)).parent == FOLDER / "_" / "gpt2"
    (errand,) = errands(FOLDER, download("m.gguf", repo="example.org", url="https://example.org/m.gguf?x=1"), "")
    assert errand.url == "https://example.org/m.gguf?x=1"


def test_the_key_of_an_address_stays_out_of_the_folder(tmp_path: Path) -> None:
    """What is here is built upon with a fresh key, if the server has marked the file."""
    address, key = "https://example.org/m.gguf?token=", "SECRET"
    (first,) = errands(tmp_path, download("m.gguf", repo="example.org", url=address + key), "")
    make_folder(first.part.target.parent, tmp_path)
    for etag, kept in (('"one"', 5), ("", 0)):
        first.part.open(lambda: None)
        first.part.begin(etag, 10, anew=True)
        first.part.write(b"GGUF\3")
        first.part.close()
        assert key not in first.part.ledger.read_text()
        (second,) = errands(tmp_path, download("m.gguf", repo="example.org", url=f"{address}fresh"), "")
        second.part.open(lambda: None)
        assert second.part.received == kept
        second.part.close()
        (first,) = errands(tmp_path, download("m.gguf", repo="example.org", url=address + key), "")
    (other,) = errands(tmp_path, download("m.gguf", repo="example.org", url="https://example.org/other/m.gguf"), "")
    other.part.open(lambda: None)
    assert other.part.received == 0
    other.part.close()


def test_a_long_name_keeps_its_ending() -> None:
    name = "김" * 70 + "-00002-of-00003.gguf"
    place = target(FOLDER, download(name), RepoFile(name, 1))
    assert place.name.endswith("-00002-of-00003.gguf")
    assert len(place.name.encode()) < 150


@pytest.mark.parametrize(
    "path",
    ["../m.gguf", "/m.gguf", "a/../../m.gguf", "a\\m.gguf", "c:m.gguf", "nul.gguf", "a/con/m.gguf", "m\0.gguf", ""],
)
def test_a_name_that_could_leave_is_refused(path: str) -> None:
    with pytest.raises(TransferError):
        errands(FOLDER, download(path), "https://hub.example")


@pytest.mark.parametrize("repo", ["../x", "a/..", "..", "/etc", "a//b", ""])
def test_a_repository_that_could_leave_is_refused(repo: str) -> None:
    with pytest.raises(TransferError):
        errands(FOLDER, download("m.gguf", repo=repo), "https://hub.example")


def test_names_that_differ_by_capitals_only_are_refused() -> None:
    with pytest.raises(TransferError, match="capitals"):
        errands(FOLDER, download("a.gguf", "A.gguf"), "https://hub.example")


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_leaves_the_folder(repo: str, path: str) -> None:
    try:
        (errand,) = errands(FOLDER, download(path, repo=repo), "https://hub.example")
    except TransferError:
        return
    place = errand.part.target
    assert place.is_relative_to(FOLDER)
    assert ".." not in place.parts
    assert len(place.parts) >= len(FOLDER.parts) + 3
