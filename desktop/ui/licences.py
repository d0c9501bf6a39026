"""The dialogue that shows under which licences Alcove, and everything it brings, is used.

Invariant: it shows a file as it is, in the languages of its authors. Which file that is, is not known here.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.column import within
from desktop.ui.labels import Label
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _


class LicenceDialog(QDialog):
    """Opened with `open()`."""

    def __init__(self, look: Theme, file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Label(look, Type.HEADING, wrap=True)
        self._text = QPlainTextEdit(file.read_text("utf-8"))
        self._text.setReadOnly(True)
        self._text.setFont(look.font(Type.CODE))
        self._text.setTabChangesFocus(True)
        self._text.setMinimumHeight(theme.TARGET)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
        column.setSpacing(theme.M)
        column.addWidget(self._title)
        column.addWidget(self._text, 1)
        column.addWidget(self._buttons)
        within(self, look.px(760), look.px(560))
        self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(_("Licences"))
        self._title.setText(_("Licences"))
        self._text.setAccessibleName(_("Licences"))
        self._buttons.button(QDialogButtonBox.StandardButton.Close).setText(_("Close"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
