"""The list of models: a name and a quantisation, below them size and last use, drawn by a delegate.

Invariant: a row is the controller's model, as it was when the list was filled. What is done with one is the view's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QRect, Qt
from PySide6.QtGui import QColor, QPainter

from desktop.panes.models.library import facts
from desktop.panes.models.library.controller import Model
from desktop.ui import theme
from desktop.ui.listing import Index, RowDelegate
from desktop.ui.theme import Theme, Type

_HEIGHT = 56


class ModelList(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self._models: list[Model] = []
        self._summaries: list[str] = []

    def fill(self, models: Sequence[Model], used: Callable[[Model], float]) -> None:
        """`used`: when a model was used last, Unix seconds; 0 where nobody knows."""
        self.beginResetModel()
        self._models = list(models)
        self._summaries = [facts.summary(model, used(model)) for model in models]
        self.endResetModel()

    def at(self, index: Index) -> Model:
        return self._models[index.row()]

    def summary(self, index: Index) -> str:
        return self._summaries[index.row()]

    def row_of(self, model_id: str) -> int:
        return next((row for row, model in enumerate(self._models) if model.id == model_id), -1)

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._models)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name = facts.name(self.at(index))
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            kind = "" if self.at(index).built_in else self.at(index).quantisation
            return " — ".join(filter(None, (name, kind, self.summary(index))))
        return name if role == Qt.ItemDataRole.ToolTipRole else None


class ModelDelegate(RowDelegate):
    def __init__(self, look: Theme, models: ModelList) -> None:
        super().__init__(look, _HEIGHT, models)
        self._models = models

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        model, colours = self._models.at(index), self._look.colours
        first = QRect(box.left(), box.top(), box.width(), box.height() // 2)
        small, right = self._look.font(Type.SMALL), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        kind = "" if model.built_in else model.quantisation
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        painter.drawText(first, right, kind)
        beside = painter.fontMetrics().horizontalAdvance(kind) + theme.S if kind else 0
        ink = colours.muted if model.present else colours.warning
        self._text(painter, first.adjusted(0, 0, -beside, 0), facts.name(model), Type.BODY, colours.text)
        self._text(painter, first.translated(0, first.height()), self._models.summary(index), Type.SMALL, ink)

    def _text(self, painter: QPainter, place: QRect, text: str, kind: Type, ink: str) -> None:
        painter.setFont(self._look.font(kind))
        painter.setPen(QColor(ink))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
