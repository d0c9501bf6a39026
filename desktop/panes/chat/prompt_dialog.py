"""Shows exactly what the model gets: the text, and its tokens one by one.

Invariant: what is shown is what was given, with nothing trimmed; line ends in tokens are made visible.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, Qt
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
from desktop.ui.column import within
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
        within(self, look.px(840), look.px(560))
        self._count = len(prompt.tokens)
        self._about = Label(look, tone=Tone.MUTED)
        self.copy = QPushButton()
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(prompt.text))
        self._close = QPushButton(default=True)
        self._close.clicked.connect(self.accept)
        self._text = _text(look, prompt.text)
        self._table = _table(look, Tokens(prompt.tokens))
        self._arrange()
        self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(_("Exact prompt"))
        tokens = formats.number(self._count)
        self._about.setText(ngettext("{tokens} token", "{tokens} tokens", self._count, tokens=tokens))
        self.copy.setText(_("Copy"))
        self._close.setText(_("Close"))
        self._text.setAccessibleName(_("Text of the prompt"))
        self._table.setAccessibleName(_("Tokens of the prompt"))
        self._table.horizontalHeader().viewport().update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self._about, 1)
        buttons.addWidget(self.copy)
        buttons.addWidget(self._close)
        halves = QSplitter()
        halves.addWidget(self._text)
        halves.addWidget(self._table)
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
    return field


def _table(look: Theme, tokens: Tokens) -> QTableView:
    table = QTableView()
    tokens.setParent(table)
    table.setModel(tokens)
    table.setFont(look.font(Type.CODE))
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(look.px(24))
    table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return table
