"""The page of downloads: one row each, in the order of the queue, and what to do where there are none.

Invariant: rows are kept while their download is listed, so that nothing moves under the pointer and no focus is lost.
Cancelling what has begun to arrive is asked about, because it deletes; everything else is done at once.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_, UserError
from desktop.core.transfer import Download, State
from desktop.panes.models.downloads.download_row import Action, DownloadRow, title
from desktop.panes.models.downloads.transfers import UNDER_WAY, Transfers
from desktop.panes.models.empty import Empty
from desktop.ui import formats, theme
from desktop.ui.asking import ask
from desktop.ui.bars import Bar
from desktop.ui.column import Column, scrolling
from desktop.ui.icons import Icon
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_WIDTH = 720  # what is to be pressed stays near the names
_NO_FOLDER = N_("The folder could not be opened: the model's file is not there any more.")
_RUNNING, _WAITING, _PAUSED = N_("{count} running"), N_("{count} waiting"), N_("{count} paused")


class DownloadsView(QWidget):
    find_wanted = Signal()  # nothing is here: the person wants to look for a model

    def __init__(self, look: Theme, controller: Transfers) -> None:
        super().__init__()
        self._look, self._controller = look, controller
        self._rows: dict[str, DownloadRow] = {}
        self._bar = Bar(look)
        self._summary = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._clear = QPushButton()
        self._clear.clicked.connect(controller.clear_finished)
        self._column = Column(look, _WIDTH, top=theme.M, centred=False)
        self._column.lines.setSpacing(0)
        self._empty = Empty(look, Icon.DOWNLOAD, primary=True)
        self._empty.wanted.connect(self.find_wanted)
        self._arrange()
        controller.changed.connect(self._changed)
        controller.failed.connect(self._bar.warn)
        self.retranslate()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._summary, 1)
        head.addWidget(self._clear)
        self._column.lines.addWidget(self._bar)
        self._column.lines.addLayout(head)
        self._column.lines.addStretch()
        self._area = scrolling(self._column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._area)
        whole.addWidget(self._empty)

    def _changed(self) -> None:
        """Ten times a second: nothing is done for who does not look."""
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self.refresh()
        super().showEvent(event)

    def refresh(self) -> None:
        """Shows the downloads as they are now."""
        downloads = self._controller.all()
        for gone in self._rows.keys() - {download.id for download in downloads}:
            row = self._rows.pop(gone)
            self._column.lines.removeWidget(row)
            row.hide()
            row.deleteLater()
        for at, download in enumerate(downloads):
            self._row(at, download).put(download, self._controller.speeds(download.id))
        self._summary.setText(summary(downloads))
        self._clear.setVisible(any(download.state is State.DONE for download in downloads))
        self._area.setVisible(bool(downloads))
        self._empty.setVisible(not downloads)

    def retranslate(self) -> None:
        self._clear.setText(_("Clear finished"))
        about = _("Models that you download appear here, and go on after an interruption.")
        self._empty.say(Icon.DOWNLOAD, _("Nothing is being downloaded"), about, _("Find a model"))
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _row(self, at: int, download: Download) -> DownloadRow:
        if download.id not in self._rows:
            row = self._rows[download.id] = DownloadRow(self._look, download)
            row.asked.connect(partial(self._do, download.id))
            self._column.lines.insertWidget(at + 2, row)  # the bar and the head stand above
        return self._rows[download.id]

    def _do(self, id: str, action: Action) -> None:
        match action:
            case Action.PAUSE:
                self._controller.pause(id)
            case Action.RESUME | Action.RETRY:
                self._controller.resume(id)
            case Action.CANCEL:
                self._cancel(self._rows[id].download)
            case Action.CLEAR:
                self._controller.clear(id)
            case Action.CHAT:
                self._controller.chat(id)
            case Action.FOLDER:
                self._open_folder(id)

    def _cancel(self, download: Download) -> None:
        if not download.received:
            self._controller.cancel(download.id)
            return
        question = _("Cancel the download of “{name}”?", name=title(download))
        about = _("What has arrived ({size}) is deleted. Pausing keeps it.", size=formats.size(download.received))
        end = partial(self._controller.cancel, download.id)
        ask(self, question, about, _("Cancel the download"), end, keep=_("Keep it"))

    def _open_folder(self, id: str) -> None:
        folder = self._controller.folder(id)
        if folder is None or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._bar.warn(UserError(_NO_FOLDER))


def summary(downloads: list[Download]) -> str:
    """ "1 running · 2 waiting · 3.1 GB to go"; "" where nothing is to come."""
    coming = [download for download in downloads if download.state in UNDER_WAY or download.state is State.PAUSED]
    if not coming:
        return ""
    waiting = sum(download.state is State.WAITING for download in coming)
    paused = sum(download.state is State.PAUSED for download in coming)
    counts = ((_RUNNING, len(coming) - waiting - paused), (_WAITING, waiting), (_PAUSED, paused))
    said = [_(words, count=formats.number(count)) for words, count in counts if count]
    left = formats.size(sum(max(0, download.size - download.received) for download in coming))
    return " · ".join([*said, _("{left} to go", left=left)])
