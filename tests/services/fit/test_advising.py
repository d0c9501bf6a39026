"""The model a computer is advised to take: one answer, and what the help pages say too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from desktop.assembly import Assembly
from desktop.core.choice import USUAL
from desktop.core.fit import Room
from desktop.panes.models.find.find_controller import FindController
from desktop.panes.models.find.offer import Offer
from desktop.services.paths import Paths, resources
from desktop.ui import formats, translation

GB = 1_000_000_000
LANGUAGES = ("en", "ko", "it")


def advised(tmp_path: Path, free_gb: float, ask: Callable[[Assembly], object]) -> object:
    """What is said with so much memory free."""

    async def live() -> object:
        paths = Paths(tmp_path / "home")
        paths.create()
        async with Assembly.opened(paths) as alcove:
            alcove.network.sealed = True
            alcove.fitting.room = lambda: Room(round(free_gb * GB), 2 * round(free_gb * GB), ())
            return ask(alcove)

    return asyncio.run(live())


def of_advising(alcove: Assembly) -> object:
    found = alcove.advising.model()
    return found and (found.listing.repository.id, found.variant.label)


def find(alcove: Assembly) -> FindController:
    """The search of the window, over these services."""
    offer = Offer(
        *(alcove.hub, alcove.fitting, alcove.advising, alcove.downloads, alcove.library, alcove.preferences),
        alcove.tokens,
        _leave,
    )
    return FindController(alcove.hub, offer, _leave)


def _leave(work: Coroutine[Any, Any, Any], _fail: object) -> asyncio.Future[None]:
    """What would be asked of the Hub is not."""
    work.close()
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


@pytest.mark.parametrize("free_gb", [0.3, 1.5, 2.5, 4, 5.5, 7, 9, 12, 30, 100])
def test_the_search_of_the_window_marks_and_recommends_the_same(tmp_path: Path, qapp: object, free_gb: float) -> None:
    def of_find(alcove: Assembly) -> object:
        pane = find(alcove)
        rows = [listing.repository for listing in alcove.hub.starting_points()]
        row = next((row for row in rows if row.id == pane.advised()), None)
        if row is None:
            return None
        best = pane.best(row)
        assert best is not None
        pane.open(row)  # its page, from the catalogue
        assert pane.offer.recommended[0] == best[0].label
        return row.id, best[0].label

    assert advised(tmp_path, free_gb, of_find) == advised(tmp_path, free_gb, of_advising)


@pytest.mark.parametrize(("memory_gb", "model"), [(8, "TinyLlama"), (16, "Mistral")])
def test_the_page_that_the_guide_answers_from_names_the_same(tmp_path: Path, memory_gb: int, model: str) -> None:
    """Of so much memory a good part is free on a computer that has just been started."""
    found = advised(tmp_path, 0.7 * memory_gb, lambda alcove: alcove.advising.model())
    assert model in found.listing.repository.id  # type: ignore[attr-defined]
    assert found.variant.label == USUAL[0]  # type: ignore[attr-defined]
    for language in LANGUAGES:
        page = (resources() / "help" / language / "which-model.md").read_text(encoding="utf-8")
        translation.use(language, resources() / "locale")
        try:
            size = formats.size(found.variant.size).replace("\u00a0", " ")  # type: ignore[attr-defined]
        finally:
            translation.use("en", resources() / "locale")
        assert model in page
        assert USUAL[0] in page
        assert size in page or model == "TinyLlama"


def test_a_poor_type_of_a_large_model_gives_way_to_a_good_one_of_a_smaller(tmp_path: Path) -> None:
    found = advised(tmp_path, 4.6, lambda alcove: alcove.advising.model())
    assert found.variant.label == USUAL[0]  # type: ignore[attr-defined]
    assert "TinyLlama" in found.listing.repository.id  # type: ignore[attr-defined]


def test_a_base_model_is_not_advised(tmp_path: Path) -> None:
    assert "v0.1-GGUF" not in str(advised(tmp_path, 30, of_advising)).replace("Instruct-v0.1-GGUF", "")
