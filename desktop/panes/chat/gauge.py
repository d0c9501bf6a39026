"""How full the context is: a ring beside the message, and a small panel of what is in it and what would leave next.

Invariant: everything drawn is in words too, in the ring's name; the panel takes no focus, so that the Tab key passes
through, and goes when the ring loses it, or its window changes. What the figures mean is `services.chats.context`'s
affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFocusEvent,
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.core.talk import ContextUse
from desktop.panes.chat.snippet import tidy
from desktop.ui import formats, theme
from desktop.ui.labels import Label, Tone
from desktop.ui.surface import lifted, ring
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, ngettext

_UNREAD = 0.4  # how strong the part of the ring is that is still to be read; seen beside the other in both appearances
_PALE = 0.55  # between what is unread and what is read, and told from both beside them
_FULL = 0.9  # from here on the ring warns: the next turns make something leave
_NEAR = 0.5  # from here on the share stands beside the ring: below, nobody needs the figure
_RING, _THICK = 16, 3  # pixels at 100 % text size
_WIDTH = 320  # of the panel: a line of a message is recognised by its first five or six words
_READ = 200  # characters of a message: more than a line of the panel holds
_SHOWN = (3, 1)  # so many of the messages that leave next are named, as there is room; the others are counted
_BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class Share(NamedTuple):
    """A part of the context: its name, its tokens, its colour, and how strong that is."""

    name: str
    tokens: int
    colour: str
    strength: float = 1.0


def shares(look: Theme, use: ContextUse) -> list[Share]:
    """What the context holds, in the order in which the model reads it; the last is what is free."""
    c = look.colours
    staying = max(0, use.used - use.instruction - use.page - use.draft - use.leaving_tokens)
    parts = [
        Share(_("Instruction"), use.instruction, c.muted),
        Share(_("Help page"), use.page, c.muted),
        Share(_("Messages that leave next"), use.leaving_tokens, *_leaving(look, use)),
        Share(_("Messages"), staying, c.accent),
        Share(_("What you are writing"), use.draft, c.accent, _UNREAD),
    ]
    free = Share(_("Free"), max(0, use.size - use.used), c.hover)
    return [*(part for part in parts if part.tokens > 0), free]


def _leaving(look: Theme, use: ContextUse) -> tuple[str, float]:
    """What leaves next is paler than what stays, and warns where that is near."""
    return (look.colours.warning, 1.0) if use.used > _FULL * use.size else (look.colours.accent, _PALE)


class Panel(QFrame):
    """The parts as a bar with a legend, and the first words of what leaves next."""

    def __init__(self, look: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._look, self._window = look, window
        self._shares: list[Share] = []
        self._title = Label(look, Type.HEADING)
        self._used = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._legend = QGridLayout()
        self._legend.setVerticalSpacing(theme.XS)
        self._legend.setHorizontalSpacing(theme.S)
        self._legend.setColumnStretch(1, 1)
        self._bar = QWidget()
        self._next = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._words = Label(look, Type.SMALL, wrap=True)
        lines = QVBoxLayout(self)
        pad = theme.L + theme.ELEVATION  # the shadow is drawn in its own margin
        lines.setContentsMargins(pad, pad, pad, pad)
        lines.setSpacing(theme.S)
        for line in (self._title, self._bar, self._used):
            lines.addWidget(line)
        lines.addLayout(self._legend)
        lines.addWidget(self._next)
        lines.addWidget(self._words)
        self.hide()

    def put(self, use: ContextUse, read: str, leaving: Sequence[str]) -> None:
        """`read`: what of it is read already, in words; `leaving`: the texts of the messages that leave next."""
        used, size = formats.number(use.used), formats.number(use.size)
        self._title.setText(_("Context"))
        self._used.setText(" ".join(filter(None, [_("{used} of {size} tokens.", used=used, size=size), read])))
        self._bar.setFixedHeight(self._look.px(theme.S))
        self._shares = shares(self._look, use)
        self._fill_legend()
        self._next.setText(_("When it is full, these leave first. They stay in the chat:"))
        self._next.setVisible(bool(leaving))
        self._words.setVisible(bool(leaving))
        for named in _SHOWN:
            self._name(leaving, named)
            self._fit()
            if self.height() <= self._window.height():
                break
        self.update()

    def _name(self, leaving: Sequence[str], named: int) -> None:
        words = [f"“{self._shortened(text)}”" for text in leaving[:named]]
        more = len(leaving) - named
        if more > 0:
            words.append(ngettext("and {count} more message", "and {count} more messages", more))
        self._words.setText("\n".join(words))

    def _fit(self) -> None:
        width = self._look.px(_WIDTH) + 2 * theme.ELEVATION
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(width, layout.heightForWidth(width))

    def stand_over(self, ring: QWidget) -> None:
        """Comes up above the ring, within its window."""
        window = self._window
        corner = ring.mapTo(window, QPoint(ring.width(), 0))
        left = min(corner.x() - self.width() + theme.ELEVATION, window.width() - self.width())
        self.move(max(0, left), max(0, corner.y() - self.height() + theme.ELEVATION - theme.S))
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, far = QPainter(self), theme.ELEVATION
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lifted(painter, QRectF(self.rect()).adjusted(far, far, -far, -far), theme.RADIUS, self._look.colours)
        self._draw_bar(painter, QRectF(self._bar.geometry()))

    def _draw_bar(self, painter: QPainter, box: QRectF) -> None:
        whole = max(1, sum(share.tokens for share in self._shares))
        round_ends = QPainterPath()
        round_ends.addRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setClipPath(round_ends)
        left = box.left()
        for share in self._shares:
            wide = box.width() * share.tokens / whole
            painter.fillRect(QRectF(left, box.top(), wide, box.height()), _ink(share))
            left += wide

    def _fill_legend(self) -> None:
        while (item := self._legend.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for row, share in enumerate(self._shares):
            name, tokens = Label(self._look, Type.SMALL), Label(self._look, Type.SMALL, Tone.MUTED)
            name.setText(share.name)
            tokens.setText(formats.number(share.tokens))
            self._legend.addWidget(Dot(self._look, share), row, 0)
            self._legend.addWidget(name, row, 1)
            self._legend.addWidget(tokens, row, 2, Qt.AlignmentFlag.AlignRight)

    def _shortened(self, text: str) -> str:
        room = self._look.px(_WIDTH) - 3 * self._look.px(theme.L)  # its margins, and the quotes around it
        plain = " ".join(tidy(text[:_READ], ())[0].split())
        return self._words.fontMetrics().elidedText(plain, Qt.TextElideMode.ElideRight, room)


class Dot(QWidget):
    """The colour of a share, beside its name."""

    ROLE = QAccessible.Role.Whitespace

    def __init__(self, look: Theme, share: Share) -> None:
        super().__init__()
        self._share = share
        side = look.px(10)
        self.setFixedSize(QSize(side, side))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_ink(self._share))
        painter.drawEllipse(QRectF(self.rect()).adjusted(1, 1, -1, -1))


def _ink(share: Share) -> QColor:
    ink = QColor(share.colour)
    ink.setAlphaF(share.strength)
    return ink


class Gauge(QAbstractButton):
    """The ring. Pressed, or reached by the Tab key, it opens the panel."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._use = ContextUse(0, 0)
        self._leaving: Sequence[str] = ()
        self._panel: Panel | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setVisible(False)
        self.clicked.connect(self._toggle)
        look.changed.connect(self._close)  # the next one has the new colours

    @property
    def open(self) -> bool:
        return self._panel is not None and self._panel.isVisible()

    def show_use(self, use: ContextUse | None, leaving: Sequence[str] = ()) -> None:
        """`leaving`: the texts of the messages that leave next."""
        self._use, self._leaving = use or ContextUse(0, 0), leaving
        self.setVisible(self._use.size > 0)
        self.retranslate()
        self.updateGeometry()
        self.update()

    def retranslate(self) -> None:
        used, size = formats.number(self._use.used), formats.number(self._use.size)
        text = "\n".join(filter(None, [_("Context: {used} of {size} tokens", used=used, size=size), self._read()]))
        if self._use.left:
            text += "\n" + _("The oldest messages have left it. They are shown greyed.")
        self.setToolTip(text)
        self.setAccessibleName(text)
        if self.open:
            self._show_panel()

    def sizeHint(self) -> QSize:
        side = self._look.px(theme.TARGET)
        beside = QFontMetrics(self._look.font(Type.SMALL)).horizontalAdvance(self._percent)
        return QSize(side + (beside + theme.S) * bool(beside), side)

    @property
    def _share(self) -> float:
        return min(1.0, self._use.used / self._use.size) if self._use.size else 0.0

    @property
    def _percent(self) -> str:
        return formats.percent(self._share) if self._share >= _NEAR else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._toggle()
        elif event.key() == Qt.Key.Key_Escape and self.open:
            self._close()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in _BY_KEY:
            self._show_panel()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._close()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._close()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        use, part = self._use, self._share
        read = part if use.cached is None else part * use.cached / max(use.used, 1)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.open:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_S, theme.RADIUS_S)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        side, width = self._look.px(_RING), self._look.px(_THICK)
        at = self.width() - (self.height() + side) / 2
        circle = QRectF(at, (self.height() - side) / 2, side, side).adjusted(
            width / 2, width / 2, -width / 2, -width / 2
        )
        track = QColor(colours.edge)
        track.setAlphaF(_UNREAD)
        painter.setPen(QPen(track, width))
        painter.drawEllipse(circle)
        ink = QColor(colours.warning if part > _FULL else colours.accent)
        for drawn, strength in ((part, _UNREAD), (read, 1.0)):
            ink.setAlphaF(strength)
            painter.setPen(QPen(ink, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawArc(circle, 90 * 16, -round(drawn * 360 * 16))
        painter.setPen(QColor(colours.warning if part > _FULL else colours.muted))
        painter.setFont(self._look.font(Type.SMALL))
        painter.drawText(QRectF(theme.S, 0, at, self.height()), Qt.AlignmentFlag.AlignVCenter, self._percent)
        if self.hasFocus():
            ring(painter, QRectF(self.rect()), theme.RADIUS_S, colours)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and watched is self.window():
            self._close()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self.update()
        return super().event(event)

    def _read(self) -> str:
        """What of the context is there already, in words; "" where that is not known."""
        cached, used = self._use.cached, self._use.used
        if cached is None:
            return ""
        if cached >= used:
            return _("All of it is read already.")
        read, unread = formats.number(cached), formats.number(used - cached)
        return _("{read} of them are read already, {unread} are still to be read.", read=read, unread=unread)

    def _toggle(self) -> None:
        if self.open:
            self._close()
        else:
            self._show_panel()

    def _show_panel(self) -> None:
        if self._panel is None:
            self._panel = Panel(self._look, self.window())
        self._panel.put(self._use, self._read(), self._leaving)
        self._panel.stand_over(self)
        self.window().installEventFilter(self)
        self.update()

    def _close(self) -> None:
        if self._panel is not None:
            self._panel.window().removeEventFilter(self)
            self._panel.hide()
            self.update()
