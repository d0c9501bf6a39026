"""The list of models: a name, below it size, quantisation and how long ago it was used, drawn by a delegate.

Invariant: a row is the controller's model, as it was when the list was filled. What is done with one is the view's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QRect, Qt
from PySide6.QtGui import QColor, QPainter

from desktop.panes.models import figures
from desktop.panes.models.library import facts
from desktop.panes.models.library.controller import Model
from desktop.ui import theme
from desktop.ui.labels import elided
from desktop.ui.listing import Index, RowDelegate
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_HEIGHT = 56


class ModelList(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self._models: list[Model] = []
        self._summaries: list[str] = []
        self._used: list[float] = []

    def fill(self, models: Sequence[Model], used: Callable[[Model], float]) -> None:
        """`used`: when a model was used last, Unix seconds; 0 where nobody knows."""
        self.beginResetModel()
        self._models = list(models)
        self._summaries = [facts.summary(model) for model in models]
        self._used = [used(model) for model in models]
        self.endResetModel()

    def at(self, index: Index) -> Model:
        return self._models[index.row()]

    def summary(self, index: Index) -> str:
        return self._summaries[index.row()]

    def used(self, index: Index) -> str:
        """How long ago it was used last: "3 hours"; "" where nobody knows."""
        at = self._used[index.row()]
        return figures.age(time.time() - at) if at else ""

    def row_of(self, model_id: str) -> int:
        return next((row for row, model in enumerate(self._models) if model.id == model_id), -1)

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._models)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name = facts.name(self.at(index))
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            last = _("used {age} ago", age=self.used(index)) if self.used(index) else ""
            return " — ".join(filter(None, (name, self.summary(index), last)))
        return name if role == Qt.ItemDataRole.ToolTipRole else None


class ModelDelegate(RowDelegate):
    def __init__(self, look: Theme, models: ModelList) -> None:
        super().__init__(look, _HEIGHT, models)
        self._models = models

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        model, colours = self._models.at(index), self._look.colours
        first = QRect(box.left(), box.top(), box.width(), box.height() // 2)
        second = first.translated(0, first.height())
        self._text(painter, first, facts.name(model), Type.BODY, colours.text)
        ink = colours.muted if model.present and not model.changed else colours.warning
        summary, used = self._models.summary(index), self._models.used(index)
        taken = self._text(painter, second, summary, Type.SMALL, ink)
        if taken + painter.fontMetrics().horizontalAdvance(used) <= second.width():  # else it gives way
            self._text(painter, second, used, Type.SMALL, colours.muted, right=True)

    def _text(self, painter: QPainter, place: QRect, text: str, kind: Type, ink: str, *, right: bool = False) -> int:
        """Draws one line and says how much room it took."""
        painter.setFont(self._look.font(kind))
        painter.setPen(QColor(ink))
        return elided(painter, place, text, right=right) + theme.S
