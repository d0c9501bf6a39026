"""What keeps the library in order, by clicks: memory, checks, storage; over real files and the real estimator."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QListView, QMessageBox
from shiboken6 import delete

from desktop.engine.client import Engine
from desktop.panes.models.library.controller import ModelsController
from desktop.panes.models.library.details import Details
from desktop.panes.models.library.library_view import LibraryView
from desktop.panes.models.library.storage_bar import StorageButton
from desktop.panes.models.library.storage_view import StorageView
from desktop.panes.models.library.upkeep import Upkeep
from desktop.panes.models.meter import Meter
from desktop.services import memory
from desktop.services.fit.calibration import Calibration, Measured
from desktop.services.fit.fitting import Fitting
from desktop.services.machine import Machine
from desktop.services.models.library import How, Library, Model
from desktop.services.paths import Paths
from desktop.services.preferences import Preferences
from desktop.ui import formats
from desktop.ui.bars import Bar
from desktop.ui.labels import Label
from desktop.ui.loop import Tasks, run
from tests.models import tiny_model

MB = 10**6


class Pane:
    """The library page while a loop runs; `play` gives it a scene."""

    def __init__(self, qtbot: Any, look: Any, folder: Path) -> None:
        self.qtbot, self.look, self.folder = qtbot, look, folder
        self.paths = Paths(folder / "김철수" / "alcove")
        self.paths.create()
        self.busy = False
        self.released = 0
        self.chosen: list[str] = []
        self.bugs: list[BaseException] = []

    def play(self, scene: Callable[[Pane], Awaitable[None]]) -> None:
        async def main() -> int:
            self.library = await Library.open(self.paths, self.folder)
            self.calibration = Calibration(self.paths.home / "measured.json", "test")
            engine = Engine()
            fitting = Fitting(Machine.of_this_computer(), engine, self.calibration)
            tasks = Tasks(lambda _error: None, self.bugs.append)
            self._make(fitting, tasks)
            try:
                async with asyncio.timeout(30):
                    await scene(self)
            finally:
                self.view.close()
                await tasks.close()
                delete(self.upkeep)  # here, and not by the garbage collector of some thread: it has a timer
                await fitting.close()
                await engine.close()
            return 0

        assert run(main()) == 0
        assert self.bugs == []

    def _make(self, fitting: Fitting, tasks: Tasks) -> None:
        async def release() -> None:
            self.released += 1

        self.preferences = Preferences(self.paths.preferences)
        self.controller = ModelsController(self.library, self.preferences, tasks.spawn)
        self.controller.chosen.connect(self.chosen.append)
        self.upkeep = Upkeep(self.controller, self.library, fitting, tasks.spawn, release, lambda: self.busy)
        self.view = LibraryView(self.look, self.controller, self.upkeep)
        self.qtbot.addWidget(self.view)
        self.view.resize(1000, 760)
        self.view.show()

    async def bring(self, name: str = "a.gguf", how: How = How.COPY, context: int = 4096) -> Model:
        there = self.folder / "there"
        there.mkdir(exist_ok=True)
        model = await self.library.import_file(tiny_model(there / name, context=context), how)
        self.controller.changed.emit()
        self.controller.select(model.id)
        return model

    def offered(self) -> dict[str, QAbstractButton]:
        every = self.view.findChildren(QAbstractButton)
        return {b.text(): b for b in every if b.isVisibleTo(self.view) and b.text()}

    def press(self, label: str) -> None:
        QTest.mouseClick(self.offered()[label], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))

    def answer(self, label: str) -> None:
        asking = next(box for box in self.view.findChildren(QMessageBox) if box.isVisible())
        button = next(b for b in asking.buttons() if b.text().replace("&", "") == label)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def read(self) -> str:
        return "\n".join(w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view))

    @property
    def bar(self) -> str:
        return self.view.findChild(Bar).text

    def rows(self) -> list[str]:
        model = self.view.findChild(QListView).model()
        role = Qt.ItemDataRole.AccessibleTextRole
        return [model.index(row, 0).data(role) for row in range(model.rowCount())]


@pytest.fixture
def pane(qtbot: Any, look: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pane:
    home = tmp_path / "home"
    home.mkdir()
    for variable in ("HOME", "USERPROFILE", "HF_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(home))
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "guide").mkdir()
    tiny_model(tmp_path / "guide" / "guide.gguf")
    return Pane(qtbot, look, tmp_path)


def test_what_a_model_takes_is_itemised_and_then_exact(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        assert "Memory" not in pane.read()  # the guide's is nobody's worry
        await pane.bring()
        assert "available now" in pane.read()
        assert "Weights, read from the file" in pane.read()
        await pane.until(lambda: "Exact" in pane.read())

    pane.play(scene)


def test_the_largest_context_is_one_click_away(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        model = await pane.bring()
        await pane.preferences.set("context", 256, model.name)
        pane.controller.values_changed.emit()
        pane.press(f"Use {model.context_length:,} tokens")
        await pane.until(lambda: pane.preferences.values(model.name).get("context") == model.context_length)
        await pane.until(lambda: not any(label.startswith("Use ") for label in pane.offered()))

    pane.play(scene)


def test_what_makes_room_is_set_for_the_model(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 200 * MB)  # 236 are needed

    async def scene(pane: Pane) -> None:
        await pane.preferences.set("context", 131_072)
        model = await pane.bring(context=131_072)
        await pane.until(lambda: any("saves" in label for label in pane.offered()))
        pane.press(next(label for label in pane.offered() if "saves" in label))
        await pane.until(lambda: pane.preferences.values(model.name) == {"context": 32_768})
        await pane.until(lambda: not any("saves" in label for label in pane.offered()))

    pane.play(scene)


def test_one_too_large_is_asked_about_once(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: MB)

    async def scene(pane: Pane) -> None:
        model = await pane.bring()
        pane.press("Chat with it")
        pane.answer("Cancel")
        assert pane.chosen == []
        pane.press("Chat with it")
        pane.answer("Load anyway")
        assert pane.chosen == [model.name]
        pane.press("Chat with it")
        assert pane.chosen == [model.name, model.name]

    pane.play(scene)


def test_how_well_earlier_loads_agreed(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        model = await pane.bring()
        assert "Last loads" not in pane.read()
        assert "used" not in pane.rows()[1]
        for off, hours in ((3, 5), (-12, 3)):
            at = time.time() - 3600 * hours
            await pane.calibration.add_load(Measured(model.fingerprint, 500 * MB, (500 + off) * MB, at))
        pane.controller.changed.emit()
        assert "Last loads: within 12.0 MB of what was said." in pane.read()
        assert pane.rows()[1].endswith("used 3 hours ago")
        assert not pane.view.grab().isNull()

    pane.play(scene)


def test_verifying_says_what_a_file_is_worth(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        model = await pane.bring()
        pane.press("Verify")
        await pane.until(lambda: "has not changed since it came" in pane.bar)
        assert "Verified" in pane.read()
        when = model.path.stat()
        with model.path.open("r+b") as file:
            file.seek(-64, os.SEEK_END)
            file.write(bytes(64))
        os.utime(model.path, ns=(when.st_atime_ns, when.st_mtime_ns))  # as a failing disk would
        pane.press("Verify")
        await pane.until(lambda: "is damaged" in pane.bar)

    pane.play(scene)


def test_a_file_that_was_changed_says_so(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        model = await pane.bring(how=How.LINK)
        tiny_model(model.path, seed=99)
        os.utime(model.path, ns=(1, 1))
        pane.controller.changed.emit()
        assert pane.rows()[1] == "a — file changed"
        assert "has changed since it came" in pane.read()
        pane.press("Use it as it is now")
        await pane.until(lambda: "file changed" not in "".join(pane.rows()))

    pane.play(scene)


def test_models_of_other_applications_are_offered_in_place(pane: Pane) -> None:
    lies = pane.folder / "home" / ".lmstudio" / "models" / "TheBloke" / "Tiny-GGUF" / "tiny.Q4_0.gguf"
    lies.parent.mkdir(parents=True)
    tiny_model(lies, seed=4)

    async def scene(pane: Pane) -> None:
        await pane.until(lambda: "1 found in other applications" in pane.offered())
        pane.press("1 found in other applications")
        assert "LM Studio" in pane.read()
        pane.press("Add")
        await pane.until(lambda: any("linked" in row for row in pane.rows()))
        await pane.until(lambda: "1 found in other applications" not in pane.offered())
        assert lies.exists()
        await pane.until(lambda: "Linked models elsewhere" in pane.read())
        pane.press("Done")
        assert "Free on this disk" not in pane.read()

    pane.play(scene)


def test_the_same_model_twice_is_shown_with_what_it_costs(pane: Pane) -> None:
    for author in ("one", "two"):
        lies = pane.paths.models / author / "Tiny-GGUF" / f"{author}.gguf"
        lies.parent.mkdir(parents=True)
        tiny_model(lies, seed=5)

    async def scene(pane: Pane) -> None:
        pane.press("Storage")
        await pane.until(lambda: "The same model more than once" in pane.read())
        assert "one, two" in pane.read()
        assert "very likely the same" in pane.read()
        QTest.keyClick(pane.offered()["Done"], Qt.Key.Key_Escape)
        assert pane.view.findChild(QListView).hasFocus()
        assert "Storage" not in pane.read()
        pane.press("Storage")
        pane.press("Look")
        assert pane.controller.model().name == "two"
        assert "Storage" not in pane.read()

    pane.play(scene)


def test_storage_is_a_bar_of_what_each_model_takes(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        models = [await pane.bring(f"{name}.gguf", context=context) for name, context in (("a", 4096), ("b", 2048))]
        await pane.bring("elsewhere.gguf", How.LINK, context=1024)
        pane.press("Storage")
        await pane.until(lambda: pane.upkeep.usage is not None)
        bar = pane.view.findChild(StorageView).findChild(Meter)
        *said, left = bar.accessibleDescription().split(", ")
        sizes = [formats.size(model.size) for model in models]
        assert said == [f"{name}: {size}" for name, size in zip("ab", sizes, strict=True)]  # linked: takes no room here
        button = pane.view.findChild(StorageButton)
        assert button.accessibleDescription() == bar.accessibleDescription()
        assert left.startswith("Free on this disk: ")
        image = button.grab().toImage()
        row = [image.pixelColor(x, image.height() * 3 // 4 - 2).name() for x in range(20, image.width() - 20)]
        assert row.count(pane.look.colours.ground) > len(row) // 2  # two small models on a large disk

    pane.play(scene)


@pytest.mark.parametrize(("percent", "width"), [(100, 1000), (200, 800)])
def test_the_model_has_the_larger_part_at_any_size_of_text(pane: Pane, percent: int, width: int) -> None:
    async def scene(pane: Pane) -> None:
        pane.look.use("light", percent)
        pane.view.resize(width, 600)
        await pane.bring()
        await asyncio.sleep(0.05)
        assert pane.view.findChild(QListView).width() < width * 0.45
        details = pane.view.findChild(Details)
        assert details.width() <= details.parentWidget().width()

    pane.play(scene)


def test_a_click_on_the_model_that_is_selected_leads_back_to_it(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        model = await pane.bring()
        part = pane.library.folder / "b.gguf.part"
        part.write_bytes(bytes(3 * MB))
        pane.press("Storage")
        await pane.until(lambda: "Unfinished downloads" in pane.read() and "3.0 MB" in pane.read())
        rows = pane.view.findChild(QListView)
        place = rows.visualRect(rows.currentIndex()).center()
        QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert "Unfinished downloads" not in pane.read()
        assert pane.controller.model() == model
        part.unlink()

    pane.play(scene)


def test_the_folder_is_moved(pane: Pane) -> None:
    to = pane.folder / "another disk"

    async def scene(pane: Pane) -> None:
        model = await pane.bring()
        pane.press("Storage")
        pane.busy = True
        choose(pane, to)
        assert "Downloads are running" in pane.bar
        pane.busy = False
        choose(pane, to)
        await pane.until(lambda: f"Your models now lie in “{to}”." in pane.bar)
        assert pane.released == 1
        assert not model.path.exists()
        assert pane.library.named("a").path.is_relative_to(to)
        assert str(to) in pane.read()

    pane.play(scene)
    shutil.rmtree(to)


def choose(pane: Pane, folder: Path) -> None:
    pane.press("Move the folder…")
    dialog = next(d for d in pane.view.findChildren(QFileDialog) if d.isVisible())
    dialog.fileSelected.emit(str(folder))
    dialog.close()


def test_buttons_stand_in_two_lines_where_there_is_little_room(pane: Pane) -> None:
    async def scene(pane: Pane) -> None:
        await pane.bring()
        tops = {}
        for width in (1100, 620):
            pane.view.resize(width, 700)
            await asyncio.sleep(0.1)
            shown = pane.offered()
            tops[width] = {shown[label].mapTo(pane.view, QPoint()).y() for label in ("Chat with it", "Move to bin")}
            right = max(button.mapTo(pane.view, button.rect().topRight()).x() for button in shown.values())
            assert right <= width
        assert [len(found) for found in tops.values()] == [1, 2]

    pane.play(scene)


def test_what_a_disk_refuses_is_said(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pane: Pane) -> None:
        await pane.bring()
        pane.press("Storage")
        choose(pane, pane.library.folder / "inside")
        await pane.until(lambda: "Choose another one." in pane.bar)
        assert pane.library.named("a").present

    pane.play(scene)
