"""Editing what comes before a chat's first message: instruction, example turns, completion mode, template.

Invariant: nothing changes until "Save"; the preview is the prompt that the opening as edited would make. What a preset
holds is `core.talk`'s table, how a prompt is made the caller's.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.core.chat import Opening, Role, Turn
from desktop.core.errors import N_, UserError
from desktop.core.talk import PRESETS
from desktop.core.templates import BUILT_IN
from desktop.ui import theme
from desktop.ui.boxes import QuietCombo
from desktop.ui.buttons import IconButton
from desktop.ui.column import scrolling, within
from desktop.ui.composing import Prose
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

Preview = Callable[[Opening, Callable[[str], None], Callable[[UserError], None]], None]
_RESTING_MS = 300
_LOW = 160  # pixels at 100 % text size: the least height of a preview that is scrolled to
_NARROW = 640  # pixels at 100 % text size: with less, the preview stands below what is edited
COMPLETION = N_("For base models: you write the beginning, the model writes on. No template is used.")
_ROLES = ((Role.USER, N_("You")), (Role.ASSISTANT, N_("Model")), (Role.SYSTEM, N_("System")))


class TurnRow(QWidget):
    """One opening turn: who says what."""

    changed = Signal()
    removed = Signal()

    def __init__(self, look: Theme, turn: Turn) -> None:
        super().__init__()
        self.role = QuietCombo(look)
        for role, _label in _ROLES:
            self.role.addItem("", role.value)
        self.role.setCurrentIndex([role for role, _label in _ROLES].index(turn.role))
        self.text = _field(look.px(56))
        self.text.setPlainText(turn.text)
        self._removing = IconButton(look, Icon.DELETE, "")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.S)
        for widget in (self.role, self.text, self._removing):
            line.addWidget(widget, int(widget is self.text), Qt.AlignmentFlag.AlignTop)
        self.role.currentIndexChanged.connect(self.changed)
        self.text.textChanged.connect(self.changed)
        self._removing.clicked.connect(self.removed)
        self.retranslate()

    def retranslate(self) -> None:
        for index, (_role, label) in enumerate(_ROLES):
            self.role.setItemText(index, _(label))
        self.role.name(_("Who says it"))
        self.text.setAccessibleName(_("What is said"))
        self._removing.name(_("Remove turn"))

    @property
    def turn(self) -> Turn:
        return Turn(Role(self.role.currentData()), self.text.toPlainText())


class OpeningDialog(QDialog):
    """Open it with `open()`; `saved` carries the opening. It deletes itself.

    `completes`: the model goes on with the text where no template is chosen. That is shown, but not made the chat's own
    choice, so that another model is not held to it.
    """

    saved = Signal(object)

    def __init__(
        self,
        look: Theme,
        opening: Opening,
        preview: Preview,
        parent: QWidget | None = None,
        *,
        completes: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        within(self, look.px(880), look.px(600))
        self._look = look
        self._preview = preview
        self._completes, self._chosen = completes, opening.completion
        self._texts: list[tuple[Label | QPushButton, str]] = []
        self.presets = QuietCombo(look)
        self.instruction = _field(look.px(96))
        self.turns: list[TurnRow] = []
        self._turns = QVBoxLayout()
        self._turns.setSpacing(theme.S)
        self.completion = QCheckBox()
        self.template = QuietCombo(look)
        self.shown = _field()
        self.shown.setReadOnly(True)
        self.shown.setFont(look.font(Type.CODE))
        self._pause = QTimer(self, singleShot=True, interval=_RESTING_MS)
        self._pause.timeout.connect(self._show_preview)
        self._fill()
        self._lay_out()
        self.retranslate()
        self.put(opening)

    def retranslate(self) -> None:
        self.setWindowTitle(_("Instruction and opening"))
        for widget, text in self._texts:
            widget.setText(_(text))
        for index, preset in enumerate(PRESETS):
            self.presets.setItemText(index, _(preset.name))
        self.presets.setPlaceholderText(_("Choose…"))
        self.presets.setAccessibleName(_("Presets"))
        self.instruction.setAccessibleName(_("Instruction"))
        self.instruction.setPlaceholderText(_("What the model is told before everything: role, tone, language"))
        self.completion.setText(_("Completion mode"))
        self.template.setItemText(0, _("The model's own"))
        self.template.setAccessibleName(_("Template"))
        self.shown.setAccessibleName(_("Preview"))
        for row in self.turns:
            row.retranslate()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    @property
    def opening(self) -> Opening:
        """As it is edited now; turns without text are left out."""
        template = str(self.template.currentData())
        by_itself = self._completes and not template and not self._chosen
        return Opening(
            self.instruction.toPlainText().strip(),
            tuple(row.turn for row in self.turns if row.turn.text.strip()),
            self.completion.isChecked() and not by_itself,
            template,
        )

    def put(self, opening: Opening) -> None:
        """Shows an opening."""
        self.instruction.setPlainText(opening.instruction)
        for row in list(self.turns):
            self._remove(row)
        for turn in opening.turns:
            self._add(turn)
        self.completion.setChecked(opening.completion or (self._completes and not opening.template))
        self.template.setCurrentIndex(max(0, self.template.findData(opening.template)))
        self._changed()

    def _fill(self) -> None:
        for preset in PRESETS:
            self.presets.addItem("", preset)
        self.presets.setCurrentIndex(-1)
        self.presets.activated.connect(self._take_preset)
        self.template.addItem("", "")
        for template in BUILT_IN:
            self.template.addItem(template.name, template.name)
        self.template.currentIndexChanged.connect(self._changed)
        self.instruction.textChanged.connect(self._changed)
        self.completion.toggled.connect(self._changed)

    def _lay_out(self) -> None:
        inner = QWidget()
        left = QVBoxLayout(inner)
        left.setContentsMargins(0, 0, theme.S, 0)
        left.setSpacing(theme.XS)
        title = Label(self._look, Type.TITLE)
        self._texts.append((title, N_("Instruction and opening")))
        self._titled(left, N_("Presets"), self.presets)
        self._titled(left, N_("Instruction"), self.instruction)
        left.addWidget(self._label(N_("Opening turns")))
        left.addLayout(self._turns)
        add = self._button(N_("Add turn"))
        add.clicked.connect(self._add_next)
        left.addWidget(add, 0, Qt.AlignmentFlag.AlignLeft)
        left.addSpacing(theme.M)
        left.addWidget(self.completion)
        left.addWidget(self._label(COMPLETION, wrap=True))
        left.addSpacing(theme.M)
        self._titled(left, N_("Template"), self.template)
        left.addStretch(1)
        self._left, self._halves, self._right = left, QHBoxLayout(), QWidget()
        right = QVBoxLayout(self._right)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(theme.XS)
        right.addWidget(self._label(N_("Preview: what the model reads")))
        right.addWidget(self.shown, 1)
        self._halves.setSpacing(theme.L)
        self._halves.addWidget(scrolling(inner), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
        column.setSpacing(theme.L)
        column.addWidget(title)
        column.addLayout(self._halves, 1)
        column.addLayout(self._buttons())
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The preview beside what is edited, or below it where there is no room."""
        narrow = self.width() < self._look.px(_NARROW)
        place = self._left if narrow else self._halves
        if place.indexOf(self._right) < 0:
            place.addWidget(self._right, 1)
            self.setTabOrder(self.template, self.shown)
        self.shown.setMinimumHeight(self._look.px(_LOW) if narrow else 0)

    def _buttons(self) -> QHBoxLayout:
        cancel, save = self._button(N_("Cancel")), self._button(N_("Save"))
        save.setProperty("primary", True)
        save.setDefault(True)
        cancel.clicked.connect(self.reject)
        save.clicked.connect(self._save)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(cancel)
        line.addWidget(save)
        return line

    def _button(self, text: str) -> QPushButton:
        button = QPushButton()
        self._texts.append((button, text))
        return button

    def _label(self, text: str, *, wrap: bool = False) -> Label:
        label = Label(self._look, Type.SMALL, Tone.MUTED, wrap=wrap)
        self._texts.append((label, text))
        return label

    def _titled(self, column: QVBoxLayout, title: str, field: QComboBox | QPlainTextEdit) -> None:
        label = self._label(title)
        label.setBuddy(field)
        column.addWidget(label)
        column.addWidget(field)
        column.addSpacing(theme.M)

    def _take_preset(self, index: int) -> None:
        chosen: Opening = PRESETS[index].opening
        now = self.opening  # a preset says what is told, not how this model is spoken to
        self.put(Opening(chosen.instruction, chosen.turns, now.completion, now.template))

    def _add(self, turn: Turn) -> TurnRow:
        row = TurnRow(self._look, turn)
        row.changed.connect(self._changed)
        row.removed.connect(lambda: self._remove(row))
        self.turns.append(row)
        self._turns.addWidget(row)
        return row

    def _add_next(self) -> None:
        mine = len(self.turns) % 2 == 0
        self._add(Turn(Role.USER if mine else Role.ASSISTANT, "")).text.setFocus()

    def _remove(self, row: TurnRow) -> None:
        self.turns.remove(row)
        self._turns.removeWidget(row)
        row.deleteLater()
        self._changed()

    def _changed(self) -> None:
        self.template.setEnabled(not self.completion.isChecked())
        self._pause.start()

    def _show_preview(self) -> None:
        self._preview(self.opening, self._take_preview, lambda e: self._take_preview(_(e.message, **e.fields)))

    def _take_preview(self, text: str) -> None:
        if self.isVisible():
            self.shown.setPlainText(text)

    def _save(self) -> None:
        self.saved.emit(self.opening)
        self.accept()


def _field(height: int = 0) -> Prose:
    field = Prose()
    field.setTabChangesFocus(True)
    if height:
        field.setFixedHeight(height)
    return field
