"""Files become variants, what is pasted is understood, and no name leaves its folder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.gguf import Header, Value
from desktop.core.repos import (
    Listing,
    Pasted,
    RepoFile,
    Repository,
    outdated,
    pasted,
    safe,
    valid_id,
    variants,
)

REPO = "TheBloke/Mistral-7B-Instruct-v0.1-GGUF"
FILE = "mistral-7b-instruct-v0.1.Q6_K.gguf"


def labels(*paths: str) -> list[str]:
    return [v.label for v in variants(RepoFile(path, 100 + n) for n, path in enumerate(paths))]


def test_a_repository_is_its_author_and_its_name() -> None:
    assert (Repository(REPO).author, Repository(REPO).name) == ("TheBloke", "Mistral-7B-Instruct-v0.1-GGUF")


def test_one_row_for_each_model_smallest_first() -> None:
    files = [RepoFile("m.Q6_K.gguf", 60, "ab"), RepoFile("m.Q2_K.gguf", 20), RepoFile("README.md", 5)]
    small, large = variants(files)
    assert (small.label, small.size, small.path) == ("Q2_K", 20, "m.Q2_K.gguf")
    assert large.quantisation is not None
    assert (large.quantisation.name, large.files[0].sha256) == ("Q6_K", "ab")


@pytest.mark.parametrize(
    "path",
    ["config.json", "mmproj-model-f16.gguf", "model.imatrix", "imatrix.gguf", "x/mmproj.gguf", "ggml-vocab-bpe.gguf"],
)
def test_what_is_no_model_is_no_row(path: str) -> None:
    assert labels("m.Q4_0.gguf", path) == ["Q4_0"]


def test_empty_files_and_files_named_twice() -> None:
    twice = variants([RepoFile("a.Q4_0.gguf", 0), RepoFile("m.Q4_0.gguf", 3), RepoFile("m.Q4_0.gguf", 3)])
    assert [v.path for v in twice] == ["m.Q4_0.gguf"]


def test_parts_are_one_model_and_only_together() -> None:
    def part(n: int, count: int, stem: str = "m.Q8_0") -> RepoFile:
        return RepoFile(f"{stem}-{n:05}-of-{count:05}.gguf", 10 * n)

    (whole,) = variants([part(2, 3), part(3, 3), part(1, 3)])
    assert (whole.label, whole.size, [f.size for f in whole.files]) == ("Q8_0", 60, [10, 20, 30])
    assert whole.path == "m.Q8_0-00001-of-00003.gguf"
    assert variants([part(1, 3), part(3, 3)]) == ()
    assert variants([part(0, 0), part(1, 1001, "n")]) == ()
    assert len(variants([part(1, 1, "a"), part(1, 2), part(2, 2), part(1, 2, "b")])) == 2


@pytest.mark.parametrize(
    ("path", "label", "kind"),
    [
        ("llama.UD-Q4_K_XL.gguf", "UD-Q4_K_XL", "Q4_K_M"),
        ("gemma-Q4_K_L.gguf", "Q4_K_L", "Q4_K_M"),
        ("m-IQ4_KSS.gguf", "IQ4_KSS", None),
        ("gpt-oss-20b-mxfp4_moe.gguf", "MXFP4_MOE", "MXFP4"),
        ("m-fp16.gguf", "FP16", "F16"),
        ("Q3_K_M/part.gguf", "Q3_K_M", "Q3_K_M"),
        ("model.gguf", "model", None),
        ("m.Q4_0_4_8.gguf", "Q4_0_4_8", "Q4_0_4_8"),
    ],
)
def test_labels_are_what_the_publisher_calls_it(path: str, label: str, kind: str | None) -> None:
    (variant,) = variants([RepoFile(path, 1)])
    assert variant.label == label
    assert (variant.quantisation.name if variant.quantisation else None) == kind


def test_labels_that_are_alike_are_told_apart() -> None:
    assert labels("a.Q4_0.gguf", "b.Q4_0.gguf", "b.Q5_0.gguf") == ["a.Q4_0", "b.Q4_0", "Q5_0"]
    assert labels("x/m.Q4_0.gguf", "y/m.Q4_0.gguf") == ["x/m.Q4_0", "y/m.Q4_0"]


@given(st.lists(st.sampled_from(["m", "n", "Q4_0", "m.Q4_0", "x/m.Q4_0", "y/M.q4_0", "m.Q4_0-00001-of-00001"])))
def test_labels_are_unique(stems: list[str]) -> None:
    found = labels(*(f"{stem}.gguf" for stem in stems))
    assert len(set(found)) == len(found)


def test_three_hundred_files_are_three_hundred_rows() -> None:
    assert len(labels(*(f"model-{n}.Q4_K_M.gguf" for n in range(300)))) == 300


@pytest.mark.parametrize(
    "path",
    [
        *("../x.gguf", "/x.gguf", "a//b.gguf", "a/../b.gguf", "./a.gguf", "..", "", "C:/x.gguf", "a\\b.gguf", "~/..."),
        *("a\nb.gguf", "a\0.gguf", "con", "NUL.gguf", "a/com1.Q4_0.gguf", "Aux .gguf", "x./a.gguf", "x /a.gguf"),
        *("a.gguf:stream", "a?.gguf", "\u202egguf.exe.gguf", "a" * 300 + ".gguf", "com¹.gguf", "lpt².x/m.gguf"),
    ],
)
def test_hostile_names(path: str) -> None:
    assert not safe(path)
    assert variants([RepoFile(path, 9)]) == ()


@pytest.mark.parametrize(
    "path", ["a.gguf", "한국어/모델 Q4.gguf", "D'Angelò/m.gguf", ".hidden", "console.gguf", "a/b/c"]
)
def test_names_that_are_well(path: str) -> None:
    assert safe(path)


@given(st.text(max_size=40))
def test_a_safe_name_stays_in_its_folder(path: str) -> None:
    if safe(path):
        assert not any(part in ("", ".", "..") for part in path.split("/"))
        assert not any(c in path for c in "\\:\0\n")


def listed(*paths: str) -> Listing:
    return Listing(Repository(REPO), "", variants(RepoFile(path, 1 + n) for n, path in enumerate(paths)))


def test_a_variant_is_found_by_label_file_or_type() -> None:
    listing = listed("a.Q4_0.gguf", "b.Q4_0.gguf", "x/b.UD-Q6_K_XL.gguf")
    assert listing.variant("A.q4_0") is listing.variants[0]
    assert listing.variant("b.q4_0.GGUF") is listing.variants[1]
    assert listing.variant("x/b.UD-Q6_K_XL.gguf") is listing.variants[2]
    assert listing.variant("q6_k") is listing.variants[2]
    assert listing.variant("q4_0") is None
    assert listing.variant("Q8_0") is None


def header(**metadata: Value) -> Header:
    return Header(3, {key.replace("__", "."): value for key, value in metadata.items()}, (), 0, 32)


OLD, NEW = 1_700_000_000.0, 1_720_000_000.0


@pytest.mark.parametrize(
    ("repository", "warned"),
    [
        (Repository("TheBloke/Falcon-7B-GGUF", modified=OLD, architecture="falcon"), True),
        (Repository("TheBloke/Falcon-7B-GGUF", modified=NEW, architecture="falcon"), False),
        (Repository("TheBloke/Falcon-7B-GGUF", architecture="falcon"), False),
        (Repository("x/Meta-Llama-3-8B-GGUF", modified=OLD, architecture="llama"), True),
        (Repository("TheBloke/deepseek-coder-6.7B-GGUF", modified=OLD, architecture="llama"), True),
        (Repository(REPO, modified=OLD, architecture="llama"), False),
    ],
)
def test_old_files_are_marked(repository: Repository, warned: bool) -> None:
    listing = replace(listed(FILE), repository=repository)
    assert bool(outdated(listing)) is warned


def test_the_header_knows_better_than_the_date() -> None:
    old = replace(listed(FILE), repository=Repository("a/b", modified=OLD, architecture="gpt2"))
    said = header(tokenizer__ggml__model="gpt2", tokenizer__ggml__pre="gpt-2")
    assert outdated(old, said) == ""
    assert "April 2024" in outdated(listed(FILE), header(tokenizer__ggml__model="gpt2"))


@pytest.mark.parametrize("name", ["a/b", REPO, "0-x/Y.z_1", "a/b.gguf"])
def test_ids(name: str) -> None:
    assert valid_id(name)


@pytest.mark.parametrize(
    "name", ["a", "a/b/c", "../b", "a/..", "-a/b", "a/b-", "a--b/c", "a/b c", "a/" + "b" * 96, "가/나"]
)
def test_no_ids(name: str) -> None:
    assert not valid_id(name)


HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (REPO, Pasted(REPO)),
        (f"  <{HUB}/{REPO}>\n", Pasted(REPO)),
        (f"{HUB}/{REPO}/", Pasted(REPO)),
        (f"{HUB}/{REPO}/tree/main", Pasted(REPO)),
        (f"{HUB}/{REPO}/tree/main/folder?x=1#files", Pasted(REPO)),
        (f"{HUB}/{REPO}/discussions/3", Pasted(REPO)),
        (f"huggingface.co/{REPO}", Pasted(REPO)),
        (f"HF.co/{REPO}", Pasted(REPO)),
        (f"hf.co/{REPO}:Q4_K_M", Pasted(REPO, variant="Q4_K_M")),
        (f"{REPO}:{FILE}", Pasted(REPO, variant=FILE)),
        (f"{HUB}/{REPO}/blob/main/{FILE}", Pasted(REPO, FILE)),
        (f"{HUB}/{REPO}/resolve/v1.0/{FILE}?download=true", Pasted(REPO, FILE, "v1.0")),
        (f"{HUB}/{REPO}/resolve/main/a%20b/%ED%95%9C.gguf", Pasted(REPO, "a b/한.gguf")),
        (f"{HUB}/{REPO}/blob/refs%2Fpr%2F1/{FILE}", Pasted(REPO, FILE, "refs/pr/1")),
        (f"{HUB}/{REPO}/blob/refs/pr/1/{FILE}", Pasted(REPO, FILE, "refs/pr/1")),
        (f"{HUB}/{REPO}?show_file_info=a%2Fm.gguf", Pasted(REPO, "a/m.gguf")),
        (f"{HUB}/{REPO}/tree/main?a=1&show_file_info=m.gguf", Pasted(REPO)),
        (f"{REPO}/{FILE}", Pasted(REPO, FILE)),
        (f"http://127.0.0.1:8080/{REPO}/blob/main/{FILE}", Pasted(REPO, FILE)),
        ("https://other.example/m/x.Q4_0.gguf?sig=a%20b", Pasted(url="https://other.example/m/x.Q4_0.gguf?sig=a%20b")),
        ("http://localhost:9/x.gguf", Pasted(url="http://localhost:9/x.gguf")),
    ],
)
def test_what_is_pasted(text: str, found: Pasted) -> None:
    assert pasted(text, "http://127.0.0.1:8080") == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "mistral", "mistral 7b", "and/or else", "https://", f"{HUB}/TheBloke", f"{HUB}/datasets/a/b", "a/b/c"),
        *(f"{HUB}/docs/hub", f"{HUB}/a--b/c", f"{HUB}/{REPO}/blob/main/..%2f..%2fx.gguf", "ftp://a.example/x.gguf"),
        *("http://other.example/x.gguf", "https://other.example/x.zip", f"{HUB}/{REPO}?show_file_info=..%2Fm.gguf"),
        *("https://me:secret@other.example/x.gguf", f"{HUB}/{REPO}/resolve/..%2F/x.gguf", "a/b/../x.gguf", "a--b/c:Q4"),
        *("https://other.example/%2e%2e%5cx.gguf", "./a/b.gguf/x.gguf"),
    ],
)
def test_what_is_not_understood_is_searched_for(text: str) -> None:
    assert pasted(text) is None


@given(st.text(max_size=80))
def test_any_text_may_be_pasted(text: str) -> None:
    found = pasted(text)
    assert found is None or found.url or valid_id(found.repo)
    assert found is None or not found.file or safe(found.file)
