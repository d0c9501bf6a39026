"""The list of models: two lines each, drawn by a delegate.

Invariant: a row is the controller's model, as it was when the list was filled. What is done with one is the view's.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, Qt

from desktop.panes.models.library import facts
from desktop.panes.models.library.controller import Model
from desktop.ui.labels import Tone
from desktop.ui.listing import Index, Line, RowDelegate
from desktop.ui.theme import Theme, Type

_HEIGHT = 56


class ModelList(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self._models: list[Model] = []
        self._summaries: list[str] = []

    def fill(self, models: Sequence[Model]) -> None:
        self.beginResetModel()
        self._models = list(models)
        self._summaries = [facts.summary(model) for model in models]
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
            return f"{name} — {self.summary(index)}"
        return name if role == Qt.ItemDataRole.ToolTipRole else None


class ModelDelegate(RowDelegate):
    def __init__(self, look: Theme, models: ModelList) -> None:
        super().__init__(look, _HEIGHT, models)
        self._models = models

    def lines(self, index: Index) -> list[Line]:
        model = self._models.at(index)
        quiet = Tone.MUTED if model.present else Tone.WARNING
        return [(facts.name(model), Type.BODY, Tone.TEXT), (self._models.summary(index), Type.SMALL, quiet)]
