"""What an empty chat shows: with the guide a greeting, what stays on this computer, questions, and the way to a model.

Invariant: the questions are in the window's language, because the guide answers in the language it is asked in; with a
model of the library there are none, because it knows nothing of Alcove: its name and its fit stand there instead.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from desktop.core.errors import N_, UserError
from desktop.panes.chat.fitness import Fitness, Suggestion
from desktop.ui import formats, hearing, icons, theme
from desktop.ui.buttons import DrawnButton
from desktop.ui.column import Column
from desktop.ui.flow import Flow
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.surface import ring
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_EXAMPLES = (
    N_("How do I get a bigger model?"),
    N_("Which model suits my computer?"),
    N_("Does anything I type leave this computer?"),
)
_PRIVATE = (
    N_("What you write and what the models answer stays on this computer."),
    N_("Alcove goes online only when you look for a model or download one."),
)
_WIDEST = 520  # a greeting is read at one glance: each sentence in one line
_NAME = (220, 320)  # pixels of a model's name in a button: some 30 letters; the most that the smallest window has
_ARROW = 16
_CARD = 40  # the least height of a card: a comfortable target
_TALLEST = 9_999  # no limit, as Qt's measuring of text takes it


class Question(DrawnButton):
    """A card with a question that one click asks."""

    def __init__(self, look: Theme) -> None:
        super().__init__(look)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        width = self._look.px(_WIDEST)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self._look.px(_CARD))

    def heightForWidth(self, width: int) -> int:
        self.setFont(self._look.font(Type.BODY))
        wrapped = Qt.TextFlag.TextWordWrap.value
        text = self.fontMetrics().boundingRect(0, 0, self._room(width), _TALLEST, wrapped, self.text())
        return max(self._look.px(_CARD), text.height() + self._look.px(theme.L + theme.XS))

    def _room(self, width: int) -> int:
        return max(1, width - 2 * self._look.px(theme.L) - self._look.px(_ARROW) - theme.S)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, painter = self._look.colours, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, over = QRectF(self.rect()), self.underMouse()
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.hover if over else colours.ground))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if self.hasFocus():
            ring(painter, box, theme.RADIUS, colours)
        pad, side = self._look.px(theme.L), self._look.px(_ARROW)
        painter.setPen(QColor(colours.text))
        painter.setFont(self.font())
        middle = Qt.AlignmentFlag.AlignVCenter.value | Qt.AlignmentFlag.AlignLeft.value
        place = QRectF(pad, 0, self._room(self.width()), self.height())
        painter.drawText(place, middle | Qt.TextFlag.TextWordWrap.value, self.text())
        arrow = QRectF(self.width() - pad - side, (self.height() - side) / 2, side, side)
        icons.paint(painter, Icon.CONTINUE, arrow, colours.accent if over else colours.muted)


def _breakable(name: str) -> str:
    """A file's name may be longer than a line; it goes on in the next after any of its signs, but not within "v0.1"."""
    return re.sub(r"(?<=[-_])|(?<=\.)(?!\d)", "\u200b", name)


class Welcome(Column):
    """`asked` carries the question that was clicked, `get_wanted` the `Suggestion` to be fetched.

    `find_wanted` carries the one whose choices are to be looked at, or None for a search; `chat_wanted` the name of a
    model of the library. `appeared` says that what is suggested may become another: nobody has seen it yet.
    """

    asked = Signal(str)
    get_wanted = Signal(object)
    find_wanted = Signal(object)
    chat_wanted = Signal(str)
    appeared = Signal()
    coming_wanted = Signal()  # to the downloads, where it is on its way

    def __init__(self, look: Theme) -> None:
        super().__init__(look, _WIDEST, top=theme.M, bottom=theme.M)
        self._guide = True
        self._model, self._detail = "", ""
        self._fitness: Fitness | None = None
        self._suggestion: Suggestion | None = None
        self._waiting = False
        self._trouble: UserError | None = None
        centre = Qt.AlignmentFlag.AlignHCenter
        self._greeting = Label(look, Type.DISPLAY, wrap=True)
        self._about = Label(look, Type.BODY, Tone.MUTED, wrap=True)
        self._memory = Label(look, Type.BODY, Tone.MUTED, wrap=True)
        self._ask = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._why = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        for label in (self._greeting, self._about, self._memory, self._why, self._ask):
            label.setAlignment(centre)
        self.examples = [Question(look) for _example in _EXAMPLES]
        for card in self.examples:
            card.clicked.connect(lambda _checked=False, c=card: self.asked.emit(c.text()))
        self.search = QPushButton()
        self.search.setProperty("primary", True)
        self.search.clicked.connect(self._press)
        self.others = QPushButton()
        self.others.clicked.connect(self._find)
        self._lay_out()
        look.changed.connect(self._offer)  # with larger text, less of a name has room
        self.retranslate()

    def show_model(self, guide: bool, label: str, detail: str = "") -> None:
        """Who answers here; `detail` is what a model's file is, "Q4_K_M · 4.4 GB"."""
        self._guide, self._model, self._detail = guide, label, detail
        self.retranslate()

    def show_fit(self, fitness: Fitness | None) -> None:
        """How that model goes with this computer's memory, where it is known."""
        self._fitness = fitness
        self.retranslate()

    def suggest(self, suggestion: Suggestion | None) -> None:
        """A model that fits this computer; None where nothing does, or nothing can be downloaded."""
        self._suggestion, self._waiting, self._trouble = suggestion, False, None
        self.retranslate()

    def wait(self) -> None:
        """What was asked for is about to begin."""
        self._waiting, self._trouble = True, None
        self.retranslate()

    def refuse(self, error: UserError) -> None:
        """It did not begin, and why."""
        self._waiting, self._trouble = False, error
        self.retranslate()
        hearing.say(self.search, self._why.text(), urgent=True)

    def retranslate(self) -> None:
        self._greeting.setText(_("Welcome to Alcove") if self._guide else _breakable(self._model))
        self._greeting.setAccessibleName("" if self._guide else self._model)
        self._about.setText("\n".join(map(_, _PRIVATE)) if self._guide else self._detail)
        self._about.setVisible(bool(self._about.text()))
        self._tell_fit()
        self._ask.setText(_("Or ask the guide, which is built in and knows Alcove only:"))
        self._ask.setVisible(self._guide)
        for card, example in zip(self.examples, _EXAMPLES, strict=True):
            card.setText(_(example))
            card.updateGeometry()
            card.setVisible(self._guide)
        self._offer()

    def _tell_fit(self) -> None:
        fitness = None if self._guide else self._fitness
        self._memory.setVisible(fitness is not None)
        if fitness is not None:
            self._memory.tone(fitness.tone)
            self._memory.setText(f"{fitness.sentence} {fitness.amounts}")

    def _offer(self) -> None:
        found, trouble = self._suggestion, self._trouble
        for widget in (self.search, self._why):
            widget.setVisible(self._guide)
        here = found.name if found and found.here else ""
        self.others.setText(_("Find a model…") if here else _("Other choices"))
        self.others.setVisible(self._guide and found is not None)
        self.search.setToolTip(here or (f"{found.repo}, {found.label}" if found else ""))
        self.search.setAccessibleName(_("Chat with {model}", model=here) if here else "")
        self.search.setText(self._action())
        if trouble is not None:
            self._why.setText(_(trouble.message, **trouble.fields))
        elif found is None or found.here:
            self._why.setText(_("A bigger model answers questions about everything."))
        elif found.refused:
            self._why.setText(_(found.refused))
        elif found.coming:
            self._why.setText(_("{model} is being downloaded. You can go on here meanwhile.", model=found.name))
        else:
            self._why.setText(_("It answers questions about everything, and fits this computer's memory."))
        self._why.tone(Tone.WARNING if trouble or (found and found.refused) else Tone.MUTED)
        self.search.setAccessibleDescription(self._why.text())

    def _action(self) -> str:
        """What the button says."""
        found = self._suggestion
        if found is None:
            return _("Find a model…")
        if found.here:
            return _("Chat with {model}", model=self._brief(found.name))
        if self._waiting:
            return _("Starting the download…")
        if found.coming:
            return _("Show the download")
        if self._trouble is not None:
            return _("Try again")
        return _("Get {model} ({size})", model=found.name, size=formats.size(found.size))

    def _brief(self, name: str) -> str:
        """A file's name may be longer than a button."""
        metrics = QFontMetrics(self._look.font(Type.BODY))
        most = min(self._look.px(_NAME[0]), _NAME[1])
        return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, most)

    def _press(self) -> None:
        found = self._suggestion
        if found is None:
            self.find_wanted.emit(None)
        elif found.here:
            self.chat_wanted.emit(found.name)
        elif found.coming:
            self.coming_wanted.emit()
        elif not self._waiting:  # it stays enabled meanwhile: the focus would go elsewhere
            self.get_wanted.emit(found)

    def _find(self) -> None:
        found = self._suggestion
        self.find_wanted.emit(None if found and found.here else found)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous() and not self._waiting:
            self.appeared.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _lay_out(self) -> None:
        """The button before the questions: in a low window it must be seen without scrolling."""
        lines = self.lines
        lines.setSpacing(theme.S)
        lines.addStretch(2)
        for label in (self._greeting, self._about, self._memory):
            lines.addWidget(label)
        lines.addSpacing(theme.S)
        ways = QWidget()
        line = Flow(theme.S, ways, centred=True)
        line.addWidget(self.search)
        line.addWidget(self.others)
        lines.addWidget(ways, 0, Qt.AlignmentFlag.AlignHCenter)
        lines.addWidget(self._why)
        lines.addSpacing(theme.L)
        lines.addWidget(self._ask)
        for card in self.examples:
            lines.addWidget(card)
        lines.addStretch(3)
