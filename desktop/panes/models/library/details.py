"""One model in detail: what it is, what can be done with it, its settings, and what its file says.

Invariant: it shows the controller's selected model and nothing else; the settings and the file's own words are made
only when they are unfolded, because most people never look.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.levels import Level, rows_for
from desktop.panes.models.library import facts
from desktop.panes.models.library.controller import OUTDATED, ModelsController
from desktop.panes.models.library.memory_section import MemorySection
from desktop.panes.models.library.speed_section import SpeedSection
from desktop.panes.models.library.tuner import Tuner
from desktop.panes.models.library.upkeep import Upkeep
from desktop.panes.models.plate import Plate
from desktop.panes.models.strip import Strip
from desktop.ui import theme
from desktop.ui.boxes import Line
from desktop.ui.column import Column
from desktop.ui.flow import Flow
from desktop.ui.fold import Fold
from desktop.ui.forms import WIDTH, SettingsForm
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_NARROW = 400  # pixels at 100 % text size: beside its label an explanation would be a column of few words
_LONG_WORD = 20  # characters: a path or a file's name, which cannot be broken, stands below its label


class Details(Column):
    """`upkeep` is None where nothing is known of memory and files are not verified; `tuner`, where none is measured."""

    def __init__(
        self, look: Theme, controller: ModelsController, upkeep: Upkeep | None = None, tuner: Tuner | None = None
    ) -> None:
        super().__init__(look, WIDTH)
        self._controller, self._upkeep = controller, upkeep
        self._name = NameField(look)
        self._name.renamed.connect(controller.rename)
        self._condition = Label(look, tone=Tone.MUTED, wrap=True, selectable=True)
        self._outdated = Label(look, tone=Tone.WARNING, wrap=True, selectable=True)
        self._chat = QPushButton()
        self._chat.setProperty("primary", True)
        self._chat.clicked.connect(self.chat)
        self._rename = QPushButton()
        self._rename.clicked.connect(self._name.edit)
        self._remove = QPushButton()
        self._remove.clicked.connect(controller.remove)
        self._verify, self._renew = QPushButton(), QPushButton()
        self._strip = Strip(look)
        self._memory = MemorySection(look, upkeep) if upkeep else None
        self._speed = SpeedSection(look, tuner) if tuner else None
        self._facts = Pairs(look)
        self._settings = Fold(look)
        self._settings.unfolded.connect(self._make_form)
        self._form: SettingsForm | None = None
        self._metadata = Fold(look)
        self._metadata.unfolded.connect(controller.read_details)
        self._pairs = Pairs(look, stacked=True)
        self._metadata.hold(self._pairs)
        self._arrange()
        controller.details_ready.connect(self._show_metadata)
        controller.examined.connect(self._show_outdated)
        controller.values_changed.connect(self._show_values)
        if upkeep is not None:
            self._verify.clicked.connect(upkeep.verify)
            self._renew.clicked.connect(upkeep.renew)
            self._strip.cancelled.connect(upkeep.cancel)
            upkeep.verifying.connect(self._show_verifying)

    def _arrange(self) -> None:
        buttons = Flow(theme.S)
        for button in (self._chat, self._renew, self._rename, self._verify, self._remove):
            buttons.addWidget(button)
        self.lines.addWidget(self._name)
        self.lines.addWidget(self._condition)
        self.lines.addWidget(self._outdated)
        self.lines.addLayout(buttons)
        self.lines.addWidget(self._strip)
        about = Plate(self._look)
        about.hold(self._facts)
        for part in (self._memory, self._speed, about, self._settings, self._metadata):
            if part is not None:
                self.lines.addWidget(part)
        self.lines.addStretch()

    def chat(self) -> None:
        """Chats with the selected model; one that is too large is asked about first."""
        if self._memory is None:
            self._controller.chat()
        else:
            self._memory.confirmed(self._controller.model().id, self._controller.chat)

    def rename(self) -> None:
        """Opens the name for editing, where it may be."""
        if self._rename.isEnabled():
            self._name.edit()

    def refresh(self) -> None:
        """Shows the selected model as it is now."""
        model = self._controller.model()
        self._name.put(facts.name(model))
        self._condition.setText(facts.condition(model))
        sound = model.present and not model.changed
        self._condition.tone(Tone.MUTED if sound else Tone.WARNING)
        self._condition.setVisible(bool(self._condition.text()))
        self._show_outdated()
        self._controller.examine()
        self._chat.setVisible(model.present)
        self._rename.setVisible(not model.built_in)
        self._rename.setEnabled(not model.built_in)
        self._remove.setVisible(not model.built_in)
        kept = self._upkeep is not None and model.present and not model.built_in
        self._renew.setVisible(kept and model.changed)
        self._verify.setVisible(kept and not model.changed)
        if self._memory is not None:
            self._memory.refresh()
        if self._speed is not None:
            self._speed.refresh()
        self._facts.show_pairs(facts.facts(model))
        self._settings.setVisible(not model.built_in)  # the guide's are its own
        self._show_values()
        self._pairs.show_pairs([])
        if not model.present:
            self._metadata.fold()
        elif self._metadata.open:
            self._controller.read_details()
        self._metadata.setVisible(model.present)

    def retranslate(self) -> None:
        self._name.retranslate()
        self._chat.setText(_("Chat with it"))
        self._rename.setText(_("Rename"))
        self._remove.setText(_("Move to bin"))
        self._verify.setText(_("Verify"))
        self._renew.setText(_("Use it as it is now"))
        self._settings.label(_("Settings for this model"))
        self._metadata.label(_("What the file says"))
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _make_form(self) -> None:
        if self._form is None:
            self._form = SettingsForm(self._look, rows_for(Level.MODEL), self._controller.levels())
            self._form.changed.connect(self._controller.set)
            self._form.reset.connect(self._controller.reset)
            self._settings.hold(self._form)
        self._show_values()

    def _show_values(self) -> None:
        if self._form is not None:
            self._form.show_values(self._controller.levels())

    def _show_verifying(self, fraction: float | None) -> None:
        self._strip.put(fraction, _("Reading the whole file…"))
        self._verify.setEnabled(fraction is None)

    def _show_outdated(self) -> None:
        model = self._controller.model()
        self._outdated.setText(_(OUTDATED, name=facts.name(model)))
        self._outdated.setVisible(model.present and self._controller.outdated())

    def _show_metadata(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs.show_pairs([(key, value, "") for key, value in pairs])


class NameField(QWidget):
    """A title that becomes a field while it is edited. Enter renames, Esc or leaving it does not."""

    renamed = Signal(str)

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._title = Label(look, Type.TITLE, wrap=True, selectable=True)
        self._field = _Entry()
        self._field.setMaxLength(200)
        self._field.returnPressed.connect(self._done)
        self._field.left.connect(lambda: self._switch(editing=False))
        line = QVBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._title)
        line.addWidget(self._field)
        self._switch(editing=False)

    def put(self, name: str) -> None:
        self._title.setText(name)
        self._switch(editing=False)

    def edit(self) -> None:
        self._field.setText(self._title.text())
        self._switch(editing=True)
        self._field.setFocus()
        self._field.selectAll()

    def retranslate(self) -> None:
        self._field.setAccessibleName(_("Name of the model"))

    def _done(self) -> None:
        name = self._field.text()
        self._switch(editing=False)
        self.renamed.emit(name)

    def _switch(self, *, editing: bool) -> None:
        self._field.setVisible(editing)
        self._title.setVisible(not editing)


class _Entry(Line):
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.editingFinished.connect(self._finished)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _finished(self) -> None:
        if not self.hasFocus():
            self.left.emit()


class Pairs(QWidget):
    """Label, value and explanation, one below the other; all can be marked and copied."""

    def __init__(self, look: Theme, *, stacked: bool = False) -> None:
        """`stacked`: the value stands below its label, where labels are long."""
        super().__init__()
        self._look, self._stacked, self._narrow = look, stacked, False
        self._shown: list[tuple[str, str, str]] = []
        self._labels: list[Label] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.L)
        self._grid.setVerticalSpacing(theme.XS)
        self._grid.setColumnStretch(1, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, values stand below their labels; a scroll bar that goes turns nothing back."""
        super().resizeEvent(event)
        narrow = event.size().width() < self._look.px(_NARROW) + theme.XL * self._narrow
        if narrow != self._narrow:
            self._narrow = narrow
            self.show_pairs(self._shown)

    def show_pairs(self, pairs: list[tuple[str, str, str]]) -> None:
        self._shown = pairs
        for label in self._labels:
            self._grid.removeWidget(label)
            label.hide()
            label.deleteLater()
        self._labels = []
        row = 0
        top = Qt.AlignmentFlag.AlignTop
        for name, value, explanation in pairs:
            small = Type.SMALL if self._stacked else Type.BODY
            column = 1
            if self._stacked or self._narrow:
                key = self._made(name, small, Tone.MUTED, wrap=True)
                key.setContentsMargins(0, theme.S, 0, 0)
                self._grid.addWidget(key, row, column)
                row += 1
            else:
                self._grid.addWidget(self._made(name, small, Tone.MUTED), row, 0, top)
            said = self._made(value, small, Tone.TEXT, wrap=True)
            if not (self._stacked or self._narrow) and max(map(len, value.split()), default=0) > _LONG_WORD:
                row, column = row + 1, 0
            self._grid.addWidget(said, row, column, 1, 2 - column)
            row += 1
            if explanation:
                self._grid.addWidget(self._made(explanation, Type.SMALL, Tone.MUTED, wrap=True), row, 1)
                row += 1

    def _made(self, text: str, kind: Type, tone: Tone, *, wrap: bool = False) -> Label:
        label = Label(self._look, kind, tone, wrap=wrap, selectable=True)
        label.setText(text)
        self._labels.append(label)
        return label
