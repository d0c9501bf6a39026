"""The dialogue for a fault of ours: says that one happened, and offers a report to copy.

Invariant: the report holds no home folder and no user name, and is sent nowhere: the person copies it or does not.
Faults of the environment (`UserError`) are not shown here.
"""

from __future__ import annotations

import os
import platform
import re
import traceback
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from desktop import __version__
from desktop.ui import theme
from desktop.ui.column import within
from desktop.ui.labels import Label
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_SHORTEST_NAME = 3  # a user called "a" must not take the letter out of every word


def report(bug: BaseException) -> str:
    """Versions and the traceback, without what tells who the person is."""
    trace = "".join(traceback.format_exception(bug))
    head = f"Alcove {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}"
    names = {Path.home().name, os.environ.get("USER", ""), os.environ.get("USERNAME", "")}
    return redacted(f"{head}\n\n{trace}", Path.home(), names)


def redacted(text: str, home: Path, names: set[str]) -> str:
    """The text with `~` for the home folder, also where its separators are doubled or turned, and "user" for names."""
    plain = str(home)
    if len(plain) > 1:
        for form in (plain.replace("\\", "\\\\"), plain, plain.replace("\\", "/")):
            text = re.sub(re.escape(form), "~", text, flags=re.IGNORECASE)
    for name in sorted((name for name in names if len(name) >= _SHORTEST_NAME), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "user", text, flags=re.IGNORECASE)
    return text


class ReportDialog(QDialog):
    """Opened with `open()`."""

    def __init__(self, look: Theme, bug: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Label(look, Type.HEADING, wrap=True)
        self._text = Label(look, wrap=True)
        self._report = QPlainTextEdit(report(bug))
        self._report.setReadOnly(True)
        self._report.setFont(look.font(Type.CODE))
        self._report.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._report.setTabChangesFocus(True)
        self._copy = QPushButton()
        self._copy.setAutoDefault(False)
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._report.toPlainText()))
        self._close = QPushButton()
        self._close.setDefault(True)
        self._close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self._copy)
        buttons.addStretch()
        buttons.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
        column.setSpacing(theme.M)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addWidget(self._report, 1)
        self._report.setMinimumHeight(theme.TARGET)  # the sentence has its room first, however large the text is
        column.addLayout(buttons)
        within(self, look.px(620), look.px(420))
        self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(_("Something went wrong in Alcove"))
        self._title.setText(_("Something went wrong in Alcove"))
        self._text.setText(
            _(
                "This is a fault of the program, not yours. Your chats are saved, and you can go on. If it happens "
                "again, this report helps to find it; nothing is sent unless you copy it and send it yourself."
            )
        )
        self._report.setAccessibleName(_("Report"))
        self._copy.setText(_("Copy"))
        self._close.setText(_("Close"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
