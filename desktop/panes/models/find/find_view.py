"""The find page: the models found, and the page of one repository, one before the other.

Invariant: going back shows the rows as they were left, at the same place. It only turns the pages.
"""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.panes.models.find.find_controller import FindController, Repository
from desktop.panes.models.find.repository_view import RepositoryView
from desktop.panes.models.find.results import Results
from desktop.ui.theme import Theme


class FindView(QStackedWidget):
    def __init__(self, look: Theme, controller: FindController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.results = Results(look, controller)
        self.repository = RepositoryView(look, controller.offer)
        self.addWidget(self.results)
        self.addWidget(self.repository)
        self.repository.left.connect(controller.close)
        controller.offer.failed.connect(self.results.warn)  # of a page that was left meanwhile
        controller.opened.connect(self._open)
        controller.closed.connect(self._close)

    def showEvent(self, event: QShowEvent) -> None:
        """The page is seen: the shelf is filled, and typing goes into the field."""
        super().showEvent(event)
        self._controller.start()
        if self.currentWidget() is self.results:
            self.results.field.setFocus()

    def reconnect(self) -> None:
        """The network was switched on or off."""
        self._controller.reconnect()

    def open(self, repo: str, label: str) -> None:
        """Shows a variant of a repository."""
        self._controller.open(Repository(repo), label)

    def search(self) -> None:
        """Leads into the field, from wherever on the page."""
        if self.currentWidget() is not self.results:
            self._controller.close()
        self.results.field.setFocus()
        self.results.field.selectAll()

    def _open(self) -> None:
        self.setCurrentWidget(self.repository)
        self.repository.begin()

    def _close(self) -> None:
        self.setCurrentWidget(self.results)
        back = self.results.list if self.results.list.currentIndex().isValid() else self.results.field
        back.setFocus()
