"""The sheet of keys over a window's menus."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QPushButton, QScrollArea

from desktop.services.paths import resources
from desktop.ui import translation
from desktop.ui.hearing import tell_roles
from desktop.ui.menus import Menus
from desktop.ui.shortcuts import PLACES, ShortcutSheet, written
from tests.access import tree


@pytest.fixture
def sheet(qtbot, look):
    window = QMainWindow()
    qtbot.addWidget(window)
    menus = Menus(window.menuBar(), [("chat", "Chat"), ("models", "Models"), ("settings", "Settings")])
    window.resize(760, 520)
    window.show()
    sheet = ShortcutSheet(look, menus, window)
    sheet.menus = menus
    sheet.open()
    return sheet


def texts(sheet):
    return [label.text() for label in sheet.findChildren(QLabel) if label.isVisibleTo(sheet)]


def test_every_key_of_the_menus_is_on_it(sheet):
    shown = texts(sheet)
    for _title, actions in sheet.menus.sections():
        for action in actions:
            for sequence in action.shortcuts():
                assert sequence.toString(QKeySequence.SequenceFormat.NativeText) in shown
                assert action.text().rstrip("…") in shown


def test_keys_of_places_are_on_it_and_are_keys(sheet):
    shown = texts(sheet)
    for title, rows in PLACES:
        assert title in shown
        for text, keys in rows:
            assert text in shown
            for key in keys:
                assert QKeySequence(key).toString() not in ("", "Unknown")


def test_a_change_of_the_menus_changes_it(sheet, qtbot):
    action = next(a for _title, actions in sheet.menus.sections() for a in actions if a.text() == "New chat")
    action.setShortcuts([QKeySequence("Ctrl+Alt+N")])
    action.setText("새 대화")
    QApplication.sendEvent(sheet, QEvent(QEvent.Type.LanguageChange))
    qtbot.waitUntil(lambda: {"새 대화", "Ctrl+Alt+N"} <= set(texts(sheet)))
    assert "New chat" not in texts(sheet)


def test_it_scrolls_by_keys_and_closes_by_escape(sheet):
    area = sheet.findChild(QScrollArea)
    assert area.widget().hasFocus()
    assert area.verticalScrollBar().value() == 0
    QTest.keyClick(area.widget(), Qt.Key.Key_PageDown)
    assert area.verticalScrollBar().value() > 0
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


@pytest.mark.parametrize("percent", [100, 200])
def test_nothing_is_cut_and_it_fits_the_window(sheet, look, percent, qtbot):
    look.use("light", percent)
    qtbot.wait(50)
    assert sheet.width() <= sheet.parentWidget().width()
    assert sheet.height() <= sheet.parentWidget().height()
    area = sheet.findChild(QScrollArea)
    inner = area.widget()
    assert inner.width() <= area.viewport().width()
    for label in inner.findChildren(QLabel):
        assert inner.rect().contains(label.mapTo(inner, QPoint(0, 0)))
        assert label.height() >= label.heightForWidth(label.width()) if label.wordWrap() else True
        assert label.wordWrap() or label.width() >= label.fontMetrics().horizontalAdvance(label.text())
    close = next(b for b in sheet.findChildren(QPushButton) if b.isVisible())
    assert sheet.rect().contains(close.geometry())


def test_a_screen_reader_finds_a_name_for_everything(sheet):
    tell_roles()
    assert tree.faults(tree.read(sheet)) == []


def test_an_arrow_is_drawn_as_on_the_key_in_every_language(sheet):
    assert "↑" in texts(sheet)
    assert written(QKeySequence("Ctrl+Down")) == "Ctrl+↓"
    translation.use("ko", resources() / "locale")
    try:
        assert written(QKeySequence("Up")) == "↑"
        assert written(QKeySequence("Shift+Left")).endswith("+←")
    finally:
        translation.use("en", resources() / "locale")


@pytest.mark.parametrize("language", ["en", "ko", "it"])
def test_in_a_window_of_usual_size_nothing_is_scrolled(qtbot, look, language):
    translation.use(language, resources() / "locale")
    window = QMainWindow()
    qtbot.addWidget(window)
    menus = Menus(window.menuBar(), [("chat", "Chat"), ("models", "Models"), ("settings", "Settings")])
    window.resize(1180, 760)  # as it first opens
    window.show()
    sheet = ShortcutSheet(look, menus, window)
    sheet.open()
    QApplication.processEvents()
    assert sheet.findChild(QScrollArea).verticalScrollBar().maximum() == 0
    translation.use("en", resources() / "locale")
