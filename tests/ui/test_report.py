"""A report holds nothing that tells who the person is."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QLayoutItem, QWidget
from pytestqt.qtbot import QtBot
from shiboken6.Shiboken import getAllValidWrappers

from desktop.ui.report import ReportDialog, redacted, report
from desktop.ui.theme import Theme


@pytest.mark.parametrize(
    ("text", "home", "name", "clean"),
    [
        ('File "/home/김철수/a.py"', PurePosixPath("/home/김철수"), "김철수", 'File "~/a.py"'),
        (r"C:\Users\D'Angelò\x", PureWindowsPath(r"C:\Users\D'Angelò"), "D'Angelò", r"~\x"),
        (r"'c:\\users\\ann lee\\x'", PureWindowsPath(r"C:\Users\Ann Lee"), "Ann Lee", r"'~\\x'"),
        ("C:/Users/Ann/x", PureWindowsPath(r"C:\Users\Ann"), "Ann", "~/x"),
        ("/mnt/ann/annex owned by Ann", PurePosixPath("/home/ann"), "ann", "/mnt/user/annex owned by user"),
        ("a cat", PurePosixPath("/"), "a", "a cat"),
    ],
)
def test_home_and_name_are_taken_out(text: str, home: Any, name: str, clean: str) -> None:
    assert redacted(text, home, {name, ""}) == clean


def test_a_report_tells_versions_and_traceback() -> None:
    def fail() -> None:
        raise KeyError(str(Path.home() / "x"))

    with pytest.raises(KeyError) as caught:
        fail()
    text = report(caught.value)
    assert text.startswith("Alcove ")
    assert "in fail" in text
    assert str(Path.home()) not in text


def test_opened_again_and_again_it_leaves_nothing_behind_that_qt_destroyed(qtbot: QtBot, look: Theme) -> None:
    """What Python held of it would be taken for Qt's next object at the same address, which ends the program."""
    window = QWidget()
    qtbot.addWidget(window)
    window.show()

    def held() -> list[object]:
        return [thing for thing in getAllValidWrappers() if isinstance(thing, QLayoutItem | ReportDialog)]

    def made() -> list[object]:
        return [thing for thing in held() if not any(thing is other for other in before)]

    before = held()  # of other tests; held by this list, as they might go meanwhile
    for _time in range(5):
        dialog = ReportDialog(look, RuntimeError("made up"), window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        assert made()
        dialog.reject()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        del dialog
    assert made() == []
