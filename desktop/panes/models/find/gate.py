"""What a gated repository asks for, and where a token is given.

Invariant: a token is shown as dots and leaves only by `given`; the page on which terms are accepted opens in the
browser after a question. Where the token is kept, and to whom it is sent, is not decided here.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.boxes import Line
from desktop.ui.labels import Label, Tone
from desktop.ui.links import ask_to_open
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_TOKENS_PAGE = "https://huggingface.co/settings/tokens"


class Gate(QWidget):
    given = Signal(str)

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look, self._url = look, ""
        self._title = Label(look, Type.BODY, Tone.WARNING, wrap=True)
        self._how = Label(look, Type.SMALL, wrap=True)
        self._open, self._token_page, self._keep = QPushButton(), QPushButton(), QPushButton()
        self._open.clicked.connect(lambda: ask_to_open(self, self._url))
        self._token_page.clicked.connect(lambda: ask_to_open(self, _TOKENS_PAGE))
        self._keep.clicked.connect(self._give)
        self._field = Line()
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.returnPressed.connect(self._give)
        self._arrange()
        self.retranslate()

    def _arrange(self) -> None:
        pages = QHBoxLayout()
        pages.setSpacing(theme.S)
        pages.addWidget(self._open)
        pages.addWidget(self._token_page)
        pages.addStretch()
        entry = QHBoxLayout()
        entry.setSpacing(theme.S)
        entry.addWidget(self._field, 1)
        entry.addWidget(self._keep)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        column.setSpacing(theme.S)
        column.addWidget(self._title)
        column.addWidget(self._how)
        column.addLayout(pages)
        column.addLayout(entry)

    def put(self, url: str) -> None:
        """`url`: the page of the repository."""
        self._url = url

    def retranslate(self) -> None:
        self._title.setText(_("The owner of these files wants to be asked."))
        self._how.setText(
            _(
                "Accept the terms on the repository's page, with an account of the Hub. Then make a token there that "
                "may read, and paste it here. It is kept in this computer's keyring and sent to the Hub only."
            )
        )
        self._open.setText(_("Open its page…"))
        self._token_page.setText(_("Make a token…"))
        self._keep.setText(_("Use token"))
        self._field.setPlaceholderText(_("Token: hf_…"))
        self._field.setAccessibleName(_("Token for the Hub"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.colours.warning_ground))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_S, theme.RADIUS_S)

    def _give(self) -> None:
        token = self._field.text().strip()
        self._field.clear()
        if token:
            self.given.emit(token)
