"""A card whose parts belong so closely together that no lines are between them.

Invariant: its ground is that of all cards. What stands on it is its owner's.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.surface import card
from desktop.ui.theme import Theme


class Plate(QWidget):
    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look

    def paintEvent(self, event: QPaintEvent) -> None:
        card(QPainter(self), QRectF(self.rect()), self._look.colours)

    def hold(self, *parts: QWidget | QLayout) -> None:
        """Puts widgets, and lines of them, below each other."""
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        column.setSpacing(theme.M)
        for part in parts:
            if isinstance(part, QWidget):
                column.addWidget(part)
            else:
                column.addLayout(part)
