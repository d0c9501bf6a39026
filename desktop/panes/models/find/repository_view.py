"""A repository's page: what it is, its variants judged for this computer, and its card.

Invariant: the way back stays in place while the rest scrolls, and so does what is tried where there is room for it.
What is not known yet leaves its place empty instead of moving what is read. All figures are the offer's.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.core.errors import N_, GatedError
from desktop.panes.models import figures
from desktop.panes.models.find.card import Card
from desktop.panes.models.find.gate import Gate
from desktop.panes.models.find.offer import Offer
from desktop.panes.models.find.recommended import Recommended
from desktop.panes.models.find.results import WIDTH
from desktop.panes.models.find.steps import contexts
from desktop.panes.models.find.try_bar import TryBar
from desktop.panes.models.find.variant_table import VariantTable, counted
from desktop.panes.models.find.variants import Headings
from desktop.panes.models.skeleton import Skeleton
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton
from desktop.ui.column import Column, scrolling
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.links import ask_to_open
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_ROW, _WAITED = 56, 8  # variants whose place is kept while they are waited for: most repositories have more
_SHORT = 340  # of the page: the head takes 90, a row 56
_SEEN = 300  # of what a row unfolds to, at least: the buttons, how far a download is, and what makes room


class RepositoryView(QWidget):
    left = Signal()

    def __init__(self, look: Theme, offer: Offer) -> None:
        super().__init__()
        self._look, self._offer = look, offer
        self._fresh = False  # whether it was opened just now, and nothing is recommended yet
        self._back = IconButton(look, Icon.LEFT, "")
        self._back.clicked.connect(self.left)
        self._title = Label(look, Type.HEADING, wrap=True, selectable=True)
        self._page = QPushButton()
        self._page.clicked.connect(lambda: ask_to_open(self, offer.page))
        self._bar = Bar(look)
        self._bar.acted.connect(offer.retry)
        self._trouble = Bar(look)
        self._facts = Label(look, Type.SMALL, Tone.MUTED, wrap=True, selectable=True)
        self._outdated = Label(look, Type.SMALL, Tone.WARNING, wrap=True)
        self._said = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._try = TryBar(look)
        self._gate = Gate(look)  # after what stands above it: the Tab key goes in this order
        self._gate.given.connect(offer.give_token)
        self._recommended = Recommended(look, offer)
        self._headings = Headings(look)
        self.table = VariantTable(look, offer)
        self.table.after = self._headings.findChildren(QAbstractButton)[-1:]
        self._waiting = Skeleton(look, _ROW, _WAITED)
        self._card = Card(look)
        self._connect()
        self._arrange()
        self.retranslate()

    def _connect(self) -> None:
        offer = self._offer
        self._look.changed.connect(self._place_try)
        self._try.context.connect(offer.try_context)
        self._try.kv_type.connect(offer.try_kv_type)
        self._try.fitting.connect(self.table.show_fitting)
        self._headings.sorted.connect(self.table.sort)
        self._headings.left.connect(self.table.enter)
        self.table.moved.connect(self._keep_place)
        self.table.focused.connect(self._show_row)
        offer.changed.connect(self.refresh)
        offer.judged.connect(self._show_judged)
        offer.carded.connect(lambda: self._card.put(offer.card))
        offer.failed.connect(self._trouble.warn)

    def _arrange(self) -> None:
        self._head = head = QHBoxLayout()
        head.setSpacing(theme.S)
        head.addWidget(self._back)
        head.addWidget(self._title, 1)
        head.addWidget(self._page)
        self._above = Column(self._look, WIDTH, top=theme.S, bottom=theme.S, centred=False)
        self._above.lines.setSpacing(theme.S)
        self._above.lines.addLayout(head)
        for widget in (self._bar, self._trouble, self._try):
            self._above.lines.addWidget(widget)
        self._below = Column(self._look, WIDTH, top=theme.M, centred=False)
        self._below.lines.setSpacing(theme.S)
        parts: tuple[QWidget, ...] = (self._facts, self._gate, self._outdated, self._recommended, self._headings)
        for part in (*parts, self.table, self._said, self._waiting, self._card):
            self._below.lines.addWidget(part)
        self._below.lines.addStretch()
        self._area: QScrollArea = scrolling(self._below)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        above = QHBoxLayout()
        above.setSpacing(0)
        above.addWidget(self._above)
        above.addSpacing(self._area.verticalScrollBar().sizeHint().width())  # so that columns stand above the rows'
        whole.addLayout(above)
        whole.addWidget(self._area, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_try()

    def _place_try(self) -> None:
        """What is tried stays in place, but for where the text is so large that no rows would be seen beside it."""
        above, below = self._above.lines, self._below.lines
        short = self.height() < self._look.px(_SHORT)
        if short and above.indexOf(self._try) >= 0:
            below.insertWidget(below.indexOf(self._headings), self._try)
            below.insertWidget(below.indexOf(self._facts) + 1, self._page, 0, Qt.AlignmentFlag.AlignLeft)
        elif not short and above.indexOf(self._try) < 0:
            above.addWidget(self._try)
            self._head.addWidget(self._page)

    def begin(self) -> None:
        """Another repository was opened: from its top, with the focus on what is recommended as soon as it is known."""
        self._card.put(self._offer.card)
        self._trouble.hide()
        self.refresh()
        self._area.verticalScrollBar().setValue(0)
        self._fresh = True
        self._title.setFocus()
        self._lead()

    def _lead(self) -> None:
        """From the title on to what is recommended, unless the person has gone elsewhere meanwhile."""
        offer = self._offer
        label = offer.looked_at or offer.recommended[0]
        if not self._fresh or offer.loading or (offer.listing is not None and offer.listing.variants and not label):
            return
        self._fresh = False
        self.table.fill()  # it may have been judged before it is shown
        if self._title.hasFocus() and not self.table.lead(label):
            self._back.setFocus()

    def refresh(self) -> None:
        """Shows the repository as the offer has it now."""
        offer = self._offer
        row, problem = offer.repository, offer.problem
        self._title.setText(row.name)
        self._facts.setText(" · ".join(filter(None, (figures.repository(row), figures.reach(row)))))
        self._gate.put(offer.page)
        self._gate.setVisible(offer.needs_token)
        if problem is not None and not isinstance(problem, GatedError):
            self._bar.warn(problem, N_("Try again"))
        elif offer.age:
            said = N_("The Hub could not be asked now. This is what it said {age} ago.")
            self._bar.say(said, {"age": figures.age(offer.age)}, N_("Try again"))
        else:
            self._bar.hide()
        self._said.setText(self._sentence())
        self._said.setVisible(bool(self._said.text()))
        some = offer.listing is not None and bool(offer.listing.variants) and not offer.url
        awaited = offer.loading and bool(offer.repository.id)
        self._waiting.setVisible(awaited)
        keeping = self._try.sizePolicy()
        keeping.setRetainSizeWhenHidden(awaited)
        self._try.setSizePolicy(keeping)
        self._try.setVisible(some)
        self._headings.setVisible(some)
        self.table.fill()
        self._show_judged()

    def retranslate(self) -> None:
        self._back.name(_("Back to the models found"))
        self._page.setText(_("Repository page…"))
        self._headings.retranslate()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # the head may grow, and the line below it move
            self.update(self._above.width(), 0, self.width(), self.height())
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line between what stays and what scrolls."""
        painter = QPainter(self)
        painter.setPen(QColor(self._look.colours.line))
        painter.drawLine(0, self._area.y() - 1, self.width(), self._area.y() - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _sentence(self) -> str:
        offer = self._offer
        if offer.url:
            return _("This file is not on the Hub. How large it is, and how it fits, is known once it is fetched.")
        if offer.loading and offer.repository.id:
            return _("Asking the Hub what it holds…")
        if offer.listing is not None and not offer.listing.variants:
            return _("There is no model in the GGUF format in this repository. Look for one with “GGUF” in its name.")
        if offer.listing is not None and offer.listing.repository.catalogue:
            return _("These figures are from the catalogue in Alcove. The Hub is asked before anything is downloaded.")
        return ""

    def _show_judged(self) -> None:
        offer = self._offer
        outdated = offer.outdated  # a header that is fetched may know better
        self._outdated.setText(_(outdated) if outdated else "")
        self._outdated.setVisible(bool(outdated))
        self._try.put(contexts(offer.trained), offer.settings)
        self._try.count(counted(offer))
        self._lead()

    def _show_row(self, row: QWidget) -> None:
        self._lay_out()
        self._area.ensureWidgetVisible(row, 0, theme.S)

    def _lay_out(self) -> None:
        """Now, from the inside outwards, so that it is known where rows will stand."""
        for widget in (self.table.detail, self.table, self._below):
            QApplication.sendEvent(widget, QEvent(QEvent.Type.LayoutRequest))

    def _keep_place(self, row: QWidget, lower: int) -> None:
        """The row that was clicked stays under the pointer, unless hardly anything of what it unfolds to were seen."""
        bar = self._area.verticalScrollBar()
        self._lay_out()
        bar.setValue(bar.value() + lower)
        line = row.mapTo(self._below, row.rect().topLeft()).y()
        hidden = line + row.height() + self._look.px(_SEEN) - bar.value() - self._area.viewport().height()
        if hidden > 0 or line < bar.value():
            bar.setValue(min(bar.value() + hidden, line))
