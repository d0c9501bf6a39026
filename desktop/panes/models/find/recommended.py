"""The variant that suits this computer best, above the table: what it is, why, and how to get it, in one line.

Invariant: it stands there however the table is sorted or filtered; what is too large is shown in the table instead of
being fetched, where it is asked about. Which variant it is, and the reason, are the offer's.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.panes.models import figures
from desktop.panes.models.find.offer import Offer, State, Verdict
from desktop.ui import formats, icons, theme
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_SIGN = 20
_NARROW = 420  # pixels at 100 % text size: with less, the button stands below the words


class Recommended(QWidget):
    def __init__(self, look: Theme, offer: Offer) -> None:
        super().__init__()
        self._look, self._offer = look, offer
        self._which = Label(look, Type.BODY, wrap=True)
        self._why = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._fetch = False  # or else it is shown in the table
        self._go = QPushButton()
        self._go.clicked.connect(lambda: (offer.download if self._fetch else offer.look_at)(offer.recommended[0]))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._which)
        words.addWidget(self._why)
        self._line = line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        line.setSpacing(theme.M)
        line.addLayout(words, 1)
        line.addWidget(self._go, 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        for heard in (offer.judged, offer.moved, offer.changed):
            heard.connect(self.refresh)
        look.changed.connect(self._fit)
        self._fit()
        self.refresh()

    def _fit(self) -> None:
        narrow, way = self.width() < self._look.px(_NARROW), QBoxLayout.Direction
        self._line.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self._line.setContentsMargins(self._look.px(_SIGN) + 2 * theme.M, theme.M, theme.M, theme.M)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def refresh(self) -> None:
        """What is recommended now; nothing where there is no choice."""
        offer, (label, reason) = self._offer, self._offer.recommended
        held = offer.listing.variants if offer.listing else ()
        variant = next((variant for variant in held if variant.label == label), None)
        self.setVisible(variant is not None and len(held) > 1)
        if variant is None:
            return
        size = formats.size(variant.size)
        self._which.setText(_("Recommended: {variant}, {size}", variant=label, size=size))
        fit, transfer = offer.fits.get(label), offer.transfer(label)
        computing = offer.reading and fit is not None and fit.rough  # another may be recommended in a moment
        self._why.setText(_(figures.COMPUTING[0] if computing else reason))
        going = transfer is not None and transfer.state is not State.DONE
        useful = fit is not None and fit.verdict is not Verdict.TOO_LARGE and figures.loadable(variant)
        self._fetch = useful and not going and not offer.model(label)
        wording = _("Download {variant}", variant=label) if self._fetch else _("Show {variant}", variant=label)
        self._go.setText(wording)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.colours.selected))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS, theme.RADIUS)
        side = self._look.px(_SIGN)
        place = QRectF(theme.M, (self.height() - side) / 2, side, side)
        icons.paint(painter, Icon.RECOMMENDED, place, self._look.colours.accent)
