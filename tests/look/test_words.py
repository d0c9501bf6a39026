"""Nothing that a person reads or hears goes past translation: a language that nobody speaks shows what does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QListWidget, QMenu, QPushButton, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from tests.look import journeys
from tests.look.painted import Painted
from tests.look.stage import live
from tests.look.words import untranslated


def test_every_word_is_translated(home: Path, pseudo: Path) -> None:
    assert live(home, journeys.words, pseudo).splitlines() == []


class Drawn(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).drawText(10, 20, "Drawn by hand")


def _list() -> QWidget:
    rows = QListWidget()
    rows.addItem("A row")
    return rows


def _tip() -> QWidget:
    label = QLabel("[!!Ä läbéél!!]")
    label.setToolTip("A tooltip")
    return label


def _described() -> QWidget:
    button = QPushButton("[!!Préss!!]")
    button.setAccessibleDescription("What it does")
    return button


def _tabs() -> QWidget:
    tabs = QTabBar()
    tabs.addTab("A tab")
    return tabs


def _combo() -> QWidget:
    combo = QComboBox()
    combo.addItems(["[!!Fíírst!!]", "Second"])
    return combo


def _menu() -> QWidget:
    menu = QMenu()
    menu.addAction("An entry")
    return menu


def _field() -> QWidget:
    return QLineEdit(placeholderText="Write here")  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("make", "bare"),
    [
        (lambda: QLabel("A label"), "'A label'"),
        (lambda: QPushButton("Press"), "'Press'"),
        (lambda: QLabel("[!!Ä läbéél!!] and more"), "'[!!Ä läbéél!!] and more'"),
        (Drawn, "'Drawn by hand'"),
        (_list, "'A row'"),
        (_tip, "'A tooltip'"),
        (_described, "'What it does'"),
        (_tabs, "'A tab'"),
        (_combo, "'Second'"),
        (_menu, "'An entry'"),
        (_field, "'Write here'"),
    ],
)
def test_what_goes_past_is_found(qtbot: QtBot, make: Callable[[], QWidget], bare: str) -> None:
    widget = make()
    qtbot.addWidget(widget)
    widget.show()
    with Painted() as heard:
        widget.grab()
    found = untranslated(heard.all, "")
    assert found
    assert all(bare in fault for fault in found)


@pytest.mark.parametrize(
    "text",
    [
        "[!!Ñééw chäät!!]",
        "[!!Fóór “[!!Ñééw chäät!!]” öönly!!]",
        "[!!Ä löng läbééé…",
        "[!!Fïïts!!] · 4.4 GB · 2,048",
        "Monday, 3 November 2025",
        "Written by the person",
        "→ 12 %",
    ],
)
def test_what_needs_no_translation_is_left_alone(qtbot: QtBot, text: str) -> None:
    label = QLabel(text)
    qtbot.addWidget(label)
    label.show()
    assert untranslated([], "What was Written by the person here") == []
