"""The bar of memory: what it draws, and that every part of it can be pointed at, walked to and heard."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from desktop.core.fit import DeviceUse, Estimate, Verdict
from desktop.core.generation import LoadSettings
from desktop.panes.models import meter, parts
from desktop.panes.models.fit_panel import FitPanel, Swatch
from desktop.panes.models.meter import Meter
from desktop.panes.models.parts import Kind
from desktop.services.fit.fitting import Fit
from desktop.ui.labels import Label, Tone

GB = 10**9
ESTIMATE = Estimate(4 * GB, 3 * GB, GB, GB // 2, 0, GB // 2)


def fit(estimate: Estimate = ESTIMATE, available: int = 10 * GB, memory: int = 16 * GB) -> Fit:
    settings = LoadSettings(context=4096)
    return Fit(estimate, Verdict.FITS, settings, available, 4096, 0, 4096, memory_bytes=memory)


def drawn(look: Any, what: Fit, width: int = 320) -> QImage:
    image = QImage(width, 20, QImage.Format.Format_RGB32)
    image.fill(QColor(look.colours.ground))
    painter = QPainter(image)
    meter.paint(painter, look, QRectF(0, 4, width, 12), parts.whole(what), parts.memory(what), Tone.ACCENT)
    painter.end()
    return image


def colour(image: QImage, share: float) -> str:
    return str(image.pixelColor(round(image.width() * share), 10).name())


def test_the_parts_are_all_of_the_memory() -> None:
    assert sum(part.octets for part in parts.whole(fit())) == 16 * GB
    card = DeviceUse("Card", GB, GB, GB)
    beside = parts.whole(fit(replace(ESTIMATE, devices=(card,))))
    assert sum(part.octets for part in beside) == 16 * GB  # its memory is not the computer's
    shared = parts.whole(fit(replace(ESTIMATE, devices=(replace(card, shared=True),)), available=13 * GB))
    assert sum(part.octets for part in shared) == 16 * GB
    assert sum(part.octets for part in parts.taken(fit())) == ESTIMATE.total_bytes


def test_lengths_tell_the_truth(look: Any) -> None:
    image = drawn(look, fit())  # 6 of others, 4 + 3 + 1 + 0.5 + 0.5 of the model, 1 remains
    assert colour(image, 5 / 16) != look.colours.accent
    assert colour(image, 8 / 16) == look.colours.accent
    assert colour(image, 15.6 / 16) == look.colours.ground
    shades = [colour(image, at / 16) for at in (3, 8, 11.5, 13.5, 14.25, 14.75)]
    assert len(set(shades)) == len(shades)
    edges = [round(320 * at / 16) - 1 for at in (6, 10, 13, 14)]
    assert [image.pixelColor(x, 10).name() for x in edges] == [look.colours.ground] * 4  # parts stand apart


def test_what_goes_beyond_is_seen_without_colours(look: Any) -> None:
    image = drawn(look, fit(available=5 * GB), 400)  # 11 + 9 of 16
    end = round(400 * 16 / 20)
    assert image.pixelColor(end, 2).lightness() < 100  # the line where memory ends stands out of the bar
    beyond = {image.pixelColor(x, 10).name() for x in range(end + 3, end + 30)}
    assert look.colours.ground in beyond
    assert len(beyond) > 1
    assert image.pixelColor(round(400 * 15.9 / 16) - 1, 2).name() == look.colours.ground


def test_bars_of_one_computer_have_one_scale(look: Any) -> None:
    small, large = (
        meter.spans(QRectF(0, 0, 320, 8), parts.whole(fit(replace(ESTIMATE, weights_bytes=w)))) for w in (GB, 4 * GB)
    )
    assert small[0] == large[0] == (0, 120)
    assert (small[1], large[1]) == ((120, 140), (120, 200))
    assert all(a[1] == b[0] for a, b in pairwise(large))


@pytest.mark.parametrize("width", [1, 2, 3, 17])
def test_hardly_any_room_is_no_fault(look: Any, width: int) -> None:
    assert not drawn(look, fit(Estimate(0, 0, 0, 0, 0, 0), 0, 0), width).isNull()
    assert not drawn(look, fit(), width).isNull()


def test_every_part_is_pointed_at_and_walked_to(qtbot: Any, look: Any) -> None:
    bar = Meter(look)
    qtbot.addWidget(bar)
    bar.resize(322, 24)
    bar.put(parts.whole(fit()), 16 * GB, Tone.ACCENT, "9.0 GB of 10.0 GB")
    bar.show()
    assert bar.accessibleName() == "9.0 GB of 10.0 GB"
    assert bar.accessibleDescription().startswith(
        "The system and other programs: 6.0 GB, Weights, read from the file: 4.0 GB"
    )
    QTest.mouseMove(bar, QPoint(170, 12))
    qtbot.waitUntil(lambda: bar.chosen is not None)
    assert bar.chosen is not None
    assert bar.chosen.kind is Kind.WEIGHTS
    QApplication.sendEvent(bar, QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(170, 12), bar.mapToGlobal(QPoint(170, 12))))
    assert QToolTip.text() == "Weights, read from the file: 4.0 GB"
    qtbot.waitExposed(bar)
    bar.setFocus()
    heard = []
    QTest.keyClick(bar, Qt.Key.Key_Home)
    for _step in parts.whole(fit()):
        heard.append(bar.accessibleDescription())
        QTest.keyClick(bar, Qt.Key.Key_Right)
    assert heard == [part.said for part in parts.whole(fit())]
    QTest.keyClick(bar, Qt.Key.Key_Left)
    assert bar.accessibleDescription() == parts.whole(fit())[-2].said
    QToolTip.hideText()


def test_below_the_bar_stands_what_it_draws(qtbot: Any, look: Any) -> None:
    panel = FitPanel(look)
    qtbot.addWidget(panel)
    panel.put(fit())
    panel.resize(400, 500)
    panel.show()
    qtbot.waitExposed(panel)
    words = [label.text() for label in panel.findChildren(Label) if label.isVisibleTo(panel)]
    for part in parts.whole(fit()):
        assert part.name in words
    squares = [square.grab().toImage() for square in panel.findChildren(Swatch) if square.isVisibleTo(panel)]
    inks = {image.pixelColor(5, image.height() // 2).name() for image in squares}
    assert len(inks) >= 6
    panel.put(replace(fit(), memory_bytes=0))  # what others use is not known
    words = [label.text() for label in panel.findChildren(Label) if label.isVisibleTo(panel)]
    assert "The system and other programs" not in words
