"""What is read in a conversation: text, code, the person's bubble, folded thoughts, notes.

Invariant: a body shows one part of one message, says how tall it is at a given width, and never scrolls vertically or
loads anything. It knows neither its place in the conversation nor any other body.
"""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QEnterEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QLabel, QPushButton, QTextEdit, QWidget

from desktop.ui import icons, markdown, theme
from desktop.ui.buttons import IconButton
from desktop.ui.highlight import Highlighter
from desktop.ui.icons import Icon
from desktop.ui.markdown import Segment
from desktop.ui.reading import LINE, Reading, line, panel, sheet
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

COPIED_MS = 1_500  # how long a button says that it has copied
_LOADING_MS = 60  # between two looks whether a language's colours have been loaded


class Body(QWidget):
    """A part of a message. `outset`: pixels that it reaches beyond the column at the left, so that icons align."""

    outset = 0
    entered = Signal()
    link = Signal(str)

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look

    def fit(self, width: int) -> int:
        """Lays the body out for this width and returns its height."""
        raise NotImplementedError

    def place(self, left: int, top: int, width: int, height: int) -> None:
        """Stands in its row: at the column's left edge, over its width."""
        self.setGeometry(left - self.outset, top, width + self.outset, height)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.entered.emit()
        super().enterEvent(event)

    def stops(self) -> list[QWidget]:
        """Where the Tab key stops, in order."""
        return []


class TextBody(Body):
    """Markdown without its code blocks. `thought`: smaller and muted, beside a line."""

    def __init__(self, look: Theme, name: str, thought: bool, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._thought = thought
        self._reading = Reading(name, self)
        self._reading.anchorClicked.connect(lambda url: self.link.emit(url.toString()))

    def show_text(self, segment: Segment, faded: bool) -> None:
        colours = self.look.colours
        ink = colours.muted if faded or self._thought else colours.text
        kind = Type.BODY if self._thought else Type.READING
        self._reading.dress(self.look.font(kind), self.look.px(theme.XL), sheet(self.look, kind, ink))
        self._reading.replace(f"<body>{markdown.html(segment.source)}</body>")
        if segment.goes_on:
            self._reading.join_below()

    def mark(self, words: str) -> None:
        self._reading.mark(words, self.look.colours.mark)

    def fit(self, width: int) -> int:
        left = self.look.px(theme.L) if self._thought else 0
        height = self._reading.tall(width - left) + self._reading.allow_sideways(width - left)
        self._reading.setGeometry(left, 0, width - left, height)
        return height

    def stops(self) -> list[QWidget]:
        return [self._reading]

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._thought:
            painter = QPainter(self)
            painter.fillRect(QRectF(self.look.px(theme.XS), 0, 2, self.height()), QColor(self.look.colours.line))


class CodeBody(Body):
    """A code block, or one part of a long one: a ground, the language, a button that copies the whole block."""

    copy = Signal()

    def __init__(self, look: Theme, colours: Highlighter, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._highlighter = colours
        self._segment: Segment | None = None
        self._faded = False
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_LOADING_MS)
        self._wait.timeout.connect(self._colour)
        self._reading = Reading("", self)
        self._reading.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
        self._button = IconButton(look, Icon.COPY, "", self)
        self._button.clicked.connect(self.copy)
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.retranslate()

    def retranslate(self) -> None:
        self._button.draw(Icon.COPY)
        self._button.name(_("Copy code"), _("Copy"))
        self._reading.setAccessibleName(_("Code"))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def show_code(self, segment: Segment, faded: bool) -> None:
        self._segment, self._faded = segment, faded
        ink = self.look.colours.muted if faded else self.look.colours.text
        style = f"pre {{ color: {ink}; margin: 0; {line(self.look, Type.CODE)} }}"
        self._reading.dress(self.look.font(Type.CODE), 0, style)
        self._label.setFont(self.look.font(Type.SMALL))
        self._label.setVisible(not segment.continued)
        self._button.setVisible(not segment.continued)
        self._colour()

    def _colour(self) -> None:
        """Shows the code, in colours as soon as its language has been loaded."""
        segment = self._segment
        if segment is None:
            return
        if not self._highlighter.ready(segment.language):
            self._wait.start()
        language = "" if self._faded else segment.language
        code = self._highlighter.html(segment.source.expandtabs(4), language, self.look.colours)
        self._reading.replace(f"<pre>{code}</pre>")
        self._label.setText(self._highlighter.name(segment.language) or _("Code"))

    def mark(self, words: str) -> None:
        self._reading.mark(words, self.look.colours.mark)

    def copied(self) -> None:
        """Shows that the code is in the clipboard."""
        self._button.draw(Icon.CHECK)
        self._button.name(_("Copied"), _("Copied"))
        QTimer.singleShot(COPIED_MS, self, self.retranslate)

    def fit(self, width: int) -> int:
        if self._segment is None:
            return 0
        side, head = self.look.px(theme.L), 0 if self._segment.continued else self.look.px(36)
        self._reading.resize(width - 2 * side, self._reading.height())
        document = self._reading.document()
        document.setTextWidth(-1)
        height = ceil(document.size().height()) + self._reading.allow_sideways(width - 2 * side)
        hint = self._button.sizeHint()
        self._button.setGeometry(width - hint.width() - theme.XS, theme.XS, hint.width(), hint.height())
        self._label.setGeometry(side, theme.XS, width // 2, hint.height())
        self._reading.setGeometry(side, head, width - 2 * side, height)
        return head + height + (0 if self._segment.goes_on else self.look.px(theme.M))

    def stops(self) -> list[QWidget]:
        return [self._reading] if self._button.isHidden() else [self._button, self._reading]

    def paintEvent(self, event: QPaintEvent) -> None:
        segment = self._segment
        if segment is not None:
            ends = (not segment.continued, not segment.goes_on)
            panel(QPainter(self), self.rect().toRectF(), theme.RADIUS, *ends, self.look.colours.raised)


class BubbleBody(Body):
    """What the person wrote, as it was written, at the right."""

    def __init__(self, look: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._reading = Reading(name, self)
        self._reading.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._box = QSize()
        self.beside = 0  # pixels that are free left of the bubble
        self._ends = (True, True)  # whether this part is the first, and the last, of the message

    def show_plain(self, text: str, first: bool, last: bool, faded: bool) -> None:
        self._ends = (first, last)
        self._reading.document().setDefaultFont(self.look.font(Type.READING))
        self._reading.setPlainText(text if last else text.removesuffix("\n"))
        cursor = QTextCursor(self._reading.document())
        cursor.select(QTextCursor.SelectionType.Document)
        spacing = QTextBlockFormat()
        tall = round(self.look.font(Type.READING).pixelSize() * LINE)
        spacing.setLineHeight(tall, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor.mergeBlockFormat(spacing)
        ink = QTextCharFormat()
        ink.setForeground(QColor(self.look.colours.muted if faded else self.look.colours.text))
        cursor.mergeCharFormat(ink)

    def mark(self, words: str) -> None:
        self._reading.mark(words, self.look.colours.mark)

    def fit(self, width: int) -> int:
        side = self.look.px(theme.L)
        inner = int(width * 0.8) - 2 * side
        height = self._reading.tall(inner)
        if all(self._ends):
            inner = min(inner, ceil(self._reading.document().idealWidth()) + 1)
            height = self._reading.tall(inner)
        above = self.look.px(theme.XS + 2) if self._ends[0] else 0  # a line brings its own space above
        below = self.look.px(theme.M) if self._ends[1] else 0
        self._box = QSize(inner + 2 * side, above + height + below)
        self.beside = width - self._box.width()
        self._reading.setGeometry(side, above, inner, height)
        return self._box.height()

    def place(self, left: int, top: int, width: int, height: int) -> None:
        """At the right, no wider than the bubble: what is beside it belongs to others."""
        self.setGeometry(left + self.beside, top, self._box.width(), height)

    def stops(self) -> list[QWidget]:
        return [self._reading]

    def paintEvent(self, event: QPaintEvent) -> None:
        panel(QPainter(self), self.rect().toRectF(), theme.RADIUS_L, *self._ends, self.look.colours.bubble)


class FoldBody(Body):
    """The line that opens and closes the thoughts."""

    outset = theme.XS
    toggled = Signal(bool)

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._button = IconButton(look, Icon.RIGHT, "", self)
        self._opened = False
        self._button.clicked.connect(lambda: self.toggled.emit(not self._opened))

    def show_state(self, thinking: bool, opened: bool) -> None:
        label = _("Thinking…") if thinking else _("Thoughts")
        self._button.name(_("Hide the thoughts") if opened else _("Show the thoughts"), label)
        self._button.draw(Icon.DOWN if opened else Icon.RIGHT)
        self._opened = opened

    def fit(self, width: int) -> int:
        hint = self._button.sizeHint()
        self._button.setGeometry(0, 0, hint.width(), hint.height())
        return hint.height()

    def stops(self) -> list[QWidget]:
        return [self._button]


class NoteBody(Body):
    """What went wrong with a reply, in a sentence, and the way on."""

    go_on = Signal()

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._label = QLabel(self)
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._button = QPushButton(self)
        self._button.clicked.connect(self.go_on)

    def show_note(self, sentence: str, *, last: bool) -> None:
        """`last`: the conversation ends here."""
        self._label.setText(sentence)
        self._button.setVisible(last)
        self._button.setText(_("Continue"))
        self._button.setAccessibleName(_("Continue the reply"))

    def fit(self, width: int) -> int:
        pad, icon = self.look.px(theme.M), self.look.px(20)
        hint = QSize() if self._button.isHidden() else self._button.sizeHint()
        left, room = pad + icon + theme.S, width - 3 * pad - icon - theme.S - hint.width()
        tall = max(self._label.heightForWidth(room), hint.height())
        self._label.setGeometry(left, pad, room, tall)
        top = pad + (tall - hint.height()) // 2
        self._button.setGeometry(width - pad - hint.width(), top, hint.width(), hint.height())
        return tall + 2 * pad

    def stops(self) -> list[QWidget]:
        return [] if self._button.isHidden() else [self._button]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self.look.colours
        panel(painter, self.rect().toRectF(), theme.RADIUS, True, True, colours.warning_ground)
        side = self.look.px(20)
        place = QRectF(self.look.px(theme.M), (self.height() - side) / 2, side, side)
        icons.paint(painter, Icon.WARNING, place, colours.warning)


class LeftBody(Body):
    """The line below the last message that has left the context."""

    ROLE = QAccessible.Role.StaticText

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self._text = ""

    def retranslate(self) -> None:
        self._text = _("The model no longer sees what is above")
        self.setAccessibleName(self._text)
        self.update()

    def fit(self, width: int) -> int:
        return self.look.px(28)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, middle = QPainter(self), self.height() // 2
        painter.setFont(self.look.font(Type.SMALL))
        room = painter.fontMetrics().horizontalAdvance(self._text) + 2 * theme.M
        left = (self.width() - room) // 2
        painter.setPen(QColor(self.look.colours.line))
        painter.drawLine(0, middle, left, middle)
        painter.drawLine(left + room, middle, self.width(), middle)
        painter.setPen(QColor(self.look.colours.muted))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)
