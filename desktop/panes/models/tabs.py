"""A switch between pages: names side by side on one quiet ground, the chosen one raised.

Invariant: it is Qt's own tab bar to keyboard and screen readers; only its painting is ours.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QTabBar

from desktop.ui import theme
from desktop.ui.boxes import CONTROL
from desktop.ui.surface import ring
from desktop.ui.theme import Theme, Type

_WIDE = 1 << 20  # pixels: room enough, until it is known


class Tabs(QTabBar):
    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._reserved: dict[int, str] = {}
        self._room = 0
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        look.changed.connect(self._fit)
        self._fit()

    def tabSizeHint(self, index: int) -> QSize:
        share = self._spare() // self.count()
        beside = min(2 * self._look.px(theme.L), max(2 * theme.S, share))
        return QSize(self._words(index) + min(beside, share), self._look.px(CONTROL))

    def squeeze(self, room: int) -> None:
        """Its names stand closer where they would take more pixels than this, and in the end are shortened."""
        if room != self._room:
            self._room = room
            self._fit()

    def _spare(self) -> int:
        return (self._room or _WIDE) - sum(self._words(at) for at in range(self.count()))

    def _words(self, index: int) -> int:
        words = (self.tabText(index), self._reserved.get(index, ""))
        return max(self.fontMetrics().horizontalAdvance(said) for said in words)

    def reserve(self, index: int, words: str) -> None:
        """Room for what a tab may say later, so that it does not change its width then."""
        self._reserved[index] = words

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, painter = self._look.colours, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_S, theme.RADIUS_S)
        under = self.tabAt(self.mapFromGlobal(self.cursor().pos())) if self.underMouse() else -1
        for at in range(self.count()):
            self._tab(painter, at, hovered=at == under)

    def _tab(self, painter: QPainter, at: int, *, hovered: bool) -> None:
        colours, chosen = self._look.colours, at == self.currentIndex()
        box = QRectF(self.tabRect(at)).adjusted(2, 2, -2, -2)
        if chosen or hovered:
            painter.setPen(QPen(QColor(colours.line), 1) if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.ground if chosen else colours.hover))
            painter.drawRoundedRect(box, theme.XS, theme.XS)
        if chosen and self.hasFocus():
            ring(painter, QRectF(self.tabRect(at)), theme.RADIUS_S, colours)
        painter.setPen(QColor(colours.text if chosen else colours.muted))
        text = self.fontMetrics().elidedText(self.tabText(at), Qt.TextElideMode.ElideRight, round(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self.update()

    def _fit(self) -> None:
        self.setFont(self._look.font(Type.BODY))
        short = self._spare() < 2 * theme.S * self.count()
        for at in range(self.count()):
            self.setTabToolTip(at, self.tabText(at) if short else "")
        self.setIconSize(self.iconSize())  # has Qt measure the tabs anew
        self.updateGeometry()
