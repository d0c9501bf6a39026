"""The button of Alcove that is an icon: quiet, with a hover ground, a focus ring and a name for screen readers.

Invariant: it always has an accessible name, which is its tooltip too. It draws itself, so it costs a few microseconds
to make: a conversation shows many.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop.ui import icons, theme
from desktop.ui.icons import Icon
from desktop.ui.theme import Theme, Type

_OFF = 3  # pixels from the focus ring to a ground of its colour, on which it could not be seen


class IconButton(QAbstractButton):
    """`text`, if given, stands beside the icon. `primary` fills the button with the accent."""

    def __init__(self, look: Theme, icon: Icon, name: str, parent: QWidget | None = None, text: str = "") -> None:
        super().__init__(parent)
        self._look = look
        self._icon = icon
        self.primary = False
        self.floating = False  # a disc of its own, above other content
        self.quiet = False  # painted only while focused: the row it stands in is not hovered
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.name(name, text)

    def name(self, name: str, text: str = "") -> None:
        """What the button does, in a word or two."""
        self.setAccessibleName(name)
        self.setToolTip(name if not text else "")
        self.setText(text)

    def draw(self, icon: Icon) -> None:
        """Changes the icon."""
        self._icon = icon
        self.update()

    def sizeHint(self) -> QSize:
        side = self._look.px(28)
        if not self.text():
            return QSize(side, side)
        self.setFont(self._look.font(Type.SMALL))
        return QSize(side + self.fontMetrics().horizontalAdvance(self.text()) + self._look.px(theme.S), side)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses it too, not only the space bar."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.quiet and not self.hasFocus():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, box = self._look.colours, QRectF(self.rect()).adjusted(1, 1, -1, -1)
        active = self.underMouse() and self.isEnabled()
        if self.floating:
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.setBrush(QColor(colours.hover if active else colours.ground))
            painter.drawEllipse(box)
        elif self.primary or active or self.isDown() or self.isChecked():
            off = _OFF if self.primary and self.hasFocus() else 0
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._ground(active)))
            painter.drawRoundedRect(box.adjusted(off, off, -off, -off), theme.RADIUS_S, theme.RADIUS_S)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 2 if self.primary else 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            radius = box.height() / 2 if self.floating else theme.RADIUS_S
            painter.drawRoundedRect(box, radius, radius)
        ink = colours.on_accent if self.primary else colours.text if active else colours.muted
        if not self.isEnabled():
            painter.setOpacity(0.4)
        side = self._look.px(18)
        left = (self.height() - side) / 2 if self.text() else (self.width() - side) / 2
        icons.paint(painter, self._icon, QRectF(left, (self.height() - side) / 2, side, side), ink)
        if self.text():
            painter.setPen(QColor(ink))
            place = QRectF(left + side + theme.XS, 0, self.width(), self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())

    def _ground(self, active: bool) -> str:
        colours = self._look.colours
        if self.primary:
            return colours.muted if not self.isEnabled() else colours.accent
        return colours.hover if active or self.isDown() else colours.selected
