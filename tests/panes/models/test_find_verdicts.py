"""What is said about how variants fit, while little is known of them and when more is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QPushButton, QScrollArea, QWidget

from desktop.core.errors import UserError
from desktop.core.fit import Estimate, Verdict
from desktop.core.generation import LoadSettings
from desktop.core.quants import BY_NAME
from desktop.core.remedies import Kind, Remedy
from desktop.core.repos import RepoFile, Variant
from desktop.panes.models.find.try_bar import TryBar
from desktop.panes.models.find.variants import Columns, VariantRow
from desktop.panes.models.skeleton import Skeleton
from desktop.services.fit.fitting import Fit
from desktop.ui.labels import Label
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository
from tests.panes.models.find_page import BEST, FindPage, settled, until, visit

GB = 10**9


@pytest.fixture(scope="module")
def bloke(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bloke_repository(tmp_path_factory.mktemp("hub"), true_sizes=True)


@pytest.fixture
def hub(bloke: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer({MISTRAL_REPO: bloke}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def test_no_verdict_is_given_by_the_size_alone_while_the_header_is_read(
    look: Any, tmp_path: Path, hub: HubServer
) -> None:
    async def doing(page: FindPage) -> None:
        page.judge.slow, page.judge.rough = asyncio.Event(), True
        await page.go(MISTRAL_REPO)
        page.click("Q4_K_M")
        await settled()
        assert "computing…, takes ≈ 5.2 GB" in page.row("Q4_K_M").accessibleName()
        assert "The beginning of the file is being read." in page.read()
        assert BEST not in page.read()
        assert not any("recommended" in row.accessibleName() for row in page.rows())
        page.judge.slow.set()
        await until(lambda: "fits, takes" in page.row("Q4_K_M").accessibleName())
        assert "fits, takes ≈" in page.row("Q4_K_S").accessibleName()
        assert "The beginning of the file" not in page.read()
        assert BEST in page.read()
        page.judge.rough = True
        page.judge.mute = UserError("The header did not come.")
        page.offer.try_kv_type("q8_0")
        await until(lambda: "The header did not come." in page.read())
        assert "fits, takes ≈" in page.row("Q4_K_M").accessibleName()  # a guess is better than nothing

    visit(look, tmp_path, doing)


def row(look: Any, host: QWidget, fit: Fit) -> VariantRow:
    kind = BY_NAME["Q4_K_M"]
    made = VariantRow(look, Variant("Q4_K_M", kind, (RepoFile("m.gguf", 4 * GB),)), host)
    made.put(fit, "", "")
    made.resize(700, made.height())
    return made


def test_a_row_names_the_weights_that_are_kept_twice(look: Any) -> None:
    host, settings = QWidget(), LoadSettings(context=4096)
    estimate = Estimate(4 * GB, 3 * GB, GB // 2, 0, 0, 0)
    fit = Fit(estimate, Verdict.FITS, settings, 9 * GB, 4096, 0, 4096)
    fits = row(look, host, fit)
    memory = Columns.of(look, fits.width()).memory.center()
    assert "incl. 3.0 GB fast copy" in fits.accessibleName()
    assert "3.0 GB of it is a copy" in fits.told(memory)
    plain = row(look, host, replace(fit, estimate=replace(estimate, repack_bytes=GB // 10)))
    assert "copy" not in plain.accessibleName() + plain.told(memory)
    without = (Remedy(Kind.REPACK, replace(settings, repack=False), "", 3 * GB),)
    large = row(look, host, replace(fit, verdict=Verdict.TOO_LARGE, remedies=without))
    assert "fits without the fast copy" in large.accessibleName()


def test_a_download_and_the_recommendation_are_seen_together(look: Any) -> None:
    host = QWidget()
    one = row(look, host, Fit(Estimate(GB, 0, 0, 0, 0, 0), Verdict.FITS, LoadSettings(), 9 * GB, 4096, 0, 4096))
    pictures = []
    for reason, state in (("", ""), (BEST, ""), ("", "paused"), (BEST, "paused")):
        one.put(one.fit, reason, state)
        pictures.append(one.grab().toImage())
    assert all(a != b for a, b in combinations(pictures, 2))


def test_what_makes_room_comes_before_downloading_anyway(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.view.resize(960, 1400)
        await page.go(MISTRAL_REPO)
        page.offer.try_context(32_768)
        page.click("Q4_K_M")
        await settled()
        detail = page.view.repository.table.detail
        stops = [b for b in detail.stops() if isinstance(b, QPushButton) and b.isVisibleTo(page.view)]
        heights = [stop.mapTo(page.view, QPoint(0, 0)).y() for stop in stops]
        assert heights == sorted(heights)
        assert "saves" in stops[0].text()
        assert [stop.text() for stop in stops if stop.property("primary")] == [stops[0].text()]
        QTest.mouseClick(stops[0], Qt.MouseButton.LeftButton)
        await settled()
        stops = [b for b in detail.stops() if isinstance(b, QPushButton) and b.isVisibleTo(page.view)]
        assert [stop.text() for stop in stops if stop.property("primary")] == ["Download"] == [stops[0].text()]
        kind = next(label for label in detail.findChildren(Label) if "Blocks of 256" in label.text())
        assert kind.mapTo(page.view, QPoint(0, 0)).y() > stops[-1].mapTo(page.view, QPoint(0, 0)).y()
        assert "Output" in page.read()  # 4.9 MB
        assert "Working memory" in page.read()

    visit(look, tmp_path, doing)


def test_what_is_tried_is_explained(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        name = next(label for label in page.view.findChildren(Label) if label.text() == "KV cache")
        types = next(box for box in page.view.findChildren(QComboBox) if box.accessibleName() == "KV cache type")
        for said in (name.toolTip(), types.toolTip(), types.accessibleDescription()):
            assert "How the memory of the conversation is stored" in said

    visit(look, tmp_path, doing)


def test_the_shelf_says_what_the_page_found_out(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        assert "Q5_K_M: fits" in page.heard(0)
        first = page.controller.rows[0]
        page.open(0)
        await until(lambda: page.offer.listing is not None and page.offer.listing.commit)
        await until(lambda: page.row("Q5_K_M").fit.exact)
        page.judge.available = 1_000_000_000
        page.offer.try_kv_type("q8_0")
        await until(lambda: "too large" in page.row("Q5_K_M").accessibleName())
        page.press("Back to the models found")
        assert "Q5_K_M: fits" not in page.heard(0)
        page.judge.available = 8_000_000_000
        found = page.controller.best(first)
        assert found is not None
        assert (found[0].label, found[1].exact) == ("Q5_K_M", True)

    visit(look, tmp_path, doing)


@pytest.mark.parametrize("percent", [100, 200])
@pytest.mark.parametrize("width", [420, 560, 664, 900])
def test_columns_stand_apart_at_any_width(look: Any, percent: int, width: int) -> None:
    look.use("light", percent)
    wide = width * percent // 100
    columns = Columns.of(look, wide)
    every = (columns.size, columns.memory, columns.speed, columns.arrow)
    assert not any(a.intersects(b) for a, b in combinations(every, 2))
    assert all(QRect(0, 0, wide, columns.height).contains(column) for column in every)
    assert columns.size.left() - columns.name.left() > look.px(100)  # a name, and what its quality is
    host = QWidget()
    made = row(look, host, Fit(Estimate(GB, 0, 0, 0, 0, 0), Verdict.FITS, LoadSettings(), 9 * GB, 1, 0, 1))
    made.resize(wide, made.height())
    assert not made.grab().isNull()  # which lays it out too
    assert made.height() == columns.height


def test_what_is_tried_scrolls_where_the_text_is_large(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        bar = page.view.findChild(TryBar)
        area = page.view.repository.findChild(QScrollArea)
        assert not area.isAncestorOf(bar)
        look.use("light", 200)
        page.view.resize(760, 440)
        await settled()
        assert area.isAncestorOf(bar)
        assert bar.isVisibleTo(page.view)
        assert area.height() > page.view.height() / 2
        look.use("light", 100)
        await settled()
        assert not area.isAncestorOf(bar)

    visit(look, tmp_path, doing)


def test_places_are_kept_while_the_hub_is_asked(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        stall = hub.misbehave("/api/models", stall_after=0)
        page.paste("TheBloke/other-GGUF")
        await settled()
        waiting = page.view.repository.findChild(Skeleton)
        head = page.view.repository.findChild(QScrollArea).y()
        assert waiting.isVisibleTo(page.view)
        assert "Asking the Hub" in page.read()
        hub.behave(stall)
        await page.go(MISTRAL_REPO)
        assert not waiting.isVisibleTo(page.view)
        assert page.view.repository.findChild(QScrollArea).y() == head

    visit(look, tmp_path, doing)
