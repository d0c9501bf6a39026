"""A column of comfortable width in the middle of whatever room there is, or at its left edge.

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
        self,
        look: Theme,
        width: int,
        side: int = theme.XL,
        top: int = theme.XL,
        bottom: int = theme.XL,
        *,
        centred: bool = True,
    ) -> None:
        super().__init__()
        self._look, self._width, self._side, self._centred = look, width, side, centred
        self.lines = QVBoxLayout(self)
        self.lines.setContentsMargins(side, top, side, bottom)
        self.lines.setSpacing(theme.M)
        look.changed.connect(self._fit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        margins = self.lines.contentsMargins()
        room = self.width() - self._look.px(self._width)
        left = max(self._side, room // 2) if self._centred else self._side
        right = max(self._side, room - left)
        if (margins.left(), margins.right()) != (left, right):
            margins.setLeft(left)
            margins.setRight(right)
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
