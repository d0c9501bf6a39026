"""Makes the pictures of `docs/design-system.md` from the code itself: `python scripts/swatches.py`.

What is shown is what the widgets take: the tokens, Lucide's drawings, and the controls as the theme draws them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QRectF, Qt  # noqa: E402
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent  # noqa: E402
from PySide6.QtWidgets import (  # noqa: E402
    QApplication,
    QCheckBox,
    QGridLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QWidget,
)

from desktop.core.settings import BY_KEY  # noqa: E402
from desktop.ui import icons, theme  # noqa: E402
from desktop.ui.boxes import Line, QuietCombo  # noqa: E402
from desktop.ui.buttons import IconButton  # noqa: E402
from desktop.ui.column import Card  # noqa: E402
from desktop.ui.fields import NumberBox, QuietSlider  # noqa: E402
from desktop.ui.icons import Icon  # noqa: E402
from desktop.ui.surface import lifted  # noqa: E402
from desktop.ui.switch import Switch  # noqa: E402
from desktop.ui.theme import Theme, Type  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
WIDTH, RATIO = 720, 2
Draw = Callable[[QPainter, Theme], None]


def main() -> int:
    app = QApplication(sys.argv)
    look = Theme(app)
    for appearance in ("light", "dark"):
        look.use(appearance, 100)
        for name, height, draw in (("colours", 392, colours), ("type", 312, types), ("icons", 296, symbols)):
            save(f"design-{name}-{appearance}", painted(look, height, draw))
        board = controls(look)
        board.show()
        app.processEvents()
        save(f"design-controls-{appearance}", shot(board))
        board.close()
    return 0


def painted(look: Theme, height: int, draw: Draw) -> QImage:
    """A picture on the theme's ground."""
    picture = canvas(WIDTH, height)
    picture.fill(QColor(look.colours.ground))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw(painter, look)
    painter.end()
    return picture


def canvas(width: int, height: int) -> QImage:
    picture = QImage(width * RATIO, height * RATIO, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(RATIO)
    return picture


def shot(widget: QWidget) -> QImage:
    picture = canvas(widget.width(), widget.height())
    widget.render(picture)
    return picture


def save(name: str, picture: QImage) -> None:
    path = PICTURES / f"{name}.png"
    picture.save(str(path))
    print(path.relative_to(ROOT))


def say(painter: QPainter, look: Theme, place: QRectF, text: str, kind: Type = Type.SMALL, ink: str = "") -> None:
    painter.setFont(look.font(kind))
    painter.setPen(QColor(ink or look.colours.text))
    painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def colours(painter: QPainter, look: Theme) -> None:
    """Every colour by its meaning."""
    for at, field in enumerate(fields(look.colours)):
        colour = getattr(look.colours, field.name)
        left, top = theme.L + at % 4 * 174, theme.L + at // 4 * 52
        painter.setPen(QColor(look.colours.line))
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(QRectF(left, top, 36, 36), theme.RADIUS_S, theme.RADIUS_S)
        say(painter, look, QRectF(left + 44, top, 130, 18), field.name)
        say(painter, look, QRectF(left + 44, top + 18, 130, 18), colour, ink=look.colours.muted)


def types(painter: QPainter, look: Theme) -> None:
    """Every size of text, in the three languages."""
    top = theme.L
    for kind in Type:
        height = kind.value[0] + theme.XL
        say(painter, look, QRectF(theme.L, top, 130, height), f"{kind.name} {kind.value[0]}", ink=look.colours.muted)
        say(painter, look, QRectF(146, top, WIDTH, height), "Talk at once · 바로 대화하기 · Parla subito", kind)
        top += height


def symbols(painter: QPainter, look: Theme) -> None:
    """Every icon, with its name."""
    for at, icon in enumerate(Icon):
        left, top = theme.L + at % 6 * 116, theme.L + at // 6 * 36
        icons.paint(painter, icon, QRectF(left, top + 6, 16, 16), look.colours.text)
        say(painter, look, QRectF(left + theme.XL, top, 96, 28), icon.name.lower(), ink=look.colours.muted)


class Board(QWidget):
    """The controls, and a panel that floats."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._look.colours.ground))
        box = QRectF(544, 36, 152, 108)
        lifted(painter, box, theme.RADIUS, self._look.colours)
        say(painter, self._look, box.adjusted(theme.L, 0, 0, 0), "What floats")


def controls(look: Theme) -> QWidget:
    """One of each, at rest; the last row has what cannot be used now."""
    board, card = Board(look), Card(look)
    board.setFixedSize(WIDTH, 392)
    card.setParent(board)
    card.setGeometry(theme.L, theme.L, 500, 360)
    inner = QWidget()
    grid = QGridLayout(inner)
    grid.setHorizontalSpacing(theme.L)
    grid.setContentsMargins(0, theme.L, 0, theme.L)
    for row, line in enumerate(rows(look)):
        for column, widget in enumerate(line):
            grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    card.lines.addWidget(inner)
    return board


def rows(look: Theme) -> list[list[QWidget]]:
    main, quiet, off = QPushButton("Download"), QPushButton("Cancel"), QPushButton("Not now")
    main.setProperty("primary", True)
    off.setEnabled(False)
    text, long = Line("Mistral 7B"), QPlainTextEdit("Several lines\nof text")
    long.setFixedSize(140, 64)
    combo = QuietCombo(look)
    combo.addItems(["Automatic", "On"])
    number = NumberBox(look, BY_KEY["context"])
    number.put(4096, "4,096")
    number.fit(look.px(104))
    slider, bar = QuietSlider(look), QProgressBar(textVisible=False)
    slider.setRange(0, 10)
    slider.setValue(6)
    slider.setFixedWidth(140)
    bar.setValue(60)
    bar.setFixedSize(140, theme.S)
    tick, choice = QCheckBox("automatic", checked=True), QRadioButton("One of two", checked=True)
    on, without = Switch(look), Switch(look)
    on.setChecked(True)
    buttons: list[QWidget] = [IconButton(look, icon, icon.name) for icon in (Icon.COPY, Icon.EDIT, Icon.MORE)]
    return [
        [main, quiet, off],
        [text, combo, number],
        [long, slider, bar],
        [tick, QCheckBox("reload"), choice],
        [on, without, QRadioButton("The other")],
        buttons,
    ]


if __name__ == "__main__":
    sys.exit(main())
