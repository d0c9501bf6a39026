"""A column of comfortable width in the middle of whatever room there is.

Invariant: its content is never wider than `width` at 100 % text size, and always keeps a margin. It does not scroll;
`scrolling` puts it where it can.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.theme import Theme


class Column(QWidget):
    """Add widgets to `lines`. Margins in pixels."""

    def __init__(
        self, look: Theme, width: int, side: int = theme.XL, top: int = theme.XL, bottom: int = theme.XL
    ) -> None:
        super().__init__()
        self._look, self._width, self._side = look, width, side
        self.lines = QVBoxLayout(self)
        self.lines.setContentsMargins(side, top, side, bottom)
        self.lines.setSpacing(theme.M)
        look.changed.connect(self._fit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        margins = self.lines.contentsMargins()
        beside = max(self._side, (self.width() - self._look.px(self._width)) // 2)
        if margins.left() != beside:
            margins.setLeft(beside)
            margins.setRight(beside)
            self.lines.setContentsMargins(margins)


def scrolling(inner: QWidget) -> QScrollArea:
    """The widget in a frameless area that scrolls downwards."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inner)
    return area
