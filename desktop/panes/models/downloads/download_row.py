"""One download as a row: what it is, how far it is, how it goes, and what can be done with it.

Invariant: the row shows the last download it was given and says its state in words; what is pressed leaves by `asked`.
Its height changes only with what it says, never with a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from time import monotonic
from urllib.parse import urlsplit

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.core.errors import N_, UserError
from desktop.core.transfer import Download, State
from desktop.panes.models.downloads.sparkline import Sparkline
from desktop.ui import formats, icons, theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_PARTS = 1000  # of a progress bar
_SIGN = 20
_DESCRIBED_S = 1.0  # at most so often: a screen reader reads out what changes


class Action(Enum):
    PAUSE = auto()
    RESUME = auto()
    RETRY = auto()
    CANCEL = auto()
    FOLDER = auto()
    CLEAR = auto()
    CHAT = auto()


_ICONS: dict[Action, tuple[Icon, str]] = {
    Action.PAUSE: (Icon.PAUSE, N_("Pause")),
    Action.RESUME: (Icon.PLAY, N_("Resume")),
    Action.FOLDER: (Icon.FOLDER, N_("Show in folder")),
    Action.CANCEL: (Icon.CLOSE, N_("Cancel")),
    Action.CLEAR: (Icon.CLOSE, N_("Remove from this list")),
}
_MAIN: dict[State, tuple[Action, str]] = {  # what is to be done next, in words
    State.FAILED: (Action.RETRY, N_("Try again")),
    State.DONE: (Action.CHAT, N_("Chat with it")),
}
_SIGNS: dict[State, tuple[Icon, Tone]] = {
    State.WAITING: (Icon.WAITING, Tone.MUTED),
    State.RUNNING: (Icon.DOWNLOAD, Tone.ACCENT),
    State.VERIFYING: (Icon.SHIELD, Tone.ACCENT),
    State.PAUSED: (Icon.PAUSE, Tone.MUTED),
    State.FAILED: (Icon.WARNING, Tone.DANGER),
    State.DONE: (Icon.FITS, Tone.ACCENT),
}
_OFFERED: dict[State, frozenset[Action]] = {
    State.WAITING: frozenset({Action.PAUSE, Action.CANCEL}),
    State.RUNNING: frozenset({Action.PAUSE, Action.CANCEL}),
    State.VERIFYING: frozenset({Action.PAUSE, Action.CANCEL}),
    State.PAUSED: frozenset({Action.RESUME, Action.CANCEL}),
    State.FAILED: frozenset({Action.CANCEL}),
    State.DONE: frozenset({Action.FOLDER, Action.CLEAR}),
}


class _Sign(QLabel):
    """The state as an icon; the row says it in words."""

    ROLE = QAccessible.Role.Whitespace


class DownloadRow(QWidget):
    ROLE = QAccessible.Role.Grouping

    asked = Signal(object)  # an Action

    def __init__(self, look: Theme, download: Download) -> None:
        super().__init__()
        self._look, self._download = look, download
        self._sign = _Sign()
        self._drawn: tuple[object, ...] = ()
        self._described = 0.0  # when, by `monotonic`
        self._name = Label(look, Type.HEADING, wrap=True)
        self._from = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(theme.S)
        self._spark = Sparkline(look)
        self._figures = Label(look, Type.SMALL, wrap=True)
        self._said = Label(look, Type.SMALL, wrap=True, selectable=True)
        self._main = QPushButton()
        self._main.clicked.connect(lambda: self.asked.emit(_MAIN[self._download.state][0]))
        self._buttons = {action: IconButton(look, icon, "") for action, (icon, _name) in _ICONS.items()}
        for action, button in self._buttons.items():
            button.clicked.connect(partial(self.asked.emit, action))
        look.changed.connect(self._draw)
        self._arrange()
        self.put(download)

    def _arrange(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._name)
        words.addWidget(self._from)
        head = QHBoxLayout()
        head.setSpacing(theme.XS)
        head.addLayout(words, 1)
        for button in (self._main, *self._buttons.values()):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        below = QHBoxLayout()
        below.setSpacing(theme.L)
        told = QVBoxLayout()
        told.setSpacing(theme.XS)
        for label in (self._figures, self._said):  # not the layout: aligned, it has no room for lines that wrap
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            told.addWidget(label)
        below.addLayout(told, 1)
        below.addWidget(self._spark, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(theme.S)
        column.addLayout(head)
        column.addWidget(self._bar)
        column.addLayout(below)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, theme.L, 0, theme.L)
        line.setSpacing(theme.M)
        line.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(column, 1)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def download(self) -> Download:
        return self._download

    def put(self, download: Download, speeds: Sequence[float] = ()) -> None:
        """Shows it as it is now."""
        self._download = download
        state = download.state
        over = state is State.DONE
        self._bar.setVisible(not over)
        self._bar.setRange(0, _PARTS if download.size else 0)  # without a size it only moves
        if download.size:
            self._bar.setValue(round(_PARTS * min(1.0, download.received / download.size)))
        self._spark.put(speeds, resting=state is not State.RUNNING)
        self._spark.setVisible(not over)
        for action, button in self._buttons.items():
            button.setVisible(action in _OFFERED[state])
        self._main.setVisible(state in _MAIN and not (over and not download.model))
        self._said.tone(Tone.DANGER if state is State.FAILED else Tone.WARNING if download.problem else Tone.MUTED)
        self._draw()
        self._tell()

    def _draw(self) -> None:
        icon, tone = _SIGNS[self._download.state]
        side = self._look.px(_SIGN)
        drawn = (icon, tone, self._look.colours, side)
        if drawn == self._drawn:  # ten times a second
            return
        self._drawn = drawn
        ink = getattr(self._look.colours, tone.value)
        self._sign.setPixmap(icons.icon(icon, ink, side).pixmap(QSize(side, side)))

    def retranslate(self) -> None:
        self._spark.tell()
        self._tell()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line below, between this row and the next."""
        painter = QPainter(self)
        painter.setPen(QColor(self._look.colours.line))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _tell(self) -> None:
        download = self._download
        name, figures, sentence = title(download), amounts(download), said(download)
        main = _(_MAIN[download.state][1]) if download.state in _MAIN else ""
        self._main.setText(main)
        self._main.setAccessibleName(_("Chat with {model}", model=name) if download.state is State.DONE else main)
        self._main.setAccessibleDescription(name)
        self._name.setText(name)
        self._from.setText(urlsplit(download.url).hostname or "" if download.url else download.repo)
        self._figures.setText(figures)
        self._said.setText(sentence)
        self._said.setVisible(bool(sentence))
        for action, (_icon, label) in _ICONS.items():
            self._buttons[action].name(_(label))
            self._buttons[action].setAccessibleDescription(name)
        self._bar.setAccessibleName(name)
        self._describe(" — ".join(filter(None, (name, sentence))), figures)

    def _describe(self, name: str, figures: str) -> None:
        if name == self.accessibleName() and monotonic() - self._described < _DESCRIBED_S:
            return
        self._described = monotonic()
        self.setAccessibleName(name)
        for part in (self, self._bar):
            part.setAccessibleDescription(figures)


def title(download: Download) -> str:
    """ "Mistral-7B-Instruct-v0.1-GGUF · Q4_K_M"; the file's name where it comes from another host."""
    if download.url:
        return download.label
    return " · ".join(filter(None, (download.repo.rpartition("/")[2], download.label)))


def amounts(download: Download) -> str:
    """ "1.2 GB of 4.4 GB · 27 % · 11.8 MB/s · 4 min 31 s left"; the speed only while it runs."""
    here, whole = formats.size(download.received), formats.size(download.size)
    if not download.size:
        parts = [here] if download.received else []
    elif download.state is State.DONE:
        parts = [whole]
    else:
        share = int(100 * download.received / download.size) / 100
        parts = [_("{size} of {whole}", size=here, whole=whole), formats.percent(share)]
    if download.state is State.RUNNING and download.speed:
        parts.append(_("{size}/s", size=formats.size(round(download.speed))))
        if download.seconds_left is not None:
            parts.append(_("{duration} left", duration=formats.duration(max(1, round(download.seconds_left)))))
    return " · ".join(parts)


def said(download: Download) -> str:
    """The state in words; "" while it simply runs."""
    problem = _sentence(download.problem)
    match download.state:
        case State.WAITING if problem:
            seconds = formats.number(max(1, round(download.retry_in)))
            return problem + " " + _("Trying again in {seconds} s.", seconds=seconds)
        case State.WAITING:
            return _("Waiting for those before it.")
        case State.VERIFYING:
            return _("Verifying: the whole file is compared with what was promised.")
        case State.PAUSED:
            return problem or _("Paused. What has arrived is kept.")
        case State.FAILED:
            return problem or _("The download failed.")
        case State.DONE if download.url:
            return _(
                "In the library. Nobody has published a checksum for it: only its length and its header were checked."
            )
        case State.DONE:
            return _("Verified, and in the library.")
        case State.RUNNING:
            return problem


def _sentence(problem: UserError | None) -> str:
    return _(problem.message, **problem.fields) if problem else ""
