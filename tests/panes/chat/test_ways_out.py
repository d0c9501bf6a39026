"""What went wrong is said, and one click leads on."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.core.errors import EngineDied, ModelFileError, TemplateError
from desktop.panes.chat.body import NoteBody
from desktop.panes.chat.opening import OpeningDialog
from desktop.ui.buttons import IconButton
from tests.panes.chat.hands import button, write
from tests.panes.chat.scripted import Script


def test_an_error_is_said_in_place_with_its_way_out(view, pane):
    pane.talk.scripts = [Script(error=EngineDied("The engine stopped: {cause}.", cause="out of memory"))]
    pane.talk.safer_settings = {"context": 2048, "repack": False}
    write(view, "Hello")
    pane.until(lambda: bool(view.notice_bar.toolTip()))
    assert view.notice_bar.text == "The engine stopped: out of memory."
    assert view.notice_bar.toolTip() == "Context: 2,048 tokens\nRepack for this processor: Off"
    QTest.mouseClick(button(view.notice_bar, "Use safer settings"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.talk.reloaded == [{"context": 2048, "repack": False}])
    pane.idle()
    assert not view.notice_bar.isVisible()


def test_a_question_that_got_no_reply_is_asked_again_by_one_click(view, pane):
    pane.talk.scripts = [Script(unloadable=ModelFileError("The file is not there."))]
    write(view, "Hello")
    assert pane.texts() == ["Hello"]
    QTest.mouseClick(button(view.notice_bar, "Try again"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.texts() == ["Hello", "A reply."])
    pane.idle()
    assert not view.notice_bar.isVisible()


def test_a_missing_template_leads_to_the_opening(view, pane):
    pane.talk.refuse = TemplateError("Choose a template.")
    pane.controller.choose_model("mistral")
    QTest.keyClicks(view.composer.field, "Hi")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: view.notice_bar.isVisible())
    assert view.composer.text == "Hi"
    QTest.mouseClick(button(view.notice_bar, "Choose template…"), Qt.MouseButton.LeftButton)
    dialog = view.findChild(OpeningDialog)
    dialog.template.setFocus()
    QTest.keyClicks(dialog.template, "ChatML")
    pane.until(lambda: dialog.shown.toPlainText() == "ChatML: ")
    QTest.mouseClick(button(dialog, "Save"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.wait(pane.chats.get(pane.controller.chat.id)).opening.template == "ChatML")


def test_an_interrupted_reply_goes_on_by_one_click(view, pane):
    died = EngineDied("The engine stopped.")
    pane.talk.scripts = [Script(("half ",), error=died, note="The engine stopped."), Script(("whole",))]
    write(view, "Hello")
    note = view.transcript.findChild(NoteBody)
    QTest.mouseClick(button(note, "Continue"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.texts() == ["Hello", "half whole"])
    pane.idle()
    pane.until(lambda: not any(note.isVisible() for note in view.transcript.findChildren(NoteBody)))


def test_a_bar_about_a_reply_that_is_not_whole_goes_on_with_it(view, pane):
    died = EngineDied("The engine stopped.")
    pane.talk.scripts = [Script(("half ",), error=died), Script(("whole",))]
    write(view, "Hello")
    QTest.mouseClick(button(view.notice_bar, "Continue"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.texts() == ["Hello", "half whole"])
    pane.idle()
    assert not view.notice_bar.isVisible()


def test_a_question_whose_reply_was_stopped_early_is_asked_again_where_it_stands(view, pane):
    pane.talk.scripts = [Script(loading=True)]
    pane.controller.choose_model("mistral")
    QTest.keyClicks(view.composer.field, "Hi")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: view.composer.progress.isVisible())
    QTest.mouseClick(view.composer.progress.cancel, Qt.MouseButton.LeftButton)
    pane.idle()
    again = next(b for b in view.transcript.findChildren(IconButton) if b.accessibleName() == "Get a reply")
    assert again.isVisible()
    assert not again.quiet
    QTest.mouseClick(again, Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.texts() == ["Hi", "A reply."])
    pane.idle()
