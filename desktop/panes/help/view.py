"""The help pane: pages listed on the left, one to read on the right, and a field that searches all of them.

Invariant: a page is plain text: no links, no pictures, nothing fetched. Which pages there are is the controller's.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QScrollArea, QVBoxLayout, QWidget

from desktop.panes.help.controller import HelpController
from desktop.ui import theme
from desktop.ui.boxes import Line
from desktop.ui.column import Column, scrolling
from desktop.ui.labels import Label, Tone
from desktop.ui.listing import RowDelegate, dress
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, language

LIST_WIDTH = 256
_ROW = 34
_PAGE_WIDTH = 560  # about 75 characters of reading text
_CODE = re.compile(r"`([^`]*)`")
_TOPIC = Qt.ItemDataRole.UserRole


class HelpView(QWidget):
    def __init__(self, look: Theme, controller: HelpController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._controller = look, controller
        self._search = _Search(self)
        self._search.textChanged.connect(controller.search)
        self._list = QListWidget()
        dress(self._list, RowDelegate(look, _ROW, self._list))
        self._list.currentItemChanged.connect(self._choose)
        self._nothing = Label(look, tone=Tone.MUTED, wrap=True)
        self._heading = Label(look, Type.TITLE, wrap=True, selectable=True)
        self._body = Column(look, _PAGE_WIDTH, side=theme.XXL, top=theme.XXL)
        self._body.lines.addWidget(self._heading)
        self._body.lines.addStretch()
        self._paragraphs: list[Label] = []
        self._area: QScrollArea = scrolling(self._body)
        self._arrange()
        controller.changed.connect(self._fill)
        controller.page_changed.connect(self._read)
        self.retranslate()

    def _arrange(self) -> None:
        self._left = QWidget()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(theme.L, theme.XL, theme.S, theme.S)
        left.setSpacing(theme.S)
        left.addWidget(self._search)
        left.addWidget(self._nothing)
        left.addWidget(self._list, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._left)
        whole.addWidget(self._area, 1)
        self._look.changed.connect(self._fit)
        self._fit()

    def show_page(self, topic: str) -> None:
        """Opens a page, whatever is searched for at the moment."""
        self._search.clear()
        self._controller.open(topic)
        self._mark()

    def retranslate(self) -> None:
        self._search.setPlaceholderText(_("Search"))
        self._search.setAccessibleName(_("Search the help pages"))
        self._list.setAccessibleName(_("Help pages"))
        self._nothing.setText(_("No page holds these words."))
        self._controller.speak(language())

    def showEvent(self, event: QShowEvent) -> None:
        self._fill()
        self._read()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def down(self) -> None:
        """From the search field into the list."""
        self._list.setFocus()
        if self._list.currentRow() < 0:
            self._list.setCurrentRow(0)

    def _fit(self) -> None:
        self._left.setFixedWidth(self._look.px(LIST_WIDTH))

    def _fill(self) -> None:
        """Lists the pages found; they are not read from disk before they can be seen."""
        if not self.isVisible():
            return
        self._list.blockSignals(True)
        self._list.clear()
        for page in self._controller.pages():
            item = QListWidgetItem(page.title)
            item.setToolTip(page.title)
            item.setData(_TOPIC, page.topic)
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._nothing.setVisible(self._list.count() == 0)
        self._mark()

    def _mark(self) -> None:
        """The open page is the chosen row, without opening it again."""
        self._list.blockSignals(True)
        self._list.setCurrentRow(-1)
        for row in range(self._list.count()):
            if self._list.item(row).data(_TOPIC) == self._controller.topic:
                self._list.setCurrentRow(row)
        self._list.blockSignals(False)

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._controller.open(item.data(_TOPIC))

    def _read(self) -> None:
        if not self.isVisible():
            return
        page = self._controller.page()
        for label in self._paragraphs:
            self._body.lines.removeWidget(label)
            label.hide()
            label.deleteLater()
        self._heading.setText(page.title if page else "")
        self._paragraphs = [self._paragraph(text) for text in page.text.split("\n\n")] if page else []
        self._area.verticalScrollBar().setValue(0)

    def _paragraph(self, text: str) -> Label:
        label = Label(self._look, Type.READING, wrap=True, selectable=True)
        label.setText(_CODE.sub(r"\1", " ".join(text.split())))
        self._body.lines.insertWidget(self._body.lines.count() - 1, label)
        return label


class _Search(Line):
    """Down goes into the list, Esc clears."""

    def __init__(self, view: HelpView) -> None:
        super().__init__()
        self._view = view
        self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.keyCombination() == QKeyCombination(Qt.Key.Key_Down):
            self._view.down()
        elif event.keyCombination() == QKeyCombination(Qt.Key.Key_Escape) and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)
