"""The variants of a repository as rows that can be compared, sorted and unfolded.

Invariant: a row has the same columns as the headings above it and as every other row; unfolding one never moves that
row itself. The arrow keys walk over the rows, Enter unfolds. Fits and downloads are the offer's; this shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop.core.errors import N_
from desktop.core.remedies import Kind
from desktop.core.repos import Variant
from desktop.panes.models import figures, meter, parts
from desktop.panes.models.find.offer import Fit
from desktop.ui import formats, icons, theme
from desktop.ui.icons import Icon
from desktop.ui.labels import Tone, elided
from desktop.ui.surface import chosen, ring
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_EDGE, _TEXT, _BAR = 8, 20, 8  # above the first line of a row, each line, and the bar
_STACKED = 560  # narrower, the memory stands below the name instead of beside it
_NOTABLE = 20  # weights that are kept twice are named from a twentieth of the memory on
HEADINGS = 28


class Sorting(Enum):
    """The columns, by their headings."""

    NAME = N_("Variant")
    SIZE = N_("Size")
    MEMORY = N_("Memory here")
    SPEED = N_("Speed")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns of a row lie, for one width: each two lines high, or one where there is little room."""

    name: QRect
    size: QRect
    memory: QRect
    speed: QRect
    arrow: QRect
    height: int  # of the row

    @classmethod
    def of(cls, look: Theme, width: int) -> Columns:
        top, line = look.px(_EDGE), look.px(_TEXT)
        arrow = QRect(width - theme.S - look.px(20), top, look.px(20), 2 * line)
        if width < look.px(_STACKED):
            left, right = theme.M, arrow.left() - theme.S
            figures = QRect(right - look.px(128), top, look.px(128), line)
            name = QRect(left, top, figures.left() - theme.M - left, 2 * line)
            memory = QRect(left, top + 2 * line + theme.XS, right - left, 2 * line)
            return cls(name, figures, memory, figures.translated(0, line), arrow, memory.bottom() + 1 + top)
        wide = width > look.px(760)
        gap, right = theme.XL if wide else theme.L, arrow.left() - theme.S
        found = []
        bar = min(max(round(width * 0.27), look.px(168)), look.px(240))
        for share in (look.px(76), bar, look.px(76 if wide else 64)):
            found.append(QRect(right - share, top, share, 2 * line))
            right = found[-1].left() - gap
        speed, memory, size = found
        return cls(QRect(theme.M, top, right - theme.M, 2 * line), size, memory, speed, arrow, 2 * (top + line))


def tabular(font: QFont) -> QFont:
    """The same, with figures of one width."""
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


class Headings(QWidget):
    """The columns by name; a click sorts by one, a second click the other way; the arrow keys lead along."""

    sorted = Signal(object, bool)  # a Sorting, whether the largest comes first
    left = Signal()  # downwards, by its key

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._by, self._down = Sorting.SIZE, False
        self._buttons = {column: _Heading(look, self) for column in Sorting}
        for column, button in self._buttons.items():
            button.clicked.connect(lambda _checked=False, column=column: self._sort(column))
            button.stepped.connect(lambda by, button=button: self._step(button, by))
            button.left.connect(self.left)
        self._stop(self._buttons[self._by])
        look.changed.connect(self._place)
        self.retranslate()

    def retranslate(self) -> None:
        for column, button in self._buttons.items():
            button.setText(_(column.value))
            button.setAccessibleName(_("Sort by: {column}", column=_(column.value)))
            chosen = column is self._by
            order = _("largest first") if self._down else _("smallest first")
            button.setAccessibleDescription(order if chosen else "")
            button.direction = (-1 if self._down else 1) if chosen else 0
            button.update()

    def sizeHint(self) -> QSize:
        return QSize(0, self._look.px(HEADINGS))

    def resizeEvent(self, event: object) -> None:
        self._place()

    def _step(self, button: _Heading, by: int) -> None:
        every = list(self._buttons.values())
        self._stop(every[min(max(every.index(button) + by, 0), len(every) - 1)]).setFocus(Qt.FocusReason.TabFocusReason)

    def _stop(self, chosen: _Heading) -> _Heading:
        """The one heading at which the Tab key stops."""
        for button in self._buttons.values():
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus if button is chosen else Qt.FocusPolicy.ClickFocus)
        return chosen

    def _sort(self, column: Sorting) -> None:
        self._down = not self._down if column is self._by else False
        self._by = column
        self.retranslate()
        self.sorted.emit(column, self._down)

    def _place(self) -> None:
        height = self._look.px(HEADINGS)
        self.setFixedHeight(height)
        columns = Columns.of(self._look, self.width())
        places = [columns.name, columns.size, columns.memory, columns.speed]
        sides = [False, True, False, True]
        if columns.memory.top() > columns.name.top():  # stacked: side by side all the same
            quarter = (self.width() - 2 * theme.M) // len(places)
            places = [QRect(theme.M + at * quarter, 0, quarter - theme.S, height) for at in range(len(places))]
            sides = [False] * len(places)
        for button, place, right in zip(self._buttons.values(), places, sides, strict=True):
            button.right = right
            button.setGeometry(place.left() - theme.XS, 0, place.width() + 2 * theme.XS, height)


class _Heading(QAbstractButton):
    stepped = Signal(int)
    left = Signal()

    def __init__(self, look: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self.direction = 0  # 1: smallest first, -1: largest first, 0: not by this
        self.right = False
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        if event.key() in steps:
            self.stepped.emit(steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Down:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._look.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._look.font(Type.SMALL))
        ink = colours.text if self.direction or self.underMouse() else colours.muted
        side = self._look.px(12) if self.direction else 0
        room = self.width() - 2 * theme.XS - side
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        width = painter.fontMetrics().horizontalAdvance(text)
        left = self.width() - theme.XS - width - side if self.right else theme.XS
        painter.setPen(QColor(ink))
        painter.drawText(QRect(left, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
        if side:
            arrow = Icon.UP if self.direction > 0 else Icon.DOWN
            icons.paint(painter, arrow, QRectF(left + width + 2, (self.height() - side) / 2, side, side), ink)
        if self.hasFocus():
            ring(painter, QRectF(self.rect()), theme.RADIUS_S, colours)


class VariantRow(QAbstractButton):
    """One variant. `stepped` when an arrow key leaves it: +1 down, -1 up, ±999 to the ends."""

    stepped = Signal(int)

    def __init__(self, look: Theme, variant: Variant, parent: QWidget) -> None:
        super().__init__(parent)  # one without would be shown as a window for a moment
        self._look, self.variant = look, variant
        self.fit: Fit | None = None
        self.reason = ""  # why this one is recommended, in words; "" where another is
        self.state = ""  # what becomes of it at the moment: "in your library", "downloading, 40 %"
        self.open = False
        self.computing = False  # whether the verdict is still a guess, and something better on its way
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        look.changed.connect(self._resize)
        self._resize()

    def put(self, fit: Fit | None, reason: str, state: str, *, computing: bool = False) -> None:
        self.fit, self.reason, self.state, self.computing = fit, reason, state, computing
        self.describe()

    def describe(self) -> None:
        """What a screen reader says, and the picture."""
        variant, fit = self.variant, self.fit
        said = [variant.label, self.state, figures.quality(variant), self._size()]
        if fit is not None:
            total = figures.memory(fit.estimate.total_bytes, exact=fit.exact)
            verdict, _tone, _icon = self._verdict(fit)
            said += [_("{verdict}, takes {size}", verdict=_(verdict), size=total)]
            said += [self._copy(fit), _speed(fit), _("recommended") if self.reason else ""]
        self.setAccessibleName(", ".join(filter(None, said)))
        self.setAccessibleDescription(_("open") if self.open else _("closed"))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Home: -999, Qt.Key.Key_End: 999}
        if event.key() in steps:
            self.stepped.emit(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def told(self, at: QPoint) -> str:
        """What is said of the place under the pointer."""
        columns, fit = Columns.of(self._look, self.width()), self.fit
        if fit is not None and columns.speed.contains(at):
            return _(fit.speed.basis) if fit.speed else _("Nothing is known yet that would tell its speed.")
        if fit is not None and columns.memory.contains(at):
            held = [part.said for part in parts.whole(fit) if part.octets]
            return "\n".join(filter(None, (_(figures.explained(self.variant, fit.verdict)), _twice(fit), *held)))
        if self.reason:
            return self.reason
        return _(self.variant.quantisation.explanation) if self.variant.quantisation else self.variant.path

    def _verdict(self, fit: Fit) -> tuple[str, Tone, Icon]:
        return figures.COMPUTING if self.computing else figures.verdict(self.variant, fit.verdict)

    def _copy(self, fit: Fit) -> str:
        """What is said of weights that are kept twice, in a few words."""
        if self.computing or not _twice(fit):
            return ""
        if any(remedy.kind is Kind.REPACK for remedy in fit.remedies):
            return _("fits without the fast copy")
        return _("incl. {size} fast copy", size=formats.size(fit.estimate.repack_bytes))

    def _size(self) -> str:
        return formats.size(self.variant.size) if self.variant.size else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resize()

    def _resize(self) -> None:
        self.setFixedHeight(Columns.of(self._look, self.width()).height)

    # -- the picture --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._look.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.open:
            chosen(painter, box, theme.RADIUS_S, colours)
        elif self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(box, theme.RADIUS_S, theme.RADIUS_S)
        elif not self.hasFocus():
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.drawLine(
                QPointF(theme.M, self.height() - 0.5), QPointF(self.width() - theme.M, self.height() - 0.5)
            )
        if self.hasFocus():
            ring(painter, QRectF(self.rect()), theme.RADIUS_S, colours)
        columns = Columns.of(self._look, self.width())
        self._paint_name(painter, columns.name)
        self._line(painter, self._halves(columns.size)[0], self._size(), Type.BODY, colours.text, right=True)
        if self.fit is not None:
            self._paint_memory(painter, columns.memory, self.fit)
            self._paint_speed(painter, columns.speed, self.fit)
        side = self._look.px(16)
        arrow = QRectF(columns.arrow.center().x() - side / 2, (self.height() - side) / 2, side, side)
        icons.paint(painter, Icon.DOWN if self.open else Icon.RIGHT, arrow, colours.muted)

    def _halves(self, column: QRect) -> tuple[QRect, QRect]:
        first = QRect(column.left(), column.top(), column.width(), self._look.px(_TEXT))
        return first, first.translated(0, first.height())

    def _paint_name(self, painter: QPainter, column: QRect) -> None:
        first, second = self._halves(column)
        colours = self._look.colours
        used = self._line(painter, first, self.variant.label, Type.BODY, colours.text)
        beside = first.adjusted(used + theme.S, 0, 0, 0)
        if self.state:
            used = self._line(painter, beside, self.state, Type.SMALL, colours.accent)
            beside = beside.adjusted(used + theme.S, 0, 0, 0)
        if self.reason:
            self._chip(painter, beside, _("recommended"))
        self._line(painter, second, figures.quality(self.variant), Type.SMALL, colours.muted)

    def _chip(self, painter: QPainter, place: QRect, text: str) -> None:
        """Quietly, since the recommendation stands in full above the table; where it does not fit, a mark alone."""
        colours, side = self._look.colours, self._look.px(14)
        mark = QRectF(place.left(), place.center().y() - side / 2 + 1, side, side)
        icons.paint(painter, Icon.RECOMMENDED, mark, colours.accent)
        painter.setFont(self._look.font(Type.SMALL))
        beside = place.adjusted(side + theme.XS, 0, 0, 0)
        if painter.fontMetrics().horizontalAdvance(text) <= beside.width():
            self._line(painter, beside, text, Type.SMALL, colours.accent)

    def _paint_memory(self, painter: QPainter, column: QRect, fit: Fit) -> None:
        first, second = self._halves(column)
        word, tone, icon = self._verdict(fit)
        ink, side = getattr(self._look.colours, tone.value), self._look.px(16)
        icons.paint(painter, icon, QRectF(first.left(), first.center().y() - side / 2 + 1, side, side), ink)
        words = first.adjusted(side + theme.XS, 0, 0, 0)
        total, small = figures.memory(fit.estimate.total_bytes, exact=fit.exact), self._look.font(Type.SMALL)
        room = words.width() - QFontMetrics(small).horizontalAdvance(_(word)) - theme.S
        below = QFontMetrics(self._look.font(Type.BODY)).horizontalAdvance(total) > room
        used = self._line(painter, second if below else first, total, Type.BODY, self._look.colours.text, right=True)
        self._line(painter, words.adjusted(0, 0, 0 if below else -used - theme.XS, 0), _(word), Type.SMALL, ink)
        thick, width = self._look.px(_BAR), second.width() - (used + theme.S if below else 0)
        bar = QRectF(second.left(), second.center().y() - thick // 2, width, thick)
        meter.paint(painter, self._look, bar, parts.whole(fit), parts.memory(fit), tone)

    def _paint_speed(self, painter: QPainter, column: QRect, fit: Fit) -> None:
        first, second = self._halves(column)
        colours, unit = self._look.colours, _("tokens/s")
        rate = _rate(fit.speed.tokens_per_s) if fit.speed else "–"
        if second.bottom() > column.bottom():  # one line for both
            self._line(painter, first, f"{rate} {unit}", Type.SMALL, colours.muted, right=True)
            return
        self._line(painter, first, rate, Type.BODY, colours.text, right=True)
        self._line(painter, second, unit if fit.speed else "", Type.SMALL, colours.muted, right=True)

    def _line(self, painter: QPainter, place: QRect, text: str, kind: Type, colour: str, *, right: bool = False) -> int:
        """Draws one line and says how wide it became."""
        painter.setFont(tabular(self._look.font(kind)))
        painter.setPen(QColor(colour))
        return elided(painter, place, text, right=right)


def _rate(tokens: float) -> str:
    return _("≈ {count}", count=formats.number(tokens, 1 if tokens < 10 else 0))


def _twice(fit: Fit) -> str:
    """What is said of weights that are kept twice; "" where they are few."""
    estimate = fit.estimate
    if estimate.repack_bytes * _NOTABLE < estimate.total_bytes:
        return ""
    size = formats.size(estimate.repack_bytes)
    return _("{size} of it is a copy of the weights in an order that makes this processor faster.", size=size)


def _speed(fit: Fit) -> str:
    """With what it rests on."""
    if not fit.speed:
        return ""
    return ", ".join((_("{count} tokens/s", count=_rate(fit.speed.tokens_per_s)), _(fit.speed.basis)))
