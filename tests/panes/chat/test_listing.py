import time
from datetime import datetime

from desktop.core.chat import Chat
from desktop.panes.chat.chat_rows import ChatRows, spoken, titled
from desktop.panes.chat.edges import Work
from desktop.panes.chat.listing import Row, RowKind, by_day
from desktop.panes.chat.sidebar import Sidebar
from desktop.services.paths import resources
from desktop.ui import formats, translation

NOW = datetime(2026, 11, 19, 15, 0)  # a Thursday


def chat(title, when, **more):
    return Chat(title, title, 0, when.timestamp(), **more)


def test_chats_stand_under_their_day():
    chats = [
        chat("pinned", datetime(2020, 1, 1), pinned=True),
        chat("now", NOW),
        chat("midnight", datetime(2026, 11, 19)),
        chat("last night", datetime(2026, 11, 18, 23, 59)),
        chat("monday", datetime(2026, 11, 16)),
        chat("sunday", datetime(2026, 11, 15, 23)),
        chat("october", datetime(2026, 10, 31, 23)),
        chat("october too", datetime(2026, 10, 1)),
        chat("a year ago", datetime(2025, 10, 1)),
    ]
    groups = [(heading, [c.title for c in members]) for heading, _when, members in by_day(chats, NOW)]
    assert groups == [
        ("Pinned", ["pinned"]),
        ("Today", ["now", "midnight"]),
        ("Yesterday", ["last night"]),
        ("This week", ["monday"]),
        ("This month", ["sunday"]),
        ("", ["october", "october too"]),
        ("", ["a year ago"]),
    ]


def test_older_months_carry_their_name(qapp):
    october = Row(RowKind.HEADER, when=datetime(2025, 10, 1).timestamp())
    assert titled(october) == "October 2025"
    translation.use("it", resources() / "locale")
    try:
        assert titled(october) == "Ottobre 2025"  # as "Oggi" and "Ieri" above it
        assert formats.month(october.when) == "ottobre 2025"  # within a line, as the language has it
    finally:
        translation.use("en", resources() / "locale")


def test_what_is_drawn_is_also_said(qapp):
    row = Row(RowKind.CHAT, "Soup", "1", pinned=True, work=Work.WRITING)
    assert spoken(row) == "Soup, pinned, a reply is being written"
    assert spoken(Row(RowKind.CHAT, "", "1", unread=True)) == "New chat, new reply"
    assert spoken(Row(RowKind.HIT, "Soup", "1", snippet="with leek")) == "Soup, with leek"


def test_the_same_chats_again_are_an_update_and_not_another_list(qtbot):
    rows = ChatRows()
    rows.replace([Row(RowKind.CHAT, "a", "1"), Row(RowKind.CHAT, "b", "2")])
    with qtbot.assertNotEmitted(rows.modelReset), qtbot.waitSignal(rows.dataChanged):
        rows.replace([Row(RowKind.CHAT, "a", "1"), Row(RowKind.CHAT, "b", "2", unread=True)])
    with qtbot.waitSignal(rows.modelReset):
        rows.replace([Row(RowKind.CHAT, "b", "2")])


def test_a_list_of_five_thousand_chats_is_shown_at_once(pane, look, qtbot):
    side = Sidebar(look, pane.controller.listing)
    qtbot.addWidget(side)
    side.resize(260, 800)
    side.show()
    rows = [Row(RowKind.CHAT, f"대화 {n}", str(n)) for n in range(5000)]
    began = time.process_time()
    side.rows.replace(rows)
    side.list.scrollToBottom()
    side.grab()
    assert time.process_time() - began < 1.0  # 0.1 s here; a list of widgets takes ten times as long


def test_a_title_is_edited_undisturbed_by_a_reply_that_ends(pane, look, qtbot):
    side = Sidebar(look, pane.controller.listing)
    qtbot.addWidget(side)
    side.show()
    made = pane.wait(pane.chats.create(title="One"))
    pane.wait(pane.controller.listing.load())
    side.list.rename(side.rows.index_of(made.id))
    assert side.list.editing
    pane.wait(pane.chats.create(title="Two"))
    pane.wait(pane.controller.listing.load())
    assert side.list.editing
    side.setFocus()
    pane.until(lambda: side.rows.rowCount() == 3)
