"""No link opens unasked."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.ui.links import ask_to_open


@pytest.mark.parametrize(("answer", "opened"), [("Open", ["https://a.example/x"]), ("Cancel", [])])
def test_link_opens_only_if_agreed(qtbot, answer: str, opened: list[str]) -> None:
    window, seen = QWidget(), list[QUrl]()
    qtbot.addWidget(window)
    window.show()
    dialog = ask_to_open(window, "https://a.example/x", seen.append)
    assert dialog.informativeText() == "https://a.example/x"
    button = dialog.button(QMessageBox.StandardButton[answer])
    with qtbot.waitSignal(dialog.finished):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert [url.toString() for url in seen] == opened
