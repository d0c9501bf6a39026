"""The settings pane: one column of settings, for all chats or for one model.

Invariant: it shows what its controller says is in force, and tells it what the person enters; nothing is kept here.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from shiboken6 import isValid

from desktop.core.errors import N_, UserError
from desktop.core.levels import Level, Levels, rows_for
from desktop.panes.settings.controller import SettingsController
from desktop.panes.settings.privacy import PrivacyController
from desktop.panes.settings.privacy_view import PrivacySection
from desktop.panes.settings.states import StatesController
from desktop.panes.settings.states_view import StatesLine
from desktop.ui import theme
from desktop.ui.bars import UNDO, UNDO_SECONDS, Bar
from desktop.ui.boxes import QuietCombo
from desktop.ui.column import Column, scrolling
from desktop.ui.flow import Flow
from desktop.ui.forms import WIDTH, SettingsForm
from desktop.ui.labels import Label
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_SETTLES_MS = 300  # a form that was just made finds its place in a few rounds of layout
_NO_FOLDER = N_("The folder “{path}” could not be opened. You can open it in your file manager.")


class SettingsView(QWidget):
    def __init__(
        self,
        look: Theme,
        controller: SettingsController,
        privacy: PrivacyController | None = None,
        states: StatesController | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._look, self._controller, self._states = look, controller, states
        self._privacy = PrivacySection(look, privacy) if privacy else None
        self._title = Label(look, Type.TITLE)
        self._level = QuietCombo(look)
        self._level.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._level.activated.connect(self._choose)
        self._folder = QPushButton()
        self._folder.clicked.connect(self._open_folder)
        self._reset = QPushButton()
        self._reset.clicked.connect(controller.reset_all)
        self._bar = Bar(look)
        self._bar.acted.connect(controller.undo)
        self._head = Column(look, WIDTH, top=theme.M, bottom=theme.S)
        self._body = Column(look, WIDTH, top=theme.M)
        self._form: SettingsForm | None = None
        self._arrange()
        controller.changed.connect(self.refresh)
        controller.failed.connect(self._bar.warn)
        controller.reset_done.connect(self._offer_undo)
        for part in (privacy, states):
            if part is not None:
                part.failed.connect(self._bar.warn)
        self.retranslate()

    def _arrange(self) -> None:
        head, level, buttons = Flow(theme.S, apart=True), Flow(theme.M), Flow(theme.S)
        for line, widgets in ((level, (self._title, self._level)), (buttons, (self._folder, self._reset))):
            for widget in widgets:
                line.addWidget(widget)
            head.addLayout(line)
        self._head.lines.addLayout(head)
        self._head.lines.addWidget(self._bar)
        if self._privacy is not None:
            self._body.lines.addWidget(self._privacy)
            self._privacy.hide()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self._area = area = scrolling(self._body)
        area.verticalScrollBar().valueChanged.connect(lambda _value: self.update())
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # the column does not jump sideways
        above = QHBoxLayout()
        above.setContentsMargins(0, 0, area.verticalScrollBar().sizeHint().width(), 0)
        above.addWidget(self._head)
        whole.addLayout(above)
        whole.addWidget(area, 1)

    def refresh(self) -> None:
        """Shows the values in force; a form for another level is made anew, and none before it can be seen."""
        if not self.isVisible():
            return
        levels = self._controller.levels()
        if self._form is None or self._form.level is not levels.level:
            if self._form is not None:
                self._form.hide()
                self._form.deleteLater()
                self._body.lines.removeWidget(self._form)
            self._form = self._made(levels)
            self._body.lines.insertWidget(0, self._form)
            self._put_below()
        else:
            self._form.show_values(levels)
        if self._privacy is not None:
            self._privacy.setVisible(levels.level is Level.ALL)
        self._list_levels()

    def _put_below(self) -> None:
        """What stands below the form comes after it for the Tab key, too, which goes by when a widget came."""
        if self._privacy is not None:
            self._privacy.setParent(None)
            self._body.lines.addWidget(self._privacy)

    def _made(self, levels: Levels) -> SettingsForm:
        form = SettingsForm(self._look, rows_for(levels.level), levels)
        form.changed.connect(self._controller.set)
        form.reset.connect(self._controller.reset)
        if self._states is not None and levels.level is Level.ALL:
            form.add_below("state_budget", StatesLine(self._look, self._states))
        return form

    def show_setting(self, key: str) -> None:
        """Leads to a setting, for all chats."""
        self._controller.choose(None)
        QTimer.singleShot(0, self, lambda: self._go_to(key))  # a form that was just made is not shown yet

    def _go_to(self, key: str) -> None:
        if self._form is not None:
            row, bar = self._form.go_to(key), self._area.verticalScrollBar()

            def show(*_range: int) -> None:
                if isValid(row):  # the form may be made anew meanwhile
                    self._area.ensureWidgetVisible(row, 0, theme.XXL)

            scroll = bar.rangeChanged.connect(show)
            show()
            QTimer.singleShot(_SETTLES_MS, self, lambda: bar.rangeChanged.disconnect(scroll))

    def retranslate(self) -> None:
        self._title.setText(_("Settings"))
        self._level.name(_("For which chats"))
        self._folder.setText(_("Open data folder"))
        self._reset.setText(_("Reset all"))
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line where the settings pass below the title."""
        if self._area.verticalScrollBar().value():
            painter = QPainter(self)
            painter.setPen(QColor(self._look.colours.line))
            painter.drawLine(0, self._area.y() - 1, self.width(), self._area.y() - 1)

    def showEvent(self, event: QShowEvent) -> None:
        self._controller.choose(self._controller.model)  # it may have been removed meanwhile
        super().showEvent(event)
        QTimer.singleShot(0, self, self._begin)  # the focus comes once it is shown

    def _begin(self) -> None:
        """Whoever comes here by a key stands in the first setting, not on a button that opens something."""
        if self._form is not None and self._folder.hasFocus():
            self._form.go_to(rows_for(self._form.level)[0].key)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _list_levels(self) -> None:
        models = self._controller.models()
        self._level.clear()
        self._level.addItem(_("For all chats"), None)
        for name in models:
            self._level.addItem(_("For {model}", model=name), name)
        self._level.setCurrentIndex(max(0, self._level.findData(self._controller.model)))
        self._level.setVisible(bool(models))

    def _choose(self, index: int) -> None:
        self._bar.hide()  # what it offers to undo was done elsewhere
        self._controller.choose(self._level.itemData(index))

    def _offer_undo(self) -> None:
        self._bar.say(N_("All settings here were reset."), action=UNDO, seconds=UNDO_SECONDS)

    def _open_folder(self) -> None:
        folder = self._controller.folder
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._bar.warn(UserError(_NO_FOLDER, path=str(folder)))
