"""Controls of one family: the one with the focus is seen on every ground, and all are large enough to hit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize, QStringListModel, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QListView,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QStyle,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.core.settings import BY_KEY
from desktop.ui.boxes import Line, QuietCombo
from desktop.ui.buttons import IconButton
from desktop.ui.fields import NumberBox, QuietSlider
from desktop.ui.icons import Icon
from desktop.ui.listing import RowDelegate, dress
from desktop.ui.switch import Switch
from desktop.ui.theme import TARGET, Theme
from tests.ui.test_tokens import contrast

Make = Callable[[Theme], QWidget]


def main_button(look: Theme) -> QPushButton:
    button = QPushButton("Download")
    button.setProperty("primary", True)
    return button


def icon_button(look: Theme, *, primary: bool = False, floating: bool = False) -> IconButton:
    button = IconButton(look, Icon.SEND, "Send")
    button.primary, button.floating = primary, floating
    button.setMinimumSize(button.sizeHint() + QSize(8, 8))
    return button


def number(look: Theme) -> NumberBox:
    box = NumberBox(look, BY_KEY["context"])
    box.put(4096, "4,096")
    box.fit(look.px(104))
    return box


def rows(look: Theme) -> QListView:
    view = QListView()
    dress(view, RowDelegate(look, 36, view))
    view.setModel(QStringListModel(["One", "Two"], view))
    view.setCurrentIndex(view.model().index(0, 0))
    return view


def cells(look: Theme) -> QTableWidget:
    table = QTableWidget(2, 2)
    table.setCurrentCell(0, 0)
    return table


CONTROLS: dict[str, Make] = {
    "button": lambda look: QPushButton("Cancel"),
    "main button": main_button,
    "icon": icon_button,
    "main icon": lambda look: icon_button(look, primary=True),
    "floating icon": lambda look: icon_button(look, floating=True),
    "line": lambda look: Line("Words"),
    "text": lambda look: QPlainTextEdit("Words"),
    "combo": QuietCombo,
    "number": number,
    "slider": QuietSlider,
    "switch": Switch,
    "tick": lambda look: QCheckBox("automatic"),
    "choice": lambda look: QRadioButton("One"),
    "row": rows,
    "cell": cells,
}


def standing(qtbot, look: Theme, make: Make, ground: str) -> tuple[QWidget, QWidget]:
    """The control on a ground, with another that has the focus at first."""
    window = QWidget()
    qtbot.addWidget(window)
    window.setStyleSheet(f".QWidget {{ background: {ground}; }}")
    line = QVBoxLayout(window)
    other, control = QPushButton("Another"), make(look)
    line.addWidget(other)
    line.addWidget(control)
    window.show()
    window.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    return window, control


def ringed(image: QImage, before: QImage, colour: str) -> int:
    """How many pixels took the ring's colour."""
    wanted = QColor(colour).rgb()
    places = [(x, y) for x in range(image.width()) for y in range(image.height())]
    return sum(image.pixel(x, y) == wanted and before.pixel(x, y) != wanted for x, y in places)


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("kind", CONTROLS)
def test_the_focus_is_seen(qtbot, look: Theme, kind: str, appearance: str) -> None:
    look.use(appearance, 100)
    window, control = standing(qtbot, look, CONTROLS[kind], look.colours.side)
    before = window.grab(control.geometry()).toImage()
    control.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(control.hasFocus)
    after = window.grab(control.geometry()).toImage()
    # At least as much as a line of 2 pixels along one side of a small control; on a fill of its own colour the gap.
    colour = look.colours.ground if "main" in kind else look.colours.accent
    assert ringed(after, before, colour) >= 30
    assert before.size() == after.size()


@pytest.mark.parametrize("ground", ["ground", "side", "raised", "floating"])
@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("kind", ["line", "text", "combo", "number"])
def test_where_a_field_ends_is_seen(qtbot, look: Theme, kind: str, appearance: str, ground: str) -> None:
    look.use(appearance, 100)
    beneath = getattr(look.colours, ground)
    window, control = standing(qtbot, look, CONTROLS[kind], beneath)
    image, middle = window.grab(control.geometry()).toImage(), control.rect().center()
    for x, y in ((0, middle.y()), (control.width() - 1, middle.y()), (middle.x(), control.height() - 1)):
        assert contrast(image.pixelColor(x, y), beneath) >= 3, (x, y)  # WCAG 2.2, 1.4.11


@pytest.mark.parametrize("percent", [100, 200])
@pytest.mark.parametrize("kind", [kind for kind in CONTROLS if kind not in ("row", "cell", "text")])
def test_controls_are_large_enough_to_hit(qtbot, look: Theme, kind: str, percent: int) -> None:
    look.use("light", percent)
    _window, control = standing(qtbot, look, CONTROLS[kind], look.colours.ground)
    assert control.height() >= TARGET * percent / 100
    assert control.width() >= TARGET * percent / 100


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_a_tick_is_told_from_none(qtbot, look: Theme, kind: type[QAbstractButton], appearance: str) -> None:
    look.use(appearance, 100)
    window, control = standing(qtbot, look, lambda _look: kind("words"), look.colours.ground)
    assert isinstance(control, QAbstractButton)
    empty = window.grab(control.geometry()).toImage()
    control.setChecked(True)
    full = window.grab(control.geometry()).toImage()
    assert ringed(full, empty, look.colours.accent) >= 60


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("kind", [Line, QPlainTextEdit])
def test_what_stands_in_an_empty_field_can_be_read(
    qtbot, look: Theme, kind: type[Line | QPlainTextEdit], appearance: str
) -> None:
    look.use(appearance, 200)  # large letters have pixels of the full colour
    field = kind()
    field.setPlaceholderText("Search")
    window, _field = standing(qtbot, look, lambda _look: field, look.colours.ground)
    image = window.grab(field.geometry().adjusted(8, 8, -8, -8)).toImage()
    inked = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert look.colours.muted in inked


def test_signs_of_message_boxes_are_icons_of_ours(qtbot, look: Theme) -> None:
    box = QMessageBox()
    qtbot.addWidget(box)
    for icon, colour in (
        (QMessageBox.Icon.Warning, look.colours.warning),
        (QMessageBox.Icon.Question, look.colours.accent),
    ):
        box.setIcon(icon)
        image = box.iconPixmap().toImage()
        inked = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        assert colour in inked


def test_the_style_stays_when_the_look_changes(qapp, look: Theme) -> None:
    for appearance in ("dark", "light"):
        look.use(appearance, 100)
        icon = qapp.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxCritical)
        image = icon.pixmap(QSize(40, 40)).toImage()
        inked = {image.pixelColor(x, y).name() for x in range(40) for y in range(40)}
        assert look.colours.danger in inked
