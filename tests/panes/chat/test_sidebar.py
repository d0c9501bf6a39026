"""The list of chats by mouse and keys."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QLineEdit,
    QMessageBox,
)

from desktop.panes.chat.listing import RowKind
from tests.panes.chat.hands import button, click_row, open_menu, pick, row_of, shown_rows, type_in, write


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
    with pane.qtbot.waitSignal(view.search_wanted):
        view.search()  # by Edit → Find…
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
    pane.controller.head.to_bin()
    pane.until(lambda: [r.kind for r in shown_rows(view)] == [RowKind.BIN])
    click_row(view, 0)
    pane.until(lambda: [r.kind for r in shown_rows(view)] == [RowKind.BIN, RowKind.BINNED])
    view.sidebar._menu(shown_rows(view)[0], QPoint(0, 0))
    pick("Empty the bin…")
    asking = view.sidebar.findChild(QMessageBox)
    QTest.mouseClick(button(asking, "Empty the bin"), Qt.MouseButton.LeftButton)
    pane.until(lambda: shown_rows(view) == [])
    assert pane.wait(pane.chats.all(binned=True)) == []
