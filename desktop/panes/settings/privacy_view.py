"""Below the settings: the token for the Hub, and every connection Alcove has made.

Invariant: a token that was entered is never shown again; the field is empty as soon as it is kept. The list is read
when it comes into view, is unfolded, or emptied.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_
from desktop.panes.settings.connections import Connections
from desktop.panes.settings.privacy import Place, PrivacyController
from desktop.ui import formats, theme
from desktop.ui.boxes import Line
from desktop.ui.column import Card
from desktop.ui.fold import Fold
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_ABOUT = N_(
    "Only for models whose authors want you to accept a licence first. Make a token in your account on huggingface.co. "
    "It is sent there and to no other computer."
)
_PLACES = {
    Place.NONE: "",
    Place.ENVIRONMENT: N_("A token from the environment variable HF_TOKEN is used."),
    Place.KEYRING: N_("A token is kept in this system's keyring."),
    Place.MEMORY: N_("A token is used until Alcove closes: this system has no keyring to keep it in."),
}
_MISREAD = N_("The environment variable HF_TOKEN holds something that is no token. It is not used.")


class PrivacySection(QWidget):
    def __init__(self, look: Theme, controller: PrivacyController) -> None:
        super().__init__()
        self._look, self._controller = look, controller
        self._title = Label(look)
        self._about = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._where = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._keep, self._forget = QPushButton(), QPushButton()
        self._keep.setEnabled(False)
        self._token = Line()
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.textChanged.connect(lambda text: self._keep.setEnabled(bool(text.strip())))
        self._token.returnPressed.connect(self._give)
        self._keep.clicked.connect(self._give)
        self._forget.clicked.connect(controller.forget_token)
        self._fold = Fold(look)
        self._inner = QWidget()
        self._none = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._list = Connections(look)
        self._clear = QPushButton()
        self._clear.clicked.connect(controller.forget_connections)
        self._fold.hold(self._inner)
        self._fold.unfolded.connect(self._fill)
        self._fold.unfolded.connect(controller.read)
        self._arrange()
        controller.changed.connect(self.refresh)
        controller.listed.connect(self._fill)
        self.retranslate()

    def _arrange(self) -> None:
        entry = QHBoxLayout()
        entry.setSpacing(theme.S)
        entry.addWidget(self._token, 1)
        entry.addWidget(self._keep)
        entry.addWidget(self._forget)
        inner = QVBoxLayout(self._inner)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._none)
        inner.addWidget(self._list)
        clear = QHBoxLayout()
        clear.addWidget(self._clear)
        clear.addStretch()
        inner.addLayout(clear)
        token, list_ = QWidget(), QWidget()
        above = QVBoxLayout(token)
        above.setContentsMargins(0, theme.M, 0, theme.M)
        above.setSpacing(theme.XS // 2)
        for part in (self._title, self._about, self._where):
            above.addWidget(part)
        above.addSpacing(theme.S)
        above.addLayout(entry)
        below = QVBoxLayout(list_)
        below.setContentsMargins(0, theme.S, 0, theme.S)
        below.addWidget(self._fold)
        card = Card(self._look)
        card.lines.addWidget(token)
        card.lines.addWidget(list_)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(card)

    def refresh(self) -> None:
        """Shows where the token is now, and the connections that are listed."""
        place = self._controller.place
        said = [_MISREAD] * self._controller.misread + [_PLACES[place]] * (place is not Place.NONE)
        self._where.setText(" ".join(_(sentence) for sentence in said))
        self._where.setVisible(bool(said))
        own = place is not Place.ENVIRONMENT  # what the environment says cannot be changed here
        self._token.setVisible(own)
        self._keep.setVisible(own)
        self._forget.setVisible(place in (Place.KEYRING, Place.MEMORY))
        self._fill()

    def retranslate(self) -> None:
        self._title.setText(_("Hub token"))
        self._about.setText(_(_ABOUT))
        self._token.setAccessibleName(_("Hub token"))
        self._token.setPlaceholderText("hf_…")
        self._keep.setText(_("Keep"))
        self._forget.setText(_("Forget"))
        self._forget.setAccessibleName(_("Forget the token"))
        self._none.setText(_("Alcove has connected to no other computer."))
        self._clear.setText(_("Clear the list"))
        self._list.retranslate()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self.refresh()
        self._controller.read()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _give(self) -> None:
        token = self._token.text().strip()
        if token:
            self._token.clear()
            self._controller.give_token(token)

    def _fill(self) -> None:
        connections = self._controller.connections
        self._fold.label(_("Connections ({count})", count=formats.number(len(connections))))
        if not self._fold.open:
            return
        self._list.show_connections(connections)
        self._list.setVisible(bool(connections))
        self._clear.setVisible(bool(connections))
        self._none.setVisible(not connections)
