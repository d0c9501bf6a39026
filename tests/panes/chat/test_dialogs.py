"""Dialogues that stand open while the window's language changes."""

from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QPushButton

from desktop.core.chat import Opening, Role, Turn
from desktop.core.talk import ExactPrompt
from desktop.panes.chat.opening import OpeningDialog
from desktop.panes.chat.prompt_dialog import PromptDialog
from desktop.ui import translation

CATALOGUE = Path(__file__).resolve().parents[3] / "resources" / "locale" / "ko" / "LC_MESSAGES" / "alcove.po"


@pytest.fixture
def to_korean(tmp_path, qapp):
    folder = tmp_path / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with CATALOGUE.open("rb") as source, (folder / "alcove.mo").open("wb") as compiled:
        write_mo(compiled, read_po(source))

    def switch():
        translation.use("ko", tmp_path)
        QApplication.processEvents()

    yield switch
    translation.use("en", tmp_path)


@pytest.fixture
def opened(qtbot):
    """Shows a dialogue; afterwards it is gone at once, not whenever memory is tidied up, in whichever thread."""
    shown = []

    def show(dialog):
        shown.append(dialog)
        dialog.show()
        return dialog

    yield show
    for dialog in shown:
        dialog.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def words(dialog):
    return [button.text() for button in dialog.findChildren(QPushButton)]


def test_the_exact_prompt_follows_the_language(opened, look, to_korean):
    dialog = opened(PromptDialog(look, ExactPrompt("<s>", ((1, "<s>"),))))
    assert words(dialog) == ["Copy", "Close"]
    to_korean()
    assert words(dialog) == ["복사", "닫기"]


def test_the_opening_follows_the_language_and_keeps_what_is_edited(opened, look, to_korean):
    opening = Opening("Be kind", (Turn(Role.ASSISTANT, "Hello"),), True, "ChatML")
    dialog = opened(OpeningDialog(look, opening, lambda *_: None))
    assert dialog.turns[0].role.currentText() == "Model"
    to_korean()
    assert dialog.turns[0].role.currentText() == "모델"
    assert "저장" in words(dialog)
    assert dialog.windowTitle() != "Instruction and opening"
    assert dialog.opening == opening


def test_an_opening_with_a_turn_of_the_system_is_shown(opened, look):
    opening = Opening("", (Turn(Role.SYSTEM, "Be brief"), Turn(Role.USER, "Hi")))
    dialog = opened(OpeningDialog(look, opening, lambda *_: None))
    assert [row.role.currentText() for row in dialog.turns] == ["System", "You"]
    assert dialog.opening == opening


def test_what_a_base_model_does_by_itself_is_shown_but_not_stored(opened, look):
    dialog = opened(OpeningDialog(look, Opening("Rule"), lambda *_: None, completes=True))
    assert dialog.completion.isChecked()
    assert dialog.opening == Opening("Rule")
    chosen = Opening("Rule", completion=True)
    dialog = opened(OpeningDialog(look, chosen, lambda *_: None, completes=True))
    assert dialog.opening == chosen


def test_a_template_ends_the_completion_of_a_base_model(opened, look):
    dialog = opened(OpeningDialog(look, Opening(template="ChatML"), lambda *_: None, completes=True))
    assert not dialog.completion.isChecked()
    dialog.completion.click()
    assert dialog.opening == Opening(completion=True, template="ChatML")
