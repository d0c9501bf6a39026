"""The chat pane by mouse and keys."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QTableView,
    QWidget,
)

from desktop.core.chat import Role
from desktop.core.errors import StorageError
from desktop.core.fit import Verdict
from desktop.core.talk import PRESETS, ContextUse
from desktop.panes.chat.edges import Work
from desktop.panes.chat.fitness import Fitness
from desktop.panes.chat.gauge import Panel
from desktop.panes.chat.opening import OpeningDialog
from desktop.panes.chat.prompt_dialog import PromptDialog
from desktop.panes.chat.rows import Part
from desktop.ui.buttons import IconButton
from desktop.ui.labels import Label
from desktop.ui.reading import Reading
from tests.panes.chat.hands import button, open_menu, pick, type_in, write
from tests.panes.chat.scripted import Script


def test_a_message_by_enter_and_by_the_button(view, pane):
    write(view, "Hello")
    assert pane.texts() == ["Hello", "A reply."]
    assert view.composer.text == ""
    QTest.keyClicks(view.composer.field, "More")
    QTest.mouseClick(view.composer.button, Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.texts()[2:] == ["More", "A reply."])
    pane.idle()
    assert view.composer.field.hasFocus()


@pytest.mark.parametrize("length", [1, 4000])
def test_whoever_turns_versions_by_keys_stays_on_the_button(view, pane, length):
    """Also where the reply is far longer than the window; at the last version on the button that leads back."""
    pane.controller.choose_model("mistral")
    pane.talk.scripts = [Script(("word " * (length + n),)) for n in range(3)]
    write(view, "Hello")
    for _again in range(2):
        pane.controller.regenerate(pane.controller.last_own())
        pane.idle()
    view.transcript.go_to_end()
    buttons = view.transcript.findChildren(IconButton)
    earlier = next(b for b in buttons if b.accessibleName() == "Earlier version" and b.isVisible())
    earlier.setFocus(Qt.FocusReason.TabFocusReason)
    seen = []
    for name in ("Earlier version", "Earlier version", "Later version", "Later version"):
        focused = QApplication.focusWidget()
        assert focused.accessibleName() == name
        QTest.keyClick(focused, Qt.Key.Key_Space)
        pane.idle()
        seen.append(len(pane.texts()[1].split()) - length)
        port, focused = view.transcript.viewport(), QApplication.focusWidget()
        assert port.rect().contains(focused.mapTo(port, focused.rect().center()))
    assert seen == [1, 0, 1, 2]
    assert focused.accessibleName() == "Earlier version"


def test_an_example_is_asked_by_one_click(view, pane):
    assert view.welcome.isVisible()
    example = view.welcome.examples[0]
    QTest.mouseClick(example, Qt.MouseButton.LeftButton)
    pane.until(lambda: view.transcript.isVisible())
    pane.idle()
    assert pane.texts()[0] == example.text()


def test_the_first_chat_leads_to_the_search_for_models(view, pane):
    heard = []
    view.welcome.find_wanted.connect(lambda: heard.append(True))
    QTest.mouseClick(view.welcome.search, Qt.MouseButton.LeftButton)
    assert heard == [True]


def test_the_examples_are_there_for_the_guide_only(view, pane):
    pane.controller.choose_model("mistral")
    assert not view.welcome.examples[0].isVisible()
    QTest.mouseClick(view.composer.model_button, Qt.MouseButton.LeftButton)
    pick("Guide")
    assert view.welcome.examples[0].isVisible()
    assert view.composer.model_button.accessibleName() == "Model: Guide"


@pytest.mark.parametrize("way", ["button", "escape"])
def test_stop(view, pane, way):
    pane.talk.scripts = [Script(("One ", "two"), hold=1)]
    pane.controller.choose_model("mistral")
    QTest.keyClicks(view.composer.field, "Count")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: pane.controller.activity.work is Work.WRITING)
    assert view.composer.button.accessibleName() == "Stop"
    if way == "button":
        QTest.mouseClick(view.composer.button, Qt.MouseButton.LeftButton)
    else:
        QTest.keyClick(view.composer.field, Qt.Key.Key_Escape)
    pane.idle()
    assert pane.texts() == ["Count", "One "]
    assert view.composer.button.accessibleName() == "Send"


def test_loading_shows_progress_and_can_be_cancelled(view, pane):
    pane.talk.scripts = [Script(loading=True)]
    pane.controller.choose_model("mistral")
    QTest.keyClicks(view.composer.field, "Hi")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: view.composer.progress.isVisible())
    assert view.composer.progress.label.text() == "Loading the model…"
    QTest.mouseClick(view.composer.progress.cancel, Qt.MouseButton.LeftButton)
    pane.idle()
    assert not view.composer.progress.isVisible()


def test_reading_a_long_prompt_is_counted(view, pane):
    pane.talk.scripts = [Script(hold=0)]
    pane.controller.choose_model("mistral")
    QTest.keyClicks(view.composer.field, "Hi")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: view.composer.progress.isVisible())
    assert view.composer.progress.label.text() == "Reading… 1,200 of 4,000 tokens"
    pane.controller.stop()
    pane.idle()


def test_the_gauge_tells_numbers_and_what_has_left(view, pane):
    pane.talk.use = ContextUse(1024, 4096)
    write(view, "Hello")
    pane.until(lambda: view.composer.gauge.isVisible())
    pane.talk.use = ContextUse(4000, 4096, frozenset({"x"}))
    pane.controller.measure("")
    pane.until(lambda: "greyed" in view.composer.gauge.toolTip())
    assert view.composer.gauge.accessibleName().startswith("Context: 4,000 of 4,096 tokens")


def test_the_gauge_tells_what_is_read_from_what_is_not(view, pane):
    pane.talk.use = ContextUse(1024, 4096, cached=1000)
    write(view, "Hello")
    said = "1,000 of them are read already, 24 are still to be read."
    pane.until(lambda: said in view.composer.gauge.toolTip())
    half = view.composer.gauge.grab().toImage()
    pane.talk.use = ContextUse(1024, 4096, cached=1024)
    pane.controller.measure("")
    pane.until(lambda: "All of it is read already." in view.composer.gauge.accessibleName())
    pane.talk.use = ContextUse(1024, 4096, cached=100)
    pane.controller.measure("")
    pane.until(lambda: "924 are still to be read." in view.composer.gauge.toolTip())
    assert view.composer.gauge.grab().toImage() != half
    pane.talk.use = ContextUse(1024, 4096)
    pane.controller.measure("")
    pane.until(lambda: view.composer.gauge.toolTip() == "Context: 1,024 of 4,096 tokens")


def test_the_opening_is_edited_and_kept(view, pane):
    write(view, "Hello")
    open_menu(view)
    pick("Instruction and opening…")
    dialog = view.findChild(OpeningDialog)
    korean = next(i for i, p in enumerate(PRESETS) if p.name == "Answer only in Korean")
    dialog.presets.setCurrentIndex(korean)
    dialog.presets.activated.emit(korean)
    QTest.keyClicks(dialog.instruction, "Be kind")
    QTest.mouseClick(button(dialog, "Add turn"), Qt.MouseButton.LeftButton)
    QTest.keyClicks(dialog.turns[-1].text, "one more")
    QTest.mouseClick(dialog.completion, Qt.MouseButton.LeftButton, pos=QPoint(8, dialog.completion.height() // 2))
    assert not dialog.template.isEnabled()
    QTest.mouseClick(button(dialog, "Save"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.wait(pane.chats.get(pane.controller.chat.id)).opening.completion)
    opening = pane.wait(pane.chats.get(pane.controller.chat.id)).opening
    assert opening.instruction == "Be kind"
    assert [t.role for t in opening.turns] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert opening.turns[1].text.startswith("네, 알겠습니다")


def test_the_exact_prompt_is_shown_and_copied(view, pane):
    write(view, "Hello")
    open_menu(view)
    pick("Show exact prompt")
    pane.until(lambda: view.findChild(PromptDialog) is not None)
    dialog = view.findChild(PromptDialog)
    tokens = dialog.findChild(QTableView).model()
    assert [tokens.index(1, c).data() for c in (0, 1)] == ["733", "[INST]"]
    QTest.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "<s>[INST] 안녕 [/INST]"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)


def test_rename_by_double_click_on_the_title(view, pane):
    write(view, "Hello")
    QTest.mouseDClick(view.header.title, Qt.MouseButton.LeftButton)
    QTest.keyClicks(view.header.field, "New name")
    QTest.keyClick(view.header.field, Qt.Key.Key_Return)
    pane.until(lambda: view.header.title.text() == "New name")
    assert pane.wait(pane.chats.get(pane.controller.chat.id)).titled


def test_clear_and_undo(view, pane):
    write(view, "Hello")
    open_menu(view)
    pick("Clear")
    pane.until(lambda: view.welcome.isVisible())
    pane.until(lambda: view.undo_bar.isVisible())
    QTest.mouseClick(button(view.undo_bar, "Undo"), Qt.MouseButton.LeftButton)
    pane.until(lambda: view.transcript.isVisible())
    assert pane.texts() == ["Hello", "A reply."]


def test_up_in_an_empty_composer_edits_the_last_own_message(view, pane):
    write(view, "Hello")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Up)
    pane.until(lambda: QApplication.focusWidget() is not view.composer.field)
    field = QApplication.focusWidget()
    assert field.toPlainText() == "Hello"
    QTest.keyClicks(field, "!")
    QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    pane.until(lambda: pane.texts()[0] in ("Hello!", "!Hello"))
    pane.idle()


def test_export_writes_the_file_that_was_chosen(view, pane, tmp_path):
    write(view, "Hello")
    open_menu(view)
    pick("Export…")
    dialog = view.findChild(QFileDialog)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    target = tmp_path / "대화.md"
    dialog.fileSelected.emit(str(target))
    pane.until(target.exists)
    dialog.close()
    pane.until(lambda: view.undo_bar.isVisible())
    pane.controller.files.import_files([target])
    pane.until(lambda: len(pane.controller.listing.chats) == 2)
    pane.until(lambda: view.transcript.isVisible())


def test_everything_reached_by_tab_has_a_name(view, pane):
    write(view, "Hello")
    nameless = []
    for widget in [*view.findChildren(QWidget), *view.sidebar.findChildren(QWidget)]:
        reachable = widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        text = getattr(widget, "text", lambda: "")
        if reachable and not widget.accessibleName() and not text():
            nameless.append(widget)
    assert nameless == []


def test_a_giant_paste_does_not_hold_the_window_up(view, pane):
    QGuiApplication.clipboard().setText("x" * 5_000_000)
    view.composer.field.paste()
    assert len(view.composer.text) == 5_000_000
    view.composer.put("")


def test_an_example_does_not_take_what_stands_in_the_field(view, pane):
    QTest.keyClicks(view.composer.field, "half a thought")
    QTest.mouseClick(view.welcome.examples[0], Qt.MouseButton.LeftButton)
    pane.until(lambda: view.transcript.isVisible())
    pane.idle()
    assert pane.texts()[0] == view.welcome.examples[0].text()
    assert view.composer.text == "half a thought"


def test_settings_of_a_chat_without_messages_make_no_chat(view, pane):
    wanted = []
    view.settings_wanted.connect(wanted.append)
    open_menu(view)
    pick("Chat settings…")
    assert wanted == [""]
    assert pane.wait(pane.chats.all()) == []


def test_where_room_is_short_the_conversation_gives_way(view, pane, look):
    write(view, "Hello")
    view.window().resize(900, 460)
    view.composer.put("one\ntwo\nthree\nfour")
    view.undo_bar.say("Message deleted", {}, "Undo")
    pane.controller.show_error(StorageError("The disk is full. " * 12))
    pane.until(lambda: view.notice_bar.isVisible())
    QApplication.processEvents()
    for part in (view.composer, view.undo_bar, view.notice_bar):
        needed = part.heightForWidth(part.width()) if part.hasHeightForWidth() else part.sizeHint().height()
        assert part.height() >= needed
    assert view.composer.mapTo(view, view.composer.rect().bottomLeft()).y() < view.height()


def test_the_hint_in_the_field_follows_the_text_size(view, look):
    def hint():
        image = view.composer.field.grab().toImage()
        return sum(image.pixelColor(x, y).lightness() < 200 for x in range(20, 240) for y in range(image.height()))

    small = hint()
    view.hide()
    look.use("light", 200)
    view.show()
    assert hint() > 1.5 * small


def test_tab_goes_from_the_conversation_to_the_composer(view, pane):
    write(view, "Hello")
    view.header.button.setFocus()
    passed = []
    while QApplication.focusWidget() is not view.composer.field and len(passed) < 60:
        passed.append(QApplication.focusWidget())
        QTest.keyClick(passed[-1], Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is view.composer.field
    assert any(view.transcript.isAncestorOf(widget) for widget in passed)
    assert not any(view.composer.isAncestorOf(widget) for widget in passed)


def test_a_question_that_waits_for_something_else_says_so_and_can_be_taken_back(view, pane, model_chat):
    """No other reply is written: the engine is at work for a load, or for whoever looks at an exact prompt."""
    pane.wait(pane.talk._turn.acquire())
    QTest.keyClicks(view.composer.field, "Hello")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.until(lambda: view.composer.progress.isVisible())
    assert pane.controller.activity.work is Work.WAITING
    assert view.composer.progress.label.text() == "Waiting for the model to be free…"
    view.composer.progress.cancel.click()
    pane.idle()
    pane.talk._turn.release()
    assert not view.composer.progress.isVisible()
    assert pane.texts() == ["Hello"]


def test_the_message_stands_in_line_with_the_conversation(view, pane):
    write(view, "Hello")
    reply = next(row for row in view.transcript.realised() if row.part is Part.TEXT)
    text = reply.widget.mapTo(view, QPoint(0, 0)).x()
    field = view.composer.field
    assert field.viewport().mapTo(view, QPoint(round(field.document().documentMargin()), 0)).x() == text
    assert abs(view.composer.model_button.mapTo(view, QPoint(6, 0)).x() - text) <= 2  # its icon


@pytest.mark.parametrize("height", [520, 900])
def test_the_message_grows_to_a_third_of_the_pane(view, pane, height):
    view.window().resize(1100, height)
    for _line in range(60):
        view.composer.field.insertPlainText("more\n")
    assert view.height() / 4 < view.composer.field.height() <= view.height() / 3 + 8


def test_the_quiet_line_tells_the_fit(view, pane):
    view.show_fit(Fitness(Verdict.TOO_LARGE, 9_000_000_000, 5_000_000_000))
    (said,) = [label for label in view.composer.findChildren(Label) if label.text().startswith("too large")]
    assert said.text() == "too large · 9.0 GB of 5.0 GB"
    assert "It needs 9.0 GB, and 5.0 GB are available." in said.accessibleDescription()
    view.show_fit(None)
    assert said.text() == said.accessibleDescription() == ""


def test_the_button_is_filled_where_it_does_something(view, pane):
    send = view.composer.button

    def fill():
        return send.grab().toImage().pixelColor(send.width() // 2, 4).name()

    assert fill() == view._look.colours.hover
    QTest.keyClicks(view.composer.field, "Hi")
    assert fill() == view._look.colours.accent


def test_the_panel_names_what_leaves_next(view, pane):
    pane.talk.use = ContextUse(3000, 4096)
    write(view, "Hello there")
    question = pane.controller.chat.tip and view.transcript.entries[0].view.id
    pane.talk.use = ContextUse(3000, 4096, leaving=(question, "not here"), leaving_tokens=900)
    pane.controller.measure("")
    pane.until(lambda: view.composer.gauge.isVisible())
    QTest.mouseClick(view.composer.gauge, Qt.MouseButton.LeftButton)
    panel = view.window().findChild(Panel)
    pane.until(lambda: any("“Hello there”" in label.text() for label in panel.findChildren(Label)))


def test_what_is_typed_after_an_edit_is_the_next_message(view, pane):
    write(view, "Helo")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Up)
    field = QApplication.focusWidget()
    assert field is not view.composer.field
    QTest.keyClicks(field, "?")
    QTest.keyClick(field, Qt.Key.Key_Return)
    pane.idle()
    pane.until(lambda: pane.texts()[0] == "Helo?")
    QTest.keyClicks(QApplication.focusWidget(), "and then")
    assert view.composer.text == "and then"


@pytest.mark.parametrize("place", ["the conversation", "its text", "a button"])
def test_letters_typed_where_one_reads_are_for_the_message(view, pane, place):
    write(view, "Hello")
    buttons = (b for b in view.transcript.findChildren(IconButton) if b.isVisible() and b.accessibleName() == "Copy")
    focus = {
        "the conversation": view.transcript,
        "its text": view.transcript.findChild(Reading),
        "a button": next(buttons),
    }[place]
    focus.setFocus()
    QTest.keyClick(focus, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)  # no letter
    assert view.composer.text == ""
    QTest.keyClicks(QApplication.focusWidget(), "n")
    QTest.keyClicks(QApplication.focusWidget(), "ow")
    assert view.composer.text == "now"
    assert view.composer.field.hasFocus()


def test_a_syllable_composed_in_the_conversation_is_for_the_message(view, pane):
    write(view, "Hello")
    view.transcript.setFocus()
    assert view.transcript.inputMethodQuery(Qt.InputMethodQuery.ImEnabled)
    QApplication.sendEvent(view.transcript, QInputMethodEvent("그", []))
    assert view.composer.field.composing == "그"
    type_in(view.transcript, "그")
    assert view.composer.text == "그"
    assert view.composer.field.hasFocus()


@pytest.mark.parametrize("width", [700, 1180])
def test_the_greeting_stands_above_the_middle_of_the_composer(view, pane, width):
    view.resize(width, 900)
    pane.until(lambda: view.welcome.examples[0].isVisible())

    def middle(widget):
        return widget.mapTo(view, QPoint(0, 0)).x() * 2 + widget.width()

    assert abs(middle(view.welcome.examples[0]) - middle(view.composer)) <= 2  # a pixel
