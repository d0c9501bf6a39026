"""How things stand on the ground: the ring around what has the focus, what is chosen, cards, and what floats above.

Invariant: there is one ring, one ground of what is chosen, one card and one shadow, and they are drawn here. A ring has
a gap of the ground's colour inside, so it is seen on a fill of its own colour too. Which widget is which is not known
here.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.ui.tokens import ELEVATION, RADIUS, Colours

_SHADE = 0.13  # of black at the edge of what floats; none where its shadow ends


def ring(painter: QPainter, box: QRectF, radius: float, colours: Colours) -> None:
    """Around what has the focus; `box` is the outer edge of the control."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for inset, width, colour in ((2.5, 1, colours.ground), (1, 2, colours.accent)):
        painter.setPen(QPen(QColor(colour), width))
        corner = max(0.0, radius - inset)
        painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), corner, corner)
    painter.restore()


def chosen(painter: QPainter, box: QRectF, radius: float, colours: Colours) -> None:
    """The ground of the one that is chosen; with an edge for who asks for more contrast, since it is a pale one."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.selected))
    painter.drawRoundedRect(box, radius, radius)
    edge = QColor(colours.button_edge)
    if edge.alpha():
        painter.setPen(QPen(edge, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def card(painter: QPainter, box: QRectF, colours: Colours) -> None:
    """The ground of what belongs together."""
    _plate(painter, box, RADIUS, colours.raised, colours.line)


def lifted(painter: QPainter, box: QRectF, radius: float, colours: Colours, reach: int = ELEVATION) -> None:
    """The ground of what floats, and its shadow: `reach` pixels around it, a little more below."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    shade = QColor(0, 0, 0)
    shade.setAlphaF(_SHADE / reach)
    painter.setBrush(shade)
    for far in range(1, reach + 1):
        spread = far * 0.75
        layer = box.adjusted(-spread, -spread, spread, spread).translated(0, reach / 4)
        painter.drawRoundedRect(layer, radius + spread, radius + spread)
    painter.restore()
    _plate(painter, box, radius, colours.floating, colours.line)


def _plate(painter: QPainter, box: QRectF, radius: float, fill: str, edge: str) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(edge), 1))
    painter.setBrush(QColor(fill))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    painter.restore()
