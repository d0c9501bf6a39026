"""A scroll area whose rows exist only near what is seen: the mechanics of the transcript.

Invariant: what the reader looks at does not move. When an estimated height above the view is replaced by a measured
one, the scroll position moves with it; at the end, the view stays at the end while more text comes; anywhere else it
never follows. A row far from view has no widget, unless it holds the focus or an editor. What a row looks like
is decided by `make` and `fill` of the class that is built on this one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from desktop.panes.chat.body import Body
from desktop.panes.chat.rows import Entry, Metrics, Part, Row
from desktop.ui import theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.reading import Reading
from desktop.ui.theme import Theme
from desktop.ui.translation import _

_ROUNDS = 40  # realising a row corrects its height, which may bring another row near; each round brings at least one
_AHEAD = 240  # pixels beyond the view in which rows are made
_BEHIND = 2_000  # pixels beyond the view where they are dropped
_NEAR_END = 12  # pixels from the end that still count as being there


@dataclass(slots=True)
class _Anchor:
    """What must not move: the top of this row (or of its message) is `offset` pixels below the top of the view."""

    entry: Entry
    row: Row | None
    offset: int


class RowArea(QScrollArea):
    """Shows `entries`, top to bottom."""

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look
        self.entries: list[Entry] = []
        self.metrics = Metrics(600, 1.0)
        self._rows: dict[Row, None] = {}  # those that have a widget
        self._anchor: _Anchor | None = None
        self._following = True
        self._busy = False
        self._hovered: Entry | None = None
        self._canvas = QWidget()
        self.setWidget(self._canvas)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._to_end = IconButton(look, Icon.TO_END, _("To the end"), self)
        self._to_end.floating = True
        self._to_end.clicked.connect(self.go_to_end)
        self._to_end.hide()
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        look.changed.connect(self._restyle)

    def make(self, row: Row) -> Body:
        """A widget for this row."""
        raise NotImplementedError

    def fill(self, row: Row) -> None:
        """Puts the row's content into its widget."""
        raise NotImplementedError

    @property
    def following(self) -> bool:
        """Whether the view stays at the end while text comes."""
        return self._following

    def realised(self) -> list[Row]:
        """The rows that have a widget, from top to bottom."""
        return [row for entry in self.entries for row in entry.rows or () if row.widget is not None]

    def go_to_end(self) -> None:
        """Shows the end, and follows it from now on."""
        self._following = True
        self.arrange()

    def go_to(self, entry: Entry, row: Row | None) -> None:
        """Brings a row, or the beginning of a message, to the upper part of the view."""
        self._following = False
        self._anchor = _Anchor(entry, row, self.viewport().height() // 6)
        self.arrange()

    def reset(self, entries: list[Entry]) -> None:
        """Shows these instead, from their end."""
        for row in list(self._rows):
            self._drop(row)
        self.entries = entries
        self._hovered = self._anchor = None
        self.go_to_end()

    def discard(self, widgets: list[Body]) -> None:
        """Takes widgets away whose rows are gone."""
        gone = set(map(id, widgets))
        for row in [row for row in self._rows if id(row.widget) in gone]:
            self._drop(row)

    def arrange(self) -> None:
        """Realises what is near the view, and puts every row where it belongs."""
        if self._busy:
            return
        self._busy = True
        try:
            for _round in range(_ROUNDS):
                if not self._settle():
                    break
            self._place()
        finally:
            self._busy = False

    def _tops(self) -> list[int]:
        return list(accumulate([e.extent for e in self.entries], initial=0))

    def _value(self, tops: list[int]) -> int:
        """Where the view must stand, given the heights known now."""
        most = max(0, tops[-1] + self._below() - self.viewport().height())
        if self._following or self._anchor is None or self._anchor.entry not in self.entries:
            return most
        anchor = self._anchor
        index = self.entries.index(anchor.entry)
        top = tops[index]
        rows = anchor.entry.rows or []
        if anchor.row is not None and anchor.row in rows:
            at = rows.index(anchor.row)
            top = anchor.entry.tops(top)[at]
        return min(most, max(0, top - anchor.offset))

    def _settle(self) -> bool:
        """One round: measures rows near the view; true if a height changed."""
        tops = self._tops()
        value = self._value(tops)
        low, high = value - _AHEAD, value + self.viewport().height() + _AHEAD
        changed = False
        index = max(0, bisect_right(tops, low) - 1)
        while index < len(self.entries) and tops[index] < high:
            entry = self.entries[index]
            if entry.rows is None:
                entry.split()
                return True
            row_tops = entry.tops(tops[index])
            first = max(0, bisect_right(row_tops, low) - 1)
            for row, top in zip(entry.rows[first:], row_tops[first:], strict=False):
                if top >= high:
                    break
                changed |= self._measure(row)
            index += 1
        return changed

    def _measure(self, row: Row) -> bool:
        if row.widget is None:
            row.widget = self.make(row)
            row.widget.entered.connect(lambda: self.hover(row.entry))
            for inner in row.widget.findChildren(QWidget):  # else what is made last would come after the whole window
                if inner.focusPolicy() & Qt.FocusPolicy.TabFocus:
                    self.setTabOrder(self._to_end, inner)
            row.stale = True
            self._rows[row] = None
        if row.stale:
            self.fill(row)
            row.stale = row.measured = False
        if row.measured:
            return False
        return row.entry.measured(row, row.widget.fit(self.metrics.width))

    def _place(self) -> None:
        tops = self._tops()
        value, total = self._value(tops), tops[-1] + self._below()
        view = self.viewport()
        self._canvas.resize(view.width(), max(total, view.height()))
        left = (view.width() - self.metrics.width) // 2
        shown = {row.entry for row in self._rows}
        for entry, entry_top in [(e, top) for e, top in zip(self.entries, tops, strict=False) if e in shown]:
            for row, top in zip(entry.rows or (), entry.tops(entry_top), strict=False):
                if row.widget is None:
                    continue
                if (top + row.extent < value - _BEHIND or top > value + view.height() + _BEHIND) and not _kept(row):
                    self._drop(row)
                    continue
                row.widget.place(left, top + row.gap, self.metrics.width, row.height)
                row.widget.show()
        bar = self.verticalScrollBar()
        bar.setEnabled(bar.maximum() > 0)
        bar.setValue(value)
        if not self._following:
            self._anchor = self._anchor_at(value, tops)
        self._show_way_down()

    def _below(self) -> int:
        return self.look.px(theme.L)

    def _drop(self, row: Row) -> None:
        self._rows.pop(row, None)
        if row.widget is not None:
            if _focused(row):
                self.setFocus()  # else Qt would hand it to the first message, and scroll there
            row.widget.hide()
            row.widget.deleteLater()
            row.widget = None

    def _anchor_at(self, value: int, tops: list[int]) -> _Anchor | None:
        if not self.entries:
            return None
        index = min(max(0, bisect_right(tops, value) - 1), len(self.entries) - 1)
        entry = self.entries[index]
        if not entry.rows:
            return _Anchor(entry, None, tops[index] - value)
        row_tops = entry.tops(tops[index])
        at = min(max(0, bisect_right(row_tops, value) - 1), len(entry.rows) - 1)
        return _Anchor(entry, entry.rows[at], row_tops[at] - value)

    def _beginning_in_view(self) -> _Anchor | None:
        """The first row that begins in view: it can be kept in place though everything changes its height."""
        value = self.verticalScrollBar().value()
        for row in self.realised():
            if (
                row.widget is not None
                and row.height
                and 0 <= row.widget.y() - row.gap - value < self.viewport().height()
            ):
                return _Anchor(row.entry, row, row.widget.y() - row.gap - value)
        return None

    def _scrolled(self, value: int) -> None:
        if self._busy:
            return
        self._following = value >= self.verticalScrollBar().maximum() - _NEAR_END
        self._anchor = self._anchor_at(value, self._tops())
        self.arrange()

    def _show_way_down(self) -> None:
        side = self.look.px(36)
        view = self.viewport()
        self._to_end.setGeometry((view.width() - side) // 2, view.height() - side - theme.M, side, side)
        bar = self.verticalScrollBar()
        self._to_end.setVisible(not self._following and bar.value() < bar.maximum() - _NEAR_END)
        self._to_end.raise_()

    def _restyle(self) -> None:
        self._widths()
        self.arrange()

    def _widths(self) -> None:
        if not self._following:
            self._anchor = self._beginning_in_view() or self._anchor
        room = self.viewport().width() - 2 * theme.XL
        self.metrics.width = max(120, min(self.look.column, room))
        self.metrics.scale = self.look.px(100) / 100
        for entry in self.entries:
            entry.loosen()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._widths()
        self.arrange()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Says everything again in the language in use."""
        self._to_end.name(_("To the end"))
        for row in self._rows:
            row.stale = True
        self.arrange()

    def hover(self, entry: Entry | None) -> None:
        """The pointer, or the keyboard, is now in this message."""
        self._hovered = entry

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_End:
            self.go_to_end()
        elif event.key() == Qt.Key.Key_Home:
            self.verticalScrollBar().setValue(0)
        elif event.key() not in (Qt.Key.Key_Up, Qt.Key.Key_Down) or not self._read_on(event.key() == Qt.Key.Key_Down):
            super().keyPressEvent(event)

    def _read_on(self, down: bool) -> bool:
        """From one text to the next by the arrow keys, as in one document; whether there is one."""
        stops = [(row, stop) for row in self.realised() if row.widget is not None for stop in row.widget.stops()]
        texts = [(row, text) for row, text in stops if isinstance(text, Reading)]
        at = next((i for i, (_row, text) in enumerate(texts) if text.hasFocus()), None)
        if at is None or not 0 <= at + (1 if down else -1) < len(texts):
            return False
        row, text = texts[at + (1 if down else -1)]
        text.moveCursor(QTextCursor.MoveOperation.Start if down else QTextCursor.MoveOperation.End)
        self._focus(row, text, down)
        return True

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes through the rows in reading order, whatever the order in which they were made."""
        stops = [(row, stop) for row in self.realised() if row.widget is not None for stop in row.widget.stops()]
        focused = QApplication.focusWidget()
        last = len(stops)
        at = last if focused is self._to_end else next((i for i, (_r, s) in enumerate(stops) if s is focused), -1)
        if at < 0 and forward and focused is self:
            value = self.verticalScrollBar().value()
            tops = (i for i, (row, _s) in enumerate(stops) if row.widget and row.widget.geometry().bottom() > value)
            at = next(tops, 0) - 1
        to = at + (1 if forward else -1)
        if 0 <= to < last and (at >= 0 or forward):
            self._focus(*stops[to], forward)
        elif to == last and self._to_end.isVisible():
            self._to_end.setFocus(Qt.FocusReason.TabFocusReason)
        elif not forward and focused is not self:
            self.setFocus(Qt.FocusReason.BacktabFocusReason)
        else:
            return self._leave(forward)
        return True

    def enter_from_below(self) -> None:
        """The Tab key, backwards: to what stands last."""
        stops = [(row, stop) for row in self.realised() if row.widget is not None for stop in row.widget.stops()]
        if self._to_end.isVisible() or not stops:
            (self._to_end if stops else self).setFocus(Qt.FocusReason.BacktabFocusReason)
        else:
            self._focus(*stops[-1], forward=False)

    def _focus(self, row: Row, stop: QWidget, forward: bool) -> None:
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        stop.setFocus(reason)
        self.hover(row.entry)
        if row.widget is None:
            return
        bar, place = self.verticalScrollBar(), row.widget.geometry()
        if place.top() < bar.value():
            bar.setValue(place.top() - theme.L)
        elif place.bottom() > bar.value() + self.viewport().height():
            lowest = place.bottom() - self.viewport().height() + theme.L
            bar.setValue(min(place.top() - theme.L, lowest))

    def _leave(self, forward: bool) -> bool:
        widget: QWidget = self
        while True:
            widget = (widget.nextInFocusChain() if forward else widget.previousInFocusChain()) or self
            if widget is self:
                return False
            takes = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
            if takes and widget.isVisible() and widget.isEnabled() and not self.isAncestorOf(widget):
                widget.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
                return True


def _kept(row: Row) -> bool:
    """Whether the row's widget must live on though it is out of sight."""
    return row.part is Part.EDITOR or _focused(row)


def _focused(row: Row) -> bool:
    widget, focused = row.widget, QApplication.focusWidget()
    return widget is not None and focused is not None and widget.isAncestorOf(focused)
