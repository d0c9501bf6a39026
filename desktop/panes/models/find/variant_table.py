"""The table of variants: headings that sort, rows, and below the chosen row what it unfolds to.

Invariant: the rows are the offer's variants, all of them or those that fit; what unfolds never moves the row that was
clicked away from under the pointer. One row at a time is a stop of the Tab key, the arrow keys reach the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from desktop.panes.models import figures
from desktop.panes.models.find.offer import Fit, Offer, State, Variant, Verdict
from desktop.panes.models.find.variant_detail import VariantDetail
from desktop.panes.models.find.variants import Sorting, VariantRow
from desktop.ui import formats
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme
from desktop.ui.translation import _

_AT_ONCE = 24  # rows: more than a screen shows; they take about 10 ms


class VariantTable(QWidget):
    moved = Signal(object, int)  # a row, and how many pixels lower than before it stands now
    focused = Signal(object)  # a row that the keyboard came to

    def __init__(self, look: Theme, offer: Offer) -> None:
        super().__init__()
        self._look, self._offer = look, offer
        self._rows: dict[str, VariantRow] = {}
        self._order: list[VariantRow] = []
        self._variants: tuple[Variant, ...] = ()
        self._growing = QTimer(self, singleShot=True, interval=0)
        self._growing.timeout.connect(self._grow)
        self._sorting, self._down, self._fitting = Sorting.SIZE, False, False
        self.detail = VariantDetail(look, offer)
        self.detail.hide()
        self._none = Label(look, tone=Tone.MUTED, wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self._none)
        self._column.addWidget(self.detail)
        self.detail.room.remedied.connect(self._return)
        self.detail.room.context_wanted.connect(self._return)
        offer.judged.connect(self._judged)
        offer.unfolded.connect(self._unfold)
        offer.moved.connect(self._moved)
        self.after: Sequence[QWidget] = ()  # at most one: what the Tab key comes from

    def fill(self) -> None:
        """The variants of the offer's listing; rows are made anew only where these are others."""
        variants = self._offer.listing.variants if self._offer.listing else ()
        if self._variants == variants:
            return
        self._variants = variants
        focused = next((label for label, row in self._rows.items() if row.hasFocus()), None)
        for row in self._rows.values():
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows, self._order = {}, []
        self._grow()
        if focused is not None and self._order:  # it goes on to the row that took its place
            self._rows.get(focused, self._order[0]).setFocus()

    def _grow(self) -> None:
        """Makes rows, a screenful at a time, so that hundreds of them hold nothing up."""
        known = len(self._rows)
        for variant in self._variants[known : known + _AT_ONCE]:
            row = VariantRow(self._look, variant, self)
            row.clicked.connect(lambda _checked=False, label=variant.label: self._click(label))
            row.stepped.connect(lambda by, row=row: self._step(row, by))
            self._rows[variant.label] = row
            self._put(row)
        self._arrange()
        if not known or self._offer.looked_at in list(self._rows)[known:]:
            self._unfold()
        if len(self._rows) < len(self._variants):
            self._growing.start()

    def sort(self, by: Sorting, down: bool) -> None:
        self._sorting, self._down = by, down
        self._arrange()

    def show_fitting(self, only: bool) -> None:
        """Only those that fit, or all."""
        self._fitting = only
        self._arrange()

    def event(self, event: QEvent) -> bool:
        """What is told of the place under the pointer: asked here, because a row gets very many events."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            row = next((row for row in self._order if row.geometry().contains(event.pos())), None)
            if row is not None:
                QToolTip.showText(event.globalPos(), row.told(event.pos() - row.pos()), row)
                return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self._judged()

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _judged(self) -> None:
        """Other fits: the rows say so, and are ordered again where the order rests on them."""
        for row in self._rows.values():
            self._put(row)
        if self._fitting or self._sorting in (Sorting.MEMORY, Sorting.SPEED) or not self._order:
            self._arrange()
        self._show_detail()

    def _put(self, row: VariantRow) -> None:
        label = row.variant.label
        fit = self._offer.fits.get(label)
        computing = self._offer.reading and fit is not None and fit.rough
        row.put(fit, "" if computing else self._reason(label), self._state(label), computing=computing)

    def _moved(self) -> None:
        for label, row in self._rows.items():
            state = self._state(label)
            if state != row.state:
                row.state = state
                row.describe()
        if self.detail.isVisibleTo(self):
            self.detail.refresh()

    def _arrange(self) -> None:
        """Puts the rows into their order; the focus and what is unfolded go with their row."""
        focused = next((row for row in self._rows.values() if row.hasFocus()), None)
        self._order = sorted((row for row in self._rows.values() if self._wanted(row)), key=self._key)
        if self._down:
            self._order.reverse()
        for row in self._rows.values():
            self._column.removeWidget(row)
            row.setVisible(row in self._order)
        for at, row in enumerate(self._order):
            self._column.insertWidget(at, row)
        for before, after in pairwise([*self.after, *self._order]):
            QWidget.setTabOrder(before, after)
        self._none.setVisible(bool(self._rows) and not self._order)
        self._none.setText(_("None of the variants fits with these settings. A smaller context may help."))
        self._place_detail()
        self._stop(focused if focused in self._order else None)
        if focused in self._order and focused is not None:
            focused.setFocus()

    def _wanted(self, row: VariantRow) -> bool:
        return not self._fitting or row.fit is None or _fits(row.variant, row.fit)

    def _key(self, row: VariantRow) -> tuple[float, str]:
        variant, fit = row.variant, row.fit
        match self._sorting:
            case Sorting.NAME:
                return variant.quantisation.bits if variant.quantisation else 99.0, variant.label
            case Sorting.MEMORY if fit is not None:
                return fit.estimate.total_bytes, variant.label
            case Sorting.SPEED if fit is not None:
                return fit.speed.tokens_per_s if fit.speed else 0.0, variant.label
            case _:
                return variant.size, variant.label

    def _reason(self, label: str) -> str:
        found, reason = self._offer.recommended
        return _(reason) if label == found and reason else ""

    def _state(self, label: str) -> str:
        """What becomes of a variant, in two words."""
        if self._offer.model(label):
            return _("in your library")
        transfer = self._offer.transfer(label)
        if transfer is None or transfer.state is State.DONE:
            return ""
        percent = formats.number(100 * transfer.received / max(1, transfer.size))
        return _("paused") if transfer.state is State.PAUSED else _("{percent} %", percent=percent)

    # -- unfolding ----------------------------------------------------------------------------------------------------

    def _click(self, label: str) -> None:
        self._offer.look_at("" if self._offer.looked_at == label else label)

    def _unfold(self) -> None:
        label = self._offer.looked_at
        clicked = self._rows.get(label)
        before = clicked.y() if clicked is not None else 0
        for row in self._rows.values():
            if row.open != (row.variant.label == label):
                row.open = row.variant.label == label
                row.describe()
        self._show_detail()
        self._place_detail()
        self._stop(clicked)
        if clicked is not None:
            self._column.activate()
            self.moved.emit(clicked, clicked.y() - before)

    def _show_detail(self) -> None:
        row = self._rows.get(self._offer.looked_at)
        self.detail.setVisible(row is not None and row in self._order)
        if row is not None:
            self.detail.put(row.variant, row.fit, self._reason(row.variant.label))
            before: QWidget = row
            for stop in self.detail.stops():  # the Tab key goes from the row into what it unfolded to
                QWidget.setTabOrder(before, stop)
                before = stop

    def _place_detail(self) -> None:
        row = self._rows.get(self._offer.looked_at)
        self._column.removeWidget(self.detail)
        at = self._order.index(row) + 1 if row in self._order and row is not None else len(self._order)
        self._column.insertWidget(at, self.detail)
        self.detail.setVisible(row is not None and row in self._order)

    # -- keys ---------------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """From above into the rows."""
        if self._order:
            self._step(self._order[0], 0)

    def lead(self, label: str) -> bool:
        """Gives the focus to a variant's row, or else the first; whether there is any."""
        row = self._rows.get(label)
        if row in self._order and row is not None:
            self._step(row, 0)
        else:
            self.enter()
        return bool(self._order)

    def _stop(self, chosen: VariantRow | None) -> None:
        """The row at which the Tab key stops: the one last used, or else the first."""
        chosen = chosen or next(iter(self._order), None)
        for row in self._rows.values():
            row.setFocusPolicy(Qt.FocusPolicy.StrongFocus if row is chosen else Qt.FocusPolicy.ClickFocus)

    def _return(self, _wanted: object) -> None:
        """The button that was pressed goes with what it mended: the focus stays at the row."""
        row = self._rows.get(self._offer.looked_at)
        if row is not None and row in self._order:
            row.setFocus()

    def _step(self, row: VariantRow, by: int) -> None:
        at = min(max(self._order.index(row) + by, 0), len(self._order) - 1)
        self._stop(self._order[at])
        self._order[at].setFocus(Qt.FocusReason.TabFocusReason)
        self.focused.emit(self._order[at])


def counted(offer: Offer) -> str:
    """How many of the variants fit: "7 of 12 fit this computer now"."""
    held = offer.listing.variants if offer.listing else ()
    fits = [_fits(variant, offer.fits[variant.label]) for variant in held if variant.label in offer.fits]
    if not fits:
        return ""
    return _("{fitting} of {all} fit", fitting=formats.number(sum(fits)), all=formats.number(len(fits)))


def _fits(variant: Variant, fit: Fit) -> bool:
    return figures.loadable(variant) and fit.verdict is not Verdict.TOO_LARGE
