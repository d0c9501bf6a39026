"""Models, settings and files without a mouse, over a Hub that stalls: found, fetched, used and put away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QSlider,
    QTabBar,
    QWidget,
)

from desktop.core.settings import BY_KEY
from desktop.services.paths import Paths
from desktop.ui.menus import Command
from tests.access.conftest import stalling_hub
from tests.access.places import chat_file
from tests.flows.person import Person, until
from tests.flows.program import Program
from tests.flows.test_keyboard_journey import CONTROL, Watch, focused, named, palette, press, tab_to
from tests.hub.shapes import MISTRAL_REPO

__all__ = ["stalling_hub"]
KEY = Qt.Key


async def tab_till(person: Person, start: str) -> QWidget:
    """Tab by Tab to the control whose name begins so."""
    passed: list[str] = []
    while not named(focused()).startswith(start):
        passed.append(named(focused()))
        assert len(passed) < 90, passed
        await press(person, KEY.Key_Tab)
    return focused()


async def modal(kind: type[QWidget] = QWidget) -> QWidget:
    dialog = await until(QApplication.activeModalWidget)
    assert isinstance(dialog, kind), dialog
    dialog.activateWindow()  # off screen nobody does
    await until(lambda: QApplication.focusWidget() is not None and dialog.isAncestorOf(QApplication.focusWidget()))
    return dialog


async def tab_in(dialog: QWidget, person: Person, name: str) -> None:
    """Within a dialogue, which is in front of the window."""
    for _stop in range(20):
        if named(focused()) == name:
            return
        person.key(KEY.Key_Tab)
    raise AssertionError(f"the Tab key does not come to {name}")


async def answer_with(person: Person, path: Path) -> None:
    """Types a path into the dialogue that asks for a file."""
    dialog = await modal(QFileDialog)
    field = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(field, QLineEdit)
    field.selectAll()
    field.insert(str(path))  # in one go: its completer would open a list for every letter
    person.key(KEY.Key_Return, field=field)
    await until(lambda: QApplication.activeModalWidget() is not dialog)


async def import_by_a_dialogue(person: Person, model: Path) -> None:
    await palette(person, "import mod", "Import model…")
    await answer_with(person, model)
    dialog = await modal()
    assert named(focused()) == "Copy"
    person.key(KEY.Key_Down)  # to the next of the three ways
    assert named(focused()) == "Link"
    person.key(KEY.Key_Return)  # the main button
    await until(lambda: QApplication.activeModalWidget() is not dialog)
    await until(lambda: model.stem in person.rows("Models on this computer"))
    await person.active()


async def rename_and_bin(person: Person, model: Path) -> None:
    await tab_to(person, "Models on this computer")
    rows = person.list("Models on this computer")
    while rows.currentIndex().data() != model.stem:
        await press(person, KEY.Key_Down)
    await press(person, KEY.Key_F2)
    (field,) = await until(lambda: person.all(QLineEdit, "Name of the model"))
    await until(field.hasFocus)
    await press(person, KEY.Key_A, CONTROL)
    person.type("mio", field)
    await press(person, KEY.Key_Return)
    await until(lambda: "mio" in person.rows("Models on this computer"))
    assert focused().isVisible()
    while not rows.hasFocus():
        await press(person, KEY.Key_Tab)
    await press(person, KEY.Key_Delete)
    await until(lambda: "mio" not in person.rows("Models on this computer"))
    await press(person, KEY.Key_Z, CONTROL)
    await until(lambda: "mio" in person.rows("Models on this computer"))


async def settings_of_a_model(person: Person) -> None:
    await press(person, KEY.Key_Comma, CONTROL)
    (level,) = await until(lambda: person.all(QComboBox, "For which chats"))
    while not level.hasFocus():
        await press(person, KEY.Key_Tab)
    await press(person, KEY.Key_Down)
    await until(lambda: level.currentText() == "For mio")
    await until(lambda: person.all(QSlider, "Temperature"))
    slider = await tab_till(person, "Temperature")
    assert isinstance(slider, QSlider)
    before = slider.accessibleDescription()
    await press(person, KEY.Key_Right)
    assert slider.accessibleDescription() != before
    await press(person, KEY.Key_Tab)
    assert isinstance(focused(), QAbstractSpinBox)
    while not level.hasFocus():
        await press(person, KEY.Key_Tab)
    await press(person, KEY.Key_Up)
    await until(lambda: level.currentText() == "For all chats")


async def find_and_fetch(person: Person) -> None:
    await palette(person, "find a mod", "Find a model…")
    (field,) = await until(lambda: person.all(QLineEdit, "Search for models"))
    await until(field.hasFocus)
    person.type(MISTRAL_REPO, field)
    await press(person, KEY.Key_Return)
    await until(lambda: [b for b in person.all(QAbstractButton) if b.accessibleName().startswith("Q4_K_M, ")])
    slider = await tab_till(person, "Context")
    before = slider.accessibleDescription()
    await press(person, KEY.Key_Left)
    assert slider.accessibleDescription() != before
    await tab_till(person, "Q4_K_M, ")  # the recommended one
    await press(person, KEY.Key_Home)
    assert named(focused()).startswith("Q2_K, ")
    while not named(focused()).startswith("Q4_K_M, "):
        await press(person, KEY.Key_Down)  # from row to row
    await press(person, KEY.Key_Return)
    await until(lambda: person.sees("Download"))
    await tab_to(person, "Download")
    await press(person, KEY.Key_Return)
    await until(lambda: person.sees("Pause"))
    (tabs,) = person.all(QTabBar)
    while not tabs.hasFocus():
        await press(person, KEY.Key_Tab)
    await press(person, KEY.Key_Right)
    await until(lambda: any(arrived.value() > 0 for arrived in person.all(QProgressBar)))
    for does, then in (("Pause", "Resume"), ("Resume", "Pause")):
        await until(lambda does=does: person.sees(does))
        await tab_to(person, does)
        await press(person, KEY.Key_Space)
        await until(lambda then=then: person.sees(then))
        assert focused().isVisible()
    await tab_to(person, "Cancel")
    await press(person, KEY.Key_Return)
    dialog = await modal()
    await tab_in(dialog, person, "Cancel the download")
    person.key(KEY.Key_Space)
    await until(lambda: QApplication.activeModalWidget() is None and not person.sees("Cancel"))
    await person.active()


async def seal_and_speak(person: Person) -> None:
    """Offline and back, and Korean, each by the setting's own control."""
    written = Paths(Path(os.environ["ALCOVE_HOME"])).preferences
    for wanted in (True, False):
        await palette(person, "offline", BY_KEY["offline"].label)
        await until(lambda: named(focused()).startswith(BY_KEY["offline"].label))
        switch = focused()
        assert isinstance(switch, QAbstractButton)
        await press(person, KEY.Key_Space)
        await until(lambda wanted=wanted: ("offline = true" in written.read_text()) is wanted)
        assert switch.isChecked() is wanted
    await palette(person, "language", "Language")
    await until(lambda: named(focused()) == "Language")
    new_chat = person.window.menus.action(Command.NEW_CHAT)
    for key, language, said in ((KEY.Key_Down, "ko", "새 대화"), (KEY.Key_Up, "en", "New chat")):
        await press(person, key)
        await until(lambda language=language: f'language = "{language}"' in written.read_text(), written.read_text)
        await until(lambda said=said: new_chat.text() == said, new_chat.text)
        assert isinstance(focused(), QComboBox)  # it is still there, in the other language


async def versions_code_and_export(person: Person, exported: Path) -> None:
    """The reply with code: another version and back, the code alone copied, the chat written to a file."""
    await until(lambda: any("Everything" in row for row in person.rows()), person.rows)
    await person.active()
    await palette(person, "everything", "Everything")
    await until(lambda: person.versions)
    person.all(QPlainTextEdit, "Message")[0].setFocus()
    await press(person, KEY.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    await tab_to(person, "Earlier version")
    await press(person, KEY.Key_Space)
    await until(lambda: "Otherwise." in person.conversation, lambda: person.conversation)
    assert named(focused()) == "Later version"  # the button that was pressed is gone: this was the first
    await press(person, KEY.Key_Space)
    await until(lambda: any("print(1)" in said for said in person.conversation), lambda: person.conversation)
    await tab_to(person, "Code")
    await tab_to(person, "Copy code")
    await press(person, KEY.Key_Return)
    await until(lambda: QApplication.clipboard().text().strip() == "print(1)", QApplication.clipboard().text)
    await palette(person, "export chat", "Export chat…")
    await answer_with(person, exported)
    await until(exported.exists)


async def a_day_with_models(person: Person, model: str, chat: str, exported: str) -> None:
    watch = Watch()
    QApplication.instance().installEventFilter(watch)
    await import_by_a_dialogue(person, Path(model))
    await rename_and_bin(person, Path(model))
    await settings_of_a_model(person)
    await find_and_fetch(person)
    await seal_and_speak(person)
    await palette(person, "import chats", "Import chats…")
    await answer_with(person, Path(chat))
    await versions_code_and_export(person, Path(exported))
    assert [seen for seen in watch.seen if not isinstance(seen, tuple)] == []  # nothing by mouse


@pytest.mark.usefixtures("stalling_hub")
def test_models_settings_and_files_by_keys(alcove: Program, brief: Path, tmp_path: Path) -> None:
    exported = tmp_path / "대화 l'una.md"
    chat = chat_file(tmp_path / "all.json", brief.stem)
    alcove.live(a_day_with_models, brief, chat, exported)
    assert "print(1)" in exported.read_text("utf-8")
