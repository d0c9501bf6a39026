"""The label beside a field is that field's: a screen reader finds the one by the other."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from desktop.core.chat import Opening
from desktop.core.levels import Level, Levels, rows_for
from desktop.panes.chat.opening import OpeningDialog
from desktop.ui import hearing
from desktop.ui.boxes import QuietCombo
from desktop.ui.forms import Row, SettingsForm
from desktop.ui.icons import Icon
from desktop.ui.window import Pane, Side
from tests.access import tree


def labels(control: Any) -> list[str]:
    """The texts of what labels it."""
    face, relation = QAccessible.queryAccessibleInterface(control), QAccessible.RelationFlag
    return [other.text(QAccessible.Text.Name) for other, kind in face.relations(relation.Label) if kind]


def test_every_setting_is_labelled(qtbot: Any, look: Any) -> None:
    form = SettingsForm(look, rows_for(Level.ALL), Levels())
    qtbot.addWidget(form)
    form.show()
    for row in form.findChildren(Row):
        first = next(control for control in row.field.controls() if control.isVisible())
        (label,) = labels(first)
        assert label
        assert first.accessibleName().startswith(label)


def test_the_fields_of_the_opening_are_labelled(qtbot: Any, look: Any) -> None:
    dialog = OpeningDialog(look, Opening(), lambda *_: None)
    qtbot.addWidget(dialog)
    dialog.show()
    assert labels(dialog.instruction) == ["Instruction"]
    assert labels(dialog.template) == ["Template"]
    dialog.close()


def test_a_slider_says_its_value_and_not_its_steps(qtbot: Any, look: Any) -> None:
    form = SettingsForm(look, rows_for(Level.ALL), Levels())
    qtbot.addWidget(form)
    slider = next(s for s in form.findChildren(QSlider) if s.accessibleName() == "Temperature")
    slider.setValue(slider.minimum() + 14)
    assert slider.accessibleDescription() == "0.70"


def test_the_ways_to_the_panes_are_tabs_and_say_which_is_shown(qtbot: Any, look: Any) -> None:
    hearing.tell_roles()
    side = Side(look, [Pane("chat", "Chat", Icon.CHAT), Pane("models", "Models", Icon.MODELS)])
    qtbot.addWidget(side)
    asked: list[str] = []
    side.pane_asked.connect(asked.append)
    side.fold(True)
    side.show()
    side.mark("models")
    tabs = {node.name: node for node in tree.read(side).walk() if node.role is QAccessible.Role.PageTab}
    assert {name: bool(node.state.selected) for name, node in tabs.items()} == {"Chat": False, "Models": True}
    assert all(node.state.focusable and "Press" in node.actions for node in tabs.values())
    button = tabs["Chat"].object
    QAccessible.queryAccessibleInterface(button).actionInterface().doAction("Press")
    assert asked == ["chat"]


def test_the_name_of_a_combo_box_is_heard_and_not_seen(qtbot: Any, look: Any) -> None:
    host, combo = QWidget(), QuietCombo(look)
    qtbot.addWidget(host)
    QVBoxLayout(host).addWidget(combo)
    combo.addItem("Newest")
    combo.name("Order")
    host.show()
    assert labels(combo) == ["Order"]
    assert [label.text() for label in host.findChildren(QLabel) if label.isVisible()] == []
