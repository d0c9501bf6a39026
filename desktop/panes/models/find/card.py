"""A repository's card, as text to read: no pictures, nothing fetched, links only after a question.

Invariant: only as much is laid out as can be shown without a pause; the rest is on the Hub. Cleaning the text is the
services' affair, making it safe HTML is `ui.markdown`'s.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui import markdown, theme
from desktop.ui.labels import Label, Tone
from desktop.ui.links import ask_to_open
from desktop.ui.markdown import Kind, Segments
from desktop.ui.reading import Reading, sheet
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_LONGEST = 24_000  # characters: TheBloke's cards have 15,000 to 30,000; laid out in about 40 ms here
_CODE = '<table width="100%" cellspacing="0"><tr><td class="code"><pre>{}</pre></td></tr></table><p></p>'
_WIDTH = 760  # about 100 characters of reading text


class Card(QWidget):
    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look, self._source = look, ""
        self._title = Label(look, Type.HEADING)
        self._rest = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._reading = Reading("", self)
        self._reading.anchorClicked.connect(lambda url: ask_to_open(self, url.toString()))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.M, 0, 0)
        column.setSpacing(theme.S)
        for widget in (self._title, self._reading, self._rest):
            column.addWidget(widget)
        look.changed.connect(self._draw)
        self.retranslate()
        self.put("")

    def put(self, source: str) -> None:
        """Shows this Markdown; "" shows nothing."""
        self._source = source
        self._draw()

    def retranslate(self) -> None:
        self._title.setText(_("About this repository"))
        self._reading.setAccessibleName(_("About this repository"))
        self._rest.setText(_("The rest of it is on the repository's page."))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _draw(self) -> None:
        self.setVisible(bool(self._source.strip()))
        self._rest.setVisible(len(self._source) > _LONGEST)
        ink = self._look.colours.text
        style = sheet(self._look, Type.BODY, ink) + (
            f"td.code {{ background-color: {self._look.colours.raised}; padding: {theme.S}px; }}"
            "pre { background-color: transparent; }"
        )
        self._reading.dress(self._look.font(Type.BODY), self._look.px(theme.XL), style)
        self._reading.replace(f"<body>{_html(self._source[:_LONGEST])}</body>" if self._source else "")
        self._fit()

    def _fit(self) -> None:
        width = min(self.width(), self._look.px(_WIDTH))
        self._reading.setMaximumWidth(self._look.px(_WIDTH))
        if self._source and width > 0:
            self._reading.setFixedHeight(self._reading.tall(width) + self._reading.allow_sideways(width))


def _html(source: str) -> str:
    cut = Segments(source)
    parts = [*cut.settled, *cut.live]
    return "".join(markdown.html(p.source) if p.kind is Kind.TEXT else _CODE.format(escape(p.source)) for p in parts)
