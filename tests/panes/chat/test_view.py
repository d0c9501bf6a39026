"""The chat pane by mouse and keys."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QTableView,
    QWidget,
)

from desktop.core.chat import Role
from desktop.core.errors import EngineDied, ModelFileError, TemplateError
from desktop.core.talk import PRESETS, ContextUse
from desktop.panes.chat.edges import Work
from desktop.panes.chat.listing import RowKind
from desktop.panes.chat.opening import OpeningDialog
from desktop.panes.chat.prompt_dialog import PromptDialog
from desktop.panes.chat.view import ChatView
from tests.panes.chat.scripted import Script


@pytest.fixture
def view(pane, look, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    view = ChatView(look, pane.controller)
    line = QHBoxLayout(window)
    line.addWidget(view.sidebar, 1)
    line.addWidget(view, 3)
    window.resize(1100, 700)
    window.show()
    pane.controller.start()
    pane.wait(pane.controller.listing.load())
    view.pane = pane
    yield view
    window.close()


def type_in(field, text):
    """By keys, or, what no key gives, by an input method."""
    if text.isascii():
        QTest.keyClicks(field, text)
    else:
        event = QInputMethodEvent("", [])
        event.setCommitString(text)
        QApplication.sendEvent(field, event)


def write(view, text, *, model=True):
    """Types a message, sends it by Enter, and waits for the reply."""
    if model and not view.pane.controller.chat.id:
        view.pane.controller.choose_model("mistral")
    type_in(view.composer.field, text)
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    view.pane.until(lambda: not view.pane.controller.empty)
    view.pane.idle()


def pick(label):
    """Chooses an entry of the menu that is open."""
    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    next(a for a in menu.actions() if a.text() == label).trigger()
    menu.close()


def button(parent, label):
    return next(b for b in parent.findChildren(QPushButton) if b.text() == label)


def shown_rows(view):
    """The rows that can be clicked; the listing's own may be newer by a moment."""
    rows = view.sidebar.rows
    return [rows.row(rows.index(number)) for number in range(rows.rowCount())]


def row_of(view, text):
    return next(i for i, row in enumerate(shown_rows(view)) if row.text == text)


def click_row(view, number):
    place = view.sidebar.list.visualRect(view.sidebar.rows.index(number)).center()
    QTest.mouseClick(view.sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=place)


def open_menu(view):
    QTest.mouseClick(view.header.button, Qt.MouseButton.LeftButton)


def test_a_message_by_enter_and_by_the_button(view, pane):
    write(view, "Hello")
    assert pane.texts() == ["Hello", "A reply."]
    assert view.composer.text == ""
    QTest.keyClicks(view.composer.field, "More")
    QTest.mouseClick(view.composer.button, Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.texts()[2:] == ["More", "A reply."])
    pane.idle()
    assert view.composer.field.hasFocus()


def test_an_example_is_asked_by_one_click(view, pane):
    assert view.welcome.isVisible()
    example = view.welcome.examples[0]
    QTest.mouseClick(example, Qt.MouseButton.LeftButton)
    pane.until(lambda: view.transcript.isVisible())
    pane.idle()
    assert pane.texts()[0] == example.text()


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


def test_the_opening_is_edited_and_kept(view, pane):
    write(view, "Hello")
    open_menu(view)
    pick("Opening…")
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


def test_new_chat_keeps_the_draft_of_the_old_one(view, pane):
    write(view, "Hello")
    first = pane.controller.chat.id
    QTest.keyClicks(view.composer.field, "half a thought")
    QTest.mouseClick(view.sidebar.new_button, Qt.MouseButton.LeftButton)
    assert view.composer.text == ""
    click_row(view, row_of(view, "Hello"))
    pane.until(lambda: pane.controller.chat.id == first)
    assert view.composer.text == "half a thought"


def test_search_finds_in_all_text_and_opens_at_the_message(view, pane):
    write(view, "무엇을 먹을까요")
    view.new_chat()
    found = []
    pane.controller.found.connect(lambda *what: found.append(what))
    QTest.keyClick(view.composer.field, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert view.sidebar.search.hasFocus()
    type_in(view.sidebar.search, "먹을")
    pane.until(lambda: any(r.kind is RowKind.HIT and r.message_id for r in shown_rows(view)))
    rows = shown_rows(view)
    hit = next(i for i, r in enumerate(rows) if r.message_id)
    assert [rows[hit].snippet[a:b] for a, b in rows[hit].marks] == ["먹을"]
    click_row(view, hit)
    pane.until(lambda: found == [(rows[hit].message_id, "먹을")])
    assert view.transcript.isVisible()


def test_a_chat_is_renamed_pinned_and_binned_by_keys(view, pane):
    write(view, "Hello")
    chats = view.sidebar.list
    chats.setFocus()
    chats.setCurrentIndex(view.sidebar.rows.index(row_of(view, "Hello")))
    QTest.keyClick(chats, Qt.Key.Key_F2)
    field = chats.findChild(QLineEdit)
    field.selectAll()
    QTest.keyClicks(field, "Renamed")
    QTest.keyClick(field, Qt.Key.Key_Return)
    pane.until(lambda: any(r.text == "Renamed" for r in shown_rows(view)))
    open_menu(view)
    pick("Pin")
    pane.until(lambda: shown_rows(view)[0].text == "Pinned")
    chats.setCurrentIndex(view.sidebar.rows.index(row_of(view, "Renamed")))
    QTest.keyClick(chats, Qt.Key.Key_Delete)
    pane.until(lambda: view.sidebar.undo_bar.isVisible())
    assert [r.kind for r in shown_rows(view)] == [RowKind.BIN]
    QTest.mouseClick(button(view.sidebar.undo_bar, "Undo"), Qt.MouseButton.LeftButton)
    pane.until(lambda: shown_rows(view)[0].text == "Pinned")


def test_the_bin_opens_and_is_emptied_after_asking(view, pane):
    write(view, "Hello")
    pane.controller.to_bin()
    pane.until(lambda: [r.kind for r in shown_rows(view)] == [RowKind.BIN])
    click_row(view, 0)
    pane.until(lambda: [r.kind for r in shown_rows(view)] == [RowKind.BIN, RowKind.BINNED])
    view.sidebar._menu(shown_rows(view)[0], QPoint(0, 0))
    pick("Empty the bin…")
    asking = view.sidebar.findChild(QMessageBox)
    QTest.mouseClick(button(asking, "Empty the bin"), Qt.MouseButton.LeftButton)
    pane.until(lambda: shown_rows(view) == [])
    assert pane.wait(pane.chats.all(binned=True)) == []


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
