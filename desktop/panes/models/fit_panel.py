"""What a model takes of this computer's memory, item by item, and what would make room for it.

Invariant: the items add up to the total that rows and verdicts name, but for those of less than 1 MB; whether the
figures are exact or computed is always said. A remedy is only offered here: who shows the panels applies it. Library
and Find use the same ones.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_, UserError
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings
from desktop.core.remedies import Remedy
from desktop.panes.models import figures
from desktop.panes.models.edges import Fit
from desktop.panes.models.meter import Meter
from desktop.ui import formats, icons, theme
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_ICON = 18
_NOISE = 1_000_000  # bytes; an item that takes less tells nobody anything


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
        self._meter = Meter(look)
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
        for widget in (self._meter, self._against, self._items, self._basis, self._disk):
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
        _word, tone, icon = figures.COMPUTING if self._computing else figures.VERDICTS[fit.verdict]
        side = self._look.px(_ICON)
        self._mark.setPixmap(icons.icon(icon, getattr(self._look.colours, tone.value), side).pixmap(QSize(side, side)))
        waiting = N_("The beginning of the file is being read. Until then the figures are a guess by its size.")
        self._said.setText(_(waiting if self._computing else figures.EXPLAINED[fit.verdict]))
        self._said.tone(tone)
        estimate = fit.estimate
        total = figures.memory(estimate.total_bytes, exact=fit.exact)
        against = _("{size} of {available} available now", size=total, available=formats.size(fit.available_bytes))
        self._meter.put(estimate.committed_bytes, estimate.file_backed_bytes, fit.available_bytes, tone, against)
        self._against.setText(against)
        self._items.put(items(fit))
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


class Items(QWidget):
    """Names at the left, figures at the right, the last one is the sum."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._labels: list[tuple[Label, Label]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.L)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)

    def put(self, pairs: list[tuple[str, str]]) -> None:
        while len(self._labels) < len(pairs):
            name, figure = Label(self._look, Type.SMALL, Tone.MUTED, wrap=True), Label(self._look, Type.SMALL)
            self._grid.addWidget(name, len(self._labels), 0)
            self._grid.addWidget(figure, len(self._labels), 1, Qt.AlignmentFlag.AlignRight)
            self._labels.append((name, figure))
        for at, labels in enumerate(self._labels):
            last = at == len(pairs) - 1
            for label, text in zip(labels, pairs[at] if at < len(pairs) else ("", ""), strict=True):
                label.setText(text)
                label.setVisible(at < len(pairs))
            labels[0].tone(Tone.TEXT if last else Tone.MUTED)


def items(fit: Fit) -> list[tuple[str, str]]:
    """What the memory is taken for, and how much; what takes next to nothing is left out, the sum is the last."""
    e, settings = fit.estimate, fit.settings
    tokens = formats.number(settings.context)
    rows = [
        (_("Weights, read from the file"), e.weights_bytes),
        (_("Weights, repacked for this processor"), e.repack_bytes),
        (_("The conversation: {count} tokens as {kind}", count=tokens, kind=settings.kv_type), e.kv_bytes),
        (_("Working memory"), e.compute_bytes),
        (_("Output"), e.output_bytes),
        (_("The engine's process"), e.process_bytes),
        (_("Keeping what was read"), e.keeping_bytes),
        *((_("On {device}", device=device.name), device.total_bytes) for device in e.devices),
    ]
    least = min(_NOISE, max(e.weights_bytes, 1))  # of a tiny model even less is something
    return [
        *((name, formats.size(octets)) for name, octets in rows if octets >= least),
        (_("Together"), figures.memory(e.total_bytes, exact=fit.exact)),
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
