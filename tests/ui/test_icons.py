"""Icons are drawn in their colour, and sharp: as many pixels as the screen has, strokes on whole ones."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

from desktop.ui import icons
from desktop.ui.buttons import ICON
from desktop.ui.icons import Icon


@pytest.mark.parametrize("name", list(Icon), ids=lambda name: name.name)
def test_every_icon_draws_in_its_colour(qapp, name: Icon) -> None:
    image = icons.icon(name, "#ff0000").pixmap(QSize(20, 20)).toImage()
    colours = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    inked = [colour for colour in colours if colour.alpha() > 100]
    assert inked
    assert all(colour.red() > 200 and colour.green() < 60 for colour in inked)


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_an_icon_has_the_pixels_of_the_screen(qapp, ratio: float) -> None:
    pixmap = icons.icon(Icon.PLUS, "#000000", 16).pixmap(QSize(16, 16), ratio)
    assert pixmap.size() == QSize(16, 16) * ratio
    assert pixmap.devicePixelRatio() == ratio


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
@pytest.mark.parametrize("at", [0, 5.5, 6.25])
def test_strokes_fill_whole_pixels(qapp, ratio: float, at: float) -> None:
    image = QImage((QSizeF(32, 32) * ratio).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    icons.paint(painter, Icon.PLUS, QRectF(QPointF(at, at), QSizeF(ICON, ICON)), "#000000")
    painter.end()
    row = round((at + ICON * 0.3) * ratio)  # above the bar that lies
    inks = [image.pixelColor(x, row).alpha() for x in range(image.width())]
    assert len([ink for ink in inks if ink > 230]) == max(1, round(1.75 * ICON * ratio / 24))
    assert not [ink for ink in inks if 25 < ink < 230]  # nothing half covered
