"""The command palette: one field over the window, and below it whatever can be done or opened, the best match first.

Invariant: the focus stays in the field, and what is being composed there counts as written but is never taken away or
acted upon; the current row is said to those who hear the screen. It knows offers only: what they are and what choosing
one does is the affair of whoever opens it. It is made when it is first opened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from desktop.core.finding import Names, Words
from desktop.ui import icons, theme
from desktop.ui.boxes import Line
from desktop.ui.hearing import say
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.listing import dress
from desktop.ui.palette_rows import Offer, Row, RowList, RowPainter, Rows, height
from desktop.ui.surface import lifted
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

WIDTH = 600  # about 70 characters, the width of the palettes people know
_MOST = 60  # rows: whoever has not found it among these types another letter
_GLASS = 18  # pixels at 100 % text size, as the icons of the rows
_HIGHEST = 520  # pixels at 100 % text size: eleven rows and a heading
_FEW = 6  # of a kind, while nothing is typed
_RECENT = 5
_NEVER = float("inf")
_OTHER_WORDS = 2  # what a match in other words than the name costs more
_TOLD = 2.6  # what only tells costs more: than other words, begun; less than one that has their stem
_CHOOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
_RESTING_MS = 180  # as in the list of chats: then messages are searched, and the row is said


class Palette(QWidget):
    """`searched` carries the words, when the keys rest; what was found may be added by `add`."""

    chosen = Signal(object)  # Offer
    searched = Signal(str)

    def __init__(self, look: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._look, self._window = look, window
        self._offers: Sequence[Offer] = ()
        self._sought: Sequence[Offer] = ()  # the same, in the order in which they are looked through
        self._texts, self._names, self._words = list[str](), Names(()), list[tuple[int, Words]]()
        self._recent: Sequence[str] = ()
        self._more: Sequence[Offer] = ()
        self._before: QWidget | None = None
        self.field = _Field()
        self.rows = Rows()
        self.list = RowList(self.rows)
        dress(self.list, RowPainter(look, self.rows, self.list))
        self._nothing = Label(look, tone=Tone.MUTED)
        self._panel = QWidget(self)
        self._pause = QTimer(self, singleShot=True, interval=_RESTING_MS)
        self._lay_out()
        self._connect()
        self.hide()

    def open(self, offers: Sequence[Offer], recent: Sequence[str], hint: str) -> None:
        """`recent`: keys of what was chosen last, the newest first; `hint`: what stands in the empty field."""
        many = Counter(offer.kind for offer in offers)
        self._offers, self._sought = offers, sorted(offers, key=lambda offer: many[offer.kind] > _MOST)  # the few first
        texts = [offer.text for offer in self._sought]
        if texts != self._texts:  # taking thousands apart takes longer than looking whether they are the same
            self._texts, self._names = texts, Names(texts)
        self._words = [(at, Words(offer.also)) for at, offer in enumerate(self._sought) if offer.also]
        self._recent, self._more = recent, ()
        self._before = QApplication.focusWidget()
        self.field.clear()
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
        self.list.setAccessibleName(_("Results"))
        self._nothing.setText(_("Nothing found"))
        self._fill()
        self.show()
        self.raise_()
        self.field.setFocus()
        self._pause.start()

    def add(self, words: str, offers: Sequence[Offer]) -> None:
        """What a search elsewhere has found for these words; it stands below the rest."""
        if self.isVisible() and words == self.field.seen:
            self._more = offers
            self._fill(self.list.currentIndex().row())

    def leave(self) -> None:
        """Closes, and puts the focus back where it was."""
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus()
        self.hide()

    def _lay_out(self) -> None:
        self._panel.setAccessibleName(_("Command palette"))
        column = QVBoxLayout(self._panel)
        column.setContentsMargins(theme.S, theme.S, theme.S, theme.S)
        column.setSpacing(theme.S)
        line = QHBoxLayout()
        line.addWidget(self.field)
        column.addLayout(line)
        self._line = line
        column.addWidget(self.list, 1)
        column.addWidget(self._nothing, 1, Qt.AlignmentFlag.AlignCenter)

    def _connect(self) -> None:
        self.field.written.connect(self._type)
        self.field.entered.connect(lambda: self._choose(self.list.currentIndex()))
        self.field.left.connect(self.leave)
        self.field.abandoned.connect(self.hide)
        self.field.moved.connect(self._move)
        self.list.pointed.connect(self.list.setCurrentIndex)
        self.list.clicked.connect(self._choose)
        self._pause.timeout.connect(self._rest)
        self._look.changed.connect(self._fit)
        self._window.installEventFilter(self)

    # -- what is found ------------------------------------------------------------------------------------------------

    def _type(self) -> None:
        self._more = ()
        self._fill()
        self._pause.start()

    def _rest(self) -> None:
        self._say()
        if self.isVisible() and self.field.seen.strip():
            self.searched.emit(self.field.seen)

    def _fill(self, current: int = 0) -> None:
        rows = self._found() if self.field.seen.strip() else self._all()
        self.rows.replace(rows)
        self.list.setVisible(bool(rows))
        self._nothing.setVisible(not rows)
        self._fit()
        self._stand(current)

    def _found(self) -> list[Row]:
        """The best first; of two alike the one used last, and then in the order they were given."""
        matches = dict(self._names.match(self.field.seen))
        cost = {at: match.cost + _TOLD * self._sought[at].told for at, match in matches.items()}
        for at, words in self._words:
            other = words.match(self.field.seen)
            if other is not None:
                cost[at] = min(cost.get(at, _NEVER), other + _OTHER_WORDS)
        recent = {key: -1 / (2 + at) for at, key in enumerate(self._recent)}  # less than the least that sets two apart
        best = sorted(cost, key=lambda at: (cost[at] + recent.get(self._sought[at].key, 0), at))[:_MOST]
        rows = [Row(self._sought[at], self._names.text(at), matches[at].places if at in matches else ()) for at in best]
        return rows + [Row(offer, offer.text) for offer in self._more]

    def _all(self) -> list[Row]:
        """Before anything is typed: what was used last, and a few of each kind."""
        by_key = {offer.key: offer for offer in self._offers}
        recent = [by_key[key] for key in self._recent if key in by_key][:_RECENT]
        rows = [Row(None, _("Recently used"))] * bool(recent) + [Row(offer, offer.text) for offer in recent]
        listed = (offer for offer in self._offers if not offer.rare and offer not in recent)
        for kind, offers in groupby(listed, key=lambda offer: offer.kind):
            rows += [Row(None, kind), *(Row(offer, offer.text) for offer in list(offers)[:_FEW])]
        return rows

    # -- where the person is ------------------------------------------------------------------------------------------

    def _move(self, step: int) -> None:
        """Rows up or down; one step leads from the end to the beginning, a page does not."""
        stops = self.rows.stops()
        if not stops:
            return
        at = bisect_left(stops, self.list.currentIndex().row()) + step
        at = at % len(stops) if abs(step) == 1 else max(0, min(len(stops) - 1, at))
        self._stand(stops[at])
        self._say()

    def _stand(self, at: int) -> None:
        """Makes the row current, or the next one that is no heading."""
        row = next((stop for stop in self.rows.stops() if stop >= at), -1)
        self.list.setCurrentIndex(self.rows.index(row))
        if row <= 1:
            self.list.scrollToTop()  # with the heading

    def _choose(self, index: QModelIndex) -> None:
        offer = self.rows.row(index.row()).offer if index.isValid() else None
        if offer is not None:
            self.leave()
            self.chosen.emit(offer)
            offer.act()

    def _say(self) -> None:
        """A screen reader stays in the field, so it is told what the keys have come to."""
        index = self.list.currentIndex()
        words = str(index.data(Qt.ItemDataRole.AccessibleTextRole)) if index.isValid() else self._nothing.text()
        if self.isVisible():
            say(self.field, words)

    # -- how it stands ------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        look, room = self._look, self._window.rect()
        self.setGeometry(room)
        self.field.fit(look)
        self._line.setContentsMargins(theme.M + look.px(_GLASS), 0, 0, 0)
        width = min(look.px(WIDTH), room.width() - 2 * theme.XL)
        top = max(theme.S, min(look.px(72), (room.height() - look.px(_HIGHEST)) // 2))
        heights = sum(height(look, row) for row in self.rows.all) or height(look, Row(None, ""))
        wanted = self.field.sizeHint().height() + 3 * theme.S + heights
        high = min(wanted, room.height() - 2 * top, look.px(_HIGHEST))
        self._panel.setGeometry((room.width() - width) // 2, top, width, high)
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._fit()
        return False

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.hide()  # it was opened in another language

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look, panel = QPainter(self), self._look, QRectF(self._panel.geometry())
        lifted(painter, panel, theme.RADIUS, look.colours)
        side = look.px(_GLASS)
        middle = self.field.mapTo(self, self.field.rect().center()).y()
        place = QRectF(panel.left() + theme.S + theme.M, middle - side / 2, side, side)  # above the icons of the rows
        icons.paint(painter, Icon.SEARCH, place, look.colours.muted)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._panel.geometry().contains(event.position().toPoint()):
            self.leave()


class _Field(Line):
    """The keys that do not write are the list's."""

    entered = Signal()
    left = Signal()
    abandoned = Signal()  # the focus went elsewhere
    moved = Signal(int)

    def fit(self, look: Theme) -> None:
        self.setFont(look.font(Type.READING))
        self.setStyleSheet(f"QLineEdit {{ border: none; background: transparent; padding: {look.px(theme.S)}px; }}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _CHOOSING:
            if not event.isAutoRepeat():
                self.entered.emit()
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in _STEPS:
            if not self.composing:  # else it was meant for the input method
                self.moved.emit(_STEPS[key])
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes through the rows: there is nothing else to go to."""
        self.moved.emit(1 if next else -1)
        return True

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        reason = Qt.FocusReason
        if event.reason() not in (reason.ActiveWindowFocusReason, reason.PopupFocusReason, reason.MenuBarFocusReason):
            self.abandoned.emit()
