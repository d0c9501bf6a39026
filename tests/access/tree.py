"""What a screen reader is given of a window: the tree of its accessible elements, and what would be wrong in it.

Invariant: only Qt's own accessible interfaces are asked, as a screen reader asks them; what is hidden is passed over.
How a person gets to a place is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from desktop.ui.boxes import Line
from desktop.ui.composing import Prose

Role = QAccessible.Role
TOO_MANY = 60  # children of one element that are looked at: more are rows of one kind
NAMED = frozenset(
    {
        *(Role.Button, Role.CheckBox, Role.RadioButton, Role.MenuItem, Role.PageTab, Role.ListItem, Role.ComboBox),
        *(Role.Slider, Role.SpinBox, Role.ProgressBar, Role.EditableText, Role.List, Role.Table, Role.Graphic),
        *(Role.Dialog, Role.Switch, Role.Chart, Role.ButtonMenu, Role.ColumnHeader, Role.PageTabList),
    }
)
VAGUE = frozenset(
    {Role.NoRole, Role.Client, Role.Border, Role.LayeredPane, Role.Pane}
)  # these say nothing of what it is
SET_FOCUS = "SetFocus"


@dataclass(frozen=True, slots=True)
class Node:
    """One element. `path`: the names of those around it, from the window inwards."""

    role: Role
    name: str
    description: str
    value: str
    state: Any
    actions: tuple[str, ...]
    ranged: bool  # whether it has a value between two others
    labelled: bool
    rect: QRect
    object: QObject | None
    path: tuple[str, ...]
    children: tuple[Node, ...]

    @property
    def kind(self) -> str:
        return type(self.object).__name__ if self.object is not None else ""

    def __str__(self) -> str:
        return f"{self.role.name} “{self.name}” ({self.kind}) in {' › '.join(self.path[-3:])}"

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def read(top: QWidget) -> Node:
    """The tree below a window."""
    node = _read(QAccessible.queryAccessibleInterface(top), ())
    assert node is not None
    return node


def _read(face: QAccessibleInterface | None, path: tuple[str, ...]) -> Node | None:
    if face is None or not face.isValid() or face.state().invisible:
        return None
    text, actions, value = QAccessible.Text, face.actionInterface(), face.valueInterface()
    name, role = face.text(text.Name), face.role()
    inner = (*path, name or f"[{role.name}]")
    children = [_read(face.child(at), inner) for at in range(min(face.childCount(), TOO_MANY))]
    labels = face.relations(QAccessible.RelationFlag.Label)
    return Node(
        role,
        name,
        face.text(text.Description),
        face.text(text.Value),
        face.state(),
        tuple(actions.actionNames()) if actions is not None else (),
        value is not None,
        bool(labels),
        face.rect(),
        face.object(),
        path,
        tuple(child for child in children if child is not None),
    )


def faults(top: Node) -> list[str]:
    """What a screen reader would stumble over, in words."""
    found: list[str] = []
    for node in top.walk():
        found += [f"{fault}: {node}" for fault in _faults(node)]
    return found


def _faults(node: Node) -> Iterator[str]:
    acts = set(node.actions) - {SET_FOCUS}
    focusable = bool(node.state.focusable) and not node.state.disabled
    if not node.name and (node.role in NAMED or focusable) and node.role is not Role.Window:
        yield "without a name"
    if (focusable or acts) and node.role in VAGUE:
        yield "nobody can tell what it is"
    if node.role in (Role.ProgressBar, Role.Slider, Role.SpinBox) and not node.ranged:
        yield "without its value"
    if node.role is Role.ProgressBar and not any(
        c.isalpha() or c == "%" for c in node.value + node.description + node.name
    ):
        yield "a number without its unit"
    if node.role is Role.Slider and not any(c.isdigit() for c in node.description):
        yield "a slider that tells its steps and not its value"
    if node.role is Role.ComboBox and not node.labelled:  # on Linux, Qt gives what is chosen for its name
        yield "a choice that does not tell of what"
    if _painted(node) and (node.role in VAGUE or not node.name.strip()):
        yield "a picture that is not told"
    if node.role is Role.EditableText and not node.state.readOnly and not _knows_input_methods(node.object):
        yield "a field that drops what is being composed"
    for twin in _twins(node):
        yield f"two that are called alike and do different things ({twin})"


def _painted(node: Node) -> bool:
    """Whether it draws itself, and nothing stands in it that could be told instead."""
    widget = node.object
    own = isinstance(widget, QWidget) and type(widget).__module__.startswith("desktop.")
    told = node.role in (Role.StaticText, Role.Whitespace)  # a text, or an ornament
    return own and not node.children and not told and "paintEvent" in vars(type(widget))


def _knows_input_methods(field: QObject | None) -> bool:
    return isinstance(field, Line | Prose) or not isinstance(field, QLineEdit | QPlainTextEdit | QTextEdit)


def _twins(node: Node) -> list[str]:
    acting = [c for c in node.children if set(c.actions) - {SET_FOCUS} and c.role not in (Role.ListItem, Role.Cell)]
    called = Counter((c.role, c.name, c.description) for c in acting)
    return [name for (_role, name, _about), times in called.items() if times > 1]
