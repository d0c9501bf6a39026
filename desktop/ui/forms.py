"""A form of settings, made from rows of the table in `core.settings`: one row each, under the heading of its group.

Invariant: the form shows what is in force and where it comes from, and never holds a value of its own: a change leaves
by `changed`, a return to what is inherited by `reset`, and `show_values` shows what became of it. A setting that needs
a switch is disabled while that is off. Who keeps the values, and at which level, is the affair of the panes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.core.errors import N_, SettingError
from desktop.core.levels import Level, Levels
from desktop.core.settings import Group, Setting, Value
from desktop.ui import theme
from desktop.ui.boxes import CONTROL
from desktop.ui.buttons import IconButton
from desktop.ui.fields import FIELDS, shown
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

WIDTH = 640  # a comfortable line for the explanations
_SIDE = 256  # the column of controls
_NARROW = 460


_SET_HERE = {
    Level.ALL: N_("Set for all chats"),
    Level.MODEL: N_("Set for this model"),
    Level.CHAT: N_("Set for this chat"),
}
_FROM = {Level.ALL: N_("As for all chats"), Level.MODEL: N_("As for this model")}
_BACK_TO = {
    Level.DEFAULT: N_("Back to the default: {value}"),
    Level.ALL: N_("Back to that of all chats: {value}"),
    Level.MODEL: N_("Back to that of the model: {value}"),
}


class SettingsForm(QWidget):
    """`changed(key, value)` and `reset(key)` when the person does so; a value equal to the inherited one is a reset."""

    changed = Signal(str, object)
    reset = Signal(str)

    def __init__(self, look: Theme, rows: Sequence[Setting], levels: Levels, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sections: list[tuple[Group, Label]] = []
        self._rows: Mapping[str, Row] = {row.key: Row(look, row) for row in rows}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        for group, members in groupby(rows, key=lambda row: row.group):
            heading = Label(look, Type.HEADING)
            heading.setContentsMargins(0, theme.M if self._sections else 0, 0, 0)
            self._sections.append((group, heading))
            column.addWidget(heading)
            for member in members:
                row = self._rows[member.key]
                row.changed.connect(self._changed)
                row.reset.connect(self.reset)
                column.addWidget(row)
        self.show_values(levels)
        self.retranslate()

    @property
    def level(self) -> Level:
        return self._levels.level

    def show_values(self, levels: Levels) -> None:
        """Shows these values; what a person is typing at the moment stays."""
        self._levels = levels
        inherited, values = levels.inherited(), levels.values()
        for key, row in self._rows.items():
            row.show_value(values[key], inherited[key], levels.level, levels.origin(key))
            row.enable(not row.needs or values[row.needs] is True)

    def add_below(self, key: str, widget: QWidget) -> None:
        """Puts a widget below the explanation of a setting."""
        self._rows[key].words.addWidget(widget)

    def retranslate(self) -> None:
        for group, heading in self._sections:
            heading.setText(_(group.value))
        for row in self._rows.values():
            row.retranslate()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _changed(self, key: str, value: Value) -> None:
        if value == self._levels.inherited()[key]:
            self.reset.emit(key)
        else:
            self.changed.emit(key, value)


class Row(QWidget):
    """Label and control in one line; below, quietly, what it does, where its value is from, and the way back."""

    changed = Signal(str, object)
    reset = Signal(str)

    def __init__(self, look: Theme, setting: Setting) -> None:
        super().__init__()
        self._look, self._setting = look, setting
        self.needs = setting.needs
        self.words = QVBoxLayout()
        self._side = QWidget()
        self._inherited: Value = setting.default
        self._level, self._origin = Level.ALL, Level.DEFAULT
        self._label = Label(look)
        self._reload = Label(look, Type.SMALL, Tone.MUTED)
        self._reload.setVisible(setting.reload)
        self._help = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._refusal = Label(look, Type.SMALL, Tone.DANGER, wrap=True)
        self._refused: SettingError | None = None
        self._where = Label(look, Type.SMALL, Tone.ACCENT)
        self._reset = IconButton(look, Icon.UNDO, "")
        self._reset.clicked.connect(lambda: self.reset.emit(setting.key))
        self.field = FIELDS[setting.kind](look, setting)
        self.field.changed.connect(self._entered)
        self.field.refused.connect(self._refuse)
        look.changed.connect(self._fit)
        self._arrange()

    def _arrange(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(theme.S)
        title.addWidget(self._label)
        title.addWidget(self._reload)
        title.addStretch()
        self.words.setSpacing(0)
        self.words.addLayout(title)
        self.words.addWidget(self._help)
        self.words.addWidget(self._refusal)
        state = QHBoxLayout()
        state.setSpacing(theme.XS)
        state.addStretch()
        state.addWidget(self._where)
        state.addWidget(self._reset)
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(0)
        side.addWidget(self.field, 0, Qt.AlignmentFlag.AlignRight)
        side.addLayout(state)
        side.addStretch()
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(0, 0, 0, 0)
        above = QVBoxLayout()
        above.setSpacing(0)
        above.addLayout(self.words)
        above.addStretch()
        self._line.addLayout(above, 1)
        self._line.addWidget(self._side)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._side.minimumSizeHint().width(), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room beside the words, the control stands below them."""
        super().resizeEvent(event)
        narrow = event.size().width() < self._look.px(_NARROW)
        beside, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._line.setDirection(below if narrow else beside)
        self._line.setSpacing(theme.XS if narrow else theme.L)

    def _fit(self) -> None:
        for label in (self._label, self._reload):
            label.setFixedHeight(self._look.px(CONTROL))  # they stand in the middle of their control
        self._side.setMinimumWidth(self._look.px(_SIDE))

    def show_value(self, value: Value, inherited: Value, level: Level, origin: Level) -> None:
        self._inherited, self._level, self._origin = inherited, level, origin
        if value != self.field.value:
            self._refused = None
        self.field.put(value)
        self._tell()

    def enable(self, on: bool) -> None:
        """A setting that means nothing now is there to be seen, not to be changed."""
        self._label.tone(Tone.TEXT if on else Tone.MUTED)
        for part in (self.field, self._reset):
            part.setEnabled(on)

    def retranslate(self) -> None:
        name, text = _(self._setting.label), _(self._setting.help)
        self._label.setText(name)
        self._reload.setText(_("reload needed"))
        self._reload.setToolTip(_("Takes effect when the model is loaded again."))
        self._help.setText(text)
        self.field.draw()
        self.field.describe(name, text)
        self._tell()

    def _tell(self) -> None:
        differs = self.field.value != self._inherited
        here = _SET_HERE.get(self._level, "") if differs else _FROM.get(self._origin, "")
        self._where.setText(_(here) if here else "")
        self._where.tone(Tone.ACCENT if differs else Tone.MUTED)
        self._where.setVisible(bool(here))
        back = _(_BACK_TO[self._origin], value=shown(self._setting, self._inherited))
        self._reset.setVisible(differs)
        self._reset.name(_("Reset") + ": " + _(self._setting.label))
        self._reset.setToolTip(back)
        self._reset.setAccessibleDescription(back)
        error = self._refused
        self._refusal.setVisible(error is not None)
        self._refusal.setText(said(error) if error else "")

    def _entered(self, value: Value) -> None:
        self._refused = None
        self.changed.emit(self._setting.key, value)

    def _refuse(self, error: SettingError) -> None:
        self._refused = error
        self._tell()


def said(error: SettingError) -> str:
    """The sentence of a refused value, the setting's name in the language in use."""
    label = error.fields.get("label", "")
    return _(error.message, **{**error.fields, "label": _(str(label))})
