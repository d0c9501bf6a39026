"""The curve of a download's speed."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject

from desktop.panes.models.downloads.sparkline import Sparkline
from desktop.panes.models.downloads.transfers import REMEMBERED


class Paints(QObject):
    """How often a widget was painted."""

    def __init__(self, widget: Sparkline) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _widget: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.Paint
        return False


def inked(spark: Sparkline) -> list[bool]:
    """For each column of pixels, whether something stands above the base line there."""
    image = spark.grab().toImage()
    return [
        len({image.pixelColor(x, y).name() for y in range(2, image.height() - 6)}) > 1 for x in range(image.width())
    ]


def test_a_second_keeps_its_width_from_the_first_on(qtbot: Any, look: Any) -> None:
    spark = Sparkline(look)
    qtbot.addWidget(spark)
    spark.resize(spark.sizeHint())
    spark.put([5e6, 9e6] * 15)  # half a minute
    drawn = inked(spark)
    assert all(drawn[3 : len(drawn) * 20 // 100])
    assert not any(drawn[len(drawn) * 30 // 100 :])
    spark.put([5e6, 9e6] * (REMEMBERED // 2))
    assert all(inked(spark)[3:-3])


def test_it_rests_paler_and_says_its_figures(qtbot: Any, look: Any) -> None:
    spark = Sparkline(look)
    qtbot.addWidget(spark)
    spark.put([4e6, 8e6])
    said = "Speed in the last two minutes: 6.0 MB/s on average, 8.0 MB/s at most."
    assert spark.accessibleName() == spark.toolTip() == said
    running = spark.grab().toImage()
    spark.put([4e6, 8e6], resting=True)
    assert spark.grab().toImage() != running
    assert spark.accessibleName()
    spark.put([0.0, 0.0])
    assert not spark.grab().isNull()


def test_it_is_painted_only_where_a_speed_came(qtbot: Any, look: Any) -> None:
    spark = Sparkline(look)
    qtbot.addWidget(spark)
    spark.show()
    qtbot.waitExposed(spark)
    spark.put([1.0, 2.0])
    qtbot.wait(50)
    paints = Paints(spark)
    for _tick in range(10):
        spark.put([1.0, 2.0])
        qtbot.wait(5)
    assert paints.count == 0
    spark.put([1.0, 2.0, 3.0])
    qtbot.waitUntil(lambda: paints.count == 1)
