"""The list of chats by mouse and keys."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QMessageBox,
    QStyle,
    QStyleOptionViewItem,
)

from desktop.panes.chat.listing import RowKind
from tests.panes.chat.hands import button, click_row, open_menu, pick, row_of, shown_rows, type_in, write

DARK = 150  # of 255: ink, on the ground of a row or of one under the pointer


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


def hits(view):
    return [row for row in shown_rows(view) if row.kind is RowKind.HIT]


@pytest.mark.parametrize("key", [Qt.Key.Key_Down, Qt.Key.Key_Return])
def test_a_search_goes_on_by_keys_also_before_its_results_are_there(view, pane, key):
    write(view, "Hello")
    first = pane.controller.chat.id
    view.new_chat()
    view.search()
    QTest.keyClicks(view.sidebar.search, "Hello")
    QTest.keyClick(view.sidebar.search, key)
    if key == Qt.Key.Key_Down:
        pane.until(view.sidebar.list.hasFocus)
        assert view.sidebar.rows.row(view.sidebar.list.currentIndex()) == hits(view)[0]
        QTest.keyClick(view.sidebar.list, Qt.Key.Key_Return)
    pane.until(lambda: pane.controller.chat.id == first)
    assert view.composer.field.hasFocus()


@pytest.mark.parametrize("place", ["search", "list"])
def test_escape_ends_a_search(view, pane, place):
    write(view, "Hello")
    view.search()
    QTest.keyClicks(view.sidebar.search, "Hello")
    QTest.keyClick(view.sidebar.search, Qt.Key.Key_Down)
    pane.until(view.sidebar.list.hasFocus)
    QTest.keyClick(getattr(view.sidebar, place), Qt.Key.Key_Escape)
    assert view.sidebar.search.text() == ""
    assert hits(view) == []
    assert view.composer.field.hasFocus()


def test_results_are_seen_from_the_first(view, pane):
    for number in range(60):
        pane.wait(pane.chats.create(title=f"Soup {number}"))
    pane.wait(pane.controller.listing.load())
    bar = view.sidebar.list.verticalScrollBar()
    bar.setValue(bar.maximum())
    QTest.keyClicks(view.sidebar.search, "Soup")
    pane.until(lambda: len(hits(view)) == 60)
    assert bar.value() == 0


def test_after_a_click_the_keys_mean_the_chat_and_a_letter_the_message(view, pane):
    write(view, "Hello")
    first = pane.controller.chat.id
    view.new_chat()
    click_row(view, row_of(view, "Hello"))
    pane.until(lambda: pane.controller.chat.id == first)
    assert view.sidebar.list.hasFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F2)
    assert view.sidebar.list.editing
    QTest.keyClick(view.sidebar.list.findChild(QLineEdit), Qt.Key.Key_Escape)
    view.sidebar.list.setFocus()
    QTest.keyClick(view.sidebar.list, "h")
    assert view.composer.field.hasFocus()
    assert view.composer.text == "h"
    view.sidebar.list.setFocus()
    QTest.keyClick(view.sidebar.list, Qt.Key.Key_Delete)
    pane.until(lambda: [r.kind for r in shown_rows(view)] == [RowKind.BIN])


@pytest.mark.parametrize("way", ["menu", "key"])
def test_one_chat_in_the_bin_is_deleted_for_good_after_asking(view, pane, way):
    for title in ("One", "Two"):
        made = pane.wait(pane.chats.create(title=title))
        pane.wait(pane.chats.bin(made.id))
    pane.wait(pane.controller.listing.load())
    pane.controller.listing.open_bin(True)
    row = row_of(view, "One")
    if way == "menu":
        view.sidebar._menu(shown_rows(view)[row], QPoint(0, 0))
        pick("Delete forever")
    else:
        view.sidebar.list.setCurrentIndex(view.sidebar.rows.index(row))
        QTest.keyClick(view.sidebar.list, Qt.Key.Key_Delete)
    asking = view.sidebar.findChild(QMessageBox)
    assert len(pane.wait(pane.chats.all(binned=True))) == 2
    QTest.mouseClick(button(asking, "Delete forever"), Qt.MouseButton.LeftButton)
    pane.until(lambda: [r.text for r in shown_rows(view)][1:] == ["Two"])
    assert [c.title for c in pane.wait(pane.chats.all(binned=True))] == ["Two"]


def test_the_points_of_a_row_open_its_menu_and_not_its_chat(view, pane):
    write(view, "Hello")
    first = pane.controller.chat.id
    view.new_chat()
    chats, index = view.sidebar.list, view.sidebar.rows.index(row_of(view, "Hello"))
    points = chats.painter.more(chats.visualRect(index))
    QTest.mouseClick(chats.viewport(), Qt.MouseButton.LeftButton, pos=points.center())
    pick("Pin")
    pane.until(lambda: shown_rows(view)[0].text == "Pinned")
    assert pane.controller.chat.id != first


def test_a_row_under_the_pointer_shows_points_and_its_title_stays(view, pane):
    write(view, "Hello")
    view.new_chat()
    chats, index = view.sidebar.list, view.sidebar.rows.index(row_of(view, "Hello"))
    row = chats.visualRect(index)
    points = chats.painter.more(row)
    title = row.adjusted(0, 0, -points.width() - 4, 0)

    def drawn(place, hovered):
        picture = QPixmap(row.size())
        picture.fill(Qt.GlobalColor.white)
        option = QStyleOptionViewItem()
        option.rect = picture.rect()
        option.state = QStyle.StateFlag.State_MouseOver if hovered else QStyle.StateFlag.State_None
        painter = QPainter(picture)
        chats.painter.paint(painter, option, index)
        painter.end()
        seen = picture.copy(place.translated(-row.topLeft())).toImage()
        columns = range(seen.width())
        inked = [x for x in columns if any(seen.pixelColor(x, y).lightness() < DARK for y in range(seen.height()))]
        return (min(inked), max(inked)) if inked else None

    assert drawn(points, True)
    assert not drawn(points, False)
    assert drawn(title, True) == pytest.approx(drawn(title, False), abs=1)


def test_undo_opens_the_chat_again_that_was_open(view, pane):
    write(view, "Hello")
    chat_id = pane.controller.chat.id
    pane.controller.head.to_bin()
    pane.until(lambda: view.sidebar.undo_bar.isVisible())
    assert pane.controller.chat.id != chat_id
    QTest.mouseClick(button(view.sidebar.undo_bar, "Undo"), Qt.MouseButton.LeftButton)
    pane.until(lambda: pane.controller.chat.id == chat_id)
    assert view.composer.field.hasFocus()


def test_the_row_is_filled_only_while_its_chat_is_seen(view, pane):
    write(view, "Hello")
    index = view.sidebar.rows.index_of(pane.controller.chat.id)
    place = view.sidebar.list.visualRect(index)

    def ground() -> QColor:
        return view.sidebar.list.viewport().grab(place).toImage().pixelColor(place.width() // 2, 4)

    filled = ground()
    view.hide()
    assert ground() != filled
    view.show()
    assert ground() == filled
