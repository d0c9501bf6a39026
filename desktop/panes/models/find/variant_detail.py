"""What unfolds below a variant: what its type is, how to get it, and what it takes of this computer's memory.

Invariant: there is one main button, and it says what comes next: download, chat, or for what is too large, what makes
room. A download that runs is shown in its place. What is too large is asked about once and never refused.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.core.repos import Variant
from desktop.panes.models import figures
from desktop.panes.models.downloads.download_row import amounts, said
from desktop.panes.models.downloads.sparkline import Sparkline
from desktop.panes.models.find.offer import Download, Fit, Offer, State, Verdict
from desktop.panes.models.fit_panel import FitPanel, RoomPanel
from desktop.panes.models.library.facts import explained
from desktop.ui import formats, theme
from desktop.ui.asking import ask
from desktop.ui.labels import Label, Tone
from desktop.ui.surface import card
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_NARROW = 640


class VariantDetail(QWidget):
    def __init__(self, look: Theme, offer: Offer) -> None:
        super().__init__()
        self._look, self._offer = look, offer
        self._variant: Variant | None = None
        self._leads = False  # whether what makes room stands before the buttons
        self._reason = Label(look, Type.BODY, wrap=True)
        self._kind = Label(look, Type.SMALL, wrap=True, selectable=True)
        self._file = Label(look, Type.SMALL, Tone.MUTED, wrap=True, selectable=True)
        self._go = QPushButton()
        self._go.setProperty("primary", True)
        self._go.clicked.connect(self._act)
        self._pause, self._cancel = QPushButton(), QPushButton()
        self._pause.clicked.connect(self._pause_or_resume)
        self._cancel.clicked.connect(lambda: offer.cancel(self.label))
        self._progress = QProgressBar()
        self._progress.setRange(0, 1000)
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(theme.S)
        self._state = Label(look, Type.SMALL, Tone.MUTED, wrap=True, selectable=True)
        self._spark = Sparkline(look)
        self.panel = FitPanel(look)
        self.room = RoomPanel(look, leading=True)
        self.room.remedied.connect(offer.remedy)
        self.room.context_wanted.connect(offer.try_context)
        self._arrange()

    @property
    def label(self) -> str:
        return self._variant.label if self._variant else ""

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.S)
        for button in (self._go, self._pause, self._cancel):
            buttons.addWidget(button)
        buttons.addStretch()
        self._words = words = QVBoxLayout()
        words.setSpacing(theme.S)
        words.addWidget(self._reason)
        words.addLayout(buttons)
        below = QHBoxLayout()
        below.setSpacing(theme.L)
        below.addWidget(self._state, 1)
        below.addWidget(self._spark, 0, Qt.AlignmentFlag.AlignTop)
        words.addWidget(self._progress)
        words.addLayout(below)
        words.addWidget(self.room)
        self._told, self._more = QVBoxLayout(), QVBoxLayout()
        for part in (self._told, self._more):
            part.setSpacing(theme.S)
        for label in (self._kind, self._file):
            self._told.addWidget(label)
        words.addLayout(self._told)
        words.addStretch()
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        self._line.setSpacing(theme.XL)
        self._line.addLayout(words, 1)
        self._line.addWidget(self.panel, 1)
        self._line.addLayout(self._more)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < self._look.px(_NARROW)
        way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if way is not self._line.direction():
            self._line.setDirection(way)
            for label in (self._kind, self._file):  # what is read at leisure: below the picture, where that is below
                (self._more if narrow else self._told).addWidget(label)

    def paintEvent(self, event: QPaintEvent) -> None:
        card(QPainter(self), QRectF(self.rect()).adjusted(0, 2, 0, -theme.XS), self._look.colours)

    def put(self, variant: Variant, fit: Fit | None, reason: str) -> None:
        """Shows a variant; `reason` why it is recommended, in words."""
        self._variant = variant
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        kind = variant.quantisation
        self._kind.setText(explained(kind) if kind else _("Its name does not say how the weights are stored."))
        self._kind.tone(Tone.TEXT if figures.loadable(variant) else Tone.WARNING)
        paths = [file.path for file in variant.files]
        self._file.setText("\n".join(paths if len(paths) < 4 else [*paths[:2], "…", paths[-1]]))
        self.panel.setVisible(fit is not None)
        self.room.setVisible(fit is not None)
        if fit is not None:
            self.panel.put(fit, self._offer.unasked, computing=self._offer.reading and fit.rough)
            self.room.put(fit)
        self.refresh()

    def stops(self) -> list[QWidget]:
        """Where the Tab key stops, in order."""
        mine: list[QWidget] = [self._go, self._pause, self._cancel]
        left = [*self.room.stops(), *mine] if self._leads else [*mine, *self.room.stops()]
        return [*left, self.panel.meter]

    def refresh(self) -> None:
        """The buttons and the progress, as the download and the library are now."""
        fit, transfer = self._offer.fits.get(self.label), self._offer.transfer(self.label)
        here = self._offer.model(self.label)
        focused = next((button for button in (self._go, self._pause, self._cancel) if button.hasFocus()), None)
        going = transfer is not None and transfer.state is not State.DONE
        large = fit is not None and fit.verdict is Verdict.TOO_LARGE
        self._go.setText(_("Chat with it") if here else _("Download anyway…") if large else _("Download"))
        self._go.setVisible(bool(here) or not going)
        self._lead(large and not here)
        self._pause.setVisible(going and not here)
        self._cancel.setVisible(going and not here)
        self._cancel.setText(_("Cancel"))
        self._progress.setVisible(going and not here)
        self._state.setVisible(bool(here) or going)
        self._spark.setVisible(going and not here)
        if focused is not None and focused.isHidden():  # the focus goes to what took its place, and not astray
            (self._go if self._pause.isHidden() else self._pause).setFocus()
        if here:
            self._state.setText(_("It is in your library as “{name}”.", name=here))
        elif transfer is not None:
            self._show_transfer(transfer)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange and self._variant is not None:
            self._spark.tell()
            self.refresh()

    def _lead(self, large: bool) -> None:
        """What makes room comes first where the variant is too large; downloading it is no main button then."""
        if large == self._leads:
            return
        self._leads = large
        self._words.removeWidget(self.room)
        self._words.insertWidget(1 if large else self._words.indexOf(self._progress) + 2, self.room)
        self._go.setProperty("primary", not large)
        self._go.style().unpolish(self._go)  # a style sheet looks at properties only then
        self._go.style().polish(self._go)

    def _show_transfer(self, transfer: Download) -> None:
        stopped = transfer.state in (State.PAUSED, State.FAILED)
        self._pause.setText(_("Resume") if stopped else _("Pause"))
        size = max(1, transfer.size)
        self._progress.setValue(round(1000 * transfer.received / size))
        self._progress.setAccessibleName(amounts(transfer))
        self._state.setText("\n".join(filter(None, (amounts(transfer), said(transfer)))))
        self._state.tone(Tone.WARNING if transfer.problem else Tone.MUTED)
        self._spark.put(self._offer.speeds(transfer.id), resting=transfer.state is not State.RUNNING)

    def _act(self) -> None:
        if self._offer.model(self.label):
            self._offer.chat(self.label)
            return
        fit = self._offer.fits.get(self.label)
        if fit is not None and fit.verdict is Verdict.TOO_LARGE:
            self._ask(fit)
        else:
            self._offer.download(self.label)

    def _ask(self, fit: Fit) -> None:
        """Once, because the person may know better: memory can be freed, or another computer be meant."""
        label = self.label
        ask(
            self,
            _("Download {variant} although it is too large?", variant=label),
            _(
                "It takes about {size} of memory with these settings, and {available} are available now. With a "
                "smaller context, or with other programs closed, it may still run.",
                size=formats.size(fit.estimate.total_bytes),
                available=formats.size(fit.available_bytes),
            ),
            _("Download anyway"),
            lambda: self._offer.download(label),
        )

    def _pause_or_resume(self) -> None:
        transfer = self._offer.transfer(self.label)
        stopped = transfer is not None and transfer.state in (State.PAUSED, State.FAILED)
        (self._offer.resume if stopped else self._offer.pause)(self.label)
