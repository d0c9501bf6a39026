"""Shows exactly what the model gets: the text, and its tokens one by one.

Invariant: what is shown is what was given, with nothing trimmed; line ends in tokens are made visible.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.core.talk import ExactPrompt
from desktop.ui import formats, theme
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, ngettext

Index = QModelIndex | QPersistentModelIndex


class Tokens(QAbstractTableModel):
    """Number and text, in the order the model reads them."""

    def __init__(self, tokens: tuple[tuple[int, str], ...]) -> None:
        super().__init__()
        self._tokens = tokens

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own signature)
        return 0 if parent.isValid() else len(self._tokens)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        number, text = self._tokens[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return str(number) if index.column() == 0 else text.replace("\n", "⏎").replace("\t", "⇥")
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 0:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole or side is Qt.Orientation.Vertical:
            return None
        return _("Token") if section == 0 else _("Text")


class PromptDialog(QDialog):
    """Open it with `open()`; it deletes itself."""

    def __init__(self, look: Theme, prompt: ExactPrompt, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_("Exact prompt"))
        self.resize(look.px(840), look.px(560))
        about = Label(look, tone=Tone.MUTED)
        count = len(prompt.tokens)
        about.setText(ngettext("{tokens} token", "{tokens} tokens", count, tokens=formats.number(count)))
        self.copy = QPushButton(_("Copy"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(prompt.text))
        close = QPushButton(_("Close"))
        close.setDefault(True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(about, 1)
        buttons.addWidget(self.copy)
        buttons.addWidget(close)
        halves = QSplitter()
        halves.addWidget(_text(look, prompt.text))
        halves.addWidget(_table(look, Tokens(prompt.tokens)))
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        column.setSpacing(theme.M)
        column.addWidget(halves, 1)
        column.addLayout(buttons)


def _text(look: Theme, text: str) -> QPlainTextEdit:
    field = QPlainTextEdit(text)
    field.setReadOnly(True)
    field.setFont(look.font(Type.CODE))
    field.setAccessibleName(_("Text of the prompt"))
    return field


def _table(look: Theme, tokens: Tokens) -> QTableView:
    table = QTableView()
    tokens.setParent(table)
    table.setModel(tokens)
    table.setFont(look.font(Type.CODE))
    table.setAccessibleName(_("Tokens of the prompt"))
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(look.px(24))
    table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return table
