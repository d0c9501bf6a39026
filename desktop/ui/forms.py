"""A form of settings, made from rows of the table in `core.settings`: one row each, a card for each group.

Invariant: the form shows what is in force and where it comes from, and never holds a value of its own: a change leaves
by `changed`, a return to what is inherited by `reset`, and `show_values` shows what became of it. A setting that needs
a switch is disabled while that is off. Who keeps the values, and at which level, is the affair of the panes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from desktop.core.errors import N_, SettingError
from desktop.core.levels import Level, Levels
from desktop.core.settings import Group, Setting, Value
from desktop.ui import theme
from desktop.ui.buttons import IconButton
from desktop.ui.column import Card
from desktop.ui.fields import FIELDS, shown
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.stops import first_stop
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

WIDTH = 680  # a comfortable line for the explanations
_NARROW = 460

_SET_HERE = {  # for all chats it goes without saying: where else?
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
        self._notes: list[Label] = []
        self._rows: Mapping[str, Row] = {row.key: Row(look, row) for row in rows}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.S)
        for group, members in groupby(rows, key=lambda row: row.group):
            self._add(look, group, list(members))
        self.show_values(levels)
        self.retranslate()

    def _add(self, look: Theme, group: Group, members: Sequence[Setting]) -> None:
        heading, card = Label(look, Type.HEADING), Card(look)
        heading.setContentsMargins(0, theme.L if self._sections else 0, 0, 0)
        self._sections.append((group, heading))
        self._column.addWidget(heading)
        if any(member.reload for member in members):
            self._notes.append(Label(look, Type.SMALL, Tone.MUTED, wrap=True))
            self._column.addWidget(self._notes[-1])
        for member in members:
            row = self._rows[member.key]
            row.changed.connect(self._changed)
            row.reset.connect(self.reset)
            card.lines.addWidget(row)
        self._column.addWidget(card)

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

    def go_to(self, key: str) -> QWidget:
        """Puts the person into the field of a setting; its row, to be scrolled to."""
        row = self._rows[key]
        (first_stop(row.field) or row).setFocus(Qt.FocusReason.TabFocusReason)
        return row

    def add_below(self, key: str, widget: QWidget) -> None:
        """Puts a widget below the explanation of a setting."""
        self._rows[key].words.addWidget(widget)

    def retranslate(self) -> None:
        for group, heading in self._sections:
            heading.setText(_(group.value))
        for note in self._notes:
            note.setText(_("Takes effect when the model is loaded again."))
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
    """Label and control in one line; below, quietly, what it does and where its value is from.

    The way back shows while the pointer is on the row or the focus on the button: what was set on purpose is no alarm.
    """

    changed = Signal(str, object)
    reset = Signal(str)

    def __init__(self, look: Theme, setting: Setting) -> None:
        super().__init__()
        self._look, self._setting = look, setting
        self.needs = setting.needs
        self.words = QVBoxLayout()
        self._inherited: Value = setting.default
        self._level, self._origin = Level.ALL, Level.DEFAULT
        self._label = Label(look, wrap=True)
        self._help = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._refusal = Label(look, Type.SMALL, Tone.DANGER, wrap=True)
        self._refused: SettingError | None = None
        self._where = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._reset = IconButton(look, Icon.UNDO, "")
        self._reset.quiet = True
        self._reset.clicked.connect(lambda: self.reset.emit(setting.key))
        self.field = FIELDS[setting.kind](look, setting)
        self.field.changed.connect(self._entered)
        self.field.refused.connect(self._refuse)
        self._label.setBuddy(next(c for c in self.field.controls() if c.isVisibleTo(self.field)))
        self._arrange()

    def _arrange(self) -> None:
        self.words.setSpacing(theme.XS // 2)
        for label in (self._label, self._help, self._where, self._refusal):
            self.words.addWidget(label)
        kept = self._reset.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # nothing moves when a value is set
        self._reset.setSizePolicy(kept)
        self._side = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._side.setSpacing(theme.XS)
        self._side.addStretch()
        self._side.addWidget(self._reset)
        self._side.addWidget(self.field)
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(0, theme.M, 0, theme.M)
        middle = QVBoxLayout()
        middle.addStretch()
        middle.addLayout(self.words)
        middle.addStretch()
        self._line.addLayout(middle, 1)
        self._line.addLayout(self._side)

    def minimumSizeHint(self) -> QSize:
        side = self.field.minimumSizeHint().width() + theme.XS + self._reset.sizeHint().width()
        return QSize(side, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room beside the words, the control stands below them."""
        super().resizeEvent(event)
        narrow = event.size().width() < self._look.px(_NARROW)
        way = QBoxLayout.Direction
        self._line.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self._side.setDirection(way.RightToLeft if narrow else way.LeftToRight)  # begins where the words begin
        self._line.setSpacing(theme.XS if narrow else theme.S)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._reveal(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._reveal(False)
        super().leaveEvent(event)

    def _reveal(self, shown: bool) -> None:
        self._reset.quiet = not shown
        self._reset.update()

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
        self._label.setText(_(self._setting.label))
        self._help.setText(_(self._setting.help))
        self.field.draw()
        self._tell()

    def _tell(self) -> None:
        differs = self.field.value != self._inherited
        here = (_SET_HERE if differs else _FROM).get(self._level if differs else self._origin, "")
        self._where.setText(_(here) if here else "")
        self._where.setVisible(bool(here))
        reload = _("Takes effect when the model is loaded again.") if self._setting.reload else ""
        said_below = (self._help.text(), self._where.text(), reload)
        self.field.describe(self._label.text(), " ".join(filter(None, said_below)))
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
