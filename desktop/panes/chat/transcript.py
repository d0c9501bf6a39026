"""The conversation as it is read: messages, streamed text, actions, editing in place.

Invariant: it shows what it was given and changes nothing itself; what a person wants is told by signals that carry the
message's id. Text that streams is shown at most thirty times a second, and only the segment it ends in is made again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QGuiApplication, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop.core.chat import Role
from desktop.core.errors import N_
from desktop.panes.chat.actions import ActionsBody
from desktop.panes.chat.area import RowArea
from desktop.panes.chat.body import Body, BubbleBody, CodeBody, FoldBody, LeftBody, NoteBody, TextBody
from desktop.panes.chat.message import MessageView
from desktop.panes.chat.revision import EditorBody
from desktop.panes.chat.rows import Entry, Note, Part, Plain, Row
from desktop.ui.composing import writes
from desktop.ui.highlight import Highlighter
from desktop.ui.markdown import Segment
from desktop.ui.theme import Theme
from desktop.ui.translation import _

_FRAME_MS = 33  # events come in batches at most 30 a second
_SHARE = 4  # on a slow machine frames come so many times later than one takes, so that three quarters stay free
_INTERRUPTED = N_("This reply was interrupted. What had been written is kept.")


class Transcript(RowArea):
    """Shows the active path of one chat. What is `typed` or `composed` where nothing is edited is for a new message."""

    ROLE = QAccessible.Role.Grouping
    copied = Signal(str)  # the clipboard holds it already
    edit_submitted = Signal(str, str)  # id, the new text
    regenerate_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
    switch_requested = Signal(str, int)  # id, the version wanted, from 1
    link_requested = Signal(str, str)  # id, an address: ask before opening
    typed = Signal(str)
    composed = Signal(object)  # a QInputMethodEvent

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._highlighter = Highlighter()
        self._by_id: dict[str, Entry] = {}
        self._streaming: set[Entry] = set()
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.setInterval(_FRAME_MS)
        self._frame.timeout.connect(self._show_streamed)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
        self.setAccessibleName(_("Conversation"))

    def retranslate(self) -> None:
        self.setAccessibleName(_("Conversation"))
        super().retranslate()

    def show_chat(self, messages: Sequence[MessageView]) -> None:
        """Shows these messages: another chat from its end, the same chat from another side where the reader is."""
        same = 0
        for entry, view in zip(self.entries, messages, strict=False):
            if entry.view.id != view.id:
                break
            same += 1
        if not same:
            self._frame.stop()
            self._streaming.clear()
            entries = [Entry(view, self.metrics) for view in messages]
            self._by_id = {entry.view.id: entry for entry in entries}
            self.reset(entries)
            return
        if same < len(self.entries):
            self.remove_from(self.entries[same].view.id)
        for entry, view in zip(self.entries, messages, strict=False):
            self._change(entry, view)
        for view in messages[same:]:
            self.entries.append(Entry(view, self.metrics))
            self._by_id[view.id] = self.entries[-1]
        self.arrange()

    def append_message(self, view: MessageView) -> None:
        """A new message below the last; goes to the end if it is the person's own."""
        entry = Entry(view, self.metrics)
        self._by_id[view.id] = entry
        self.entries.append(entry)
        if view.message.role is Role.USER:
            self.go_to_end()
        else:
            self.arrange()

    def update_message(self, view: MessageView) -> None:
        """The message with this id has changed. While a reply streams, its text remains what `stream` was given."""
        entry = self._by_id.get(view.id)
        if entry is not None:
            self._change(entry, view)
            self.arrange()

    def stream(self, message_id: str, text: str) -> None:
        """More text of a reply, shown within a thirtieth of a second, later where showing it takes long."""
        entry = self._by_id.get(message_id)
        if entry is None or not text:
            return
        entry.append(text)
        self._streaming.add(entry)
        if not self._frame.isActive():
            self._frame.start()

    def finish(self, view: MessageView) -> None:
        """A streamed reply has ended; `view` holds all of it."""
        self._show_streamed()
        self.update_message(view)

    def remove_from(self, message_id: str) -> None:
        """Takes this message and all below it away."""
        entry = self._by_id.get(message_id)
        if entry is None:
            return
        at = self.entries.index(entry)
        gone, self.entries = self.entries[at:], self.entries[:at]
        for old in gone:
            del self._by_id[old.view.id]
            self._streaming.discard(old)
            self.discard([row.widget for row in old.rows or () if row.widget is not None])
        self.arrange()

    def scroll_to(self, message_id: str, highlight: str = "") -> None:
        """Shows the message, and marks where `highlight` stands in it."""
        wanted = self._by_id.get(message_id)
        if wanted is None:
            return
        for entry in self.entries:
            if entry.highlight or entry is wanted:
                entry.highlight = highlight if entry is wanted else ""
                for row in entry.rows or ():
                    row.stale = True
        wanted.split()
        found = (row for row in wanted.rows or () if highlight and highlight.casefold() in _source(row).casefold())
        self.go_to(wanted, next(found, None))

    def set_faded(self, ids: Iterable[str]) -> None:
        """Messages that have left the context; a line stands below the last of them."""
        left = frozenset(ids)
        last = next((e for e in reversed(self.entries) if e.view.id in left), None)
        for entry in self.entries:
            faded, boundary = entry.view.id in left, entry is last
            if (faded, boundary) != (entry.faded, entry.boundary):
                entry.faded, entry.boundary = faded, boundary
                self.discard(entry.sync())
        self.arrange()

    def edit(self, message_id: str) -> None:
        """Opens the message's editor in place."""
        entry = self._by_id.get(message_id)
        if entry is not None and not entry.view.streaming:
            self._set_editing(entry, True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if writes(event):
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def inputMethodQuery(self, query: Qt.InputMethodQuery) -> object:
        return True if query is Qt.InputMethodQuery.ImEnabled else super().inputMethodQuery(query)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self.composed.emit(event)

    def make(self, row: Row) -> Body:
        entry, canvas = row.entry, self.widget()
        name = _("Reply") if entry.view.reply else _("You wrote")
        body: Body
        if row.part in (Part.TEXT, Part.THOUGHT):
            body = TextBody(self.look, name, row.part is Part.THOUGHT, canvas)
        elif row.part is Part.CODE:
            body = code = CodeBody(self.look, self._highlighter, canvas)
            code.copy.connect(lambda: self._copy_code(row))
        elif row.part is Part.PLAIN:
            body = BubbleBody(self.look, name, canvas)
        elif row.part is Part.FOLD:
            body = fold = FoldBody(self.look, canvas)
            fold.toggled.connect(lambda opened: self._fold(entry, opened))
        elif row.part is Part.NOTE:
            body = note = NoteBody(self.look, canvas)
            note.go_on.connect(lambda: self.continue_requested.emit(entry.view.id))
        elif row.part is Part.ACTIONS:
            body = self._actions(row)
        elif row.part is Part.EDITOR:
            body = self._editor(row)
        else:
            body = LeftBody(self.look, canvas)
        body.link.connect(lambda address: self.link_requested.emit(entry.view.id, address))
        return body

    def fill(self, row: Row) -> None:
        body, content = row.widget, row.content
        if isinstance(body, TextBody) and isinstance(content, Segment):
            body.show_text(content, row.faded)
        elif isinstance(body, CodeBody) and isinstance(content, Segment):
            body.show_code(content, row.faded)
        elif isinstance(body, BubbleBody) and isinstance(content, Plain):
            body.show_plain(content.text, content.first, content.last, row.faded)
        elif isinstance(body, FoldBody) and isinstance(content, tuple):
            body.show_state(*content)
        elif isinstance(body, NoteBody) and isinstance(content, Note):
            body.show_note(_(content.sentence or _INTERRUPTED), last=content.last)
        elif isinstance(body, ActionsBody) and isinstance(content, MessageView):
            body.show_actions(content)
        elif isinstance(body, EditorBody) and isinstance(content, MessageView):
            body.show_text(content.message.text)
        elif isinstance(body, LeftBody):
            body.retranslate()
        if isinstance(body, TextBody | CodeBody | BubbleBody):
            body.mark(row.entry.highlight)

    def hover(self, entry: Entry | None) -> None:
        if entry is self._hovered:
            return
        for shown, over in ((self._hovered, False), (entry, True)):
            for row in (shown.rows or ()) if shown is not None else ():
                if isinstance(row.widget, ActionsBody):
                    row.widget.hover(over)
        super().hover(entry)

    def _actions(self, row: Row) -> ActionsBody:
        entry = row.entry
        body = ActionsBody(self.look, lambda: _beside(entry), self.widget())
        body.copy.connect(lambda: self._copy(entry, body))
        body.edit.connect(lambda: self._set_editing(entry, True))
        body.again.connect(lambda: self.regenerate_requested.emit(entry.view.id))
        body.go_on.connect(lambda: self.continue_requested.emit(entry.view.id))
        body.delete.connect(lambda: self.delete_requested.emit(entry.view.id))
        body.version.connect(lambda version: self._switch(entry, body, version))
        return body

    def _editor(self, row: Row) -> EditorBody:
        body, entry = EditorBody(self.look, self.widget()), row.entry
        body.saved.connect(lambda text: self._save(entry, text))
        body.cancelled.connect(lambda: self._set_editing(entry, False))
        body.grown.connect(lambda: self._grown(row))
        return body

    def _grown(self, row: Row) -> None:
        row.measured = False
        self.arrange()

    def _save(self, entry: Entry, text: str) -> None:
        self._set_editing(entry, False)
        if text.strip() and text != entry.view.message.text:
            self.edit_submitted.emit(entry.view.id, text)

    def _switch(self, entry: Entry, body: ActionsBody, version: int) -> None:
        """Who has a button's focus keeps it, though the version is another message, with buttons of its own."""
        at, step, focused = self.entries.index(entry), version - entry.view.version, QApplication.focusWidget()
        held = focused is not None and body.isAncestorOf(focused)
        self.switch_requested.emit(entry.view.id, version)
        new = self.entries[at] if held and at < len(self.entries) else entry
        row = next((row for row in new.rows or () if row.part is Part.ACTIONS and new is not entry), None)
        if row is not None and row.widget is None:
            self.go_to(new, row)
        if row is not None and isinstance(row.widget, ActionsBody):
            self._focus(row, row.widget.turner(step), step > 0)

    def _change(self, entry: Entry, view: MessageView) -> None:
        if entry.view != view:
            self.discard(entry.change(view))

    def _set_editing(self, entry: Entry, editing: bool) -> None:
        entry.editing = editing
        self.discard(entry.sync())
        self.arrange()
        if editing:
            self.go_to(entry, None)
        for row in entry.rows or ():
            if row.widget is not None and row.part is (Part.EDITOR if editing else Part.ACTIONS):
                row.widget.stops()[0].setFocus()

    def _fold(self, entry: Entry, opened: bool) -> None:
        entry.opened = opened
        self._following = False
        self.discard(entry.sync())
        self.arrange()

    def _copy(self, entry: Entry, body: ActionsBody) -> None:
        QGuiApplication.clipboard().setText(entry.text)
        body.copied()
        self.copied.emit(entry.view.id)

    def _copy_code(self, row: Row) -> None:
        """Copies the whole block that the row is part of."""
        rows = row.entry.rows or []
        at, parts = rows.index(row), list[str]()
        for later in rows[at:]:
            if not isinstance(later.content, Segment):
                break
            parts.append(later.content.source)
            if not later.content.goes_on:
                break
        QGuiApplication.clipboard().setText("\n".join(parts))
        if isinstance(row.widget, CodeBody):
            row.widget.copied()

    def _show_streamed(self) -> None:
        self._frame.stop()
        begun = time.perf_counter()
        for entry in self._streaming:
            self.discard(entry.sync())
        if self._streaming:
            self._streaming.clear()
            self.arrange()
        spent_ms = (time.perf_counter() - begun) * 1_000
        self._frame.setInterval(max(_FRAME_MS, round(_SHARE * spent_ms)))


def _beside(entry: Entry) -> int:
    """Pixels free left of what the person wrote; 0 where that is not laid out."""
    bubbles = (row.widget for row in reversed(entry.rows or ()) if isinstance(row.widget, BubbleBody))
    return next((bubble.beside for bubble in bubbles), 0)


def _source(row: Row) -> str:
    if isinstance(row.content, Segment):
        return row.content.source
    return row.content.text if isinstance(row.content, Plain) else ""
