"""Where the Tab key stops first.

Invariant: only what can be seen and used counts. Nothing is focused here.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def first_stop(root: QWidget) -> QWidget | None:
    """The first control in it that Tab would reach."""
    stops = (w for w in root.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return next((w for w in stops if w.isVisibleTo(root) and w.isEnabled()), None)
