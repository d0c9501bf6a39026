"""Below the setting for it: what the states of chats take of the disk now, and the way to remove them.

Invariant: it is counted when it comes into view; nothing is asked before removing, because nothing is lost by it but
the time to read again.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from desktop.panes.settings.states import StatesController
from desktop.ui import formats, theme
from desktop.ui.labels import Label
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, ngettext


class StatesLine(QWidget):
    def __init__(self, look: Theme, controller: StatesController) -> None:
        super().__init__()
        self._controller = controller
        self._said = Label(look, Type.SMALL)
        self._clear = QPushButton()
        self._clear.clicked.connect(controller.clear)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, theme.S, 0, 0)
        line.setSpacing(theme.M)
        line.addWidget(self._said)
        line.addWidget(self._clear)
        line.addStretch()
        controller.counted.connect(self.refresh)
        self.retranslate()

    def refresh(self) -> None:
        """Says what was counted last."""
        use = self._controller.use
        if use is not None:
            size = formats.size(use.size)
            some = ngettext(
                "Used now: {size} in {count} chat", "Used now: {size} in {count} chats", use.chats, size=size
            )
            self._said.setText(some if use.size else _("Nothing is kept now."))
        self._clear.setVisible(use is not None and use.size > 0)

    def retranslate(self) -> None:
        self._clear.setText(_("Clear"))
        self._clear.setAccessibleName(_("Clear what was read of chats"))
        self._clear.setAccessibleDescription(_("Your chats stay. What you open next is read anew, once."))
        self._clear.setToolTip(_("Your chats stay. What you open next is read anew, once."))
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self._controller.count()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
