"""Where a person writes to the model: the field, one button that sends or stops, and a quiet line about model and room.

Invariant: the button in its place does what the moment allows, "Send" or "Stop", and Esc stops as well; a text leaves
the field only when the controller took it. How text is typed is `writing`'s affair, what the figures mean the engine's.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.core.talk import ContextUse
from desktop.panes.chat.edges import Activity, ModelChoice, Work
from desktop.panes.chat.opening import COMPLETION
from desktop.panes.chat.writing import Writing
from desktop.ui import formats, theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_RESTING_MS = 500  # the gauge follows the draft when the keys rest that long
_TYPING_MS = 400  # while keys are pressed the draft is told so often: a word or two at a time
_UNREAD = 0.4  # how strong the part of the ring is that is still to be read; seen beside the other in both appearances
_LONG_PROMPT = 512  # tokens; below that reading is over before it can be read


class Gauge(QWidget):
    """How full the context is, and what of it is read: a ring, and the numbers for those who ask."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._use = ContextUse(0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setVisible(False)

    def show_use(self, use: ContextUse | None) -> None:
        self._use = use or ContextUse(0, 0)
        self.setVisible(self._use.size > 0)
        self.retranslate()
        self.update()

    def retranslate(self) -> None:
        used, size = formats.number(self._use.used), formats.number(self._use.size)
        text = _("Context: {used} of {size} tokens", used=used, size=size)
        if self._use.cached is not None:
            text += "\n" + _read(self._use.cached, self._use.used)
        if self._use.left:
            text += "\n" + _("The oldest messages have left it. They are shown greyed.")
        self.setToolTip(text)
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        use = self._use
        part = min(1.0, use.used / use.size) if use.size else 0.0
        read = part if use.cached is None else part * use.cached / max(use.used, 1)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = self._look.px(5)
        ring = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        width = self._look.px(2.5)
        painter.setPen(QPen(QColor(colours.line), width))
        painter.drawEllipse(ring)
        ink = QColor(colours.warning if part > 0.9 else colours.accent)
        for drawn, strength in ((part, _UNREAD), (read, 1.0)):
            ink.setAlphaF(strength)
            painter.setPen(QPen(ink, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawArc(ring, 90 * 16, -round(drawn * 360 * 16))
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.RADIUS_S, theme.RADIUS_S)


def _read(cached: int, used: int) -> str:
    """What of the context is there already, in words."""
    if cached >= used:
        return _("All of it is read already.")
    read, unread = formats.number(cached), formats.number(used - cached)
    return _("{read} of them are read already, {unread} are still to be read.", read=read, unread=unread)


class Progress(QWidget):
    """What the model is busy with before it writes: loading, reading, waiting for another chat."""

    cancelled = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._activity = Activity()
        self.label = Label(look, Type.SMALL, Tone.MUTED)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedHeight(theme.XS)
        self._bar.setStyleSheet(
            "QProgressBar { border: none; border-radius: 2px; background: palette(mid); }"
            "QProgressBar::chunk { border-radius: 2px; background: palette(link); }"
        )
        self.cancel = QPushButton()
        self.cancel.clicked.connect(self.cancelled)
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.XS, 0, 0, 0)
        line.setSpacing(theme.M)
        line.addWidget(self.label)
        line.addWidget(self._bar, 1)
        line.addWidget(self.cancel)
        self.hide()

    def show_activity(self, activity: Activity) -> None:
        self._activity = activity
        work = activity.work
        reading = work is Work.READING and activity.total >= _LONG_PROMPT
        self.setVisible(reading or work in (Work.LOADING, Work.WAITING))
        self._bar.setVisible(work is not Work.WAITING)
        self._bar.setRange(0, activity.total)
        self._bar.setValue(activity.done)
        self.cancel.setVisible(work in (Work.LOADING, Work.WAITING))
        self.retranslate()

    def retranslate(self) -> None:
        done, total = formats.number(self._activity.done), formats.number(self._activity.total)
        self.label.setText(
            {
                Work.LOADING: _("Loading the model…"),
                Work.READING: _("Reading… {done} of {total} tokens", done=done, total=total),
                Work.WAITING: _("Waiting for the model to be free…"),
            }.get(self._activity.work, "")
        )
        self._bar.setAccessibleName(self.label.text())
        self.cancel.setText(_("Cancel"))


class Composer(QWidget):
    """`sent` carries the text; whoever takes it empties the field by `put`."""

    sent = Signal(str)
    stopped = Signal()
    recalled = Signal()
    rested = Signal(str)  # the draft, when the keys rest
    typed = Signal(str)  # the draft, now and again while it changes
    model_chosen = Signal(str)

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._busy = False
        self._models: Sequence[ModelChoice] = ()
        self._model = ""
        self.field = Writing()
        self.field.setStyleSheet("QPlainTextEdit { border: none; background: transparent; padding: 0; }")
        self.field.setFont(look.font(Type.READING))
        self.button = IconButton(look, Icon.SEND, " ")
        self.button.primary = True
        self.model_button = IconButton(look, Icon.MODELS, " ", text=" ")
        self.gauge = Gauge(look)
        self.progress = Progress(look)
        self._device = Label(look, Type.SMALL, Tone.MUTED)
        self._completion = Label(look, Type.SMALL, Tone.MUTED)
        self._completion.hide()
        self._pause = QTimer(self, singleShot=True, interval=_RESTING_MS)
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._lay_out()
        self._connect()
        self.retranslate()
        self._restyle()

    @property
    def text(self) -> str:
        return self.field.text()

    def put(self, text: str) -> None:
        """Replaces what stands in the field."""
        if text != self.field.text():
            self.field.set_text(text)
        self._pause.stop()
        self._typing.stop()
        self._adapt()

    def show_activity(self, activity: Activity) -> None:
        self._busy = activity.work is not Work.NOTHING
        self.progress.show_activity(activity)
        self._adapt()

    def show_models(self, models: Sequence[ModelChoice], chosen: str) -> None:
        self._models, self._model = models, chosen
        self._name_model()

    def show_device(self, device: str) -> None:
        """Where the loaded model runs."""
        self._device.setText(device)

    def show_completion(self, in_force: bool) -> None:
        """Whether the model goes on with the text instead of answering."""
        self._completion.setVisible(in_force)

    def retranslate(self) -> None:
        self.field.hint = _("Write a message")
        self.field.viewport().update()
        self.field.setAccessibleName(_("Message"))
        self._device.setToolTip(_("Where the model runs"))
        self._completion.setText(_("Completion mode"))
        self._completion.setToolTip(_(COMPLETION))
        self.gauge.retranslate()
        self.progress.retranslate()
        self._name_model()
        self._adapt()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent if self.field.hasFocus() else colours.line), 1))
        painter.setBrush(QColor(colours.ground))
        top = self.field.y() - theme.M
        box = QRectF(0.5, top + 0.5, self.width() - 1, self.height() - top - 1)
        painter.drawRoundedRect(box, theme.RADIUS_L, theme.RADIUS_L)

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.setSpacing(theme.S)
        below.addWidget(self.model_button)
        below.addWidget(self._device)
        below.addWidget(self._completion)
        below.addStretch(1)
        below.addWidget(self.gauge)
        below.addWidget(self.button)
        inside = QVBoxLayout()
        inside.setContentsMargins(theme.L, theme.M, theme.S, theme.S)
        inside.setSpacing(theme.XS)
        inside.addWidget(self.field)
        inside.addLayout(below)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.S)
        column.addWidget(self.progress)
        column.addLayout(inside)

    def stand_last(self) -> None:
        """Tab reaches the composer after everything else in the window."""
        order = (self.progress.cancel, self.field, self.button, self.model_button, self.gauge)
        before = self.window().previousInFocusChain()
        if before is not None and before is not order[-1]:
            for widget in order:
                self.setTabOrder(before, widget)
                before = widget

    def _connect(self) -> None:
        self.field.submitted.connect(self._send)
        self.field.recalled.connect(self.recalled)
        self.field.textChanged.connect(self._adapt)
        self.field.textChanged.connect(self._pause.start)
        self.field.textChanged.connect(lambda: self._typing.isActive() or self._typing.start())
        self.field.focus_changed.connect(self.update)
        self._pause.timeout.connect(lambda: self.rested.emit(self.field.text()))
        self._typing.timeout.connect(lambda: self.typed.emit(self.field.text()))
        self.button.clicked.connect(self._press)
        self.model_button.clicked.connect(self._choose_model)
        self.progress.cancelled.connect(self.stopped)
        self._look.changed.connect(self._restyle)

    def _press(self) -> None:
        if self._busy:
            self.stopped.emit()
        else:
            self.field.submit()
            self.field.setFocus()

    def _send(self) -> None:
        text = self.field.text()
        if text.strip():
            self.sent.emit(text)

    def _adapt(self) -> None:
        """The button says what it would do now."""
        self.button.draw(Icon.STOP if self._busy else Icon.SEND)
        self.button.name(_("Stop") if self._busy else _("Send"))
        self.button.primary = self._busy or not self.field.is_empty()
        self.button.setEnabled(self.button.primary)

    def _name_model(self) -> None:
        label = next((m.label for m in self._models if m.name == self._model), self._model) or _("Guide")
        metrics = self.fontMetrics()
        short = metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, self._look.px(220))
        self.model_button.name(_("Model: {name}", name=label), short)
        self.model_button.setToolTip(_("Choose a model for this chat"))
        self.model_button.updateGeometry()

    def _choose_model(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for model in self._models:
            text = f"{model.label}    {model.detail}" if model.detail else model.label
            action = menu.addAction(text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(model.name == self._model)
            action.triggered.connect(lambda _checked=False, name=model.name: self.model_chosen.emit(name))
        menu.popup(self.model_button.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _restyle(self) -> None:
        self.field.setFont(self._look.font(Type.READING))
        self.button.setFixedSize(self._look.px(32), self._look.px(32))
        self.gauge.setFixedSize(self._look.px(24), self._look.px(24))
        self._name_model()
