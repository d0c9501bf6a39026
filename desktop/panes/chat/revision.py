"""Editing a message where it stands.

Invariant: what is being typed through an input method is never cut: while a syllable is being composed the keys belong
to the input method. Nothing is saved here; the text goes out by `saved`.
"""

from __future__ import annotations

import sys
from math import ceil

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPalette, QTextCursor, QTextDocument
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from desktop.panes.chat.body import Body
from desktop.ui import theme
from desktop.ui.composing import Prose
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_NEW_LINE = QKeySequence("Shift+Return" if sys.platform == "darwin" else "Shift+Enter")
_TALLEST = 360  # pixels at 100 %; a longer text scrolls in the field
_MEASURED = 6_000  # characters; so many are taller than that already


class Field(Prose):
    """Enter saves, with Shift or Alt it makes a new line, Esc cancels: as where messages are written."""

    accepted = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)

    def tall(self, width: int) -> int:
        """The height at which all of the text shows; the field's own layout lags behind until it has been shown."""
        self.ensurePolished()
        frame = self.size() - self.contentsRect().size()
        document = QTextDocument()
        document.setDefaultFont(self.font())
        document.setDefaultTextOption(self.document().defaultTextOption())
        document.setDocumentMargin(self.document().documentMargin())
        document.setPlainText(self.toPlainText()[:_MEASURED])
        document.setTextWidth(width - frame.width())
        return ceil(document.size().height()) + frame.height() + self.fontMetrics().lineSpacing() // 2

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter, by = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter), Qt.KeyboardModifier
        if enter and event.modifiers() & (by.ShiftModifier | by.AltModifier):
            self.insertPlainText("\n")
            self.ensureCursorVisible()
        elif enter:
            if not event.isAutoRepeat():
                self.accepted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)


class EditorBody(Body):
    """A field with the message's text, and Save and Cancel."""

    saved = Signal(str)
    cancelled = Signal()
    grown = Signal()

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._field = Field(self)
        self._save = QPushButton(self)
        self._save.setProperty("primary", True)
        self._cancel = QPushButton(self)
        self._hint = QLabel(self)
        self._hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._field.accepted.connect(self._submit)
        self._field.cancelled.connect(self.cancelled)
        self._field.document().documentLayout().documentSizeChanged.connect(lambda _size: self.grown.emit())
        self._save.clicked.connect(self._submit)
        self._cancel.clicked.connect(self.cancelled)
        self.retranslate()

    def retranslate(self) -> None:
        self._field.setAccessibleName(_("Edit message"))
        self._save.setText(_("Save"))
        self._cancel.setText(_("Cancel"))
        self._hint.setText(_("{new_line}: new line", new_line=_NEW_LINE.toString(_NEW_LINE.SequenceFormat.NativeText)))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def show_text(self, text: str) -> None:
        """Fills the field; the cursor goes to the end."""
        if not self._field.toPlainText():
            self._field.setPlainText(text)
            self._field.moveCursor(QTextCursor.MoveOperation.End)

    def fit(self, width: int) -> int:
        self._field.setFont(self.look.font(Type.READING))
        height = min(self._field.tall(width), self.look.px(_TALLEST))
        self._field.setGeometry(0, 0, width, height)
        save, cancel = self._save.sizeHint(), self._cancel.sizeHint()
        self._save.setGeometry(width - save.width(), height + theme.S, save.width(), save.height())
        left = width - save.width() - theme.S - cancel.width()
        self._cancel.setGeometry(left, height + theme.S, cancel.width(), cancel.height())
        self._hint.setFont(self.look.font(Type.SMALL))
        hint = self._hint.sizeHint()
        room = left - theme.M
        self._hint.setGeometry(max(0, room - hint.width()), height + theme.S, min(room, hint.width()), save.height())
        return height + theme.S + save.height()

    def stops(self) -> list[QWidget]:
        return [self._field, self._cancel, self._save]

    def _submit(self) -> None:
        self.saved.emit(self._field.taken().rstrip())
