"""A heading that opens what is below it, for what most people need not see.

Invariant: what is held is shown only while it is open, and a screen reader hears which it is. What is held may be made
as late as `unfolded`.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.theme import Theme
from desktop.ui.translation import _


class Fold(QWidget):
    """`unfolded` comes before what is held is shown."""

    unfolded = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._button = IconButton(look, Icon.RIGHT, "")
        self.open = False
        self._button.clicked.connect(self._toggle)
        self._held: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.M)
        self._column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)

    def label(self, text: str) -> None:
        self._button.name(text, text)
        self._button.setAccessibleDescription(_("open") if self.open else _("closed"))

    def hold(self, inner: QWidget) -> None:
        self._held = inner
        self._column.addWidget(inner)
        inner.setVisible(self.open)

    def fold(self) -> None:
        if self.open:
            self._button.click()

    def _toggle(self) -> None:
        self.open = not self.open
        self.label(self._button.text())
        self._button.draw(Icon.DOWN if self.open else Icon.RIGHT)
        if self.open:
            self.unfolded.emit()
        if self._held is not None:
            self._held.setVisible(self.open)
