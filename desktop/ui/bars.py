"""A bar that says one sentence in place: a notice, an error, or that something can be undone.

Invariant: it holds message ids and fields, so the sentence follows the language; it is shown only while it says
something, takes no focus by itself and gives it back to where it came from, and goes when it is closed, acted upon, or
its time is up. What the action does is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QWidget
from shiboken6 import isValid

from desktop.core.errors import N_, UserError
from desktop.ui import hearing, theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme
from desktop.ui.translation import _

UNDO_SECONDS = 10
UNDO = N_("Undo")


class Bar(QWidget):
    """`acted` when its button is pressed, `closed` when it goes for any other reason."""

    acted = Signal()
    closed = Signal()

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._message, self._action, self._warning = "", "", False
        self._fields: dict[str, object] = {}
        self._before: QWidget | None = None  # what had the focus before anything in here
        self._text = Label(look, wrap=True, selectable=True)
        self._button = QPushButton()
        self._button.clicked.connect(self.act)
        self._close = IconButton(look, Icon.CLOSE, "")
        self._close.clicked.connect(self._leave)
        self._time = QTimer(self, singleShot=True)
        self._time.timeout.connect(self._leave)
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.M, theme.S, theme.S, theme.S)
        line.setSpacing(theme.S)
        line.addWidget(self._text, 1)
        line.addWidget(self._button)
        line.addWidget(self._close)
        look.changed.connect(self.update)
        QApplication.instance().focusChanged.connect(self._note)  # type: ignore[union-attr]  # there is one
        self.hide()

    @property
    def text(self) -> str:
        """The sentence as it is read now."""
        return self._text.text()

    @property
    def offers(self) -> bool:
        """Whether its action can be taken now."""
        return bool(self._action) and not self.isHidden()

    @property
    def undoes(self) -> bool:
        """Whether that would undo something."""
        return self.offers and self._action == UNDO

    def act(self) -> None:
        """Takes its action, as a press of the button does."""
        self._time.stop()
        self.hide()
        self.acted.emit()

    def say(self, message: str, fields: dict[str, object] | None = None, action: str = "", seconds: float = 0) -> None:
        """Shows a message id with its fields; `action` is the id of the button's label; 0 s: until it is closed."""
        self._show(message, fields or {}, action, seconds, warning=False)

    def warn(self, error: UserError, action: str = "") -> None:
        """Says what went wrong."""
        self._show(error.message, error.fields, action, 0, warning=True)

    def retranslate(self) -> None:
        self._text.setText(_(self._message, **self._fields) if self._message else "")
        self._button.setText(_(self._action) if self._action else "")
        self._close.name(_("Close"))
        self.setAccessibleName(self._text.text())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def setVisible(self, visible: bool) -> None:
        if not visible:
            self._give_back()
        super().setVisible(visible)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.warning_ground if self._warning else colours.selected))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_S, theme.RADIUS_S)

    def _show(self, message: str, fields: dict[str, object], action: str, seconds: float, *, warning: bool) -> None:
        self._message, self._fields, self._action, self._warning = message, dict(fields), action, warning
        self._text.tone(Tone.WARNING if warning else Tone.TEXT)
        self._button.setVisible(bool(action))
        self.retranslate()
        self._time.stop()
        if seconds:
            self._time.start(round(seconds * 1000))
        self.show()
        self.update()
        hearing.say(self, self._text.text(), urgent=warning)

    def _note(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and before is not None and self.isAncestorOf(now) and not self.isAncestorOf(before):
            self._before = before

    def _give_back(self) -> None:
        """The focus, if it is in here, to where it was; Qt would hand it on to whatever comes next."""
        before, here = self._before, QApplication.focusWidget()
        if here is not None and self.isAncestorOf(here) and before is not None and isValid(before):
            before.setFocus()

    def _leave(self) -> None:
        self._time.stop()
        self.hide()
        self.closed.emit()
