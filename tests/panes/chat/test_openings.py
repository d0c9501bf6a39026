"""The opening of a chat, and what goes on with a text instead of answering, by mouse and keys."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QMenu,
)

from desktop.core.chat import Opening
from desktop.panes.chat.edges import ModelChoice
from desktop.panes.chat.opening import OpeningDialog
from desktop.ui.labels import Label
from tests.panes.chat.hands import button, open_menu, pick, write


def entry(label):
    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    return next(a for a in menu.actions() if a.text() == label)


def test_a_guide_chat_has_no_opening_and_says_why(view, pane):
    write(view, "Hello", model=False)
    open_menu(view)
    opening = entry("Instruction and opening…")
    assert not opening.isEnabled()
    assert "from the help pages" in opening.toolTip()
    assert opening.parent().toolTipsVisible()
    assert entry("Show exact prompt").isEnabled()
    opening.parent().close()
    pane.controller.choose_model("mistral")
    open_menu(view)
    assert entry("Instruction and opening…").isEnabled()
    entry("Instruction and opening…").parent().close()


def completion_labels(view):
    return [w for w in view.composer.findChildren(Label) if w.text() == "Completion mode" and w.isVisible()]


def test_a_base_model_completes_and_says_so(view, pane, screen):
    write(view, "Hello")
    assert not screen.last.can_continue
    assert completion_labels(view) == []
    pane.controller.set_models([ModelChoice("mistral", "Mistral 7B", completes=True)])
    assert screen.last.can_continue
    assert len(completion_labels(view)) == 1
    open_menu(view)
    pick("Instruction and opening…")
    dialog = view.findChild(OpeningDialog)
    assert dialog.completion.isChecked()
    dialog.completion.click()
    dialog.template.setCurrentIndex(dialog.template.findData("ChatML"))
    QTest.mouseClick(button(dialog, "Save"), Qt.MouseButton.LeftButton)
    assert not screen.last.can_continue
    assert completion_labels(view) == []


def test_the_guide_does_not_complete_whatever_the_opening_says(view, pane, screen):
    write(view, "Hello")
    pane.controller.head.set_opening(Opening(completion=True))
    assert screen.last.can_continue
    assert len(completion_labels(view)) == 1
    pane.controller.choose_model("")
    assert not screen.last.can_continue
    assert completion_labels(view) == []
