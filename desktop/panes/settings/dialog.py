"""The settings of one chat, over those of its model and of all chats, in a dialogue.

Invariant: every change is handed to `save` at once, as all that is set for the chat; nothing waits for "OK". The chat
itself is not known here.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.levels import Levels, rows_for
from desktop.core.settings import Value
from desktop.ui import theme
from desktop.ui.column import Column, scrolling, within
from desktop.ui.forms import WIDTH, SettingsForm
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

Save = Callable[[dict[str, Value]], None]


class ChatSettingsDialog(QDialog):
    """Opened with `open()`. `levels` has the chat's own values and those below: the model's, then all chats'."""

    def __init__(self, look: Theme, title: str, levels: Levels, save: Save, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chat, self._levels, self._save = title, levels, save
        self._title = Label(look, Type.TITLE)
        self._about = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._form = SettingsForm(look, rows_for(levels.level), levels)
        self._form.changed.connect(lambda key, value: self._keep({**self._levels.own, key: value}))
        self._form.reset.connect(lambda key: self._keep({k: v for k, v in self._levels.own.items() if k != key}))
        self._reset = QPushButton(autoDefault=False)
        self._reset.clicked.connect(lambda: self._keep({}))
        self._close = QPushButton(default=True)
        self._close.clicked.connect(self.accept)
        self._arrange(look)
        within(self, look.px(WIDTH) + 2 * theme.XL, look.px(600))
        self.retranslate()
        self._close.setFocus()  # and not on the way back of the first value

    def _arrange(self, look: Theme) -> None:
        head, body = Column(look, WIDTH, bottom=theme.S), Column(look, WIDTH, top=theme.M)
        head.lines.setSpacing(theme.XS)
        head.lines.addWidget(self._title)
        head.lines.addWidget(self._about)
        body.lines.addWidget(self._form)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(theme.XL, theme.M, theme.XL, theme.L)
        buttons.addWidget(self._reset)
        buttons.addStretch()
        buttons.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(scrolling(body), 1)
        column.addLayout(buttons)

    def retranslate(self) -> None:
        self.setWindowTitle(_("Chat settings"))
        self._title.setText(_("Chat settings"))
        self._about.setText(
            _("For “{chat}” only. What is not set here comes from the model or all chats.", chat=self._chat)
        )
        self._reset.setText(_("Reset all"))
        self._close.setText(_("Close"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _keep(self, own: dict[str, Value]) -> None:
        self._levels = self._levels.with_own(own)
        self._form.show_values(self._levels)
        self._save(own)
