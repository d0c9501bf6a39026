"""A column of comfortable width in the middle of whatever room there is, or at its left edge, and the cards in it.

Invariant: a column's content is never wider than what it was made for, and always keeps a margin; the parts of a card
are told apart by lines. A column does not scroll; `scrolling` puts it where it can.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.surface import card
from desktop.ui.theme import Theme

_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class Column(QWidget):
    """Add widgets to `lines`. `width` in pixels at 100 % text size, 0 for that of a conversation, and `beyond` on both
    sides of it; margins in pixels."""

    def __init__(
        self,
        look: Theme,
        width: int = 0,
        side: int = theme.XL,
        top: int = theme.XL,
        bottom: int = theme.XL,
        *,
        centred: bool = True,
        beyond: int = 0,
    ) -> None:
        super().__init__()
        self._look, self._width, self._side, self._centred, self._beyond = look, width, side, centred, beyond
        self.lines = QVBoxLayout(self)
        self.lines.setContentsMargins(side, top, side, bottom)
        self.lines.setSpacing(theme.M)
        look.changed.connect(self._fit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        margins = self.lines.contentsMargins()
        wide = self._look.px(self._width) if self._width else self._look.column
        room = self.width() - wide - 2 * self._beyond
        left = max(self._side, room // 2) if self._centred else self._side
        right = max(self._side, room - left)
        if (margins.left(), margins.right()) != (left, right):
            margins.setLeft(left)
            margins.setRight(right)
            self.lines.setContentsMargins(margins)


class Card(QWidget):
    """What belongs together, on a ground of its own. Add widgets to `lines`; the card gives them room at the sides."""

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.lines = QVBoxLayout(self)
        self.lines.setContentsMargins(theme.L, 0, theme.L, 0)
        self.lines.setSpacing(0)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._look.colours
        card(painter, QRectF(self.rect()), colours)
        painter.setPen(QColor(colours.line))
        parts = [part for part in self.findChildren(QWidget, options=_DIRECT) if part.isVisible()]
        for part in sorted(parts, key=QWidget.y)[1:]:
            painter.drawLine(theme.L, part.y(), self.width() - theme.L - 1, part.y())


class _Area(QScrollArea):
    """What gets the focus by a key is in view; Qt sees to that only where the focus was in the area before."""

    def __init__(self) -> None:
        super().__init__()
        QApplication.instance().focusChanged.connect(self._follow)  # type: ignore[union-attr]

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        inner = self.widget()
        by_key = QApplication.mouseButtons() == Qt.MouseButton.NoButton  # under the pointer nothing moves
        if now is None or inner is None or now is inner:  # all of it cannot be in view
            return
        if by_key and inner.isAncestorOf(now):
            self.ensureWidgetVisible(now, 0, theme.S)


def scrolling(inner: QWidget) -> QScrollArea:
    """The widget in a frameless area that scrolls downwards."""
    area = _Area()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inner)
    return area


def within(dialog: QWidget, width: int, height: int) -> None:
    """Gives a dialogue this size, or less where its window has not the room."""
    parent = dialog.parentWidget()
    wanted = QSize(width, height)
    dialog.resize(wanted.boundedTo(parent.window().size() - QSize(theme.XXL, theme.XXL)) if parent else wanted)
