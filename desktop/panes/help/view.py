"""The help pane: pages under their headings on the left, one to read on the right, and a field that searches all.

Invariant: a page is text: no links, no pictures, nothing fetched. Which pages there are is the controller's.
"""

from __future__ import annotations

import re
from html import escape

from PySide6.QtCore import QEvent, QKeyCombination, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.panes.help.contents import arranged
from desktop.panes.help.controller import HelpController
from desktop.ui import icons, theme
from desktop.ui.boxes import Line as Field
from desktop.ui.column import Column, scrolling
from desktop.ui.icons import ICON, Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.listing import Index, Line, RowDelegate, dress
from desktop.ui.reading import Reading, sheet
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _, language

LIST_WIDTH = 304
_SHARE = 0.42  # of the pane, at most, however large the text is
_ROW = 32
_CODE = re.compile(r"`([^`]*)`")
_TOPIC = Qt.ItemDataRole.UserRole


class HelpView(QWidget):
    def __init__(self, look: Theme, controller: HelpController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._controller = look, controller
        self._search = _Search(self)
        self._search.written.connect(self._find)
        self._search.returnPressed.connect(self._open_marked)
        self._glass = self._search.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)
        self._list = _Contents()
        dress(self._list, _Rows(look, _ROW, self._list))
        for chosen in (self._list.currentItemChanged, self._list.itemClicked, self._list.itemActivated):
            chosen.connect(self._choose)
        self._nothing = Label(look, tone=Tone.MUTED, wrap=True)
        self._heading = Label(look, Type.TITLE, wrap=True, selectable=True)
        self._body = Column(look, side=theme.XXL, top=theme.XL)
        self._text = _Text("", self)
        self._body.lines.addWidget(self._heading)
        self._body.lines.addWidget(self._text)
        self._body.lines.addStretch()
        self._area: QScrollArea = scrolling(self._body)
        self._arrange()
        controller.changed.connect(self._fill)
        controller.page_changed.connect(self._read)
        self.retranslate()

    def _arrange(self) -> None:
        self._left = QWidget()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(theme.L, theme.L, theme.S, theme.S)
        left.setSpacing(theme.S)
        left.addWidget(self._search)
        left.addWidget(self._nothing)
        left.addWidget(self._list, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 1)
        whole.setSpacing(1)  # the line
        whole.addWidget(self._left)
        whole.addWidget(self._area, 1)
        self._look.changed.connect(self._fit)
        self._look.changed.connect(self._read)
        self._fit()

    def show_page(self, topic: str) -> None:
        """Opens a page, whatever is searched for at the moment."""
        self._search.clear()
        self._controller.open(topic)
        self._mark()

    def retranslate(self) -> None:
        self._search.setPlaceholderText(_("Search"))
        self._search.setAccessibleName(_("Search the help pages"))
        self._glass.setText(_("Search"))
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
        self._open_marked()
        if self._list.currentRow() < 0:
            rows = range(self._list.count())
            self._list.setCurrentRow(next((row for row in rows if self._list.item(row).data(_TOPIC)), -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line between the contents and the page, and one where what scrolls ends."""
        painter = QPainter(self)
        painter.setPen(QColor(self._look.colours.line))
        painter.drawLine(self._left.width(), 0, self._left.width(), self.height())
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _fit(self) -> None:
        self._left.setFixedWidth(min(self._look.px(LIST_WIDTH), round(self.width() * _SHARE)))
        self._glass.setIcon(icons.icon(Icon.SEARCH, self._look.colours.muted, self._look.px(ICON)))

    def _fill(self) -> None:
        """Lists the pages found; they are not read from disk before they can be seen."""
        if not self.isVisible():
            return
        self._list.blockSignals(True)
        self._list.clear()
        pages = {page.topic: page.title for page in self._controller.pages()}
        for heading, topics in [("", list(pages))] if self._search.text().strip() else arranged(pages):
            if heading:
                self._list.addItem(_(heading))
                self._list.item(self._list.count() - 1).setFlags(Qt.ItemFlag.NoItemFlags)
            for topic in topics:
                item = QListWidgetItem(pages[topic])
                item.setToolTip(pages[topic])
                item.setData(_TOPIC, topic)
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

    def _find(self, words: str) -> None:
        """Lists what is found, and shows the best of it: what is marked in the list is what is read."""
        self._controller.search(words)
        if words.strip():
            self._list.setCurrentRow(0)
            self._open_marked()

    def _open_marked(self) -> None:
        self._choose(self._list.currentItem())

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(_TOPIC):
            self._controller.open(item.data(_TOPIC))

    def _read(self) -> None:
        if not self.isVisible():
            return
        page = self._controller.page()
        self._heading.setText(page.title if page else "")
        self._text.setAccessibleName(page.title if page else "")
        self._draw(page.text if page else "")
        self._area.verticalScrollBar().setValue(0)

    def _draw(self, text: str) -> None:
        look = self._look
        style = sheet(look, Type.READING, look.colours.text)
        self._text.dress(look.font(Type.READING), look.px(theme.XL), style)
        self._text.replace("".join(f"<p>{_marked(paragraph)}</p>" for paragraph in text.split("\n\n")))
        self._text.stand()


class _Text(Reading):
    """As high as its text is."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.stand()

    def stand(self) -> None:
        self.setFixedHeight(self.tall(self.width()))


def _marked(paragraph: str) -> str:
    """A paragraph as rich text: all of it plain, but for what stands between backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(" ".join(paragraph.split())))


class _Contents(QListWidget):
    """The Home key goes to the first title, not to the heading above it, which cannot be chosen."""

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        if action is not QAbstractItemView.CursorAction.MoveHome:
            return super().moveCursor(action, modifiers)
        titles = (self.model().index(row, 0) for row in range(self.count()) if self.item(row).data(_TOPIC))
        return next(titles, QModelIndex())


class _Rows(RowDelegate):
    """Titles, and between them the quiet headings they stand under."""

    def lines(self, index: Index) -> list[Line]:
        title = index.data(_TOPIC) is not None
        return [(str(index.data()), Type.BODY if title else Type.SMALL, Tone.TEXT if title else Tone.MUTED)]

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Headings stand apart from the titles above them."""
        apart = index.row() > 0 and index.data(_TOPIC) is None
        return super().sizeHint(option, index) + QSize(0, self._look.px(theme.M) if apart else 0)

    def write(self, painter: QPainter, box: QRect, index: Index) -> None:
        super().write(painter, box.adjusted(0, box.height() - self._look.px(_ROW - 2 * theme.XS - 2), 0, 0), index)


class _Search(Field):
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
