"""What stands where there is nothing to list: a sign, what that means, and what can be done about it.

Invariant: it is in the middle of its place, and its button is shown only where there is something to do. What its
button does is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.ui import icons, theme
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type

_ICON = 40
_WIDTH = 420  # pixels: two lines of a sentence or two


class Empty(QWidget):
    """`wanted` when its button is pressed. `primary` makes that the page's main button."""

    wanted = Signal()

    def __init__(self, look: Theme, icon: Icon, *, primary: bool = False) -> None:
        super().__init__()
        self._look, self._icon = look, icon
        self._sign = QLabel()
        self._title = Label(look, Type.HEADING, wrap=True)
        self._about = Label(look, tone=Tone.MUTED, wrap=True)
        for label in (self._title, self._about):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._act = QPushButton()
        self._act.setProperty("primary", primary)
        self._act.clicked.connect(self.wanted)
        self._words = QWidget()
        words = QVBoxLayout(self._words)
        words.setContentsMargins(0, theme.S, 0, theme.M)
        words.setSpacing(theme.S)
        words.addWidget(self._title)
        words.addWidget(self._about)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.XL)
        column.setSpacing(0)
        column.addStretch(2)
        for widget in (self._sign, self._words, self._act):
            line = QHBoxLayout()  # and not an alignment, for which text would have one line only
            line.addStretch()
            line.addWidget(widget)
            line.addStretch()
            column.addLayout(line)
        column.addStretch(3)
        look.changed.connect(self._draw)
        self._draw()

    def say(self, icon: Icon, title: str, about: str, action: str = "") -> None:
        """In the window's language; no `action`, no button."""
        self._title.setText(title)
        self._about.setText(about)
        self._about.setVisible(bool(about))
        self._act.setText(action)
        self._act.setVisible(bool(action))
        if icon is not self._icon:
            self._icon = icon
            self._draw()

    def _draw(self) -> None:
        side = self._look.px(_ICON)
        self._sign.setPixmap(icons.icon(self._icon, self._look.colours.muted, side).pixmap(QSize(side, side)))
        self._words.setFixedWidth(self._look.px(_WIDTH))
