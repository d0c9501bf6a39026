"""Parts stand beside each other where there is room, else below; what is hidden takes none."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import QHBoxLayout, QLayout, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.flow import Flow

GAP = 8


class Brick(QWidget):
    """100 × 20 pixels."""

    def sizeHint(self) -> QSize:
        return QSize(100, 20)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def bricks(flow: Flow, count: int) -> list[Brick]:
    made = [Brick() for _each in range(count)]
    for brick in made:
        flow.addWidget(brick)
    return made


def shown(qtbot: QtBot, layout: QLayout, width: int, height: int = 200) -> QWidget:
    holder = QWidget()
    qtbot.addWidget(holder)
    holder.setLayout(layout)
    holder.resize(width, height)
    holder.show()
    return holder


def places(widgets: list[Brick]) -> list[tuple[int, int]]:
    return [(w.x(), w.y()) for w in widgets]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (316, [(0, 0), (108, 0), (216, 0)]),
        (315, [(0, 0), (108, 0), (0, 28)]),
        (208, [(0, 0), (108, 0), (0, 28)]),
        (207, [(0, 0), (0, 28), (0, 56)]),
    ],
)
def test_what_has_no_room_stands_below(qtbot: QtBot, width: int, expected: list[tuple[int, int]]) -> None:
    flow = Flow(GAP)
    three = bricks(flow, 3)
    _holder = shown(qtbot, flow, width)
    assert places(three) == expected
    assert flow.heightForWidth(width) == expected[-1][1] + 20


def test_it_asks_for_one_line_and_needs_the_widest_part(qtbot: QtBot) -> None:
    flow = Flow(GAP)
    bricks(flow, 3)
    _holder = shown(qtbot, flow, 400)
    assert (flow.sizeHint(), flow.minimumSize()) == (QSize(316, 20), QSize(100, 20))


def test_the_last_may_stand_apart(qtbot: QtBot) -> None:
    flow = Flow(GAP, apart=True)
    three = bricks(flow, 3)
    holder = shown(qtbot, flow, 400)
    assert places(three) == [(0, 0), (108, 0), (300, 0)]
    holder.resize(250, 200)
    assert places(three) == [(0, 0), (108, 0), (0, 28)]  # alone in its line, it begins where the others do


def test_what_is_hidden_takes_no_room(qtbot: QtBot) -> None:
    flow = Flow(GAP)
    three = bricks(flow, 3)
    _holder = shown(qtbot, flow, 208)
    three[0].hide()
    qtbot.waitUntil(lambda: places(three)[1:] == [(0, 0), (108, 0)])


def test_parts_may_be_layouts_whose_things_stay_together(qtbot: QtBot) -> None:
    flow, pair = Flow(GAP), QHBoxLayout()
    pair.setSpacing(0)
    two = [Brick(), Brick()]
    for brick in two:
        pair.addWidget(brick)
    (one,) = bricks(flow, 1)
    flow.addLayout(pair)
    _holder = shown(qtbot, flow, 299)
    assert one.geometry() == QRect(0, 0, 100, 20)
    assert places(two) == [(0, 28), (100, 28)]


def test_what_is_below_makes_room_for_its_lines(qtbot: QtBot) -> None:
    flow, column = Flow(GAP), QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    bricks(flow, 3)
    column.addLayout(flow)
    below = Brick()
    column.addWidget(below)
    column.addStretch()
    _holder = shown(qtbot, column, 250)
    assert below.y() == 48


def test_lines_stand_in_the_middle_where_that_is_wanted(qtbot: QtBot) -> None:
    flow = Flow(GAP, centred=True)
    three = bricks(flow, 3)
    _holder = shown(qtbot, flow, 248)
    assert places(three) == [(20, 0), (128, 0), (74, 28)]
