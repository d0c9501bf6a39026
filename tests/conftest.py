"""What all tests share: Qt draws off screen, and any warning of Qt's fails the test that caused it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if sys.platform == "win32":  # off screen, Qt looks for letters nowhere else there
    os.environ.setdefault("QT_QPA_FONTDIR", os.path.join(os.environ["WINDIR"], "Fonts"))

_OFF_SCREEN = "This plugin does not support (propagateSizeHints|raise|grabbing)"  # said of windows and menus off screen

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from desktop.ui.theme import Theme


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
        item.add_marker(pytest.mark.qt_log_ignore(_OFF_SCREEN))


@pytest.fixture(scope="session")
def _look(qapp: QApplication) -> Theme:
    from desktop.ui.theme import Theme

    return Theme(qapp)


@pytest.fixture
def look(_look: Theme) -> Iterator[Theme]:
    """The theme, light and at 100 %, and so again after the test."""
    _look.use("light", 100)
    yield _look
    _look.use("light", 100)
