"""What is judged, and what is known of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.core import quants
from desktop.core.fit import DeviceUse, Estimate
from desktop.core.gguf import Header, Tensor
from desktop.core.repos import Listing, RepoFile, Repository, Variant
from desktop.core.shape import Shape
from desktop.services.fit.readings import bytes_read
from desktop.services.fit.subjects import Known, Subject, guessed
from desktop.services.models.modelfiles import Model, Origin

GB = 10**9
SHELVED = "TheBloke/Mistral-7B-Instruct-v0.1-GGUF"
Q4, Q8 = (quants.BY_NAME[name] for name in ("Q4_K_M", "Q8_0"))


def variant(size: int = 4 * GB, kind: quants.FileType = Q4, sha: str = "") -> Variant:
    return Variant(kind.name, kind, (RepoFile(f"m.{kind.name}.gguf", size, sha),))


def test_a_downloaded_model_is_known_by_what_it_was_on_the_hub() -> None:
    there = Subject.remote(Listing(Repository("a/b"), "c1", ()), variant(sha="5a"))
    here = Model("1", "m", Path("m.gguf"), fingerprint="f", origin=Origin("a/b", "c1", "m"), hashes=("5a",))
    assert there.names == ("5a",)
    assert Subject.local(here).names == ("5a", "f")
    assert Subject.local(Model("1", "m", Path("m.gguf"))).names == ()
    assert Subject.remote(Listing(Repository("a/b"), "c1", ()), variant()).names == ()


def test_identities_tell_files_apart_and_commits() -> None:
    listings = [Listing(Repository("a/b"), commit, ()) for commit in ("c1", "c2", "")]
    subjects = [Subject.remote(li, v) for li in listings for v in (variant(), variant(kind=Q8))]
    assert len({s.identity for s in subjects}) == 6
    assert [s.in_catalogue for s in subjects] == [False] * 4 + [True] * 2
    assert Subject.local(Model("1", "m", Path("m.gguf"))).identity == "m.gguf"


def test_a_repository_that_says_little_is_guessed() -> None:
    known = guessed(Subject.remote(Listing(Repository("a/b", architecture="qwen3"), "c1", ()), variant()))
    assert known.shape.architecture == "qwen3"
    assert known.weights_read == 4 * GB


def test_a_sibling_reads_as_much_as_it_is_larger() -> None:
    known = Known(Shape.guessed(4 * GB, Q4), 3 * GB)
    assert known.sibling(variant(8 * GB, Q8)).weights_read == 6 * GB
    assert known.sibling(variant(8 * GB, Q8)).shape.weights_bytes == 8 * GB
    assert Known(Shape.guessed(0, None), 3 * GB).sibling(variant(1)).weights_read == 1  # a lie about the first


def test_a_header_describes_only_what_is_as_large_as_its_weights() -> None:
    tensors = (Tensor("blk.0.ffn_up.weight", (7_000, 1_000_000), 12, 0, 4 * GB),)
    known = Known.of([Header(3, {"general.architecture": "llama"}, tensors, 700_000, 32)])
    assert known.describes(variant())
    assert known.describes(variant(7_500_000_000, Q8))
    assert not known.describes(variant(8 * GB))  # 13 thousand million weights
    assert not known.describes(variant(GB // 2))
    assert known.describes(Variant("m", None, (RepoFile("m.gguf", 1),)))  # nothing tells
    assert Known(Shape.guessed(GB, Q4), GB).describes(variant())


def test_what_rests_on_the_size_alone_is_called_rough() -> None:
    known = [guessed(Subject.remote(Listing(Repository(name), "c1", ()), variant())) for name in ("a/b", SHELVED)]
    assert [one.rough for one in known] == [True, False]
    assert known[1].shape.trained_context == 32768


@pytest.mark.parametrize(
    ("layers_on_gpu", "read", "gpu"), [(0, 4.5, False), (8, 3.375, False), (16, 2.25, False), (32, 4.5, True)]
)
def test_what_a_card_holds_takes_no_time_of_the_computers_memory(layers_on_gpu: int, read: float, gpu: bool) -> None:
    use = (DeviceUse("GPU", GB, GB // 2, 0),) if layers_on_gpu else ()
    kept = GB // 2 if use else GB
    estimate = Estimate(4 * GB, 0, kept, 0, 0, 0, use, layers=31, gpu_layers=layers_on_gpu)
    known = Known(Shape.guessed(4 * GB, Q4), 4 * GB)
    assert bytes_read(known, estimate, 0.5) == (int(read * GB), gpu)
