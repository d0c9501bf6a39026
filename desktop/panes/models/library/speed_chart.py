"""Two speeds beside each other as bars: with the defaults, and with what was found to be better.

Invariant: the bars of one group have one scale, which begins at 0, so that their lengths tell the truth; every figure
stands beside its bar, so that nothing is told by length or colour alone. What is compared is given; nothing is judged.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from desktop.core.tuning import Outcome, gained
from desktop.ui import formats, theme
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _


class SpeedChart(QWidget):
    """Reading and writing, each with the defaults and with what was found."""

    ROLE = QAccessible.Role.Chart

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._groups = (_Group(look), _Group(look))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.M)
        self._grid.setVerticalSpacing(theme.XS)
        self._grid.setColumnStretch(0, 1)
        for at, group in enumerate(self._groups):
            group.place(self._grid, 6 * at)
        self._grid.setRowMinimumHeight(5, theme.M)  # between the groups

    def put(self, outcome: Outcome) -> None:
        old, new = outcome.default, outcome.best
        reading = self._groups[0].put(_("Reading"), old.read_per_s, new.read_per_s)
        writing = self._groups[1].put(_("Writing"), old.write_per_s, new.write_per_s)
        self.setAccessibleName(f"{reading} {writing}")


class _Group:
    """A heading, and twice a name with its speed, below it the bar: so names of any length have room."""

    def __init__(self, look: Theme) -> None:
        self._title = Label(look, Type.BODY)
        self._names = tuple(Label(look, Type.SMALL, Tone.MUTED, wrap=True) for _each in range(2))
        self._bars = Bar(look, Tone.MUTED), Bar(look, Tone.ACCENT)
        self._figures = Label(look, Type.SMALL), Label(look, Type.SMALL)
        self._gain = Label(look, Type.SMALL, Tone.ACCENT)

    def place(self, grid: QGridLayout, row: int) -> None:
        grid.addWidget(self._title, row, 0, 1, 3)
        for at in range(2):
            grid.addWidget(self._names[at], row + 1 + 2 * at, 0)
            grid.addWidget(self._figures[at], row + 1 + 2 * at, 2, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(self._bars[at], row + 2 + 2 * at, 0, 1, 3)
        grid.addWidget(self._gain, row + 3, 1)

    def put(self, title: str, old: float, new: float) -> str:
        """Speeds in tokens per second; what is shown, in words."""
        self._title.setText(title)
        self._names[0].setText(_("Defaults"))
        self._names[1].setText(_("Best found"))
        for bar, figure, speed in zip(self._bars, self._figures, (old, new), strict=True):
            bar.put(speed / max(old, new, 1e-9))
            figure.setText(per_second(speed))
        self._gain.setText(percent(gained(new, old)))
        return _(
            "{title}: {old} with the defaults, {new} with the best settings found.",
            title=title,
            old=per_second(old),
            new=per_second(new),
        )


class Bar(QWidget):
    """A bar of a length between 0 and 1."""

    ROLE = QAccessible.Role.Whitespace

    def __init__(self, look: Theme, tone: Tone) -> None:
        super().__init__()
        self._look, self._tone, self._length = look, tone, 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(120), self._look.px(12))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._look.px(40), self._look.px(12))

    def put(self, length: float) -> None:
        self._length = length
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        thick = self._look.px(8)
        box = QRectF(0, (self.height() - thick) / 2, self.width(), thick)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = thick / 2
        painter.setBrush(QColor(self._look.colours.hover))
        painter.drawRoundedRect(box, radius, radius)
        if self._length > 0:
            box.setWidth(max(box.width() * self._length, thick))
            painter.setBrush(QColor(getattr(self._look.colours, self._tone.value)))
            painter.drawRoundedRect(box, radius, radius)


def per_second(speed: float) -> str:
    """ "14.2 tokens/s", and what stands where nothing could be told."""
    return _("{speed} tokens/s", speed=formats.number(speed, 1 if speed < 100 else 0)) if speed > 0 else "–"


def percent(gain: float) -> str:
    """ "+12 %", or "×2.5" of what is more than twice as fast; "" where it is the same."""
    return formats.gain(gain) if round(gain * 100) else ""
