"""The rows of what was found: the models' pages, each with its name, whose it is, and how many people took it.

Invariant: a row says the same to those who hear it as to those who see it; how a starting point fits is worked out when
its row is seen. More rows are asked for when the end of the list is; finding them is the controller's.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from desktop.core.repos import Variant
from desktop.panes.models import figures, meter, parts
from desktop.panes.models.find.find_controller import FindController, Repository
from desktop.panes.models.find.offer import Fit
from desktop.ui import formats, icons, theme
from desktop.ui.icons import Icon
from desktop.ui.labels import elided
from desktop.ui.listing import Index, RowDelegate
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

ROW = 60
_FIGURES = 168  # the column of downloads and dates
_BAR, _ROOM = 132, 560  # the bar of memory, and the width from which a row has room for it
_MARK = 14


class RowsModel(QAbstractListModel):
    """The rows found so far; the list asks for more when its end is seen."""

    def __init__(self, controller: FindController) -> None:
        super().__init__()
        self._controller = controller
        self._rows: tuple[Repository, ...] = ()
        self._best: dict[str, tuple[Variant, Fit] | None] = {}
        self._advised: str | None = None

    def fill(self, rows: Sequence[Repository]) -> None:
        self.forget()  # memory may be another amount by now
        known = len(self._rows)
        if self._rows and self._rows == tuple(rows[:known]):
            if len(rows) > known:
                self.beginInsertRows(QModelIndex(), known, len(rows) - 1)
                self._rows = tuple(rows)
                self.endInsertRows()
        else:
            self.beginResetModel()
            self._rows = tuple(rows)
            self.endResetModel()

    def forget(self) -> None:
        """Fits are worked out again when they are seen."""
        self._best.clear()
        self._advised = None

    def best(self, row: Repository) -> tuple[Variant, Fit] | None:
        """How a starting point fits this computer, worked out once."""
        if row.id not in self._best:
            self._best[row.id] = self._controller.best(row)
        return self._best[row.id]

    def advised(self, row: Repository) -> bool:
        """Whether this is the starting point to begin with."""
        if self._advised is None:
            self._advised = self._controller.advised()
        return row.catalogue and row.id == self._advised

    def at(self, index: Index) -> Repository:
        return self._rows[index.row()]

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._rows)

    def canFetchMore(self, parent: Index) -> bool:
        return self._controller.more_to_come

    def fetchMore(self, parent: Index) -> None:
        self._controller.more()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.at(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join((row.id, advice())) if self.advised(row) else row.id
        return self._spoken(row) if role == Qt.ItemDataRole.AccessibleTextRole else None

    def _spoken(self, row: Repository) -> str:
        """A row for those who hear it."""
        best = self.best(row)
        said = _fitting(*best) if best else ""
        advised = advice() if self.advised(row) else ""
        parts = [row.name, advised, figures.repository(row), figures.reach(row), said]
        return " — ".join(part for part in parts if part)


def advice() -> str:
    """What is said of the starting point to begin with."""
    return _("Recommended for this computer")


def _fitting(variant: Variant, fit: Fit) -> str:
    """ "Q4_K_M: fits"."""
    return f"{variant.label}: {_(figures.VERDICTS[fit.verdict][0])}"


class RepositoryDelegate(RowDelegate):
    def __init__(self, look: Theme, rows: RowsModel) -> None:
        super().__init__(look, ROW, rows)
        self._rows = rows

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        row, colours, best = self._rows.at(index), self._look.colours, self._rows.best(self._rows.at(index))
        beside = self._look.px(_FIGURES)
        half = self._look.px(20)
        top = box.center().y() - half + 1
        right = QRect(box.right() - beside, top, beside, half)
        bar = QRectF(right.left() - self._look.px(_BAR), box.center().y() - 3, self._look.px(_BAR), self._look.px(8))
        roomy = best is not None and box.width() > self._look.px(_ROOM)
        first = QRect(box.left(), top, (round(bar.left()) if roomy else right.left()) - theme.L - box.left(), half)
        used = self._text(painter, first, row.name, Type.BODY, colours.text)
        self._signs(painter, first.adjusted(used + theme.S, 0, 0, 0), row)
        about = figures.repository(row, dated=False)
        self._text(painter, first.translated(0, half), about, Type.SMALL, colours.muted)
        if best is not None:
            self._verdict(painter, right, *best)
        elif not row.catalogue:
            self._figure(painter, right, Icon.DOWNLOAD, row.downloads)
            self._date(painter, right.translated(0, half), row.modified)
        if best is not None and roomy:
            tone = figures.VERDICTS[best[1].verdict][1]
            meter.paint(painter, self._look, bar, parts.whole(best[1]), parts.memory(best[1]), tone)

    def _signs(self, painter: QPainter, beside: QRect, row: Repository) -> None:
        """What is to be known of it at once; in words, where they have room beside the name."""
        colours, mark, advised = self._look.colours, self._look.px(_MARK), self._rows.advised(row)
        if not (row.gated or advised):
            return
        sign, ink = (Icon.RECOMMENDED, colours.accent) if advised else (Icon.LOCK, colours.warning)
        icons.paint(painter, sign, QRectF(beside.left(), beside.center().y() - mark / 2, mark, mark), ink)
        words = beside.adjusted(mark + theme.XS, 0, 0, 0)
        painter.setFont(self._look.font(Type.SMALL))
        if advised and painter.fontMetrics().horizontalAdvance(advice()) <= words.width():
            self._text(painter, words, advice(), Type.SMALL, ink)

    def _date(self, painter: QPainter, place: QRect, unix: float) -> None:
        if unix:
            self._text(painter, place, formats.month(unix), Type.SMALL, self._look.colours.muted, right=True)

    def _verdict(self, painter: QPainter, place: QRect, variant: Variant, fit: Fit) -> None:
        """What would be taken of a starting point, and how that fits."""
        word, tone, icon = figures.VERDICTS[fit.verdict]
        ink, mark = getattr(self._look.colours, tone.value), self._look.px(_MARK) + 2
        used = self._text(painter, place, _(word), Type.SMALL, ink, right=True)
        at = QRectF(place.right() - used - mark - theme.XS, place.center().y() - mark / 2 + 1, mark, mark)
        icons.paint(painter, icon, at, ink)
        size = f"{variant.label} · {formats.size(variant.size)}"
        self._text(painter, place.translated(0, place.height()), size, Type.SMALL, self._look.colours.muted, right=True)

    def _text(self, painter: QPainter, place: QRect, text: str, kind: Type, colour: str, *, right: bool = False) -> int:
        """Draws one line and says how wide it became."""
        painter.setFont(self._look.font(kind))
        painter.setPen(QColor(colour))
        return elided(painter, place, text, right=right)

    def _figure(self, painter: QPainter, place: QRect, icon: Icon, number: int) -> None:
        colours, mark = self._look.colours, self._look.px(_MARK)
        text = place.adjusted(0, 0, -mark - theme.XS - 2, 0)
        self._text(painter, text, formats.number(number), Type.SMALL, colours.muted, right=True)
        at = QRectF(place.right() - mark, place.center().y() - mark / 2, mark, mark)
        icons.paint(painter, icon, at, colours.muted)
