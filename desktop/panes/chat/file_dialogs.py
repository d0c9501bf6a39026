"""Asking for the file an export goes to or an import comes from.

Invariant: a dialogue is opened, never run, and deletes itself; the ending of the chosen name decides the format.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.ui.translation import _

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # what Windows forbids in names; the others forbid less


def ask_where(parent: QWidget, title: str, name: str, take: Callable[[Path], None]) -> QFileDialog:
    """Where to save; Markdown unless the person picks JSON."""
    dialog = _dialog(parent, title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([_("Markdown, to read (*.md)"), _("JSON, complete (*.json)")])
    dialog.setDefaultSuffix("md")
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix("json" if "*.json" in chosen else "md"))
    dialog.selectFile(_UNSAFE.sub("_", name).strip(" .")[:80] or "chat")
    dialog.fileSelected.connect(lambda path: take(Path(path)))
    dialog.open()
    return dialog


def ask_which(parent: QWidget, title: str, take: Callable[[list[Path]], None]) -> QFileDialog:
    """Which files to read."""
    dialog = _dialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.setNameFilter(_("Chats (*.json *.md)"))
    dialog.filesSelected.connect(lambda paths: take([Path(path) for path in paths]))
    dialog.open()
    return dialog


def _dialog(parent: QWidget, title: str) -> QFileDialog:
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    dialog = QFileDialog(parent, title, documents)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog
