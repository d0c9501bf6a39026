"""The models pane, by clicks and keys, over a real library and tiny real models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QFileDialog,
    QLineEdit,
    QListView,
    QMenu,
    QMessageBox,
    QPushButton,
    QRadioButton,
)

from desktop.core.errors import UserError
from desktop.core.quants import BY_NAME
from desktop.panes.models.library.controller import ModelsController
from desktop.panes.models.library.details import Details
from desktop.panes.models.library.facts import explained
from desktop.panes.models.library.importing import ComingStrip, ImportDialog
from desktop.panes.models.view import ModelsView
from desktop.services.models.library import Library
from desktop.services.paths import Paths
from desktop.services.preferences import Preferences
from desktop.ui.bars import Bar
from desktop.ui.boxes import QuietCombo
from desktop.ui.buttons import IconButton
from desktop.ui.forms import Row
from desktop.ui.labels import Label
from desktop.ui.loop import Tasks, run
from tests.models import tiny_model


def at_once(work: Coroutine[Any, Any, Any], show: Callable[[UserError], None]) -> None:
    try:
        asyncio.run(work)
    except UserError as error:
        show(error)


class Pane:
    def __init__(self, qtbot: Any, look: Any, tmp_path: Path, spawn: Any = at_once) -> None:
        self.paths = Paths(tmp_path / "D'Angelò 김철수")
        self.paths.create()
        self.resources = tmp_path / "resources"
        (self.resources / "guide").mkdir(parents=True)
        tiny_model(self.resources / "guide" / "guide.gguf")
        self.library = asyncio.run(Library.open(self.paths, self.resources))
        self.preferences = Preferences(self.paths.preferences)
        self.controller = ModelsController(self.library, self.preferences, spawn)
        self.heard: list[tuple[str, ...]] = []
        self.controller.chosen.connect(lambda name: self.heard.append(("chosen", name)))
        self.controller.renamed.connect(lambda old, new: self.heard.append(("renamed", old, new)))
        self.view = ModelsView(look, self.controller)
        qtbot.addWidget(self.view)
        self.view.resize(900, 700)
        self.view.show()
        self.list = self.view.findChild(QListView)

    def file(self, name: str, seed: int = 1) -> Path:
        folder = self.paths.home.parent / "downloads"
        folder.mkdir(exist_ok=True)
        return tiny_model(folder / name, seed=seed)

    def names(self) -> list[str]:
        model = self.list.model()
        return [model.index(row, 0).data() for row in range(model.rowCount())]

    def accessible(self, row: int) -> str:
        return self.list.model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)

    def click(self, row: int) -> None:
        place = self.list.visualRect(self.list.model().index(row, 0)).center()
        QTest.mouseClick(self.list.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def press(self, label: str) -> None:
        buttons = [*self.view.findChildren(QPushButton), *self.view.findChildren(IconButton)]
        button = next(b for b in buttons if b.text() == label and b.isVisibleTo(self.view))
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(12, 12))

    def offered(self) -> set[str]:
        return {b.text() for b in self.view.findChildren(QPushButton) if b.isVisibleTo(self.view)}

    def read(self) -> str:
        """All that is read in the pane."""
        QApplication.processEvents()
        return "\n".join(w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view))

    def pick(self, label: str) -> None:
        """Chooses an entry of the menu that is open."""
        menu = next(m for m in self.view.findChildren(QMenu) if m.isVisible())
        next(action for action in menu.actions() if action.text() == label).trigger()
        menu.close()

    @property
    def bar(self) -> Bar:
        return self.view.findChild(Bar)

    def bring(self, *paths: Path, how: str = "Copy") -> None:
        """As a drop on the window, answered in the dialogue."""
        self.controller.import_files(paths)
        dialog = self.view.findChildren(ImportDialog)[-1]
        button = next(b for b in dialog.findChildren(QRadioButton) if b.text() == how)
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)
        QTest.keyClick(dialog, Qt.Key.Key_Return)


@pytest.fixture
def pane(qtbot, look, tmp_path: Path) -> Pane:
    return Pane(qtbot, look, tmp_path)


def test_the_guide_is_first_and_honest(pane: Pane) -> None:
    assert pane.names() == ["Guide"]
    assert pane.accessible(0).startswith("Guide — built in, ")
    assert pane.accessible(0).endswith("knows Alcove only")
    assert not pane.offered() & {"Rename", "Move to bin"}
    QTest.keyClick(pane.list, Qt.Key.Key_Delete)
    assert pane.names() == ["Guide"]
    pane.press("Chat with it")
    assert pane.heard == [("chosen", "")]


def test_a_copied_model_is_listed_and_described(pane: Pane) -> None:
    file = pane.file("유야 🦙 model.gguf")
    pane.bring(file)
    assert pane.names() == ["Guide", "유야 🦙 model"]
    text = pane.read()
    assert "F32" in text
    assert "Full precision" in text
    assert "4,096 tokens" in text
    assert "llama" in text
    assert file.exists()
    pane.press("Chat with it")
    assert pane.heard == [("chosen", "유야 🦙 model")]


def test_a_linked_model_stays_where_it_is(pane: Pane) -> None:
    file = pane.file("a.gguf")
    pane.bring(file, how="Link")
    assert "linked" in pane.accessible(1)
    assert f"Linked: the file stays at {file}." in pane.read()
    file.unlink()
    pane.view.refresh()
    assert "file missing" in pane.accessible(1)
    assert "The file is not where it was" in pane.read()
    assert "Chat with it" not in pane.offered()


def test_a_moved_model_is_gone_from_its_place(pane: Pane) -> None:
    file = pane.file("a.gguf")
    pane.bring(file, how="Move")
    assert not file.exists()
    assert pane.names() == ["Guide", "a"]


def test_nothing_happens_when_the_question_is_left(pane: Pane) -> None:
    pane.controller.import_files([pane.file("a.gguf")])
    QTest.keyClick(pane.view.findChildren(ImportDialog)[-1], Qt.Key.Key_Escape)
    assert pane.names() == ["Guide"]


def test_several_come_in_though_one_is_damaged(pane: Pane) -> None:
    bad = pane.file("bad.gguf", seed=2)
    bad.write_bytes(bad.read_bytes()[:20_000])
    pane.bring(pane.file("a.gguf", seed=3), bad, pane.file("b.gguf", seed=4))
    assert pane.names() == ["Guide", "a", "b"]
    assert pane.bar.isVisible()
    assert "cut short" in pane.bar.text


def test_what_is_no_gguf_is_refused_in_a_sentence(pane: Pane) -> None:
    pane.controller.import_files([Path("holiday.txt")])
    assert "“holiday.txt” is not a GGUF file." in pane.bar.text


def test_the_button_opens_the_dialogue_for_files(pane: Pane) -> None:
    pane.press("Import model…")
    dialog = pane.view.findChild(QFileDialog)
    assert dialog is not None
    dialog.filesSelected.emit([str(pane.file("a.gguf"))])
    dialog.close()
    assert pane.view.findChildren(ImportDialog)


def test_rename_in_place(pane: Pane) -> None:
    pane.bring(pane.file("a.gguf", seed=2), pane.file("b.gguf", seed=3))
    pane.click(1)
    asyncio.run(pane.preferences.set("top_k", 5, "a"))
    QTest.keyClick(pane.list, Qt.Key.Key_F2)
    field = pane.view.findChild(QLineEdit)
    assert field.isVisible()
    QTest.keyClicks(field, "Zebra")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert pane.names() == ["Guide", "b", "Zebra"]
    assert pane.heard == [("renamed", "a", "Zebra")]
    assert pane.preferences.values("Zebra") == {"top_k": 5}
    assert pane.list.currentIndex().data() == "Zebra"
    pane.press("Rename")
    QTest.keyClicks(field, "b")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "Another model is called “b” already." in pane.bar.text
    pane.press("Rename")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not field.isVisible()
    assert pane.names() == ["Guide", "b", "Zebra"]


def test_the_bin_gives_back(pane: Pane) -> None:
    pane.bring(pane.file("a.gguf"))
    pane.press("Move to bin")
    assert pane.names() == ["Guide"]
    assert pane.bar.text == "“a” is in the bin."
    pane.press("Undo")
    assert pane.names() == ["Guide", "a"]
    assert pane.list.currentIndex().data() == "a"
    pane.list.setFocus()
    QTest.keyClick(pane.list, Qt.Key.Key_Delete)
    assert pane.names() == ["Guide"]


def test_the_bin_is_looked_into_later(pane: Pane) -> None:
    pane.bring(pane.file("a & b.gguf"), pane.file("c.gguf", seed=2))
    pane.press("Move to bin")
    pane.click(1)
    pane.press("Move to bin")
    pane.press("Bin (2)")
    pane.pick("Restore “a && b”")
    assert pane.names() == ["Guide", "a & b"]
    assert not pane.bar.isVisible()
    pane.press("Bin (1)")
    pane.pick("Empty the bin…")
    asking = pane.view.findChild(QMessageBox)
    empty = next(b for b in asking.buttons() if b.text() == "Empty the bin")
    QTest.mouseClick(empty, Qt.MouseButton.LeftButton)
    assert pane.library.binned() == []
    assert not any(b.text().startswith("Bin") for b in pane.view.findChildren(IconButton) if b.isVisible())


def test_settings_of_a_model(pane: Pane) -> None:
    pane.bring(pane.file("a.gguf"))
    pane.press("Settings for this model")
    QApplication.processEvents()
    row = next(row for row in pane.view.findChildren(Row) if row.field.row.key == "context")
    box = row.findChild(QAbstractSpinBox)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "1024")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert pane.preferences.values("a") == {"context": 1024}
    pane.click(0)
    assert not box.isVisible()  # the guide's settings are its own
    pane.click(1)
    assert box.isVisible()
    assert box.text() == "1,024"


def test_what_the_file_says(pane: Pane) -> None:
    pane.press("What the file says")
    text = pane.read()
    assert "general.architecture" in text
    assert "llama.context_length" in text
    pane.press("What the file says")
    assert "general.architecture" not in pane.read()


def test_enter_in_the_list_chats(pane: Pane) -> None:
    pane.bring(pane.file("a.gguf"))
    pane.list.setFocus()
    QTest.keyClick(pane.list, Qt.Key.Key_Return)
    assert pane.heard == [("chosen", "a")]


def test_where_there_is_no_room_beside_the_list_a_choice_stands_for_it(qtbot: Any, look: Any, pane: Pane) -> None:
    pane.bring(pane.file("a.gguf"), pane.file("b.gguf", seed=2))
    choice = pane.view.findChild(QuietCombo)
    assert not choice.isVisible()
    look.use("light", 200)
    pane.view.resize(700, 400)
    qtbot.waitUntil(choice.isVisible)
    assert not pane.list.isVisible()
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Home)
    assert pane.controller.model().built_in
    QTest.keyClick(choice, Qt.Key.Key_Down)
    assert pane.controller.model().name == pane.names()[1] == choice.currentText()
    icons = [b for b in pane.view.findChildren(IconButton) if b.accessibleName() == "Import model…"]
    assert [(b.text(), b.toolTip()) for b in icons] == [("", "Import model…")]
    look.use("system", 100)
    pane.view.resize(900, 700)
    qtbot.waitUntil(pane.list.isVisible)
    assert not choice.isVisible()


def test_an_import_shows_its_progress_and_can_be_given_up(qtbot, look, tmp_path: Path) -> None:
    bugs: list[BaseException] = []
    tasks = Tasks(lambda _error: None, bugs.append)
    pane = Pane(qtbot, look, tmp_path, tasks.spawn)
    big = pane.file("big.gguf")
    with big.open("ab") as file:
        file.truncate(1_000_000_000)  # sparse: made at once, and long enough to copy
    seen: list[str] = []

    async def main() -> int:
        begun, ended = asyncio.Event(), asyncio.Event()
        pane.controller.coming.connect(lambda coming: (begun if coming else ended).set())
        pane.bring(big, pane.file("second.gguf", seed=5))
        async with asyncio.timeout(20):
            await begun.wait()
            seen.append(pane.view.findChild(ComingStrip).findChild(Label).text())
            pane.press("Cancel")
            await ended.wait()
        await tasks.close()
        return 0

    assert run(main()) == 0
    assert "Importing “big.gguf”… 1 more is waiting." in seen[0]
    assert pane.names() == ["Guide"]
    assert not list(pane.paths.models.iterdir())
    assert not bugs


def without_pre(path: Path) -> Path:
    """Makes a model's tokenizer one of the BPE kind; its name takes the byte that this saves."""

    def text(value: bytes) -> bytes:
        return len(value).to_bytes(8, "little") + value

    data = path.read_bytes()
    kind = (8).to_bytes(4, "little")  # GGUF's number for a text
    for key, old, new in ((b"tokenizer.ggml.model", b"llama", b"gpt2"), (b"general.name", b"Tiny", b"Tiny!")):
        assert data.count(key + kind + text(old)) == 1
        data = data.replace(key + kind + text(old), key + kind + text(new))
    path.write_bytes(data)
    return path


def test_a_bpe_model_without_its_pre_tokenizer_is_warned_of(pane: Pane, qtbot: Any, look: Any) -> None:
    pane.bring(pane.file("new.gguf"))
    assert "of an old kind" not in pane.read()
    pane.bring(without_pre(pane.file("old.gguf", seed=2)))
    assert "The file of “old” is of an old kind" in pane.bar.text
    details = pane.view.findChild(Details)
    assert any("“old” is of an old kind" in w.text() for w in details.findChildren(Label) if w.isVisible())
    pane.click(1)
    assert not any("of an old kind" in w.text() for w in details.findChildren(Label) if w.isVisible())
    again = ModelsView(look, ModelsController(pane.library, pane.preferences, at_once))  # the program's next start
    qtbot.addWidget(again)
    again.show()
    again.findChild(QListView).setCurrentIndex(again.findChild(QListView).model().index(2, 0))
    assert any("“old” is of an old kind" in w.text() for w in again.findChildren(Label) if w.isVisible())


def test_a_loss_that_is_small_is_not_none() -> None:
    assert "perplexity, the error of guessing, by 0.0026." in explained(BY_NAME["Q8_0"])
    assert "by 0.47." in explained(BY_NAME["Q4_0"])
