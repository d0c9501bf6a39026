"""The results page: a field to search the Hub, whose models and in which order, and the rows that were found.

Invariant: the line above the rows always has its place, so nothing moves when what it says changes; more rows come when
the end of the list is seen. What a row holds is the Hub's, drawn by a delegate.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QInputMethodEvent, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import QHBoxLayout, QListView, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_, Sealed, UserError
from desktop.core.repos import Variant
from desktop.panes.models import figures
from desktop.panes.models.find.find_controller import FIRST_SHELF, FindController, Repository, Sort
from desktop.panes.models.find.offer import Fit
from desktop.ui import formats, icons, theme
from desktop.ui.bars import Bar
from desktop.ui.boxes import CONTROL, Line, QuietCombo
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.listing import Index, RowDelegate, dress
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_ROW = 56
_FIGURES = 136  # the column of downloads and likes
_MARK = 14
_EVERYONE = N_("Everyone")
_ORDERS: dict[Sort, str] = {
    Sort.DOWNLOADS: N_("Most downloaded"),
    Sort.LIKES: N_("Most liked"),
    Sort.MODIFIED: N_("Newest"),
}


class Results(QWidget):
    def __init__(self, look: Theme, controller: FindController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._controller = look, controller
        self.field = _SearchField(self)
        self.field.textEdited.connect(lambda text: controller.type(text, pasted=not self.field.typing))
        self.field.textChanged.connect(self._cleared)  # also its own button that clears it
        self.field.returnPressed.connect(controller.enter)
        self._author, self._order = QuietCombo(look), QuietCombo(look)
        self._author.addItems([FIRST_SHELF, _EVERYONE])
        self._order.addItems(list(_ORDERS.values()))
        for combo in (self._author, self._order):
            combo.activated.connect(self._filter)
        self._said = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._bar = Bar(look)
        self._bar.acted.connect(controller.retry)
        self._rows = RowsModel(controller)
        self.list = QListView()
        self.list.setModel(self._rows)
        self._delegate = RepositoryDelegate(look, self._rows)
        dress(self.list, self._delegate)
        self.list.setUniformItemSizes(True)
        self.list.clicked.connect(self._open)
        self.list.activated.connect(self._open)
        self._everyone = QPushButton()
        self._everyone.clicked.connect(self._ask_everyone)
        look.changed.connect(self._fit)
        controller.changed.connect(self.refresh)
        controller.offer.judged.connect(self._judged)
        self._arrange()
        self.retranslate()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.S)
        top.addWidget(self.field, 1)
        top.addWidget(self._author)
        top.addWidget(self._order)
        column = QVBoxLayout()
        column.setContentsMargins(theme.XL, 0, theme.L, 0)
        column.setSpacing(theme.S)
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addWidget(self._said)
        column.addWidget(self._everyone, 0, Qt.AlignmentFlag.AlignLeft)
        rows = QVBoxLayout()
        rows.setContentsMargins(theme.XL - theme.M, 0, theme.L - theme.M, 0)  # their words begin where the field does
        rows.addWidget(self.list)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, theme.M, 0, theme.S)
        whole.setSpacing(theme.S)
        whole.addLayout(column)
        whole.addLayout(rows, 1)
        self._fit()

    def _cleared(self, text: str) -> None:
        if not text:
            self._controller.type("")

    def refresh(self) -> None:
        """Shows what the controller has."""
        controller = self._controller
        self._rows.fill(controller.rows)
        self.list.viewport().update()
        if controller.problem is not None:
            self._bar.warn(controller.problem, "" if isinstance(controller.problem, Sealed) else N_("Try again"))
        else:
            self._bar.hide()
        self._said.setText(self._sentence())
        for combo in (self._author, self._order):
            combo.setEnabled(not controller.shelf)
        nothing = not controller.rows and not controller.searching and controller.problem is None
        self._everyone.setVisible(nothing and bool(controller.query.author))

    def _judged(self) -> None:
        """A header or the engine may have told more of a starting point."""
        self._rows.forget()
        self.list.viewport().update()

    def warn(self, error: UserError) -> None:
        """Says what went wrong with something that was asked for elsewhere."""
        if not self.isHidden():
            self._bar.warn(error)

    def down(self) -> None:
        """From the field into the rows."""
        self.list.setFocus()
        if not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self._rows.index(0))

    def retranslate(self) -> None:
        self.field.setPlaceholderText(_("Search for a model, or paste its address"))
        self.field.setAccessibleName(_("Search for models"))
        self._author.setItemText(1, _(_EVERYONE))
        self._author.setAccessibleName(_("Whose models"))
        for at, label in enumerate(_ORDERS.values()):
            self._order.setItemText(at, _(label))
        self._order.setAccessibleName(_("Order"))
        self.list.setAccessibleName(_("Models found"))
        self._everyone.setText(_("Search among everyone's models"))
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _sentence(self) -> str:
        """What the rows are, in the line above them."""
        controller = self._controller
        if controller.shelf:
            return _("Good models to start with. The figures are from the catalogue; no network is needed.")
        if controller.address:
            return _("Press Enter to open “{address}”.", address=controller.query.words)
        if controller.searching:
            return _("Searching…")
        if controller.rows and controller.age:
            return _("This is what was found {age} ago.", age=figures.age(controller.age))
        if controller.rows or controller.problem is not None:
            return ""
        if controller.query.author:
            return _("{author} has no model for these words.", author=controller.query.author)
        return _("There is no model for these words.")

    def _filter(self) -> None:
        author = FIRST_SHELF if self._author.currentIndex() == 0 else ""
        self._controller.filter(author, list(_ORDERS)[self._order.currentIndex()])

    def _ask_everyone(self) -> None:
        self._author.setCurrentIndex(1)
        self._filter()
        self.field.setFocus()

    def _open(self, index: QModelIndex) -> None:
        self._controller.open(self._rows.at(index))

    def _fit(self) -> None:
        self.field.setFixedHeight(self._look.px(CONTROL))
        self._said.setMinimumHeight(self._look.px(theme.XL))


class _SearchField(Line):
    """The arrow down leads into the rows; Esc empties the field. `typing`: the text changes by keys, not by pasting."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self._results, self.typing = results, False
        self.setClearButtonEnabled(True)
        self.setMaxLength(2_000)  # an address, with all that a browser puts behind it

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self._results.down()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            self.typing = not event.matches(QKeySequence.StandardKey.Paste)
            super().keyPressEvent(event)
            self.typing = False

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self.typing = True
        super().inputMethodEvent(event)
        self.typing = False


class RowsModel(QAbstractListModel):
    """The rows found so far; the list asks for more when its end is seen."""

    def __init__(self, controller: FindController) -> None:
        super().__init__()
        self._controller = controller
        self._rows: tuple[Repository, ...] = ()
        self._best: dict[str, tuple[Variant, Fit] | None] = {}

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

    def best(self, row: Repository) -> tuple[Variant, Fit] | None:
        """How a starting point fits this computer, worked out once."""
        if row.id not in self._best:
            self._best[row.id] = self._controller.best(row)
        return self._best[row.id]

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
            return row.id
        return self._spoken(row) if role == Qt.ItemDataRole.AccessibleTextRole else None

    def _spoken(self, row: Repository) -> str:
        """A row for those who hear it."""
        best = self.best(row)
        said = _fitting(*best) if best else ""
        parts = [row.name, figures.repository(row), figures.reach(row), said]
        return " — ".join(part for part in parts if part)


def _fitting(variant: Variant, fit: Fit) -> str:
    """ "Q4_K_M: fits"."""
    return f"{variant.label}: {_(figures.VERDICTS[fit.verdict][0])}"


class RepositoryDelegate(RowDelegate):
    def __init__(self, look: Theme, rows: RowsModel) -> None:
        super().__init__(look, _ROW, rows)
        self._rows = rows

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        row, colours = self._rows.at(index), self._look.colours
        beside = self._look.px(_FIGURES)
        words = box.adjusted(0, 0, -beside - theme.M, 0)
        half = words.height() // 2
        first, second = QRect(words), QRect(words)
        first.setHeight(half)
        second.setTop(first.bottom() + 1)
        used = self._text(painter, first, row.name, Type.BODY, colours.text)
        if row.gated:
            mark = self._look.px(_MARK)
            place = QRectF(first.left() + used + theme.S, first.center().y() - mark / 2, mark, mark)
            icons.paint(painter, Icon.LOCK, place, colours.warning)
        self._text(painter, second, figures.repository(row), Type.SMALL, colours.muted)
        right = QRect(box.right() - beside, box.top(), beside, half)
        best = self._rows.best(row)
        if best is not None:
            self._verdict(painter, right, *best)
        elif not row.catalogue:
            self._figure(painter, right, Icon.DOWNLOAD, row.downloads)
            self._figure(painter, right.translated(0, half), Icon.LIKE, row.likes)

    def _verdict(self, painter: QPainter, place: QRect, variant: Variant, fit: Fit) -> None:
        """What would be taken of a starting point, and how that fits."""
        word, tone, icon = figures.VERDICTS[fit.verdict]
        ink, mark = getattr(self._look.colours, tone.value), self._look.px(_MARK) + 2
        side = Qt.AlignmentFlag.AlignRight
        used = self._text(painter, place, _(word), Type.SMALL, ink, side)
        at = QRectF(place.right() - used - mark - theme.XS, place.center().y() - mark / 2 + 1, mark, mark)
        icons.paint(painter, icon, at, ink)
        size = f"{variant.label} · {formats.size(variant.size)}"
        self._text(painter, place.translated(0, place.height()), size, Type.SMALL, self._look.colours.muted, side)

    def _text(
        self,
        painter: QPainter,
        place: QRect,
        text: str,
        kind: Type,
        colour: str,
        side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> int:
        """Draws one line and says how wide it became."""
        painter.setFont(self._look.font(kind))
        painter.setPen(QColor(colour))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | side, shown)
        return painter.fontMetrics().horizontalAdvance(shown)

    def _figure(self, painter: QPainter, place: QRect, icon: Icon, number: int) -> None:
        colours, mark = self._look.colours, self._look.px(_MARK)
        text = place.adjusted(0, 0, -mark - theme.XS - 2, 0)
        self._text(painter, text, formats.number(number), Type.SMALL, colours.muted, Qt.AlignmentFlag.AlignRight)
        at = QRectF(place.right() - mark, place.center().y() - mark / 2, mark, mark)
        icons.paint(painter, icon, at, colours.muted)
