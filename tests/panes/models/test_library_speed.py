"""The best settings for a model, by clicks: the offer, the way, the choice; speeds are given, all else is real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from desktop.core.errors import EngineDied, UserError
from desktop.core.generation import LoadSettings
from desktop.core.settings import Value
from desktop.core.tuning import Outcome, Sample, Step, Trial
from desktop.engine.client import Engine
from desktop.panes.models.library.controller import ModelsController
from desktop.panes.models.library.library_view import LibraryView
from desktop.panes.models.library.speed_chart import Bar, SpeedChart, percent
from desktop.panes.models.library.tuner import Tuner
from desktop.services.fit.calibration import Calibration
from desktop.services.fit.fitting import Fitting
from desktop.services.fit.tuning import Attempt, Tuning
from desktop.services.machine import Machine
from desktop.services.models.library import How, Library, Model
from desktop.services.paths import Paths
from desktop.services.preferences import Preferences
from desktop.ui import bars
from desktop.ui.labels import Label
from desktop.ui.loop import Tasks, run
from desktop.ui.theme import Theme
from tests.models import tiny_model

FIND = "Find the best settings"
DEFAULT = LoadSettings(threads=4, batch_threads=4)
TOLD = Trial(replace(DEFAULT, kv_type="q8_0"), (Sample(80, 9),) * 3, 60_000_000)


def found(**changes: Any) -> Outcome:
    default = Trial(DEFAULT, (Sample(100, 10),) * 3, 100_000_000)
    best = Trial(replace(DEFAULT, **changes), (Sample(150, 12),) * 3, 100_000_000)
    return Outcome(default, best if changes else default, (TOLD,))


class Scripted(Tuning):
    """Finds what it was given, when it is let; keeps and undoes as the real one."""

    result: Outcome | UserError

    def let(self, result: Outcome | UserError) -> None:
        self.result = result
        self.go.set()

    async def find(
        self, model: Model, progress: Callable[[Attempt], None] = lambda _: None, budget_s: float = 0
    ) -> Outcome:
        self.go = asyncio.Event()
        self.cancelled = False
        progress(Attempt(Step(DEFAULT), 0.0, 60.0))
        await asyncio.sleep(0)
        progress(Attempt(Step(replace(DEFAULT, threads=6), ("threads",)), 0.25, 31.4))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.result, UserError):
            raise self.result
        return self.result


class Pane:
    """The library page with one model while a loop runs."""

    def __init__(self, qtbot: Any, look: Theme, folder: Path) -> None:
        self.qtbot, self.look, self.folder = qtbot, look, folder
        self.paths = Paths(folder / "김철수")
        self.paths.create()

    def play(self, scene: Callable[[Pane], Awaitable[None]], kind: type[Tuning] = Scripted) -> None:
        async def main() -> int:
            bugs: list[BaseException] = []
            library = await Library.open(self.paths, self.folder)
            self.model = await library.import_file(tiny_model(self.folder / "a.gguf"), How.LINK)
            self.other = await library.import_file(tiny_model(self.folder / "b.gguf", seed=1), How.LINK)
            engine, machine = Engine(), Machine.of_this_computer()
            fitting = Fitting(machine, engine, Calibration(self.paths.measured, "test"))
            tasks = Tasks(lambda _error: None, bugs.append)
            self.preferences = Preferences(self.paths.preferences)
            self.tuning = kind(machine, fitting, self.preferences, engine, engine.unload)
            self.controller = ModelsController(library, self.preferences, tasks.spawn)
            self.controller.select(self.model.id)
            self.tuner = Tuner(self.controller, self.tuning, tasks.spawn)
            self.view = LibraryView(self.look, self.controller, None, self.tuner)
            self.qtbot.addWidget(self.view)
            self.view.resize(1000, 760)
            self.view.show()
            try:
                async with asyncio.timeout(30):
                    await scene(self)
            finally:
                self.view.close()
                await tasks.close()
                await fitting.close()
                await engine.close()
            assert bugs == []
            return 0

        assert run(main()) == 0

    def offered(self) -> dict[str, QPushButton]:
        every = self.view.findChildren(QPushButton)
        return {b.text(): b for b in every if b.isVisibleTo(self.view) and b.text()}

    def press(self, label: str) -> None:
        QTest.mouseClick(self.offered()[label], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))

    async def until(self, true: Callable[[], object]) -> None:
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def read(self) -> str:
        return "\n".join(w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view))

    @property
    def chart(self) -> SpeedChart:
        return self.view.findChild(SpeedChart)  # type: ignore[no-any-return]

    def kept(self) -> Mapping[str, Value]:
        return self.preferences.values(self.model.name)

    async def find(self, result: Outcome | UserError) -> None:
        """Presses the button and waits for the end."""
        self.press(FIND)
        await self.until(lambda: "Trying" in self.read())
        assert isinstance(self.tuning, Scripted)
        self.tuning.let(result)
        await self.until(lambda: self.tuner.measured is None)


@pytest.fixture
def pane(qtbot: Any, look: Theme, tmp_path: Path) -> Pane:
    tiny_model(tmp_path / "guide.gguf")
    (tmp_path / "guide").mkdir()
    tiny_model(tmp_path / "guide" / "guide.gguf")
    return Pane(qtbot, look, tmp_path)


def test_what_is_tried_is_told_and_what_was_found_is_used(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        pane.press(FIND)
        await pane.until(lambda: "Trying Threads: 6. About 31 s left." in pane.read())
        assert FIND not in pane.offered()
        assert isinstance(pane.tuning, Scripted)
        pane.tuning.let(found(threads=6, repack=False))
        await pane.until(lambda: "Use these" in pane.offered())
        assert "Fastest here: Threads: 6 · Repack for this processor: Off" in pane.read()
        assert pane.kept() == {}
        pane.press("Use these")
        await pane.until(lambda: "Set for this model: Threads: 6 · Repack for this processor: Off" in pane.read())
        assert pane.kept() == {"threads": 6, "repack": False}
        assert not pane.chart.isVisibleTo(pane.view)

    pane.play(scene)


def test_the_chart_tells_the_truth_in_lengths_and_words(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.find(found(threads=6))
        assert pane.chart.isVisibleTo(pane.view)
        lengths = [bar.grab().toImage() for bar in pane.chart.findChildren(Bar)]
        look = pane.look.colours
        drawn = []
        for image in lengths:
            y, track = image.height() // 2, look.hover
            row = [image.pixelColor(x, y).name() for x in range(image.width())]
            drawn.append(sum(colour != track for colour in row) / len(row))
        for length, truth in zip(drawn, (100 / 150, 1.0, 10 / 12, 1.0), strict=True):
            assert abs(length - truth) < 0.05
        assert "+50 %" in pane.read()
        assert "+20 %" in pane.read()
        assert pane.chart.accessibleName() == (
            "Reading: 100 tokens/s with the defaults, 150 tokens/s with the best settings found. "
            "Writing: 10.0 tokens/s with the defaults, 12.0 tokens/s with the best settings found."
        )
        assert "with a q8_0 KV cache, reading −47 %, writing −25 %, memory −40.0 MB" in pane.read()

    pane.play(scene)


def test_the_defaults_can_be_kept(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.find(found(threads=6))
        pane.press("Keep the defaults")
        await pane.until(lambda: "Tries for about a minute" in pane.read())
        assert pane.kept() == {}
        assert FIND in pane.offered()

    pane.play(scene)


def test_one_click_goes_back_to_the_defaults(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.preferences.set("context", 2048, pane.model.name)
        await pane.preferences.set("threads", 6, pane.model.name)
        pane.controller.values_changed.emit()
        pane.press("Back to the defaults")
        await pane.until(lambda: pane.kept() == {"context": 2048})
        await pane.until(lambda: "Back to the defaults" not in pane.offered())

    pane.play(scene)


def test_nothing_better_is_said(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.find(found())
        assert "Nothing was faster than the defaults: they read 100 tokens/s and write 10.0 tokens/s." in pane.read()
        assert not pane.chart.isVisibleTo(pane.view)
        assert "Use these" not in pane.offered()
        assert FIND in pane.offered()

    pane.play(scene)


def test_nothing_is_judged_by_measurements_that_others_disturbed(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.find(replace(found(), busy=0.62))
        assert "Which settings are fastest cannot be judged now." in pane.read()
        assert "Other programs took 62 % of the processor. Measure again when they rest." in pane.read()
        assert "Nothing was faster" not in pane.read()
        uneven = Trial(DEFAULT, (Sample(10, 1), Sample(100, 10), Sample(190, 19)))
        await pane.find(Outcome(uneven, uneven))
        assert "cannot be judged now" in pane.read()
        assert "The measurements are too uneven." in pane.read()

    pane.play(scene)


def test_doubts_are_said(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.find(replace(found(threads=6), busy=0.62, complete=False))
        assert "There was no time to try everything. Other programs took 62 % of the processor." in pane.read()
        assert FIND in pane.offered()
        pane.press("Keep the defaults")
        await pane.until(lambda: "no time" not in pane.read())

    pane.play(scene)


def test_it_can_be_given_up(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        pane.press(FIND)
        await pane.until(lambda: "Trying" in pane.read())
        pane.press("Cancel")
        await pane.until(lambda: FIND in pane.offered())
        assert isinstance(pane.tuning, Scripted)
        assert pane.tuning.cancelled
        assert pane.kept() == {}

    pane.play(scene)


def test_the_real_one_can_be_given_up_too(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        pane.press(FIND)
        await pane.until(lambda: "Measuring the defaults" in pane.read())
        pane.press("Cancel")
        await pane.until(lambda: FIND in pane.offered())
        assert pane.kept() == {}

    pane.play(scene, Tuning)


def test_closing_the_program_ends_it(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        pane.press(FIND)
        await pane.until(lambda: "Trying" in pane.read())

    pane.play(scene)
    assert isinstance(pane.tuning, Scripted)
    assert pane.tuning.cancelled


def test_a_failure_is_said_above(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.find(EngineDied("The engine ended."))
        assert pane.view.findChild(bars.Bar).text == "The engine ended."
        assert FIND in pane.offered()

    pane.play(scene)


def test_another_model_waits_and_results_stay_with_their_model(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        pane.press(FIND)
        await pane.until(lambda: "Trying" in pane.read())
        pane.controller.select(pane.other.id)
        assert f"“{pane.model.name}” is being measured" in pane.read()
        assert not pane.offered()[FIND].isEnabled()
        assert "Cancel" not in pane.offered()
        assert isinstance(pane.tuning, Scripted)
        pane.tuning.let(found(threads=6))
        await pane.until(lambda: pane.offered()[FIND].isEnabled())
        assert "Use these" not in pane.offered()
        pane.controller.select(pane.model.id)
        assert "Use these" in pane.offered()

    pane.play(scene)


def test_the_guide_has_none_of_it(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        pane.controller.select(pane.controller.models()[0].id)
        assert FIND not in pane.offered()
        assert "Speed" not in pane.read().splitlines()

    pane.play(scene)


def test_gains_in_words() -> None:
    assert [percent(gain) for gain in (0.0, 0.004, 0.12, -0.3, 1.5)] == ["", "", "+12 %", "−30 %", "×2.5"]
