"""Work on its way: a sentence, how far it is, and the button that gives it up.

Invariant: it is shown only while there is something to wait for. What is done, and how it ends, is its owner's.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.labels import Label
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _


class Strip(QWidget):
    cancelled = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._text = Label(look, Type.SMALL, wrap=True)
        self._progress = QProgressBar()
        self._progress.setRange(0, 1000)
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(theme.S)
        self._cancel = QPushButton()
        self._cancel.clicked.connect(self.cancelled)
        words = QVBoxLayout()
        words.setSpacing(theme.XS)
        words.addWidget(self._text)
        words.addWidget(self._progress)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.M)
        line.addLayout(words, 1)
        line.addWidget(self._cancel)
        self.put(None)
        self.retranslate()

    def put(self, fraction: float | None, text: str = "") -> None:
        """How far it is, 0..1; None when it is over."""
        self.setVisible(fraction is not None)
        self._progress.setValue(round((fraction or 0) * 1000))
        self._text.setText(text)
        self._progress.setAccessibleName(text)

    def retranslate(self) -> None:
        self._cancel.setText(_("Cancel"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
