"""What is typed for a model of the Hub, and which variant is taken for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.cli.remote import addressed, listed, variant_of
from desktop.core.errors import HubError
from desktop.core.repos import Listing, Pasted, RepoFile, Repository, variants
from desktop.services.paths import Paths
from tests.hub import HubServer

REPO = "author/Name-GGUF"
FILES = ("m.Q2_K.gguf", "m.Q4_K_M.gguf", "m.Q8_0.gguf")


def listing(*files: str) -> Listing:
    rows = variants(RepoFile(file, 10 * (number + 1)) for number, file in enumerate(files))
    return Listing(Repository(REPO), "c" * 40, rows)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (REPO, Pasted(REPO)),
        (f"{REPO}:Q4_K_M", Pasted(REPO, variant="Q4_K_M")),
        (f"{REPO}:folder/m.gguf", Pasted(REPO, variant="folder/m.gguf")),
        (f"https://huggingface.co/{REPO}/blob/v2/m.gguf", Pasted(REPO, "m.gguf", "v2")),
        ("two words", None),
        ("C:/models/m.gguf", None),
    ],
)
def test_what_a_text_points_at(tmp_path: Path, text: str, target: Pasted | None) -> None:
    async def found() -> Pasted | None:
        async with Assembly.opened(Paths(tmp_path)) as alcove:
            return addressed(alcove, text)

    assert asyncio.run(found()) == target


@pytest.mark.parametrize("named", ["Q4_K_M", "q4_k_m", "m.Q4_K_M.gguf"])
def test_a_variant_is_called_by_its_label_or_its_file(named: str) -> None:
    assert variant_of(listing(*FILES), Pasted(REPO, variant=named)).path == "m.Q4_K_M.gguf"
    assert variant_of(listing(*FILES), Pasted(REPO, file=named)).path == "m.Q4_K_M.gguf"


def test_one_variant_needs_no_name_and_several_need_one() -> None:
    assert variant_of(listing("m.Q2_K.gguf"), Pasted(REPO)).label == "Q2_K"
    with pytest.raises(HubError, match=f"as in {REPO}:Q4_K_M. It has: Q2_K, Q4_K_M, Q8_0"):
        variant_of(listing(*FILES), Pasted(REPO))
    with pytest.raises(HubError, match="no variant “Q9”"):
        variant_of(listing(*FILES), Pasted(REPO, variant="Q9"))
    with pytest.raises(HubError, match="as in author/Name-GGUF:odd"):
        variant_of(listing("odd.gguf", "strange.gguf"), Pasted(REPO))
    with pytest.raises(HubError, match="f29, …"):
        variant_of(listing(*(f"f{n:02}.gguf" for n in range(300))), Pasted(REPO))


def test_what_the_hub_said_last_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def twice(hub: HubServer) -> None:
        async with Assembly.opened(Paths(tmp_path)) as alcove:
            first = await listed(alcove, Pasted(REPO))
            hub.close()
            again = await alcove.hub.listing(REPO, again=True)
            assert (again.variants, again.stale) == (first.variants, True)
            monkeypatch.setattr("desktop.services.online.hub._FRESH_S", 0.0)
            assert (await listed(alcove, Pasted(REPO))).variants == first.variants

    with HubServer({REPO: {"m.Q2_K.gguf": b"GGUF"}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        asyncio.run(twice(hub))
    assert "when it was asked last" in capsys.readouterr().err
