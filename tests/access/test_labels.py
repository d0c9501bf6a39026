"""The label beside a field is that field's: a screen reader finds the one by the other."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QSlider

from desktop.core.chat import Opening
from desktop.core.levels import Level, Levels, rows_for
from desktop.panes.chat.opening import OpeningDialog
from desktop.ui.forms import Row, SettingsForm


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
