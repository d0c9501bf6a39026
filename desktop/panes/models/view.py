"""The models pane: what is on this computer, what can be found, and what is on its way, each a page of its own.

Invariant: a page is made when it is first shown, and one page never knows another; the switch above them works by
mouse and by the arrow keys. What the pages do is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop.core.errors import N_
from desktop.panes.models.library.controller import ModelsController
from desktop.panes.models.library.library_view import LibraryView
from desktop.panes.models.library.tuner import Tuner
from desktop.panes.models.library.upkeep import Upkeep
from desktop.panes.models.tabs import Tabs
from desktop.ui import formats, theme
from desktop.ui.labels import Label
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_PAUSED = N_("{count} paused")


class Page(StrEnum):
    """The value is its label."""

    LIBRARY = N_("Library")
    FIND = N_("Find")
    DOWNLOADS = N_("Downloads")


class ModelsView(QWidget):
    """`make` gives the widgets of the pages beside the library; a page that is not in it is not offered."""

    def __init__(
        self,
        look: Theme,
        controller: ModelsController,
        make: Mapping[Page, Callable[[], QWidget]] | None = None,
        upkeep: Upkeep | None = None,
        tuner: Tuner | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._look, self._make = look, dict(make or {})
        self._library = LibraryView(look, controller, upkeep, tuner)
        self._library.find_wanted.connect(lambda: self.show_page(Page.FIND))
        self._library.offer_search(Page.FIND in self._make)
        self._made: dict[Page, QWidget] = {Page.LIBRARY: self._library}
        self._pages = [page for page in Page if page in self._make or page is Page.LIBRARY]
        self._counts: dict[Page, tuple[int, int]] = {}
        self._title = Label(look, Type.TITLE)
        self._title.setMinimumWidth(1)  # it may go, so it keeps nothing from being narrow
        self._tabs = Tabs(look)
        for page in self._pages:
            self._tabs.addTab(page.value)
        if len(self._pages) < 2:
            self._tabs.hide()  # never shown here: without a parent it would be a window
        self._tabs.currentChanged.connect(lambda at: self.show_page(self._pages[at]))
        self._stack = QStackedWidget()
        self._stack.addWidget(self._library)
        self._arrange()
        self.retranslate()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(theme.XL, theme.M, theme.XL, theme.XS)
        head.setSpacing(theme.L)
        head.addWidget(self._title)
        head.addWidget(self._tabs)
        head.addStretch()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 1)  # the line
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addWidget(self._stack, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is too little room for both, the pages' names say enough without the title."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self._tabs.squeeze(self.width() - 2 * theme.XL)
        needed = self._title.sizeHint().width() + theme.L + self._tabs.sizeHint().width() + 2 * theme.XL
        self._title.setVisible(needed <= self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line at the bottom: what scrolls ends there, and not in the status line's words."""
        painter = QPainter(self)
        painter.setPen(QColor(self._look.colours.line))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def show_page(self, page: Page) -> None:
        """Brings a page forward, with the focus where one begins in it."""
        if page not in self._made:
            self._made[page] = self._make[page]()
            self._stack.addWidget(self._made[page])
        self._tabs.setCurrentIndex(self._pages.index(page))
        self._stack.setCurrentWidget(self._made[page])

    @property
    def page(self) -> Page:
        """The one in front."""
        return self._pages[self._tabs.currentIndex()]

    def count(self, page: Page, going: int, paused: int) -> None:
        """A number beside the page's name: of what is on its way there, or, where nothing is, of what is paused."""
        self._counts[page] = going, paused
        self.retranslate()

    def ask_for_files(self) -> None:
        """Opens the system's dialogue for choosing model files."""
        self.show_page(Page.LIBRARY)
        self._library.ask_for_files()

    def refresh(self) -> None:
        """Lists the models as they are now."""
        self._library.refresh()

    def retranslate(self) -> None:
        self._title.setText(_("Models"))
        self._tabs.setAccessibleName(_("Pages of the models pane"))
        for at, page in enumerate(self._pages):
            name, (going, paused) = _(page.value), self._counts.get(page, (0, 0))
            count = formats.number(going) if going else _(_PAUSED, count=formats.number(paused)) if paused else ""
            self._tabs.reserve(at, f"{name} (9)" if page in self._counts else "")
            self._tabs.setTabText(at, f"{name} ({count})" if count else name)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
