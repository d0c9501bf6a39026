"""A repository's page, by clicks and keys: judging, sorting, unfolding, and what can go wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPushButton, QScrollArea, QSlider, QToolTip

from desktop.core.errors import UserError
from desktop.panes.models.find.steps import contexts
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository
from tests.models import tiny_model
from tests.panes.models.find_page import BEST, OLD, FindPage, settled, until, visit

PLAIN, EMPTY = "TheBloke/plain-GGUF", "TheBloke/no-gguf"
TWELVE = "Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_0 Q4_K_S Q4_K_M Q5_0 Q5_K_S Q5_K_M Q6_K Q8_0".split()


@pytest.fixture(scope="module")
def bloke(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bloke_repository(tmp_path_factory.mktemp("hub"), true_sizes=True)


@pytest.fixture
def hub(bloke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    model = tiny_model(tmp_path / "tiny.gguf").read_bytes()
    held = {
        MISTRAL_REPO: bloke,
        PLAIN: {"plain.Q4_K_M.gguf": model, "plain.Q8_0.gguf": model + bytes(4096)},
        EMPTY: {"model.safetensors": b"weights", "README.md": b"# Nothing\n"},
    }
    with HubServer(held) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def slider(page: FindPage) -> QSlider:
    return next(s for s in page.view.findChildren(QSlider) if s.accessibleName() == "Context")


def test_the_variants_are_rows_that_say_all(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        assert page.labels() == ["FP16", *TWELVE]  # the first one is split in three, and one row
        assert "3 files" in page.row("FP16").accessibleName()
        heard = page.row("Q4_K_M").accessibleName()
        for said in ("Q4_K_M", "4.8 bits", "little loss", "4.4 GB", "fits, takes ≈ 5.2 GB", "≈ 4.6 tokens/s, from"):
            assert said in heard
        assert "too large" in page.row("Q8_0").accessibleName()
        assert [row.variant.label for row in page.rows() if "recommended" in row.accessibleName()] == ["Q5_K_M"]
        assert "7.2 billion parameters" in page.read()
        speed = page.row("Q4_K_M").width() - 80
        assert page.row("Q4_K_M").told(QPoint(speed, 20)) == "from the memory bandwidth of this computer"
        assert page.row("Q5_K_M").told(QPoint(20, 20)) == BEST

    visit(look, tmp_path, doing)


def test_the_slider_judges_all_rows_at_once(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        before = {row.variant.label: row.accessibleName() for row in page.rows()}
        bar = slider(page)
        assert contexts(32768)[bar.value()] == 4096
        bar.setFocus()
        QTest.keyClick(bar, Qt.Key.Key_End)
        assert "32,768 tokens" in page.read()
        await settled()
        after = {row.variant.label: row.accessibleName() for row in page.rows()}
        assert all(before[label] != after[label] for label in before)
        assert "too large" in after["Q4_K_M"]
        types = next(box for box in page.view.findChildren(QComboBox) if box.accessibleName() == "KV cache type")
        types.setFocus()
        QTest.keyClick(types, Qt.Key.Key_Down)
        await settled()
        assert page.offer.settings.kv_type == "q8_0"
        assert page.row("Q4_K_M").accessibleName() != after["Q4_K_M"]

    visit(look, tmp_path, doing)


def test_sorting_and_only_what_fits(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        page.press("Sort by: Size")
        await settled()
        assert page.labels()[0] == "Q8_0"
        assert page.labels() == sorted(page.labels(), key=lambda label: -page.row(label).variant.size)
        page.press("Sort by: Speed")
        await settled()
        assert page.labels() == sorted(page.labels(), key=lambda label: page.row(label).fit.speed.tokens_per_s)
        only = page.view.findChild(QCheckBox)
        QTest.mouseClick(only, Qt.MouseButton.LeftButton, pos=QPoint(8, only.height() // 2))
        await settled()
        assert "Q8_0" not in page.labels()
        assert "Q4_K_M" in page.labels()
        page.judge.available = 1
        page.offer.try_context(1024)
        await settled()
        assert page.labels() == []
        assert "None of the variants fits" in page.read()

    visit(look, tmp_path, doing)


def test_a_row_unfolds_and_the_exact_figure_follows(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        page.click("Q4_K_M")
        await settled()
        text = page.read()
        assert "mistral-7b-instruct-v0.1.Q4_K_M.gguf" in text
        assert "Weights, read from the file" in text
        assert "The conversation: 4,096 tokens as f16" in text
        assert "The largest context that fits" in text
        await until(lambda: "Exact: the engine itself was asked" in page.read())
        assert "≈" not in page.row("Q4_K_M").accessibleName().partition("takes")[2].partition(",")[0]
        assert "fits, takes ≈" in page.row("Q4_K_S").accessibleName()
        page.click("Q4_K_M")
        await settled()
        assert "Weights, read from the file" not in page.read()

    visit(look, tmp_path, doing)


def test_a_row_that_is_clicked_stays_under_the_pointer(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.view.resize(960, 900)
        await page.go(MISTRAL_REPO)
        page.click("Q2_K")
        await settled()
        area = page.view.repository.findChild(QScrollArea)
        area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
        await settled()
        place = page.row("Q4_0").mapTo(page.view, QPoint(0, 0))
        page.click("Q4_0")  # what was unfolded above it folds
        await settled()
        assert page.row("Q4_0").open
        assert page.row("Q4_0").mapTo(page.view, QPoint(0, 0)) == place

    visit(look, tmp_path, doing)


def test_the_engine_is_asked_once_for_all_of_the_slider(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        page.click("Q4_K_M")
        await until(lambda: page.offer.fits["Q4_K_M"].exact)
        page.judge.asked.clear()
        slider(page).setFocus()
        for _step in range(4):
            QTest.keyClick(slider(page), Qt.Key.Key_Right)
        await settled()
        assert page.offer.fits["Q4_K_M"].exact
        assert page.offer.fits["Q4_K_M"].settings.context == 16384
        for kind in ("q5_0", "q8_0"):  # what is passed over is not asked about
            page.offer.try_kv_type(kind)
        await until(lambda: page.judge.asked)
        await settled()
        assert [(label, s.context, s.kv_type) for label, s in page.judge.asked] == [("Q4_K_M", 16384, "q8_0")]

    visit(look, tmp_path, doing)


def test_why_the_engine_was_not_asked_is_said(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        page.judge.mute = UserError("The header did not come.")
        page.click("Q4_K_M")
        await until(lambda: "Computed from the model's shape. The header did not come." in page.read())
        page.judge.mute = None
        page.click("Q4_K_M")
        page.click("Q4_K_M")
        await until(lambda: "Exact: the engine itself was asked" in page.read())

    visit(look, tmp_path, doing)


def test_a_remedy_is_one_click(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        page.offer.try_context(32768)
        await settled()
        page.click("Q4_K_M")
        await settled()
        assert "It does not go into the memory" in page.read()
        offered = [b for b in page.view.findChildren(QPushButton) if "— saves" in b.text() and b.isVisibleTo(page.view)]
        assert offered
        before = page.offer.fits["Q4_K_M"].estimate.total_bytes
        offered[0].click()
        await settled()
        assert page.offer.fits["Q4_K_M"].estimate.total_bytes < before
        assert contexts(32768)[slider(page).value()] <= 32768

    visit(look, tmp_path, doing)


def test_arrow_keys_walk_and_enter_unfolds(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        row = page.row("FP16")
        assert row.focusPolicy() == Qt.FocusPolicy.StrongFocus
        assert page.row("Q8_0").focusPolicy() == Qt.FocusPolicy.ClickFocus
        QTest.keyClick(row, Qt.Key.Key_Down)
        QTest.keyClick(page.row("Q2_K"), Qt.Key.Key_Return)
        assert page.offer.looked_at == "Q2_K"
        assert page.row("Q2_K").accessibleDescription() == "open"
        after = page.row("Q2_K").nextInFocusChain()
        assert isinstance(after, QPushButton)
        assert after.text() == "Download"  # the Tab key goes into what unfolded
        QTest.keyClick(page.row("Q2_K"), Qt.Key.Key_End)
        assert page.row("Q8_0").focusPolicy() == Qt.FocusPolicy.StrongFocus
        QTest.keyClick(page.row("Q8_0"), Qt.Key.Key_Escape)
        assert page.view.currentWidget() is page.view.results

    visit(look, tmp_path, doing)


def test_a_repository_without_models_says_so(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(EMPTY)
        assert "There is no model in the GGUF format in this repository." in page.read()
        assert page.labels() == []
        page.press("Back to the models found")
        assert page.view.currentWidget() is page.view.results

    visit(look, tmp_path, doing)


def test_a_repository_that_is_gone_or_a_hub_that_is_down(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go("TheBloke/nowhere-GGUF")
        assert page.warned()
        page.press("Back to the models found")
        fault = hub.misbehave("/api/models/", status=502)
        await page.go(PLAIN)
        assert "has a problem of its own" in page.warned()
        hub.behave(fault)
        page.press("Try again")
        await until(lambda: page.labels() == ["Q4_K_M", "Q8_0"])
        assert not page.warned()

    visit(look, tmp_path, doing)


def test_what_the_hub_said_before_is_shown_with_its_age(
    look: Any, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        page.press("Back to the models found")
        fault = hub.misbehave("/api/models/", status=502)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 3 * 3600)
        await page.go(PLAIN)
        assert page.warned() == "The Hub could not be asked now. This is what it said 3 hours ago."
        assert page.labels() == ["Q4_K_M", "Q8_0"]
        hub.behave(fault)
        page.press("Try again")
        await until(lambda: not page.warned())

    visit(look, tmp_path, doing)


def test_a_starting_point_shows_its_variants_without_a_network(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.network.sealed = True
        hub.close()
        await settled()
        page.open(0)
        await settled()
        assert page.labels() == TWELVE
        assert "These figures are from the catalogue" in page.read()
        await until(lambda: page.warned())
        assert page.labels() == TWELVE

    visit(look, tmp_path, doing)


def test_three_hundred_files_are_judged_without_a_stutter(look: Any, tmp_path: Path, hub: HubServer) -> None:
    hub["TheBloke/many-GGUF"] = {f"part-{n:03}/many-{n:03}.Q4_K_M.gguf": b"GGUF" * (n + 10) for n in range(300)}

    async def doing(page: FindPage) -> None:
        shown: list[tuple[int, int]] = []
        page.offer.changed.connect(lambda: shown.append((len(page.labels()), len(page.offer.fits))))
        await page.go("TheBloke/many-GGUF")
        rows, judged = next(each for each in shown if each[0])
        assert 12 <= rows < 50  # a screenful at once, and the others while the window goes on
        assert 12 <= judged < 50
        await until(lambda: len(page.labels()) == 300 and len(page.offer.fits) == 300)
        assert page.labels() == sorted(page.labels(), key=lambda label: page.row(label).variant.size)
        await until(lambda: page.judge.asked)  # the engine, of what is recommended
        assert sum("recommended" in row.accessibleName() for row in page.rows()) == 1
        gaps: list[float] = []
        before = time.perf_counter()
        for step in (1024, 2048, 3072):
            page.offer.try_context(step)
            await asyncio.sleep(0.05)
            gaps.append(time.perf_counter() - before - 0.05)
            before = time.perf_counter()
        assert min(gaps) < 0.5  # seconds for 300 rows, on a machine that is shared

    visit(look, tmp_path, doing)


def test_the_recommended_one_stands_above_the_table(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        assert "Recommended: Q5_K_M, 5.1 GB" in page.read()
        assert BEST in page.read()
        hub.misbehave("Q5_K_M.gguf", on="cdn", stall_after=20_000)
        page.press("Download Q5_K_M")
        await until(lambda: [(d.repo, d.label) for d in page.downloads.all()] == [(MISTRAL_REPO, "Q5_K_M")])
        await until(lambda: "Show Q5_K_M" in page.offered())
        page.press("Show Q5_K_M")
        await settled()
        row = page.row("Q5_K_M")
        assert row.open
        assert 0 < row.mapTo(page.view, QPoint(0, 0)).y() < page.view.height() - row.height()
        page.judge.available = 1
        page.offer.try_context(1024)
        await settled()
        assert "Show FP16" in page.offered()  # too large: the table asks before it is fetched
        hub.behave()

    visit(look, tmp_path, doing)


def test_the_place_under_the_pointer_is_explained(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(MISTRAL_REPO)
        row = page.row("Q5_K_M")
        place = QPoint(20, 20)
        QApplication.sendEvent(row, QHelpEvent(QEvent.Type.ToolTip, place, row.mapToGlobal(place)))
        assert QToolTip.text() == BEST

    visit(look, tmp_path, doing)


def test_a_type_that_no_engine_reads_never_fits(look: Any, tmp_path: Path, hub: HubServer) -> None:
    hub["TheBloke/arm-GGUF"] = {"arm.Q4_0_4_4.gguf": b"GGUF" * 10, "arm.Q8_0.gguf": b"GGUF" * 20}

    async def doing(page: FindPage) -> None:
        await page.go("TheBloke/arm-GGUF")
        row = page.row("Q4_0_4_4")
        assert "cannot be loaded" in row.accessibleName()
        assert "fits" not in row.accessibleName()
        assert "Today's engine does not read it" in row.told(QPoint(row.width() - 200, 20))
        only = page.view.findChild(QCheckBox)
        assert only.toolTip() == "1 of 2 fit"
        page.click("Q4_0_4_4")
        await settled()
        assert "Today's engine does not read it" in page.read()
        QTest.mouseClick(only, Qt.MouseButton.LeftButton, pos=QPoint(8, only.height() // 2))
        await settled()
        assert page.labels() == ["Q8_0"]

    visit(look, tmp_path, doing)


def test_old_files_are_marked_with_the_reason(look: Any, tmp_path: Path, hub: HubServer) -> None:
    hub["TheBloke/old-GGUF"] = {"old.Q4_K_M.gguf": b"GGUF" * 10}

    async def doing(page: FindPage) -> None:
        await page.go("TheBloke/old-GGUF")
        assert OLD in page.read()
        page.press("Back to the models found")
        await page.go(PLAIN)
        assert OLD not in page.read()

    visit(look, tmp_path, doing)


def test_what_answers_late_is_dropped(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        stall = hub.misbehave(f"/api/models/{PLAIN}", stall_after=0)
        page.paste(PLAIN)
        await until(lambda: stall.used)
        page.press("Back to the models found")
        await page.go(MISTRAL_REPO)
        hub.behave()
        await asyncio.sleep(0.2)
        assert page.offer.repository.id == MISTRAL_REPO
        assert page.labels() == ["FP16", *TWELVE]

    visit(look, tmp_path, doing)
