"""The text field a person writes in: grows with its text, and knows what an input method is still composing.

Invariants: Enter during composition belongs to the input method and never sends; what is sent contains the syllable
under composition exactly once; `text()` gives back what was put in, whatever its line lengths. It does not know what
becomes of the text.

A document lays out a paragraph as a whole, so one line of 5 MB would freeze the window. Long lines are therefore kept
as several paragraphs, the later ones marked as going on from the one before; the mark is a block format, which undo
and redo carry along.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

from desktop.ui.boxes import leaves_key
from desktop.ui.composing import Prose, seen

LONGEST_LINE = 4_000  # characters in one paragraph; lays out in about a millisecond
LEAST_LINES = 3  # however small the window is
_TALLEST = 240  # pixels, until it is told what room there is
_GOES_ON = int(QTextFormat.Property.UserProperty) + 1
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def cleaned(text: str) -> str:
    """The text without what no file or model can hold: NUL and halves of surrogate pairs; one kind of line end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n").replace("\u2028", "\n")
    return _UNWRITABLE.sub("", text)


class Writing(Prose):
    """Plain text, as high as its lines until `limit`, then it scrolls.

    `submitted` when the person is done, `recalled` for Up in an empty field.
    """

    submitted = Signal()
    recalled = Signal()
    focus_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit = _TALLEST
        self.hint = ""  # what to do here, while nothing is written
        self._send_after_commit = False
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()
        self.document().clearUndoRedoStacks()  # a new document claims that its making can be undone

    def text(self) -> str:
        """What is written, without the syllable under composition."""
        return self._joined(QTextBlock.text)

    def draft(self) -> str:
        """What is seen: also what is still being composed."""
        return self._joined(seen)

    def _joined(self, of: Callable[[QTextBlock], str]) -> str:
        parts: list[str] = []
        block = self.document().begin()
        while block.isValid():
            if parts and not block.blockFormat().boolProperty(_GOES_ON):
                parts.append("\n")
            parts.append(of(block))
            block = block.next()
        return cleaned("".join(parts))

    def set_text(self, text: str) -> None:
        """Replaces everything; the cursor stands at the end."""
        self._send_after_commit = False
        if self.composing:
            QGuiApplication.inputMethod().reset()  # it belongs to what stood here before
        self.clear()
        self._insert(cleaned(text))
        self.document().clearUndoRedoStacks()

    def is_empty(self) -> bool:
        return self.document().isEmpty() and not self.composing

    def submit(self) -> None:
        """Has the input method finish its syllable first; sends at once, or as soon as that has arrived."""
        QGuiApplication.inputMethod().commit()
        if self.composing:
            self._send_after_commit = True  # an input method that answers later
        else:
            self.submitted.emit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        super().inputMethodEvent(event)
        if self._send_after_commit and not self.composing:
            self._send_after_commit = False
            self.submitted.emit()

    def event(self, event: QEvent) -> bool:
        return leaves_key(self, event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter(event)
        elif event.key() == Qt.Key.Key_Up and not event.modifiers() and self.is_empty():
            self.recalled.emit()
        else:
            super().keyPressEvent(event)

    def _enter(self, event: QKeyEvent) -> None:
        if event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
            self.textCursor().insertBlock(QTextBlockFormat())
            self.ensureCursorVisible()
        elif not event.isAutoRepeat():
            self.submit()

    def insertFromMimeData(self, source: QMimeData) -> None:
        if source.hasText():
            self._insert(cleaned(source.text()))

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() and not source.hasUrls()  # a dropped file belongs to the window

    def _insert(self, text: str) -> None:
        cursor = self.textCursor()
        cursor.beginEditBlock()
        cursor.removeSelectedText()
        lines = text.split("\n")
        if cursor.blockFormat().boolProperty(_GOES_ON) or max(map(len, lines)) > LONGEST_LINE:
            for index, line in enumerate(lines):
                if index:
                    cursor.insertBlock(QTextBlockFormat())
                self._insert_line(cursor, line)
        else:
            cursor.insertText(text)
        cursor.endEditBlock()
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def _insert_line(self, cursor: QTextCursor, line: str) -> None:
        going_on = QTextBlockFormat()
        going_on.setProperty(_GOES_ON, True)
        cursor.insertText(line[:LONGEST_LINE])
        for start in range(LONGEST_LINE, len(line), LONGEST_LINE):
            cursor.insertBlock(going_on)
            cursor.insertText(line[start : start + LONGEST_LINE])

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hint and self.is_empty():  # not Qt's own, which keeps the viewport's font: that does not follow
            painter = QPainter(self.viewport())
            painter.setFont(self.font())
            painter.setPen(self.palette().placeholderText().color())
            margin = round(self.document().documentMargin())
            place = self.viewport().rect().adjusted(margin, margin, -margin, 0)
            hint = painter.fontMetrics().elidedText(self.hint, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, hint)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.height())

    def limit(self, pixels: int) -> None:
        """How high it may grow; whole lines are shown, and never fewer than three."""
        if pixels != self._limit:
            self._limit = pixels
            self._grow()

    def _grow(self) -> None:
        heights = self._line_heights()
        tall = [sum(heights[:count]) for count in range(1, len(heights) + 1)]
        shown = max(LEAST_LINES, sum(height <= self._limit for height in tall))
        more = len(heights) > shown
        margin = 2 * self.document().documentMargin() + 2 * self.frameWidth()
        height = ceil(sum(heights[:shown]) + margin)
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if more else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    def _line_heights(self) -> list[float]:
        """Of the first lines, one more than are shown; another script's letters may be higher than the font's own."""
        heights: list[float] = []
        block = self.document().begin()
        while block.isValid() and (len(heights) <= LEAST_LINES or sum(heights) <= self._limit):
            self.blockBoundingRect(block)  # lays the paragraph out
            layout = block.layout()
            lines = range(min(layout.lineCount(), LEAST_LINES + 1 + self._limit // self.fontMetrics().height()))
            heights += [layout.lineAt(n).height() for n in lines] or [self.fontMetrics().lineSpacing()]
            block = block.next()
        return heights
