"""Where things stand: one left edge for what the pages of the models pane begin with, and no line left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtGui import QPaintEvent, QRegion
from PySide6.QtWidgets import QScrollArea, QWidget

from desktop.core.errors import NetworkError
from desktop.panes.models.find.try_bar import TryBar
from desktop.ui import theme
from desktop.ui.column import Column
from tests.panes.models.find_page import FindPage, settled, visit


class Painted(QObject):
    """What of a widget was painted anew."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, _widget: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.region += event.region()
        return False


@pytest.mark.parametrize(("centred", "left"), [(True, 150), (False, theme.XL)])
def test_column_keeps_its_width_in_the_middle_or_at_the_edge(qtbot: Any, look: Any, centred: bool, left: int) -> None:
    column, inner = Column(look, 700, centred=centred), QWidget()
    qtbot.addWidget(column)
    column.lines.addWidget(inner)
    column.resize(1000, 100)
    column.show()
    qtbot.waitUntil(lambda: (inner.x(), inner.width()) == (left, 700))
    column.resize(400, 100)
    qtbot.waitUntil(lambda: (inner.x(), inner.width()) == (theme.XL, 400 - 2 * theme.XL))


def test_a_repository_begins_where_the_search_does(look: Any, tmp_path: Path) -> None:
    async def doing(page: FindPage) -> None:
        page.view.resize(1400, 700)
        await settled()
        row = page.list.mapTo(page.view, page.list.visualRect(page.list.model().index(0, 0)).topLeft())
        assert row.x() + theme.M == page.field.mapTo(page.view, QPoint(0, 0)).x() == theme.XL
        page.open(0)
        await settled()
        assert page.view.findChild(TryBar).mapTo(page.view, QPoint(0, 0)).x() == theme.XL

    visit(look, tmp_path, doing)


def test_the_line_below_the_head_moves_with_it(look: Any, tmp_path: Path) -> None:
    async def doing(page: FindPage) -> None:
        page.open(0)
        await settled()
        shown = page.view.repository
        area = next(a for a in shown.findChildren(QScrollArea) if a.parent() is shown)
        before, painted = QPoint(shown.width() - 5, area.y() - 1), Painted(shown)
        page.offer.failed.emit(NetworkError("It broke off."))
        await settled()
        assert area.y() - 1 > before.y()
        assert painted.region.contains(before)  # beside the head, where nothing else is painted over it

    visit(look, tmp_path, doing)
