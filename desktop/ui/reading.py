"""Text that is read: one document without vertical scroll bars, its style, and the ground it may stand on.

Invariant: nothing is loaded from anywhere, whatever the document says. What the text is, and whose, is not known here.
"""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QRectF, QSignalBlocker, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QTextCharFormat,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit, QWidget

from desktop.ui import theme
from desktop.ui.theme import Theme, Type

LINE = 1.6  # lines of text are so many times as high as its letters: open enough to read for long
_HEADINGS = {"h1": 24, "h2": 20, "h3": 18, "h4": 16, "h5": 16, "h6": 16}  # pixels at 100 %
_SCROLLING = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)  # these move the conversation, not a cursor in one part
_MARKS = 200  # at most so many places are marked in one part


class Reading(QTextBrowser):
    """Text that can be selected by mouse and keyboard, without scroll bars of its own."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.document().setDocumentMargin(0)
        self.setCursorWidth(0)
        self.viewport().setAutoFillBackground(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName(name)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        return None  # neither pictures nor style sheets, from anywhere

    def focusInEvent(self, event: QFocusEvent) -> None:
        keyboard = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.setCursorWidth(1 if keyboard else 0)
        super().focusInEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.angleDelta().y() or not self.horizontalScrollBar().maximum():
            event.ignore()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        whole = event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and event.modifiers() != Qt.KeyboardModifier.NoModifier
        if event.key() in _SCROLLING or (whole and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier):
            event.ignore()
            return
        before = self.textCursor().position()
        super().keyPressEvent(event)
        lines = (Qt.Key.Key_Up, Qt.Key.Key_Down)
        if event.key() in lines and not event.modifiers() and self.textCursor().position() == before:
            event.ignore()  # the first or last line: whoever reads goes on in what stands above or below

    def dress(self, font: QFont, indent: int, style: str) -> None:
        """How what `replace` brings will look; costs a layout only where it changes."""
        document = self.document()
        if (font, style) != (document.defaultFont(), document.defaultStyleSheet()):
            document.setDefaultFont(font)
            document.setIndentWidth(indent)
            document.setDefaultStyleSheet(style)

    def replace(self, html: str) -> None:
        """New content; what was selected stays selected.

        The document does not tell of it: a reply comes anew many times a second, and each time a screen reader would be
        given all of it as erased and written. What is to be heard of a reply is said elsewhere.
        """
        cursor = self.textCursor()
        anchor, position = cursor.anchor(), cursor.position()
        with QSignalBlocker(self.document()):
            self.setHtml(html)
        if anchor != position:
            end = self.document().characterCount() - 1
            cursor = self.textCursor()
            cursor.setPosition(min(anchor, end))
            cursor.setPosition(min(position, end), QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(cursor)

    def join_below(self) -> None:
        """The last paragraph goes on in what stands below: no space between."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        spacing = cursor.blockFormat()
        spacing.setBottomMargin(0)
        cursor.setBlockFormat(spacing)

    def mark(self, words: str, colour: str) -> None:
        """Marks where these words stand."""
        found: list[QTextEdit.ExtraSelection] = []
        cursor = self.document().find(words) if words else QTextCursor()
        while not cursor.isNull() and len(found) < _MARKS:
            place = QTextEdit.ExtraSelection()
            place.cursor = cursor
            place.format = QTextCharFormat()
            place.format.setBackground(QColor(colour))
            found.append(place)
            cursor = self.document().find(words, cursor)
        self.setExtraSelections(found)

    def tall(self, width: int) -> int:
        """The height of the text at this width."""
        self.resize(width, self.height())
        self.document().setTextWidth(width)
        return ceil(self.document().size().height())

    def allow_sideways(self, width: int) -> int:
        """Lets code or a table that is wider than this be scrolled; returns the height that the bar takes."""
        wide = self.document().size().width() > width + 1
        policy = Qt.ScrollBarPolicy
        self.setHorizontalScrollBarPolicy(policy.ScrollBarAsNeeded if wide else policy.ScrollBarAlwaysOff)
        return theme.M if wide else 0


def panel(painter: QPainter, box: QRectF, radius: float, top: bool, bottom: bool, colour: str) -> None:
    """A ground with round corners where the part begins or ends its block."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    path.addRoundedRect(box, radius, radius)
    if not top:
        path.addRect(box.adjusted(0, 0, 0, -min(radius, box.height())))
    if not bottom:
        path.addRect(box.adjusted(0, min(radius, box.height()), 0, 0))
    painter.fillPath(path, QColor(colour))


def line(look: Theme, kind: Type) -> str:
    """A fixed height, so that scripts whose fonts are taller keep the rhythm."""
    return f"line-height: {round(look.font(kind).pixelSize() * LINE)}px; -qt-line-height-type: fixed;"


def sheet(look: Theme, kind: Type, ink: str) -> str:
    """How Markdown looks, in the CSS that Qt's rich text knows."""
    c, gap, rhythm = look.colours, look.px(theme.S), line(look, kind)
    code = look.font(Type.CODE)
    headings = "\n".join(
        f"p.{name} {{ font-size: {look.px(size)}px; font-weight: 600; margin: {2 * gap}px 0 {gap // 2}px 0; "
        f"line-height: {round(look.px(size) * 1.5)}px; }}"
        for name, size in _HEADINGS.items()
    )
    mono = f"font-family: '{code.family()}'; font-size: {code.pixelSize()}px; background-color: {c.hover};"
    return f"""
body {{ color: {ink}; }}
p {{ {rhythm} margin: 0 0 {gap + 2}px 0; }}
li {{ {rhythm} margin: 0 0 {gap // 2}px 0; }}
ul, ol {{ margin: 0 0 {gap}px 0; }}
{headings}
a {{ color: {c.accent}; text-decoration: underline; }}
code {{ {mono} }}
pre {{ {mono} margin: 0; {line(look, Type.CODE)} }}
table.data {{ border-collapse: collapse; margin: {gap}px 0 {gap}px 0; }}
table.quote {{ margin: 0 0 {gap}px 0; }}
table.data th {{ padding: {gap - 2}px {2 * gap}px {gap - 2}px 0; border: none; border-bottom: 1px solid {c.edge};
  font-weight: 600; }}
table.data td {{ padding: {gap - 2}px {2 * gap}px {gap - 2}px 0; border: none; border-bottom: 1px solid {c.line}; }}
td.quote {{ border-left: 3px solid {c.line}; padding: 0 0 0 {gap + 4}px; color: {c.muted}; }}
hr {{ color: {c.line}; background-color: {c.line}; }}
"""
