"""Where a person writes to the model: the field, one button that sends or stops, and a quiet line about model and room.

Invariant: the button in its place does what the moment allows, "Send" or "Stop", and Esc stops as well; a text leaves
the field only when the controller took it. How text is typed is `writing`'s affair, what the figures mean the engine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.panes.chat.edges import Activity, ModelChoice, Work
from desktop.panes.chat.fitness import Fitness
from desktop.panes.chat.gauge import Gauge
from desktop.panes.chat.opening import COMPLETION
from desktop.panes.chat.send_button import SendButton
from desktop.panes.chat.writing import Writing
from desktop.ui import formats, theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Elided, Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_RESTING_MS = 500  # the gauge follows the draft when the keys rest that long
_TYPING_MS = 400  # while keys are pressed the draft is told so often: a word or two at a time
_INDENT = 8  # the text begins where the icon below it does, and where the conversation does
_NAME = 220  # pixels at 100 %: so much of a model's name tells it from others
_LONG_PROMPT = 512  # tokens; below that reading is over before it can be read


class Progress(QWidget):
    """What the model is busy with before it writes: loading, reading, waiting for another chat."""

    cancelled = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._activity = Activity()
        self.label = Label(look, Type.SMALL, Tone.MUTED)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedHeight(theme.S)
        self.cancel = QPushButton()
        self.cancel.clicked.connect(self.cancelled)
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.L, 0, 0, 0)
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
        self.field.setViewportMargins(_INDENT - round(self.field.document().documentMargin()), 0, 0, 0)
        self.field.setFont(look.font(Type.READING))
        self.button = SendButton(look)
        self.model_button = IconButton(look, Icon.MODELS, " ", text=" ")
        self.gauge = Gauge(look)
        self.progress = Progress(look)
        self._fit = Elided(look, Type.SMALL, Tone.MUTED)
        self._fitness: Fitness | None = None
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
        """What is seen in the field."""
        return self.field.draft()

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

    def show_fit(self, fitness: Fitness | None) -> None:
        """How the model goes with memory; None for the guide, or where it is not known."""
        self._fitness = fitness
        self._tell_fit()

    def show_completion(self, in_force: bool) -> None:
        """Whether the model goes on with the text instead of answering."""
        self._completion.setVisible(in_force)

    def retranslate(self) -> None:
        self.field.hint = _("Write a message")
        self.field.viewport().update()
        self.field.setAccessibleName(_("Message"))
        self._tell_fit()
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._name_model()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = self.field.hasFocus()
        width = 2 if focused else 1
        painter.setPen(QPen(QColor(colours.accent if focused else colours.edge), width))
        painter.setBrush(QColor(colours.ground))
        top = self.field.y() - theme.M
        box = QRectF(0, top, self.width(), self.height() - top).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(box, theme.RADIUS_L, theme.RADIUS_L)

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.setSpacing(theme.S)
        below.addWidget(self.model_button)
        below.addWidget(self._fit, 1)
        below.addWidget(self._completion)
        below.addWidget(self.gauge)
        below.addWidget(self.button)
        inside = QVBoxLayout()
        inside.setContentsMargins(theme.L - _INDENT, theme.M, theme.S, theme.S)
        inside.setSpacing(theme.XS)
        inside.addWidget(self.field)
        inside.addLayout(below)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.S)
        column.addWidget(self.progress)
        column.addLayout(inside)
        for before, after in pairwise((self.progress.cancel, self.field, self.model_button, self.gauge, self.button)):
            self.setTabOrder(before, after)  # as it stands, not as it was made

    def _connect(self) -> None:
        self.field.submitted.connect(self._send)
        self.field.recalled.connect(self.recalled)
        self.field.textChanged.connect(self._adapt)
        self.field.textChanged.connect(self._pause.start)
        self.field.textChanged.connect(lambda: self._typing.isActive() or self._typing.start())
        self.field.focus_changed.connect(self.update)
        self._pause.timeout.connect(lambda: self.rested.emit(self.field.draft()))
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
        self.button.show_stop(self._busy)
        self.button.name(_("Stop") if self._busy else _("Send"))
        self.button.setEnabled(self._busy or not self.field.is_empty())

    def _tell_fit(self) -> None:
        fitness = self._fitness
        self._fit.setText(fitness.brief if fitness else "")
        self._fit.tone(fitness.tone if fitness else Tone.MUTED)
        self._fit.setToolTip(f"{fitness.sentence} {fitness.amounts}" if fitness else "")
        self._fit.setAccessibleDescription(self._fit.toolTip())

    def _name_model(self) -> None:
        label = next((m.label for m in self._models if m.name == self._model), self._model) or _("Guide")
        metrics = self.fontMetrics()
        beside = self.gauge.sizeHint().width() + self.button.sizeHint().width() + 2 * self._look.px(theme.TARGET)
        room = max(0, min(self._look.px(_NAME), self.width() - beside - theme.XXL))
        short = metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, room)
        self.model_button.name(_("Model: {name}", name=label), short)
        self.model_button.setToolTip(_("Choose a model for this chat"))
        self.model_button.updateGeometry()

    def _choose_model(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for model in self._models:
            action = menu.addAction("\t".join(filter(None, (model.label, model.detail))).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(model.name == self._model)
            action.triggered.connect(lambda _checked=False, name=model.name: self.model_chosen.emit(name))
        menu.popup(self.model_button.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _restyle(self) -> None:
        self.field.setFont(self._look.font(Type.READING))
        self.button.setFixedSize(self.button.sizeHint())
        self.gauge.updateGeometry()
        self._name_model()
