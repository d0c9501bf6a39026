"""How a model comes in: the question whether to copy, link or move it, and the strip that shows it coming.

Invariant: nothing happens to a file before the person has answered; the dialogue is opened, never executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from desktop.core.errors import N_
from desktop.panes.models.library.controller import Coming, How
from desktop.panes.models.strip import Strip
from desktop.ui import theme
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, ngettext

_WIDTH = 440
_WAYS = (
    (How.COPY, N_("Copy"), N_("The file is copied into Alcove's folder. The original stays, and needs its space too.")),
    (How.LINK, N_("Link"), N_("The file stays where it is and takes no more space. Do not move or delete it.")),
    (How.MOVE, N_("Move"), N_("The file is moved into Alcove's folder and is gone from where it was.")),
)


class ImportDialog(QDialog):
    """`answered` with the way, when it is accepted."""

    answered = Signal(object)

    def __init__(self, look: Theme, paths: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paths = paths
        self._question = Label(look, Type.HEADING, wrap=True)
        self._group = QButtonGroup(self)
        self._explanations = [Label(look, Type.SMALL, Tone.MUTED, wrap=True) for _way in _WAYS]
        self._cancel = QPushButton(autoDefault=False)
        self._cancel.clicked.connect(self.reject)
        self._import = QPushButton(default=True)
        self._import.setProperty("primary", True)
        self._import.clicked.connect(self.accept)
        self.accepted.connect(lambda: self.answered.emit(_WAYS[self._group.checkedId()][0]))
        self._arrange()
        self.setFixedWidth(look.px(_WIDTH))
        self.retranslate()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
        column.setSpacing(theme.XS)
        column.addWidget(self._question)
        for index, explanation in enumerate(self._explanations):
            button = QRadioButton()
            button.setChecked(index == 0)
            self._group.addButton(button, index)
            column.addSpacing(theme.S)
            column.addWidget(button)
            indented = QHBoxLayout()
            indented.setContentsMargins(theme.XL, 0, 0, 0)
            indented.addWidget(explanation)
            column.addLayout(indented)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._import)
        column.addSpacing(theme.L)
        column.addStretch()
        column.addLayout(buttons)
        self._column = column

    def retranslate(self) -> None:
        self.setWindowTitle(_("Import model"))
        count, name = len(self._paths), self._paths[0].name
        one = _("How should “{name}” be imported?", name=name)
        several = _("How should these {count} models be imported?", count=count)
        self._question.setText(one if count == 1 else several)
        for index, (_how, label, explanation) in enumerate(_WAYS):
            button = self._group.button(index)
            button.setText(_(label))
            button.setAccessibleDescription(_(explanation))
            self._explanations[index].setText(_(explanation))
        self._cancel.setText(_("Cancel"))
        self._import.setText(_("Import"))
        self.setFixedHeight(self._column.totalHeightForWidth(self.width()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


class ComingStrip(Strip):
    """A file on its way into the library, and the button that gives it up."""

    def __init__(self, look: Theme) -> None:
        self._coming: Coming | None = None
        super().__init__(look)

    def show_coming(self, coming: Coming | None) -> None:
        self._coming = coming
        self.retranslate()

    def retranslate(self) -> None:
        super().retranslate()
        coming = self._coming
        if coming is None:
            self.put(None)
            return
        text = _("Importing “{name}”…", name=coming.path.name)
        if coming.waiting:
            text += " " + ngettext("{count} more is waiting.", "{count} more are waiting.", coming.waiting)
        self.put(coming.fraction, text)
