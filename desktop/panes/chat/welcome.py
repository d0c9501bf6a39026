"""What an empty chat shows: a greeting, and, where the guide answers, examples to ask and the way to larger models.

Invariant: the examples are in the window's language, because the guide answers in the language it is asked in.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_
from desktop.ui import theme
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_EXAMPLES = (
    N_("How do I get a bigger model?"),
    N_("Which model suits my computer?"),
    N_("Does anything I type leave this computer?"),
)


class Welcome(QWidget):
    """`asked` carries the example that was clicked; `find_wanted` leads to where larger models are."""

    asked = Signal(str)
    find_wanted = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._guide = True
        self._model = ""
        self._greeting = Label(look, Type.TITLE)
        self._about = Label(look, tone=Tone.MUTED)
        self.examples = [QPushButton() for _example in _EXAMPLES]
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.XL)
        column.setSpacing(theme.S)
        column.addStretch(2)
        for label in (self._greeting, self._about):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label)
        column.addSpacing(theme.L)
        for button in self.examples:
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda _checked=False, b=button: self.asked.emit(b.text()))
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.search = QPushButton()
        self.search.setProperty("primary", True)
        self.search.clicked.connect(self.find_wanted)
        column.addSpacing(theme.L)
        column.addWidget(self.search, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.retranslate()

    def show_model(self, guide: bool, label: str) -> None:
        self._guide, self._model = guide, label
        self.retranslate()

    def retranslate(self) -> None:
        self._greeting.setText(_("What would you like to know?"))
        about = _("Guide — built in, 5 MB, knows Alcove only") if self._guide else self._model
        self._about.setText(about)
        for button, example in zip(self.examples, _EXAMPLES, strict=True):
            button.setText(_(example))
            button.setVisible(self._guide)
        self.search.setText(_("Find a model…"))
        self.search.setVisible(self._guide)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
