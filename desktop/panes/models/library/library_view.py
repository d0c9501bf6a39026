"""The library page: the list on the left, one model in detail on the right, and the way in for new ones.

Where there is no room beside the list, a combo box above the details stands for it, and the buttons are icons.

Invariant: it shows what its controller has and tells it what the person wants; errors and undo appear in a bar above,
in the window itself. Files are read and moved elsewhere.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QListView,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.core.errors import N_
from desktop.panes.models.library import facts
from desktop.panes.models.library.controller import Model, ModelsController
from desktop.panes.models.library.details import Details
from desktop.panes.models.library.importing import ComingStrip, ImportDialog
from desktop.panes.models.library.listing import ModelDelegate, ModelList
from desktop.panes.models.library.storage_bar import StorageButton
from desktop.panes.models.library.storage_view import StorageView
from desktop.panes.models.library.tuner import Tuner
from desktop.panes.models.library.upkeep import Upkeep
from desktop.ui import formats, theme
from desktop.ui.asking import ask
from desktop.ui.bars import UNDO, UNDO_SECONDS, Bar
from desktop.ui.boxes import QuietCombo
from desktop.ui.buttons import IconButton
from desktop.ui.column import scrolling
from desktop.ui.icons import Icon
from desktop.ui.listing import dress
from desktop.ui.theme import Theme
from desktop.ui.translation import _

LIST_WIDTH = 264
_SHARE = 0.42  # of the page, at most, however large the text is
_ANY = (1 << 24) - 1  # pixels: Qt's own bound
_ONE_COLUMN = 540  # pixels at 100 % text size: with less, beside the list the details would be a column of few words


class LibraryView(QWidget):
    """`upkeep` is None where the folder and other applications are nobody's affair; `tuner` where none is measured."""

    find_wanted = Signal()

    def __init__(
        self, look: Theme, controller: ModelsController, upkeep: Upkeep | None = None, tuner: Tuner | None = None
    ) -> None:
        super().__init__()
        self._look, self._controller, self._upkeep = look, controller, upkeep
        self._find, self._import = IconButton(look, Icon.SEARCH, ""), IconButton(look, Icon.UPLOAD, "")
        self._find.clicked.connect(self.find_wanted)
        self._import.clicked.connect(self.ask_for_files)
        self._bar = Bar(look)
        self._bar.acted.connect(controller.undo)
        self._strip = ComingStrip(look)
        self._strip.cancelled.connect(controller.cancel_import)
        self._models = ModelList()
        self._list = QListView()
        self._list.setModel(self._models)
        self._delegate = ModelDelegate(look, self._models)
        dress(self._list, self._delegate)
        self._list.selectionModel().currentChanged.connect(self._select)
        self._details = Details(look, controller, upkeep, tuner)
        if tuner is not None:
            tuner.failed.connect(self._bar.warn)
        self._list.activated.connect(lambda _index: self._details.chat())
        self._choice = QuietCombo(look)
        self._choice.setModel(self._models)
        self._choice.activated.connect(lambda row: self._select(self._models.index(row)))
        self._right = QStackedWidget()
        for chosen in (self._list.clicked, self._choice.activated):
            chosen.connect(lambda _which: self._right.setCurrentIndex(0))
        self._storage: StorageView | None = None
        self._bin = IconButton(look, Icon.DELETE, "")
        self._bin.clicked.connect(self._open_bin)
        self._found = IconButton(look, Icon.FOLDER, "")
        self._found.clicked.connect(self._show_storage)
        self._store, self._disk = StorageButton(look, upkeep), IconButton(look, Icon.STORAGE, "")
        for button in (self._store, self._disk):
            button.clicked.connect(self._show_storage)
        self._arrange()
        self._connect()
        self.retranslate()

    def _arrange(self) -> None:
        self._right.addWidget(scrolling(self._details))
        self._left = QWidget()
        self._beside = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._left)
        self._beside.setSpacing(theme.XS)
        self._beside.addWidget(self._list, 1)
        self._beside.addWidget(self._choice, 1)
        for button in (self._find, self._import, self._found, self._bin, self._disk):
            button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            self._beside.addWidget(button)
        self._beside.addWidget(self._store)
        above = QVBoxLayout()
        above.setContentsMargins(theme.XL, theme.M, theme.XL, 0)
        above.addWidget(self._bar)
        above.addWidget(self._strip)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addLayout(above)
        right.addWidget(self._right, 1)
        self._whole = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(1)  # the line
        self._whole.addWidget(self._left)
        self._whole.addLayout(right, 1)
        self._look.changed.connect(self._fit)
        self._fit()

    def _connect(self) -> None:
        for key, action in ((Qt.Key.Key_F2, self._details.rename), (Qt.Key.Key_Delete, self._remove)):
            shortcut = QShortcut(QKeySequence(key), self._list, context=Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(action)
        controller = self._controller
        controller.changed.connect(self.refresh)
        controller.selected.connect(self._mark)
        controller.failed.connect(self._bar.warn)
        controller.coming.connect(self._strip.show_coming)
        controller.removed.connect(self._offer_undo)
        controller.import_asked.connect(self._ask_how)
        if self._upkeep is not None:
            self._upkeep.failed.connect(self._bar.warn)
            self._upkeep.said.connect(self._bar.say)
            self._upkeep.surveyed.connect(self._show_found)

    def offer_search(self, offered: bool) -> None:
        """Whether there is a page to look for models on."""
        self._find.setVisible(offered)

    def ask_for_files(self) -> None:
        """Opens the system's dialogue for choosing files."""
        dialog = QFileDialog(self, _("Import model"), "", _("Models (*.gguf)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self._controller.import_files([Path(name) for name in names]))
        dialog.open()

    def refresh(self) -> None:
        """Lists the models as they are now."""
        upkeep = self._upkeep
        self._models.fill(self._controller.models(), upkeep.used if upkeep else lambda _model: 0.0)
        self._store.retranslate()
        self._bin.setVisible(bool(self._controller.binned()))
        self._label()
        self._mark()

    def retranslate(self) -> None:
        self._list.setAccessibleName(_("Models on this computer"))
        self._choice.name(_("Models on this computer"))
        self._details.retranslate()
        self._show_found()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Other applications' models are looked for when the page is first shown."""
        if self._upkeep is not None and self._upkeep.usage is None:
            self._upkeep.survey()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line between the list and the model."""
        painter, left = QPainter(self), self._left
        painter.setPen(QColor(self._look.colours.line))
        if self._one_column:
            painter.drawLine(0, left.height(), self.width(), left.height())
        else:
            painter.drawLine(left.width(), theme.S, left.width(), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    @property
    def _one_column(self) -> bool:
        return self.width() < self._look.px(_ONE_COLUMN)

    def _fit(self) -> None:
        """The list leaves the larger part to the model, however large the text is."""
        way, narrow, side = QBoxLayout.Direction, self._one_column, theme.XL - theme.M
        self._label()  # first what takes less room, then the directions: no more is asked for meanwhile
        self._list.setVisible(not narrow)
        self._choice.setVisible(narrow)
        self._store.setVisible(self._upkeep is not None and not narrow)
        self._disk.setVisible(self._upkeep is not None and narrow)
        wide = min(self._look.px(LIST_WIDTH), round(self.width() * _SHARE))
        self._left.setMinimumWidth(0 if narrow else wide)
        self._left.setMaximumWidth(_ANY if narrow else wide)
        self._beside.setContentsMargins(theme.XL if narrow else side, theme.S, theme.XL if narrow else theme.S, theme.S)
        self._whole.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self._beside.setDirection(way.LeftToRight if narrow else way.TopToBottom)

    def _label(self) -> None:
        """The words of the buttons; beside the combo box they are icons alone."""
        binned = formats.number(len(self._controller.binned()))
        found = formats.number(len(self._upkeep.findings.found) if self._upkeep else 0)
        for button, said in (
            (self._find, _("Find a model…")),
            (self._import, _("Import model…")),
            (self._found, _("{count} found in other applications", count=found)),
            (self._bin, _("Bin ({count})", count=binned)),
            (self._disk, _("Storage")),
        ):
            button.name(said, "" if self._one_column else said)
            button.updateGeometry()

    def _mark(self) -> None:
        """The selected model is the chosen row, and on the right."""
        row = self._models.row_of(self._controller.model().id)
        self._list.setCurrentIndex(self._models.index(row))
        self._choice.setCurrentIndex(row)
        self._details.refresh()

    def _show_found(self) -> None:
        self._found.setVisible(self._upkeep is not None and bool(self._upkeep.findings.found))
        self._label()
        self._store.retranslate()

    def _show_storage(self) -> None:
        """Where the models lie, in place of the one that is looked at."""
        if self._upkeep is None:
            return
        if self._storage is None:
            self._storage = StorageView(self._look, self._upkeep, self._bar)
            self._storage.chosen.connect(self._show_model)
            self._storage.closed.connect(lambda: (self._choice if self._one_column else self._list).setFocus())
            self._storage.closed.connect(lambda: self._right.setCurrentIndex(0))
            self._right.addWidget(scrolling(self._storage))
        self._right.setCurrentIndex(1)
        self._storage.setFocus()

    def _show_model(self, model_id: str) -> None:
        self._right.setCurrentIndex(0)
        self._controller.select(model_id)

    def _select(self, current: QModelIndex) -> None:
        if current.isValid() and self._models.at(current).id != self._controller.model().id:
            self._show_model(self._models.at(current).id)

    def _remove(self) -> None:
        if not self._controller.model().built_in:
            self._controller.remove()

    def _open_bin(self) -> None:
        """What lies in it, to be taken back by a click."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for model in self._controller.binned():
            name = menu.fontMetrics().elidedText(
                facts.name(model), Qt.TextElideMode.ElideMiddle, self._look.px(LIST_WIDTH)
            )
            text = _("Restore “{model}”", model=name).replace("&", "&&")
            menu.addAction(text, partial(self._restore, model))
        menu.addSeparator()
        menu.addAction(_("Empty the bin…"), self._ask_empty)
        menu.popup(self._bin.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _restore(self, model: Model) -> None:
        self._bar.hide()  # it may still offer to undo what is undone now
        self._controller.restore(model)

    def _ask_empty(self) -> None:
        about = _("The models in it are deleted for good. Linked files stay where they are.")
        ask(self, _("Empty the bin?"), about, _("Empty the bin"), self._controller.empty_bin)

    def _offer_undo(self, model: Model) -> None:
        sentence = (
            N_("“{model}” is forgotten; its file was not touched.") if model.linked else N_("“{model}” is in the bin.")
        )
        self._bar.say(sentence, {"model": facts.name(model)}, UNDO, UNDO_SECONDS)

    def _ask_how(self, paths: list[Path]) -> None:
        dialog = ImportDialog(self._look, paths, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.answered.connect(lambda how: self._controller.take(paths, how))
        dialog.open()
