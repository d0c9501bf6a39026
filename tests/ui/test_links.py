"""No link opens unasked."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.ui.links import ask_to_open
from desktop.ui.theme import Theme


@pytest.mark.parametrize(("answer", "opened"), [("Open", ["https://a.example/x"]), ("Cancel", [])])
def test_link_opens_only_if_agreed(qtbot, look: Theme, answer: str, opened: list[str]) -> None:
    window, seen = QWidget(), list[QUrl]()
    qtbot.addWidget(window)
    window.show()
    dialog = ask_to_open(window, "https://a.example/x", seen.append)
    assert dialog.informativeText() == "https://a.example/x"
    button = dialog.button(QMessageBox.StandardButton[answer])
    assert button.icon().isNull()  # as in every other dialogue
    with qtbot.waitSignal(dialog.finished):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert [url.toString() for url in seen] == opened


def test_enter_opens_and_escape_does_not(qtbot) -> None:
    window, seen = QWidget(), list[QUrl]()
    qtbot.addWidget(window)
    window.show()
    for key, opened in ((Qt.Key.Key_Escape, 0), (Qt.Key.Key_Return, 1)):
        dialog = ask_to_open(window, "https://a.example/x", seen.append)
        with qtbot.waitSignal(dialog.finished):
            QTest.keyClick(dialog, key)
        assert len(seen) == opened
