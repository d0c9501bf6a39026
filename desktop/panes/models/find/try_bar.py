"""What the variants are judged for: how much context, how the cache is stored, and whether only what fits is shown.

Invariant: the slider stops only at the steps it is given, the last of which is what the model was trained on. It judges
nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QWidget

from desktop.core.generation import LoadSettings
from desktop.core.settings import BY_KEY
from desktop.ui import formats, theme
from desktop.ui.boxes import QuietCombo
from desktop.ui.fields import QuietSlider
from desktop.ui.flow import Flow
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_SLIDER = 168


class TryBar(QWidget):
    context = Signal(int)
    kv_type = Signal(str)
    fitting = Signal(bool)

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._steps: tuple[int, ...] = ()
        self._name, self._tokens = Label(look, Type.SMALL, Tone.MUTED), Label(look, Type.SMALL)
        self._kind = Label(look, Type.SMALL, Tone.MUTED)
        self._slider = QuietSlider(look)
        self._slider.setTickPosition(QSlider.TickPosition.NoTicks)
        self._slider.setPageStep(2)
        self._slider.valueChanged.connect(self._slid)
        self._types = QuietCombo(look)
        self._types.addItems([choice.value for choice in BY_KEY["kv_type"].choices])
        self._types.textActivated.connect(self.kv_type)
        self._only = QCheckBox()
        self._only.toggled.connect(self.fitting)
        self._arrange()
        self._name.setBuddy(self._slider)
        self._kind.setBuddy(self._types)
        look.changed.connect(self._fit)
        self._fit()
        self.retranslate()

    def _arrange(self) -> None:
        whole = Flow(theme.M, self, apart=True)
        for controls in ((self._name, self._slider, self._tokens), (self._kind, self._types)):
            part = QHBoxLayout()
            part.setSpacing(theme.S)
            for control in controls:
                part.addWidget(control)
            whole.addLayout(part)
        whole.addWidget(self._only)

    def put(self, steps: Sequence[int], settings: LoadSettings) -> None:
        """Shows what is tried now."""
        if self._steps != tuple(steps):
            self._steps = tuple(steps)
            self._fit()
        self._slider.blockSignals(True)
        self._slider.setRange(0, len(self._steps) - 1)
        self._slider.setValue(_nearest(self._steps, settings.context))
        self._slider.blockSignals(False)
        self._types.setCurrentText(settings.kv_type)
        self._say(settings.context)

    def count(self, said: str) -> None:
        """How many of the variants fit."""
        self._only.setToolTip(said)

    def retranslate(self) -> None:
        self._name.setText(_("Context"))
        self._kind.setText(_("KV cache"))
        self._slider.setAccessibleName(_("Context"))
        self._types.setAccessibleName(_("KV cache type"))
        for name, control, key in ((self._name, self._slider, "context"), (self._kind, self._types, "kv_type")):
            explained = BY_KEY[key].help
            name.setToolTip(_(explained))
            control.setToolTip(_(explained))
        self._types.setAccessibleDescription(self._types.toolTip())
        self._only.setText(_("Only what fits"))
        if self._steps:
            self._say(self._steps[self._slider.value()])
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _slid(self, at: int) -> None:
        self._say(self._steps[at])
        self.context.emit(self._steps[at])

    def _say(self, context: int) -> None:
        said = _said(context)
        self._tokens.setText(said)
        self._slider.setAccessibleDescription(said)

    def _fit(self) -> None:
        self._slider.setMinimumWidth(self._look.px(_SLIDER // 2))
        self._slider.setMaximumWidth(self._look.px(_SLIDER))
        widest = map(self._tokens.fontMetrics().horizontalAdvance, map(_said, self._steps))
        self._tokens.setMinimumWidth(max(widest, default=0) + 1)  # nothing moves while the slider does


def _said(context: int) -> str:
    return _("{count} tokens", count=formats.number(context))


def _nearest(steps: Sequence[int], context: int) -> int:
    return min(range(len(steps)), key=lambda at: abs(steps[at] - context), default=0)
