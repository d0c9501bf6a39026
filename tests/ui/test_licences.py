"""The licences are shown as they were gathered."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from desktop.ui.licences import LicenceDialog
from desktop.ui.theme import Theme


def test_they_can_be_read_and_not_changed(qtbot: QtBot, look: Theme, tmp_path: Path) -> None:
    file = tmp_path / "licences.txt"
    file.write_text("Alcove\n\nUnicode® 한글", "utf-8")
    dialog = LicenceDialog(look, file)
    qtbot.addWidget(dialog)
    dialog.open()
    text = dialog.findChild(QPlainTextEdit)
    assert text is not None
    QTest.keyClicks(text, "x")
    assert text.toPlainText() == "Alcove\n\nUnicode® 한글"
    assert text.accessibleName() == "Licences"
    (close,) = dialog.findChildren(QPushButton)
    QTest.mouseClick(close, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
