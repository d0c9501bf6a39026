"""The button of Alcove that is an icon: quiet, with a hover ground, a focus ring and a name for screen readers.

Invariant: it always has an accessible name, which is its tooltip too. It draws itself, so it costs a few microseconds
to make: a conversation shows many.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop.ui import icons, theme
from desktop.ui.icons import ICON, Icon
from desktop.ui.surface import chosen, lifted, ring
from desktop.ui.theme import Theme, Type

_LIFT = 5  # how far the shadow of a floating button reaches


class DrawnButton(QAbstractButton):
    """A button that draws itself, otherwise while the pointer is over it."""

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

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


class IconButton(DrawnButton):
    """`text`, if given, stands beside the icon. `primary` fills the button with the accent."""

    def __init__(self, look: Theme, icon: Icon, name: str, parent: QWidget | None = None, text: str = "") -> None:
        super().__init__(look, parent)
        self._icon = icon
        self.kind = Type.SMALL  # of its text
        self.primary = False
        self.floating = False  # a disc of its own, above other content
        self.quiet = False  # painted only while focused: the row it stands in is not hovered
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
        side = self._look.px(theme.TARGET)
        if not self.text():
            return QSize(side, side)
        self.setFont(self._look.font(self.kind))
        return QSize(side + self.fontMetrics().horizontalAdvance(self.text()) + theme.S + self._look.px(theme.XS), side)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.quiet and not self.hasFocus():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, box = self._look.colours, QRectF(self.rect())
        active = self.underMouse() and self.isEnabled()
        if self.floating:
            box = box.adjusted(_LIFT, _LIFT - 1, -_LIFT, -_LIFT - 1)
            lifted(painter, box, box.height() / 2, colours, _LIFT)
        radius = box.height() / 2 if self.floating else theme.RADIUS_S
        if self.isChecked() and not (active or self.isDown()):
            chosen(painter, box, radius, colours)
        elif self.primary or active or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._ground(active)))
            painter.drawRoundedRect(box, radius, radius)
        if self.hasFocus():
            ring(painter, box, radius, colours)
        self._write(painter, colours.on_accent if self.primary else colours.text if active else colours.muted)

    def _write(self, painter: QPainter, ink: str) -> None:
        if not self.isEnabled():
            painter.setOpacity(0.4)
        side = self._look.px(ICON)
        left = (self.height() - side) / 2 if self.text() else (self.width() - side) / 2
        icons.paint(painter, self._icon, QRectF(left, (self.height() - side) / 2, side, side), ink)
        if self.text():
            painter.setPen(QColor(ink))
            place = QRectF(left + side + theme.S, 0, self.width(), self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())

    def _ground(self, active: bool) -> str:
        colours = self._look.colours
        if self.primary:
            return colours.muted if not self.isEnabled() else colours.accent_hover if active else colours.accent
        return colours.hover
