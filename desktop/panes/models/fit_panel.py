"""What a model takes of this computer's memory, item by item, and what would make room for it.

Invariant: every part of the bar stands below it in words, with its figure; whether the figures are exact or computed
is always said. A remedy is only offered here: who shows the panels applies it. Library
and Find use the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_, UserError
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings
from desktop.core.remedies import Remedy
from desktop.panes.models import figures, meter, parts
from desktop.panes.models.edges import Fit
from desktop.panes.models.meter import Meter
from desktop.panes.models.parts import Kind
from desktop.ui import formats, icons, theme
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_ICON = 18
_SWATCH = 10


class FitPanel(QWidget):
    """The verdict, the bar, and what the memory is taken for."""

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._fit: Fit | None = None
        self._fault: UserError | None = None
        self._computing = False
        self._said = Label(look, wrap=True)
        self._mark = Label(look)
        self.meter = Meter(look)
        self._against = Label(look, Type.SMALL, wrap=True)
        self._items = Items(look)
        self._disk = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._basis = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        look.changed.connect(self._redraw)
        head = QHBoxLayout()
        head.setSpacing(theme.S)
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._said, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.S)
        column.addLayout(head)
        for widget in (self.meter, self._against, self._items, self._basis, self._disk):
            column.addWidget(widget)
        column.addStretch()

    def put(self, fit: Fit, fault: UserError | None = None, *, computing: bool = False) -> None:
        """Shows another fit, or the same one become exact; `fault` is why the engine could not be asked.

        With `computing` no verdict is given yet.
        """
        self._fit, self._fault, self._computing = fit, fault or fit.fault, computing
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self._redraw()

    def _redraw(self) -> None:
        fit = self._fit
        if fit is None:
            return
        word, tone, icon = figures.COMPUTING if self._computing else figures.VERDICTS[fit.verdict]
        side = self._look.px(_ICON)
        self._mark.setAccessibleName(_(word))
        self._mark.setPixmap(icons.icon(icon, getattr(self._look.colours, tone.value), side).pixmap(QSize(side, side)))
        waiting = N_("The beginning of the file is being read. Until then the figures are a guess by its size.")
        self._said.setText(_(waiting if self._computing else figures.EXPLAINED[fit.verdict]))
        self._said.tone(tone)
        estimate = fit.estimate
        total = figures.memory(estimate.total_bytes, exact=fit.exact)
        against = _("{size} of {available} available now", size=total, available=formats.size(fit.available_bytes))
        self.meter.put(parts.whole(fit), parts.memory(fit), tone, against)
        self._against.setText(against)
        self._items.put(_lines(fit), tone)
        self._disk.setText(kept(fit))
        self._basis.setText(_basis(fit, self._fault))


class RoomPanel(QWidget):
    """What would make room, one button each, and how much context fits.

    With `leading` the first way is the main button where a model is too large.
    """

    remedied = Signal(object)  # a Remedy
    context_wanted = Signal(int)  # the largest that fits

    def __init__(self, look: Theme, parent: QWidget | None = None, *, leading: bool = False) -> None:
        super().__init__(parent)
        self._fit: Fit | None = None
        self._leading = leading
        self._context = Label(look, Type.SMALL, wrap=True)
        self._use = QPushButton()
        self._use.clicked.connect(lambda: self._fit and self.context_wanted.emit(self._fit.largest_context))
        self._layers = Label(look, Type.SMALL, wrap=True)
        self._room = Label(look, Type.SMALL, Tone.MUTED)
        self._remedies = QVBoxLayout()
        self._remedies.setSpacing(theme.XS)
        self._buttons: list[QPushButton] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.XS)
        column.addWidget(self._room)
        column.addLayout(self._remedies)
        column.addWidget(self._context)
        column.addWidget(self._use, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._layers)

    def put(self, fit: Fit) -> None:
        """Shows another fit; buttons that stay the same are not made again, so none goes from under a click."""
        known = self._fit
        self._fit = fit
        self._show_context(fit)
        shown = (fit.verdict, fit.settings, fit.remedies)
        if known is None or (known.verdict, known.settings, known.remedies) != shown:
            self._show_remedies(fit)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange and self._fit is not None:
            self._show_context(self._fit)
            self._show_remedies(self._fit)

    def stops(self) -> list[QPushButton]:
        """Where the Tab key stops, in order."""
        return [*self._buttons, self._use]

    def _show_context(self, fit: Fit) -> None:
        some = fit.largest_context > 0
        words = _("The largest context that fits: {count} tokens.", count=formats.number(fit.largest_context))
        self._context.setText(words if some else _("No context fits into the memory that is available now."))
        self._use.setText(_("Use {count} tokens", count=formats.number(fit.largest_context)))
        self._use.setVisible(some and fit.largest_context != fit.settings.context)
        self._layers.setVisible(fit.verdict is Verdict.PARTLY or bool(fit.estimate.devices))
        self._layers.setText(
            _("All its layers fit on the graphics card.")
            if fit.gpu_layers < 0
            else _("Layers that fit on the graphics card: {count}.", count=formats.number(fit.gpu_layers))
        )

    def _show_remedies(self, fit: Fit) -> None:
        for button in self._buttons:
            self._remedies.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._room.setText(_("What would make room:"))
        self._room.setVisible(bool(fit.remedies))
        self._buttons = [self._offered(fit.settings, remedy) for remedy in fit.remedies]
        for button in self._buttons[:1]:
            button.setProperty("primary", self._leading and fit.verdict is Verdict.TOO_LARGE)

    def _offered(self, now: LoadSettings, remedy: Remedy) -> QPushButton:
        saving = formats.size(remedy.saving_bytes)
        button = QPushButton(_("{change} — saves {size}", change=change(now, remedy), size=saving))
        button.clicked.connect(lambda: self.remedied.emit(remedy))
        self._remedies.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return button


Line = tuple[Kind | None, str, str]  # None: a sum


class Items(QWidget):
    """The parts of the bar as lines: a swatch of the same shade, the name, and the figure at the right."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._lines: list[tuple[Swatch, Label, Label]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.S)
        self._grid.setVerticalSpacing(theme.XS)
        self._grid.setColumnStretch(1, 1)

    def put(self, rows: Sequence[Line], tone: Tone) -> None:
        while len(self._lines) < len(rows):
            self._add()
        for at, line in enumerate(self._lines):
            for widget in line:
                widget.setVisible(at < len(rows))
            if at < len(rows):
                kind, name, figure = rows[at]
                line[0].put(kind, tone)
                line[1].tone(Tone.TEXT if kind is None else Tone.MUTED)
                line[1].setText(name)
                line[2].setText(figure)

    def _add(self) -> None:
        at = len(self._lines)
        swatch = Swatch(self._look)
        name, figure = Label(self._look, Type.SMALL, Tone.MUTED, wrap=True), Label(self._look, Type.SMALL)
        self._grid.addWidget(swatch, at, 0, Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(name, at, 1)
        self._grid.addWidget(figure, at, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._lines.append((swatch, name, figure))


class Swatch(QWidget):
    """A small square as a part is drawn in the bar; nothing for a sum, and for what is on a graphics card."""

    ROLE = QAccessible.Role.Whitespace

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._kind: Kind | None = None
        self._tone = Tone.ACCENT
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(_SWATCH), QFontMetrics(self._look.font(Type.SMALL)).height())

    def put(self, kind: Kind | None, tone: Tone) -> None:
        self._kind, self._tone = kind, tone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._kind in (None, Kind.CARD):
            return
        side = self._look.px(_SWATCH)
        box = QRectF(0, (self.height() - side) / 2, side, side).adjusted(0.5, 0.5, -0.5, -0.5)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        free = self._kind is Kind.FREE
        painter.setPen(QPen(QColor(self._look.colours.line), 1) if free else Qt.PenStyle.NoPen)
        painter.setBrush(meter.ink(self._look, self._kind, self._tone))
        painter.drawRoundedRect(box, 2, 2)


def _lines(fit: Fit) -> list[Line]:
    """What other programs use, what the model takes and the sum of that, and what remains."""
    before = [parts.used(fit)] if fit.memory_bytes else []
    left = parts.remaining(fit)
    return [
        *((part.kind, part.name, formats.size(part.octets)) for part in (*before, *parts.taken(fit))),
        (None, _("Together"), figures.memory(fit.estimate.total_bytes, exact=fit.exact)),
        (left.kind, left.name, formats.size(left.octets)),
    ]


def kept(fit: Fit) -> str:
    """What a chat takes of the disk, where what was read of it is kept."""
    size = formats.size(fit.estimate.state_bytes)
    return _("A chat that fills the context takes {size} on disk, so that it is not read again.", size=size)


def change(now: LoadSettings, remedy: Remedy) -> str:
    """What a remedy changes, in words: "4,096 tokens instead of 8,192, q8_0 KV cache"."""
    then = remedy.settings
    parts = []
    if remedy.variant:
        parts.append(_("{variant} instead", variant=remedy.variant))
    if then.context != now.context:
        less, more = formats.number(then.context), formats.number(now.context)
        parts.append(_("{less} tokens instead of {more}", less=less, more=more))
    if then.kv_type != now.kv_type:
        parts.append(_("{kind} KV cache", kind=then.kv_type))
    if then.mmap != now.mmap:
        parts.append(_("weights kept in memory, not mapped"))
    if then.repack != now.repack:
        parts.append(_("without repacking"))
    if then.gpu_layers != now.gpu_layers:
        parts.append(_("{count} layers on the graphics card", count=formats.number(then.gpu_layers)))
    return ", ".join(parts)


def _basis(fit: Fit, fault: UserError | None) -> str:
    if fit.exact:
        return _("Exact: the engine itself was asked, for these settings.")
    if fault is not None:
        return _("Computed from the model's shape.") + " " + _(fault.message, **fault.fields)
    return _("Computed from the model's shape. The exact figure follows as soon as the engine has been asked.")
