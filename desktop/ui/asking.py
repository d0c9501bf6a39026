"""A question before something that cannot be undone.

Invariant: Enter and Esc both give the answer that changes nothing; the dialogue is opened, never run, and deletes
itself. It has no picture: that would say nothing, and a screen reader would have to name it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def ask(
    parent: QWidget, question: str, about: str, answer: str, act: Callable[[], object], *, keep: str = ""
) -> QMessageBox:
    """`answer` and `keep` are buttons: the one does it, the other ("" for "Cancel") does not."""
    asking = QMessageBox(parent)
    asking.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    asking.setTextFormat(Qt.TextFormat.PlainText)  # a title may look like markup
    asking.setWindowTitle("Alcove")
    asking.setText(question)
    asking.setInformativeText(about)
    yes = asking.addButton(answer, QMessageBox.ButtonRole.DestructiveRole)
    no = asking.addButton(QMessageBox.StandardButton.Cancel)
    if keep:
        no.setText(keep)
    asking.setDefaultButton(no)
    yes.clicked.connect(lambda: act())
    asking.open()
    return asking
