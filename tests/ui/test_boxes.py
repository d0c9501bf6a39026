"""Fields of one line: what they draw, and how wide they are."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFontDatabase, QTextLayout
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyle, QWidget

from desktop.core.settings import BY_KEY
from desktop.ui import icons, theme
from desktop.ui.boxes import CONTROL, Line, QuietCombo
from desktop.ui.buttons import IconButton
from desktop.ui.fields import NumberBox
from desktop.ui.icons import ICON, Icon


@pytest.fixture
def hangul(qapp):
    """Whether this machine can draw Hangul at all: a missing letter is a box, or nothing."""
    return bool(QFontDatabase.families(QFontDatabase.WritingSystem.Korean))


@pytest.fixture
def show(qtbot):
    def shown(widget, width, height=CONTROL):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        return widget

    return shown


def ink(widget):
    """The rows of pixels that hold dark text."""
    image = widget.grab().toImage()
    ratio = image.devicePixelRatio()
    across = range(round(8 * ratio), image.width() - round(28 * ratio))
    rows = [y for y in range(4, image.height() - 4) if any(image.pixelColor(x, y).lightness() < 120 for x in across)]
    return (rows[0] + rows[-1]) / 2 / ratio, len(rows)


def borrowed(line, text):
    layout = QTextLayout(text, line.font())
    layout.beginLayout()
    laid_out = layout.createLine()
    layout.endLayout()
    return laid_out.ascent() - line.fontMetrics().ascent()


@pytest.mark.parametrize("text", ["4,096", "자동", "제한 없음"])
def test_text_stands_in_the_middle_whatever_font_lends_it(show, look, hangul, text):
    line = show(Line(text), 200)
    middle, height = ink(line)
    assert abs(middle - (CONTROL - 1) / 2) <= 1.5
    assert height > 6 or not (text.isascii() or hangul)
    assert line.textMargins().top() == max(0, round(borrowed(line, text) / 2))
    assert line.sizeHint() == Line().sizeHint()


def test_the_number_box_uses_such_a_line(show, look):
    box = show(NumberBox(look, BY_KEY["context"]), 140)
    box.put(0, "자동")
    assert abs(ink(box)[0] - (CONTROL - 1) / 2) <= 2
    QTest.keyClick(box, Qt.Key.Key_Up)


def test_a_combo_is_as_wide_as_its_widest_entry_and_shortens_what_does_not_fit(show, look):
    combo = QuietCombo(look)
    combo.addItems(["short", "mistral-7b-instruct-v0.2.Q4_K_M with a long name"])
    combo.setCurrentIndex(1)
    wide = combo.sizeHint().width()
    assert wide > combo.fontMetrics().horizontalAdvance(combo.currentText())
    assert combo.minimumSizeHint().width() < wide / 2
    assert combo.sizeHint().height() == CONTROL
    room = wide - 2 * theme.M - look.px(16)
    assert combo.fontMetrics().elidedText(combo.currentText(), Qt.TextElideMode.ElideRight, room) == combo.currentText()
    whole = show(combo, wide).grab().toImage()
    combo.resize(160, CONTROL)
    short = combo.grab().toImage()
    assert short.width() < whole.width()
    combo.setItemText(1, "other")
    assert combo.sizeHint().width() < wide


def test_a_combo_without_a_choice_says_what_to_do(show, look):
    combo = show(QuietCombo(look), 160)
    empty = combo.grab().toImage()
    combo.setPlaceholderText("Choose…")
    assert combo.grab().toImage() != empty


def test_the_wheel_scrolls_the_page(qtbot, look):
    page = QWidget()
    qtbot.addWidget(page)
    combo = QuietCombo(look, page)
    combo.addItems(["a", "b"])
    page.show()
    QTest.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentIndex() == 1


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_focus_is_seen_on_a_button_of_the_same_colour(show, look, appearance):
    look.use(appearance, 100)
    try:
        button = IconButton(look, Icon.SEND, "Send")
        button.primary = True
        show(button, 32, 32)
        button.clearFocus()
        across = [button.grab().toImage().pixelColor(x, 16).name() for x in range(32)]
        button.activateWindow()
        QTest.qWaitForWindowActive(button)
        button.setFocus()
        focused = [button.grab().toImage().pixelColor(x, 16).name() for x in range(32)]
        fills = {look.colours.accent, look.colours.accent_hover}  # the pointer may stand on it
        assert fills & {*across[:5]}
        assert focused[:5] != across[:5]
        ring = focused.index(look.colours.accent)
        assert ring < 3
        assert not fills & {*focused[ring + 2 : 3]}
        assert fills & {*focused[5:9]}
    finally:
        look.use("system", 100)


@pytest.mark.parametrize("text", ["As the system", "시스템과 같게", "Come il sistema"])
def test_a_layout_may_not_cut_a_choice_of_ours(look, qtbot, text):
    combo = QuietCombo(look)
    qtbot.addWidget(combo)
    combo.addItems([text, "Light"])
    whole = combo.sizeHint().width()
    assert combo.minimumSizeHint().width() >= min(whole, 180)  # a machine without fonts draws wider than that


def test_the_clearing_button_wears_our_icon_in_the_colours_in_use(look, show):
    field = show(Line("gguf"), 200)
    field.setClearButtonEnabled(True)
    for appearance in ("light", "dark"):
        look.use(appearance, 100)
        QApplication.processEvents()
        cross = field.findChild(QAction).icon().pixmap(20).toImage()
        assert cross == icons.icon(Icon.CLOSE, look.colours.muted, ICON).pixmap(20).toImage()


def test_the_icons_in_a_field_grow_with_the_text(look, show):
    field = show(Line("gguf"), 200)
    field.setClearButtonEnabled(True)
    look.use("light", 200)
    QApplication.processEvents()
    assert field.findChild(QAction).icon().pixmap(99).width() == 2 * ICON
    assert field.style().pixelMetric(QStyle.PixelMetric.PM_LineEditIconSize, None, field) == 2 * ICON
    look.use("system", 100)
