"""A bar says one sentence and goes: closed, acted upon, or when its time is up."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from desktop.core.errors import StorageError
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton


@pytest.fixture
def bar(qtbot, look) -> Bar:
    bar = Bar(look)
    qtbot.addWidget(bar)
    bar.heard = []
    bar.acted.connect(lambda: bar.heard.append("acted"))
    bar.closed.connect(lambda: bar.heard.append("closed"))
    return bar


def test_its_action(bar: Bar) -> None:
    bar.say("“{name}” is in the bin.", {"name": "김치"}, "Undo", 60)
    assert bar.isVisible()
    assert bar.accessibleName() == bar.text == "“김치” is in the bin."
    QTest.mouseClick(bar.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert bar.heard == ["acted"]
    assert not bar.isVisible()


def test_its_close_button(bar: Bar) -> None:
    bar.warn(StorageError("The disk is full."))
    assert not bar.findChild(QPushButton).isVisible()
    QTest.mouseClick(bar.findChild(IconButton), Qt.MouseButton.LeftButton)
    assert bar.heard == ["closed"]


def test_its_time(bar: Bar, qtbot) -> None:
    bar.say("Gone soon.", seconds=0.05)
    qtbot.waitUntil(lambda: bar.heard == ["closed"])
    bar.say("Gone soon.", seconds=0.05)
    bar.say("Here to stay.")  # a later sentence does not inherit the time of an earlier one
    QTest.qWait(120)
    assert bar.isVisible()


def test_what_it_offers(bar: Bar) -> None:
    assert not bar.offers
    bar.say("Message deleted", action="Undo")
    assert bar.offers
    bar.hide()
    assert not bar.offers
    bar.say("The reply was copied.")
    assert not bar.offers
