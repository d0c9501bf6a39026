"""The results page: a field to search the Hub, whose models and in which order, and what was found.

Invariant: the line above the rows always has its place, what is waited for has that of the rows, and an error stands
below them, so nothing moves when any of it changes; more rows come when the end of the list is seen.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, Qt
from PySide6.QtGui import QIcon, QInputMethodEvent, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLineEdit, QListView, QStackedWidget, QVBoxLayout, QWidget

from desktop.core.errors import N_, Sealed, UserError
from desktop.panes.models import figures
from desktop.panes.models.empty import Empty
from desktop.panes.models.find.find_controller import FIRST_SHELF, FindController, Sort
from desktop.panes.models.find.rows import ROW, RepositoryDelegate, RowsModel
from desktop.panes.models.skeleton import Skeleton
from desktop.ui import icons, theme
from desktop.ui.bars import Bar
from desktop.ui.boxes import CONTROL, Line, QuietCombo
from desktop.ui.icons import ICON, Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.listing import dress
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

WIDTH = 920  # the rows' figures stay near their names
_NARROW = 480  # for the choices beside the field: less would be left to type in than they take
_WAITED = 6  # rows whose place is kept while the first ones are waited for
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
        self.field.written.connect(self._typed)
        self.field.textEdited.connect(self._pasted)  # comes also where the same text is pasted again
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
        self._empty = Empty(look, Icon.SEARCH)
        self._empty.wanted.connect(self._ask_everyone)
        self._glass = self.field.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)
        look.changed.connect(self._restyle)
        controller.changed.connect(self.refresh)
        controller.offer.judged.connect(self._judged)
        self._arrange()
        self._restyle()
        self.retranslate()

    def _arrange(self) -> None:
        self._top = top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        top.setSpacing(theme.S)
        top.addWidget(self.field, 1)
        choices = QHBoxLayout()
        choices.setSpacing(theme.S)
        for combo in (self._author, self._order):
            choices.addWidget(combo)
        choices.addStretch()
        top.addLayout(choices)
        self._above, self._below = QVBoxLayout(), QVBoxLayout()
        self._above.setSpacing(theme.S)
        self._above.addLayout(top)
        self._above.addWidget(self._said)
        waiting = QWidget()
        shapes = QVBoxLayout(waiting)
        shapes.setContentsMargins(0, 0, 0, 0)
        shapes.addWidget(Skeleton(self._look, ROW, _WAITED))
        shapes.addStretch()
        self._stack = QStackedWidget()
        self._stack.setMinimumHeight(1)  # it takes the height there is, however high the pages in it are
        for shown in (self.list, self._empty, waiting):
            self._stack.addWidget(shown)
        self._below.addWidget(self._stack, 1)
        error = QHBoxLayout()
        error.setContentsMargins(theme.M, 0, theme.M, theme.XS)
        error.addWidget(self._bar)
        self._below.addLayout(error)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, theme.M, 0, theme.S)
        whole.setSpacing(theme.S)
        whole.addLayout(self._above)
        whole.addLayout(self._below, 1)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """Memory may be another amount by now, and another model be recommended."""
        super().showEvent(event)
        self._rows.forget()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _typed(self, text: str) -> None:
        if self.field.typing or not text:
            self._controller.type(text)

    def _pasted(self, text: str) -> None:
        if not self.field.typing and text:
            self._controller.type(text, pasted=True)

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
        self._stack.setCurrentIndex(0 if controller.rows else 2 if controller.searching or controller.address else 1)
        self._tell_nothing()

    def _tell_nothing(self) -> None:
        """What stands in place of the rows where there are none."""
        controller = self._controller
        if controller.problem is not None:
            title, about = (
                _("The Hub cannot be asked now"),
                _("Models that are on this computer work without a network."),
            )
            self._empty.say(Icon.OFFLINE, title, about)
        elif controller.query.author:
            title = _("{author} has no model for these words.", author=controller.query.author)
            about = _("Thousands of others publish models too.")
            self._empty.say(Icon.SEARCH, title, about, _("Search among everyone's models"))
        else:
            about = _("Try fewer words, or paste the address of a model's page.")
            self._empty.say(Icon.SEARCH, _("There is no model for these words."), about)

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
        self._glass.setText(_("Search"))
        self._author.setItemText(1, _(_EVERYONE))
        self._author.name(_("Whose models"))
        for at, label in enumerate(_ORDERS.values()):
            self._order.setItemText(at, _(label))
        self._order.name(_("Order"))
        self.list.setAccessibleName(_("Models found"))
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
        return ""

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
        narrow = self.width() < self._look.px(_NARROW)
        ways = QBoxLayout.Direction
        self._top.setDirection(ways.TopToBottom if narrow else ways.LeftToRight)
        right = max(theme.L, self.width() - theme.XL - self._look.px(WIDTH))
        self._above.setContentsMargins(theme.XL, 0, right, 0)
        self._below.setContentsMargins(
            theme.XL - theme.M, 0, right - theme.M, 0
        )  # their words begin where the field does

    def _restyle(self) -> None:
        self._glass.setIcon(icons.icon(Icon.SEARCH, self._look.colours.muted, self._look.px(ICON)))
        self._fit()


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
