"""Every key there is, on one sheet: those of the menus as the menus have them, and those that a place has of its own.

Invariant: a key of a menu is never written here; it is read from the entry that it belongs to, in the platform's
notation. The sheet does nothing but show.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QAccessible, QAction, QColor, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_
from desktop.ui import theme
from desktop.ui.column import scrolling, within
from desktop.ui.labels import Label, Tone
from desktop.ui.menus import Menus
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_COLUMN = 320  # pixels at 100 % text size: a name and its keys
_COLUMNS = 3
_ENTER = "Return" if sys.platform == "darwin" else "Enter"  # as it is written on the key
_ARROWS = {"Up": "↑", "Down": "↓", "Left": "←", "Right": "→"}
# Keys that mean something in one place only, and so are no menu's: what the place does with them is tested there.
PLACES: Sequence[tuple[str, Sequence[tuple[str, Sequence[str]]]]] = (
    (
        N_("While you write"),
        (
            (N_("Send"), (_ENTER,)),
            (N_("New line"), (f"Shift+{_ENTER}",)),
            (N_("Edit your last message, in an empty field"), ("Up",)),
            (N_("Stop the reply"), ("Escape",)),
        ),
    ),
    (
        N_("In the conversation"),
        ((N_("To the beginning"), ("Home",)), (N_("To the end"), ("End",))),
    ),
    (
        N_("In the list of chats"),
        (
            (N_("Open"), (_ENTER,)),
            (N_("Rename"), ("F2",)),
            (N_("Move to bin"), ("Delete",)),
            (N_("Back to the message"), ("Escape",)),
        ),
    ),
    (
        N_("Everywhere"),
        ((N_("Go to the next button or field, and back"), ("Tab", "Shift+Tab")),),
    ),
)


class ShortcutSheet(QDialog):
    """Opened with `open()`."""

    def __init__(self, look: Theme, menus: Menus, parent: QWidget) -> None:
        super().__init__(parent)
        self._look, self._menus = look, menus
        self._title = Label(look, Type.TITLE)
        self._groups: list[_Group] = []
        self._body = _Body()
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._body)
        self._columns.setContentsMargins(theme.XL, theme.S, theme.XL, theme.S)
        self._columns.setSpacing(theme.XXL)
        self._sides = tuple(QVBoxLayout() for _column in range(_COLUMNS))
        self._close = QPushButton(default=True)
        self._close.clicked.connect(self.accept)
        self._arrange()
        look.changed.connect(self._fit)
        self.retranslate()
        width = look.px(_COLUMN * _COLUMNS) + 2 * theme.XL
        around = self.sizeHint().height() - self._area.sizeHint().height()
        within(self, width, around + self._columns.totalHeightForWidth(width))

    def _arrange(self) -> None:
        for side in self._sides:
            side.setSpacing(theme.XL)
            side.addStretch()
            self._columns.addLayout(side, 1)
        self._area = scrolling(self._body)
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.M)
        head.addWidget(self._title)
        foot.setContentsMargins(theme.XL, theme.M, theme.XL, theme.L)
        foot.addStretch()
        foot.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._area, 1)
        column.addLayout(foot)
        self._body.setFocus()

    def retranslate(self) -> None:
        self.setWindowTitle(_("Keyboard shortcuts"))
        self._title.setText(_("Keyboard shortcuts"))
        self._body.setAccessibleName(_("Keyboard shortcuts"))
        self._close.setText(_("Close"))
        for group in self._groups:
            group.hide()
            group.deleteLater()
        of_menus = [_Group(self._look, title, _keyed(actions)) for title, actions in self._menus.sections()]
        of_places = [
            _Group(self._look, _(title), [(_(text), [QKeySequence(key) for key in keys]) for text, keys in rows])
            for title, rows in PLACES
        ]
        self._groups = [*of_menus, *of_places]
        held: list[list[_Group]] = [[] for _column in self._sides]
        for group in sorted(self._groups, key=lambda group: -group.lines):  # the long ones first: so all end alike
            min(held, key=lambda column: sum(other.lines for other in column)).append(group)
        for side, column in zip(self._sides, sorted(held, key=lambda c: min(map(self._groups.index, c))), strict=True):
            for group in sorted(column, key=self._groups.index):
                side.insertWidget(side.count() - 1, group)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        beside, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._columns.setDirection(below if self.width() < self._look.px(_COLUMN * _COLUMNS) else beside)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


def written(sequence: QKeySequence) -> str:
    """As the platform writes it, but for the arrows: they are on the key as they are here, in every language."""
    arrow = _ARROWS.get(sequence.toString().rpartition("+")[2])
    native = sequence.toString(QKeySequence.SequenceFormat.NativeText)
    if arrow is None:
        return native
    alone = QKeySequence(sequence[0].key()).toString(QKeySequence.SequenceFormat.NativeText)  # type: ignore[index]
    return native.removesuffix(alone) + arrow


def _keyed(actions: Iterable[QAction]) -> list[tuple[str, list[QKeySequence]]]:
    return [(action.text().rstrip("…"), action.shortcuts()) for action in actions if action.shortcuts()]


class _Body(QWidget):
    """Has the focus, so that the arrows scroll what it stands in."""

    ROLE = QAccessible.Role.Grouping

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


class _Group(QWidget):
    """A heading, and lines of a name and its keys."""

    def __init__(self, look: Theme, title: str, rows: Sequence[tuple[str, Sequence[QKeySequence]]]) -> None:
        super().__init__()
        self.lines = len(rows) + 2  # with the heading, and the space below the last
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.XS)
        heading = Label(look, Type.HEADING)
        heading.setText(title)
        column.addWidget(heading)
        for text, sequences in rows:
            name = Label(look, wrap=True)
            name.setText(text)
            line = QHBoxLayout()
            line.setSpacing(theme.S)
            line.addWidget(name, 1)
            for sequence in sequences:
                line.addWidget(_Key(look, written(sequence)), 0, Qt.AlignmentFlag.AlignVCenter)
            column.addLayout(line)


class _Key(Label):
    """A key, drawn as one."""

    def __init__(self, look: Theme, text: str) -> None:
        super().__init__(look, Type.SMALL, Tone.MUTED)
        self.setText(text)
        self.setContentsMargins(theme.S, theme.XS, theme.S, theme.XS)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS_S, theme.RADIUS_S)
        painter.end()
        super().paintEvent(event)
