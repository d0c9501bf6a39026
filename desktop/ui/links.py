"""Asking before a link leaves Alcove for the browser.

Invariant: nothing is opened that the person has not seen in full and agreed to, and the dialogue never nests an event
loop. Which addresses may be links at all is decided by `ui.markdown`.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.ui.translation import _


def ask_to_open(
    parent: QWidget, address: str, launch: Callable[[QUrl], object] = QDesktopServices.openUrl
) -> QMessageBox:
    """Shows where the link leads and opens it if the person agrees. Returns the dialogue, which deletes itself."""
    dialog = QMessageBox(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setTextFormat(Qt.TextFormat.PlainText)
    dialog.setWindowTitle(_("Open link"))
    dialog.setText(_("Open this address in your browser?"))
    dialog.setInformativeText(address)
    dialog.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel)
    dialog.setDefaultButton(QMessageBox.StandardButton.Open)
    dialog.accepted.connect(lambda: launch(QUrl(address)))
    dialog.open()
    return dialog
