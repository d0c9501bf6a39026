"""The controls a setting is edited with, one for each kind of value.

Invariant: a field holds a value that `core.settings.check` accepts, always: what is typed becomes the value only when
it is one, and otherwise the field goes back and says by `refused` what is permitted. The wheel never changes a value,
because it scrolls the page. A field does not know where its value is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

from PySide6.QtCore import QLocale, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from desktop.core.errors import SettingError
from desktop.core.settings import Kind, Setting, Value, check
from desktop.ui import formats, theme
from desktop.ui.boxes import CONTROL, Line, QuietCombo, QuietSpin
from desktop.ui.composing import Prose
from desktop.ui.flow import Flow
from desktop.ui.labels import Label, Tone
from desktop.ui.surface import ring
from desktop.ui.switch import Switch
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, locale

_AFTER_TYPING = 400  # ms without a key before a list of texts counts as written
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"))


def shown(row: Setting, value: Value) -> str:
    """A value in words: "4,096 tokens", "automatic", "On"."""
    if row.kind is Kind.SWITCH:
        return _("On") if value else _("Off")
    if row.kind is Kind.CHOICE:
        return next((_(c.label) for c in row.choices if c.value == value), str(value))
    if isinstance(value, tuple):
        return ", ".join(_escaped(text) for text in value) or _("none")
    special = next((label for number, label in row.special if number == value), "")
    if special:
        return _(special)
    text = _digits(row, value)
    return f"{text} {_(row.unit)}" if row.unit else text


def _digits(row: Setting, value: Value) -> str:
    if row.kind is Kind.NUMBER:
        return formats.number(float(value), 2)  # type: ignore[arg-type]
    return formats.number(int(value)) if row.unit else str(value)  # type: ignore[arg-type]  # a seed has no groups


class Field(QWidget):
    """What all fields have. `changed` carries the new value; it is not sent by `put`."""

    changed = Signal(object)
    refused = Signal(object)  # a SettingError

    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__()
        self._look, self.row = look, row
        self._value: Value = row.default
        self._line = Flow(theme.S, self)

    def add(self, *controls: QWidget) -> None:
        """Puts controls beside each other, where there is room."""
        for control in controls:
            self._line.addWidget(control)

    @property
    def value(self) -> Value:
        return self._value

    def put(self, value: Value) -> None:
        """Shows a value that comes from elsewhere."""
        self._value = value
        self.draw()

    def draw(self) -> None:
        """Shows the value, in the language in use."""
        raise NotImplementedError

    def controls(self) -> list[QWidget]:
        """What can have the focus, the first of them first."""
        return [c for c in self.findChildren(QWidget) if c.focusPolicy() != Qt.FocusPolicy.NoFocus]

    def describe(self, name: str, description: str) -> None:
        """What a screen reader says of the controls."""
        for control in self.controls():
            control.setAccessibleName(name)
            control.setAccessibleDescription(description)

    def _take(self, value: object) -> None:
        """What the person entered becomes the value, if it may."""
        try:
            accepted = check(self.row.key, value)
        except SettingError as error:
            self.draw()
            self.refused.emit(error)
            return
        if accepted != self._value:
            self._value = accepted
            self.changed.emit(accepted)
        self.draw()


class SwitchField(Field):
    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__(look, row)
        self._switch = Switch(look)
        self._switch.clicked.connect(lambda: self._take(self._switch.isChecked()))
        self.add(self._switch)

    def draw(self) -> None:
        self._switch.setChecked(self._value is True)


class NumberBox(QuietSpin):
    """A number that is typed or stepped. `entered` carries a number, or text that is none."""

    entered = Signal(object)

    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__(look)
        self._row = row
        self._number: float = 0.0
        self._drawn = ""
        self.setLineEdit(Line("", self))
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.lineEdit().setMaxLength(24)
        self.lineEdit().setPlaceholderText("–")
        self.editingFinished.connect(self._typed)
        self._unit = Label(look, Type.SMALL, Tone.MUTED, self)
        self._unit.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def put(self, number: float, text: str) -> None:
        """Shows a number as this text; with an empty one it is said elsewhere what it means."""
        self._number, self._drawn = number, text
        self.lineEdit().setText(text)
        self._unit.setText(_(self._row.unit) if self._row.unit and text else "")
        self._place()
        self.update()

    def fit(self, width: int) -> None:
        """Gives it room for a number of so many pixels, and its unit."""
        unit = self._unit.fontMetrics().horizontalAdvance(_(self._row.unit)) if self._row.unit else 0
        self.setFixedSize(width + unit, self._look.px(CONTROL))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        """The unit stands behind the number, in the same box."""
        room, wide = self.lineEdit().geometry(), self._unit.sizeHint().width() if self._unit.text() else 0
        self._unit.setGeometry(room.right() - wide + 1, room.y(), wide, room.height())
        margins = self.lineEdit().textMargins()
        margins.setRight(wide)
        self.lineEdit().setTextMargins(margins)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return QValidator.State.Acceptable, text, position  # judged when complete: "4" is on the way to "4096"

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        steps = QAbstractSpinBox.StepEnabledFlag.StepNone
        if self._number < self._row.high:
            steps |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if self._number > self._lowest():
            steps |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return steps

    def stepBy(self, steps: int) -> None:
        row = self._row
        below = sorted(number for number, _label in row.special if number < row.low)
        if self._number < row.low or (self._number == row.low and steps < 0):  # special values stand below the bounds
            ladder = [*below, row.start or row.low]
            here = below.index(int(self._number)) if self._number < row.low else len(below)
            self.entered.emit(ladder[min(max(here + (1 if steps > 0 else -1), 0), len(below))])
            return
        at = self._number / row.step
        whole = floor(at + 1e-6) if steps > 0 else ceil(at - 1e-6)  # a number between two steps goes to the next
        self.entered.emit(min(max(round((whole + steps) * row.step, 2), row.low), row.high))

    def _lowest(self) -> float:
        return min([self._row.low, *(number for number, _label in self._row.special)])

    def _typed(self) -> None:
        text = self.lineEdit().text().strip()
        if text != self._drawn:
            self.entered.emit(self._read(text))

    def _read(self, text: str) -> object:
        for number, label in self._row.special:
            if text and _(label).casefold().startswith(text.casefold()):
                return number
        bare = text.removesuffix(_(self._row.unit)).strip() if self._row.unit else text
        for reading in (locale(), QLocale.c()):
            read, good = reading.toDouble(bare)
            if good:
                return read
        return text


class WholeField(Field):
    """A number, and beside it a check box for the value with a meaning of its own: "automatic", "all"."""

    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__(look, row)
        self._last: Value = row.default if not self._special(row.default) else row.start or int(row.low)
        self._box = NumberBox(look, row)
        self._box.entered.connect(self._take)
        self._check = QCheckBox()
        self._check.clicked.connect(self._ticked)
        if not row.special:
            self._check.hide()  # never shown here: without a parent it would be a window
        look.changed.connect(self._fit)
        self.add(self._check, self._box)
        self._fit()

    def draw(self) -> None:
        special = self._special(self._value)
        if not special:
            self._last = self._value
        ticked = bool(special) and self._value == self.row.special[0][0]
        self._check.setChecked(ticked)
        self._check.setText(_(self.row.special[0][1]) if self.row.special else "")
        text = "" if ticked else special or _digits(self.row, self._value)
        self._box.put(float(self._value), text)  # type: ignore[arg-type]
        self._fit()

    def describe(self, name: str, description: str) -> None:
        super().describe(name, description)
        self._check.setAccessibleName(f"{name}: {self._check.text()}")

    def _special(self, value: Value) -> str:
        return next((_(label) for number, label in self.row.special if number == value), "")

    def _ticked(self, on: bool) -> None:
        self._take(self.row.special[0][0] if on else self._last)
        if not on:
            self._box.setFocus()
            self._box.selectAll()

    def _fit(self) -> None:
        self._box.fit(self._look.px(104))


class NumberField(Field):
    """A slider for the hand and a number for the exact."""

    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__(look, row)
        self._slider = QuietSlider(look)
        self._slider.setRange(round(row.low / row.step), round(row.high / row.step))
        self._slider.setPageStep(round((row.high - row.low) / row.step / 10))
        self._slider.valueChanged.connect(lambda steps: self._take(round(steps * row.step, 2)))
        self._box = NumberBox(look, row)
        self._box.entered.connect(self._take)
        look.changed.connect(self._fit)
        self.add(self._slider, self._box)
        self._fit()

    def draw(self) -> None:
        number = float(self._value)  # type: ignore[arg-type]
        self._slider.blockSignals(True)
        self._slider.setValue(round(number / self.row.step))
        self._slider.blockSignals(False)
        self._box.put(number, _digits(self.row, number))
        self._slider.setAccessibleDescription(shown(self.row, number))  # its own number counts steps

    def describe(self, name: str, description: str) -> None:
        super().describe(name, description)
        self.draw()

    def _fit(self) -> None:
        self._slider.setFixedWidth(self._look.px(140))
        self._box.fit(self._look.px(80))


class QuietSlider(QSlider):
    def __init__(self, look: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._look = look

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            option, kind = QStyleOptionSlider(), QStyle.ComplexControl.CC_Slider
            self.initStyleOption(option)
            knob = QRectF(self.style().subControlRect(kind, option, QStyle.SubControl.SC_SliderHandle, self))
            around = knob.adjusted(-3, -3, 3, 3)
            ring(QPainter(self), around, around.height() / 2, self._look.colours)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ChoiceField(Field):
    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__(look, row)
        self._combo = QuietCombo(look)
        self._combo.addItems([choice.label for choice in row.choices])
        self._combo.activated.connect(lambda index: self._take(row.choices[index].value))
        self.add(self._combo)

    def draw(self) -> None:
        for index, choice in enumerate(self.row.choices):
            self._combo.setItemText(index, _(choice.label))
            if choice.value == self._value:
                self._combo.setCurrentIndex(index)


class TextsField(Field):
    r"""Texts, one a line. A line break within a text is written \n, a tabulator \t, a backslash \\."""

    def __init__(self, look: Theme, row: Setting) -> None:
        super().__init__(look, row)
        self._edit = _Lines()
        self._edit.setTabChangesFocus(True)
        self._edit.left.connect(self._write)
        self._pause = QTimer(self, singleShot=True, interval=_AFTER_TYPING)
        self._pause.timeout.connect(self._write)
        self._edit.textChanged.connect(self._pause.start)
        look.changed.connect(self._fit)
        self.add(self._edit)
        self._fit()

    def draw(self) -> None:
        self._edit.setPlaceholderText(_("###\n\\n for a line break"))
        assert isinstance(self._value, tuple)
        if self._entered() != self._value:
            self._edit.blockSignals(True)
            self._edit.setPlainText("\n".join(_escaped(text) for text in self._value))
            self._edit.blockSignals(False)

    def _entered(self) -> tuple[str, ...]:
        return tuple(_unescaped(line) for line in self._edit.toPlainText().split("\n") if line)

    def _write(self) -> None:
        self._pause.stop()
        self._take(self._entered())

    def _fit(self) -> None:
        self._edit.setFixedSize(self._look.px(240), self._look.px(72))


class _Lines(Prose):
    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


def _escaped(text: str) -> str:
    for plain, written in _ESCAPES:
        text = text.replace(plain, written)
    return text


def _unescaped(line: str) -> str:
    parts = [part.replace("\\n", "\n").replace("\\t", "\t") for part in line.split("\\\\")]
    return "\\".join(parts)


FIELDS: Mapping[Kind, type[Field]] = {
    Kind.SWITCH: SwitchField,
    Kind.WHOLE: WholeField,
    Kind.NUMBER: NumberField,
    Kind.CHOICE: ChoiceField,
    Kind.TEXTS: TextsField,
}
