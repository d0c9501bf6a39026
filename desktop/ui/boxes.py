"""The fields of one line, alike wherever they stand: text, combo box, number box.

Invariant: the wheel never changes a value, because it scrolls the page; a text that does not fit ends in "…". What a
value means, and whether it may be, is the affair of `fields`.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFocusEvent,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QTextLayout,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QStyle,
    QStyleOptionSpinBox,
    QStyleOptionViewItem,
    QTextEdit,
    QWidget,
)

from desktop.ui import icons, theme
from desktop.ui.composing import ends_composition, joined, settle, taken
from desktop.ui.icons import Icon
from desktop.ui.labels import elided
from desktop.ui.listing import Index, RowDelegate
from desktop.ui.theme import Theme
from desktop.ui.translation import _

CONTROL = 32  # the height of a control in one line
_ARROW = 16
_COMMAND = Qt.KeyboardModifier.ControlModifier
_NARROWEST = 180  # room for our own choices in every language; only names, which may be of any length, are cut


class Line(QLineEdit):
    """A text field whose text stands in its middle, also where another font lends the letters.

    Qt moves a line up by half of what the lending font is taller than the field's own; the margins take that back.
    `written` tells what is seen in it, with what an input method is still composing.
    """

    written = Signal(str)

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.composing = ""
        self._told, self._entering = text, False
        self.textChanged.connect(self._change)
        self._centre(text)

    @property
    def seen(self) -> str:
        """The text with what is being composed."""
        return joined(self.text(), self.cursorPosition(), self.composing)

    def settle(self) -> None:
        """Has the input method finish."""
        settle(self)

    def taken(self) -> str:
        """All of the text, for good: the field is not asked again."""
        return taken(self)

    def event(self, event: QEvent) -> bool:
        if self.composing and ends_composition(event):
            return True
        return leaves_key(self, event) or super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.settle()
        super().focusOutEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._entering = True
        self.composing = event.preeditString()
        super().inputMethodEvent(event)
        self._entering = False
        self._tell()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._centre(self.text())
        elif event.type() in (QEvent.Type.LanguageChange, QEvent.Type.PaletteChange):
            self._dress_buttons()

    def setClearButtonEnabled(self, enable: bool) -> None:
        super().setClearButtonEnabled(enable)
        self._dress_buttons()

    def _dress_buttons(self) -> None:
        for clearing in self.findChildren(QAction, "_q_qlineeditclearaction"):  # Qt's own, with no name
            clearing.setText(_("Clear"))
            side = self.style().pixelMetric(QStyle.PixelMetric.PM_LineEditIconSize)
            clearing.setIcon(icons.icon(Icon.CLOSE, self.palette().placeholderText().color().name(), side))

    def _change(self) -> None:
        if not self._entering:  # by keys, by pasting, by the program: then the input method begins anew
            self.composing = ""
            self._tell()

    def _tell(self) -> None:
        self._centre(self.seen)
        if self.seen != self._told:
            self._told = self.seen
            self.written.emit(self.seen)

    def _centre(self, text: str) -> None:
        layout = QTextLayout(text, self.font())
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()  # before it, a line has no height
        taller = line.ascent() - self.fontMetrics().ascent() if line.isValid() else 0
        margins = self.textMargins()
        margins.setTop(max(0, round(taller / 2)))
        margins.setBottom(-margins.top())  # moved, but not made smaller or the field larger
        self.setTextMargins(margins)


def undoable(field: QWidget) -> bool:
    """Whether something typed in it can be taken back."""
    if isinstance(field, QLineEdit):
        return field.isUndoAvailable()
    return isinstance(field, QPlainTextEdit | QTextEdit) and field.document().isUndoAvailable()


def leaves_key(field: QWidget, event: QEvent) -> bool:
    """Whether this is a key that a field leaves to the window: "undo" without anything to take back, and Ctrl+K.

    With that, some desktops delete to the end of the line; here it opens the palette, as it does everywhere else.
    """
    if event.type() is not QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    undo = event.matches(QKeySequence.StandardKey.Undo) and not undoable(field)
    if not undo and event.keyCombination() != QKeyCombination(_COMMAND, Qt.Key.Key_K):
        return False
    event.ignore()
    return True


class _Entries(RowDelegate):
    """The entries of a combo box; the chosen one needs no ring, the list has the focus anyway."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        plain = QStyleOptionViewItem(option)
        plain.state &= ~QStyle.StateFlag.State_HasFocus
        super().paint(painter, plain, index)


class QuietCombo(QComboBox):
    """A combo box as wide as its widest entry, where there is room."""

    def __init__(self, look: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._label = QLabel()
        self._label.hide()  # nobody sees it
        self.setItemDelegate(_Entries(look, CONTROL, self))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        look.changed.connect(self.updateGeometry)

    def name(self, name: str) -> None:
        """What is chosen here, for a screen reader, where no label beside it says so.

        On Linux, Qt takes no other name for a combo box than that of a label.
        """
        self.setAccessibleName(name)
        self._label.setText(name.replace("&", "&&"))
        self._label.setBuddy(self)  # not before: without a name, only a label beside it is heard
        self._stand()

    def _stand(self) -> None:
        self._label.setParent(self.parentWidget() if self._label.text() else None)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ParentChange:
            self._stand()
        return super().event(event)

    def sizeHint(self) -> QSize:
        texts = [self.placeholderText(), *map(self.itemText, range(self.count()))]
        widest = max(map(self.fontMetrics().horizontalAdvance, texts))
        beside = theme.M + theme.XS + self._look.px(_ARROW) + theme.S
        return QSize(widest + beside + 2, self._look.px(CONTROL))  # 2: an advance is rounded, and eliding is strict

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(min(hint.width(), self._look.px(_NARROWEST)), hint.height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, side = self._look.colours, self._look.px(_ARROW)
        painter = QPainter(self)
        hovered = self.underMouse() and self.isEnabled()
        edge = colours.edge if self.isEnabled() else colours.line
        _frame(painter, self._look, self, colours.hover if hovered else colours.ground, edge)
        right = self.width() - theme.S - side
        place = QRectF(right, (self.height() - side) / 2, side, side)
        icons.paint(painter, Icon.DOWN, place, colours.text if self.isEnabled() else colours.muted)
        chosen = self.currentIndex() >= 0
        quiet = not chosen or not self.isEnabled()
        room = QRect(theme.M, 0, right - theme.M - theme.XS, self.height())
        text = self.currentText() if chosen else self.placeholderText()
        painter.setPen(QColor(colours.muted if quiet else colours.text))
        elided(painter, room, text)


class QuietSpin(QAbstractSpinBox):
    """The frame and the arrows of a number box."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._look.colours
        _frame(painter, self._look, self, colours.ground, colours.edge if self.isEnabled() else colours.line)
        option = QStyleOptionSpinBox()
        self.initStyleOption(option)
        steps, part = self.stepEnabled(), QStyle.SubControl
        for control, icon, step in (
            (part.SC_SpinBoxUp, Icon.UP, QAbstractSpinBox.StepEnabledFlag.StepUpEnabled),
            (part.SC_SpinBoxDown, Icon.DOWN, QAbstractSpinBox.StepEnabledFlag.StepDownEnabled),
        ):
            box = self.style().subControlRect(QStyle.ComplexControl.CC_SpinBox, option, control, self)
            side = min(box.width(), box.height())
            place = QRectF(0, 0, side, side)
            place.moveCenter(QRectF(box).center())
            icons.paint(painter, icon, place, colours.muted if step & steps else colours.line)


def _frame(painter: QPainter, look: Theme, box: QWidget, fill: str, edge: str) -> None:
    colours, focused = look.colours, box.hasFocus()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colours.accent if focused else edge), 2 if focused else 1))
    painter.setBrush(QColor(fill))
    inset = 1 if focused else 0.5
    outline = QRectF(box.rect()).adjusted(inset, inset, -inset, -inset)
    painter.drawRoundedRect(outline, theme.RADIUS_S - inset, theme.RADIUS_S - inset)
