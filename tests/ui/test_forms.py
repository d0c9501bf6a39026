"""The settings form, driven by keys and clicks: no invalid value gets in, and each refusal says why."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QPlainTextEdit,
    QSlider,
    QWidget,
)

from desktop.core.levels import Level, Levels, rows_for
from desktop.core.settings import TABLE, Value
from desktop.ui.buttons import IconButton
from desktop.ui.forms import Row, SettingsForm


class Held:
    """A form whose values are kept by a dictionary, as a pane's controller would."""

    def __init__(self, qtbot: Any, look: Any, levels: Levels) -> None:
        self.levels = levels
        self.form = SettingsForm(look, rows_for(levels.level), levels)
        self.form.changed.connect(self._keep)
        self.form.reset.connect(self._forget)
        qtbot.addWidget(self.form)
        self.form.resize(640, 900)
        self.form.show()

    @property
    def own(self) -> dict[str, Value]:
        return dict(self.levels.own)

    def row(self, key: str) -> Row:
        return next(row for row in self.form.findChildren(Row) if row.field.row.key == key)

    def control(self, key: str, kind: type[QWidget]) -> Any:
        return next(w for w in self.row(key).findChildren(kind) if w.isVisibleTo(self.form))

    def said(self, key: str) -> str:
        """All that is read in a row."""
        labels = self.row(key).findChildren(QWidget)
        return " ".join(w.text() for w in labels if hasattr(w, "text") and w.isVisibleTo(self.form))

    def type(self, key: str, text: str) -> None:
        box = self.control(key, QAbstractSpinBox)
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)

    def resets(self, key: str) -> list[IconButton]:
        return [b for b in self.row(key).findChildren(IconButton) if b.isVisibleTo(self.form)]

    def _keep(self, key: str, value: Value) -> None:
        self.levels = self.levels.with_own({**self.levels.own, key: value})
        self.form.show_values(self.levels)

    def _forget(self, key: str) -> None:
        self.levels = self.levels.with_own({k: v for k, v in self.levels.own.items() if k != key})
        self.form.show_values(self.levels)


@pytest.fixture
def held(qtbot, look) -> Held:
    return Held(qtbot, look, Levels())


@pytest.fixture
def of_model(qtbot, look) -> Held:
    return Held(qtbot, look, Levels(Level.MODEL, {"seed": 7}, ((Level.ALL, {"temperature": 0.5}),)))


def test_a_number_is_typed(held: Held) -> None:
    held.type("context", "8,192")
    assert held.own == {"context": 8192}
    held.type("temperature", "1.25")
    assert held.own["temperature"] == 1.25


@pytest.mark.parametrize(
    ("key", "typed", "bounds"),
    [
        ("context", "5", "256 to 1048576"),
        ("context", "99999999", "256 to 1048576"),
        ("threads", "-3", "1 to 512"),
        ("batch", "2.5", "1 to 8192"),
        ("top_k", "many", "0 to 1000"),
        ("temperature", "7", "0.0 to 2.0"),
    ],
)
def test_an_invalid_number_does_not_get_in_and_says_why(held: Held, key: str, typed: str, bounds: str) -> None:
    before = held.control(key, QAbstractSpinBox).text()
    held.type(key, typed)
    assert held.own == {}
    assert held.control(key, QAbstractSpinBox).text() == before
    assert bounds in held.said(key)
    held.type(key, "300" if key != "temperature" else "1")
    assert bounds not in held.said(key)


def test_special_values_are_typed_ticked_and_stepped_to(held: Held) -> None:
    held.type("threads", "6")
    assert held.own == {"threads": 6}
    tick = held.control("threads", QCheckBox)
    QTest.mouseClick(tick, Qt.MouseButton.LeftButton, pos=QPoint(8, tick.height() // 2))
    assert held.own == {}  # automatic is what it inherits
    held.type("gpu_layers", "all")
    assert held.own == {"gpu_layers": -1}
    held.type("gpu_layers", "0")
    QTest.keyClick(held.control("gpu_layers", QAbstractSpinBox), Qt.Key.Key_Down)
    assert held.own == {"gpu_layers": -1}
    assert held.control("gpu_layers", QAbstractSpinBox).text() == "all"


def test_leaving_a_special_value_starts_at_a_sensible_number(held: Held) -> None:
    tick = held.control("max_tokens", QCheckBox)
    assert tick.isChecked()
    QTest.mouseClick(tick, Qt.MouseButton.LeftButton, pos=QPoint(8, tick.height() // 2))
    assert held.own == {"max_tokens": 1024}
    assert held.control("max_tokens", QAbstractSpinBox).text() == "1,024"


def test_arrow_keys_step(held: Held) -> None:
    box = held.control("context", QAbstractSpinBox)
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert held.own == {"context": 4096 + 256}
    held.type("context", "5000")
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert held.own == {"context": 5120}
    held.type("context", "256")
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert held.own == {"context": 0}
    assert held.control("context", QCheckBox).isChecked()
    assert "as trained" in held.said("context")
    QTest.keyClick(held.control("temperature", QSlider), Qt.Key.Key_Right)
    assert held.own["temperature"] == 0.75
    QTest.keyClick(held.control("temperature", QAbstractSpinBox), Qt.Key.Key_Down)
    assert "temperature" not in held.own  # back at the default


def test_the_largest_seed_is_exact(held: Held) -> None:
    held.type("seed", "4294967294")
    assert held.own == {"seed": 4_294_967_294}
    assert held.control("seed", QAbstractSpinBox).text() == "4294967294"


def test_the_wheel_scrolls_past(held: Held) -> None:
    for key, kind in (("context", QAbstractSpinBox), ("temperature", QSlider), ("flash_attention", QComboBox)):
        control = held.control(key, kind)
        control.setFocus()
        here = QPointF(5, 5)
        wheel = QWheelEvent(
            *(here, QPointF(control.mapToGlobal(QPoint(5, 5))), QPoint(), QPoint(0, 120)),
            *(Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
        )
        QApplication.sendEvent(control, wheel)
        assert not wheel.isAccepted()
    assert held.own == {}


def test_switch_and_choice(held: Held) -> None:
    switch = held.control("mmap", QCheckBox)
    switch.setFocus()
    QTest.keyClick(switch, Qt.Key.Key_Space)
    assert held.own == {"mmap": False}
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert held.own == {}
    combo = held.control("flash_attention", QComboBox)
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Down)
    assert held.own == {"flash_attention": "on"}


def test_stop_strings_are_written_one_a_line(held: Held) -> None:
    edit = held.control("stop", QPlainTextEdit)
    edit.setFocus()
    QTest.keyClicks(edit, "###")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    QTest.keyClicks(edit, r"\nUser: \\n")
    held.control("top_k", QAbstractSpinBox).setFocus()
    assert held.own == {"stop": ("###", "\nUser: \\n")}
    held.form.show_values(Levels())
    assert edit.toPlainText() == ""
    held.form.show_values(held.levels)
    assert edit.toPlainText() == "###\n" + r"\nUser: \\n"


def test_where_a_value_is_from_and_the_way_back(of_model: Held) -> None:
    assert "As for all chats" in of_model.said("temperature")
    assert not of_model.resets("temperature")
    assert "Set for this model" in of_model.said("seed")
    assert "Set for" not in of_model.said("top_k")
    of_model.type("temperature", "1")
    assert "Set for this model" in of_model.said("temperature")
    (back,) = of_model.resets("temperature")
    assert back.accessibleName() == "Reset: Temperature"
    assert back.toolTip() == "Back to that of all chats: 0.50"
    QTest.mouseClick(back, Qt.MouseButton.LeftButton)
    assert of_model.own == {"seed": 7}
    assert of_model.control("temperature", QAbstractSpinBox).text() == "0.50"


def test_a_value_equal_to_the_inherited_one_is_a_reset(of_model: Held) -> None:
    of_model.type("seed", "random")
    assert of_model.own == {}


def test_only_what_a_level_allows_is_offered(of_model: Held, held: Held) -> None:
    keys = {row.field.row.key for row in of_model.form.findChildren(Row)}
    assert not keys & {"language", "appearance", "text_size"}
    assert {row.field.row.key for row in held.form.findChildren(Row)} == {row.key for row in TABLE}


def test_every_control_has_a_name_and_can_be_reached_by_tab(held: Held) -> None:
    for row in held.form.findChildren(Row):
        controls = [w for w in row.field.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
        assert any(w.isVisibleTo(held.form) for w in controls), row.field.row.key
        for control in controls:
            assert row.field.row.label in control.accessibleName()
    for key, reload in (("context", True), ("temperature", False)):
        described = held.control(key, QAbstractSpinBox).accessibleDescription()
        assert ("when the model is loaded again" in described) is reload


def test_a_group_says_once_that_its_settings_need_a_reload(held: Held) -> None:
    for group in {row.group for row in TABLE}:
        assert len({row.reload for row in TABLE if row.group is group}) == 1, group
    said = [w.text() for w in held.form.findChildren(QLabel) if "loaded again" in w.text()]
    assert len(said) == 1


def test_the_way_back_is_quiet_until_it_is_pointed_at_or_focused(of_model: Held) -> None:
    (back,), row = of_model.resets("seed"), of_model.row("seed")

    def seen() -> bool:
        image = row.grab(back.geometry()).toImage()
        return len({image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}) > 1

    assert not seen()
    QApplication.sendEvent(row, QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)))
    assert seen()
    QApplication.sendEvent(row, QEvent(QEvent.Type.Leave))
    assert not seen()
    back.setFocus(Qt.FocusReason.TabFocusReason)
    assert seen()


def test_nothing_moves_when_a_value_is_set(held: Held) -> None:
    box, row = held.control("top_k", QAbstractSpinBox), held.row("top_k")
    held.form.resize(640, 3000)
    QApplication.processEvents()
    before = (box.mapTo(row, QPoint()), row.geometry())
    held.type("top_k", "7")
    QApplication.processEvents()
    assert held.own == {"top_k": 7}
    assert (box.mapTo(row, QPoint()), row.geometry()) == before


def test_a_narrow_form_puts_controls_below_their_words(held: Held) -> None:
    slider = held.control("temperature", QSlider)

    def place() -> QPoint:
        QApplication.processEvents()
        return slider.mapTo(held.row("temperature"), QPoint(slider.width(), 0))

    held.form.resize(640, 5000)
    assert place().x() > 400
    beside = place().y()
    held.form.resize(320, 5000)
    assert place().x() <= 320
    assert place().y() > beside + 20
