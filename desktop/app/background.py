"""What happens while the person is elsewhere: a word from the system when a long reply or a download has ended, a bar
where the window shows something else than the downloads, and the icon in the tray.

Invariant: the system says nothing while a window of ours is in front, or where the person has switched it off; a
download has one bar at most, which goes when it goes on; where the system has no tray, closing the window ends the
program as ever, but never on a Mac. What a reply or a download is, is told from outside. It is imported when the window
stands there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from desktop.core.errors import N_
from desktop.core.settings import Value
from desktop.core.transfer import Download, State
from desktop.ui.bars import Bar
from desktop.ui.translation import _
from desktop.ui.window import MainWindow

WHOLE = N_("“{model}” was downloaded and is ready to chat.")
STOPPED = N_("The download of “{model}” has stopped.")
LONG_S = 10.0  # how long a person waits before turning to something else: Nielsen, Usability Engineering, 1993


class Messenger(Protocol):
    """What the system offers: a `Tray`."""

    def show(self) -> None: ...
    def hide(self) -> None: ...
    def say(self, sentence: str) -> None: ...
    def retranslate(self) -> None: ...


class Background(QObject):
    """`messenger` makes the icon when it is first needed, and gives None where the system has no place for one."""

    def __init__(self, window: MainWindow, messenger: Callable[[], Messenger | None]) -> None:
        super().__init__(window)
        self._window, self._make = window, messenger
        self._icon: Messenger | None = None
        self._since: dict[str, float] = {}  # when the replies began that are being written
        self._bars: dict[str, Bar] = {}  # by the download that they tell of
        self._notify, self._keep, self._told = True, False, False
        self._then: Callable[[], object] | None = None
        window.stays = self.stay
        QApplication.instance().applicationStateChanged.connect(self._come)  # type: ignore[union-attr]

    def use(self, settings: Mapping[str, Value]) -> None:
        """What the person has set; also after another language was chosen."""
        self._notify, self._keep = settings["notify"] is True, settings["tray"] is True
        if self._keep and (icon := self._messenger()) is not None:
            icon.show()
        elif self._icon is not None:
            self._icon.hide()
        if self._icon is not None:
            self._icon.retranslate()

    def stay(self) -> bool:
        """Whether the program goes on without its window, which is being closed; that is said once."""
        if sys.platform == "darwin":
            return True  # as there every program does: the Dock leads back
        icon = self._messenger() if self._keep else None
        if icon is None:
            return False
        if not self._told:
            self._told, self._then = True, None
            icon.say(_("Alcove goes on here. To end it, choose “Quit”."))
        return True

    def reply_began(self, chat_id: str) -> None:
        """A reply is being written in this chat; that may be told again."""
        self._since.setdefault(chat_id, time.monotonic())

    def reply_ended(self, chat_id: str, title: str, then: Callable[[], object]) -> None:
        """`then` leads there."""
        begun = self._since.pop(chat_id, None)
        if begun is not None and time.monotonic() - begun >= LONG_S:
            self._say(_("The answer in “{chat}” has ended.", chat=title or _("New chat")), then)

    def download_began(self, download_id: str) -> None:
        """What was said of it is not so any more."""
        bar = self._bars.pop(download_id, None)
        if bar is not None:
            bar.hide()
            bar.deleteLater()

    def download_ended(
        self, download: Download, show: Callable[[], object], chat: Callable[[], object], *, seen: bool
    ) -> None:
        """`show` leads to the downloads, `chat` to a chat with the model; `seen`: the downloads are in front."""
        from desktop.panes.models.downloads.download_row import title

        whole = download.state is State.DONE
        message, name = WHOLE if whole else STOPPED, title(download)
        self._say(_(message, model=name), show)
        self.download_began(download.id)
        if not seen:
            bar = self._window.notify(
                message, {"model": name}, N_("Chat with it") if whole else N_("Show the download")
            )
            bar.acted.connect(chat if whole else show)
            for gone in (bar.acted, bar.closed):
                gone.connect(partial(self._bars.pop, download.id, None))
            self._bars[download.id] = bar

    def lead(self) -> None:
        """The sentence said last was clicked."""
        then, self._then = self._then, None
        if then is not None:
            then()

    def _say(self, sentence: str, then: Callable[[], object]) -> None:
        if not self._notify or QApplication.activeWindow() is not None:
            return
        QApplication.alert(self._window)
        icon = self._messenger()
        if icon is not None:
            self._then = then
            icon.show()
            icon.say(sentence)

    def _come(self, state: Qt.ApplicationState) -> None:
        """The person is back: what was said is seen in the window. On a Mac, the Dock leads back to a closed one."""
        if state is not Qt.ApplicationState.ApplicationActive:
            return
        if sys.platform == "darwin":
            self._window.show()
        if self._icon is not None and not self._keep:
            self._icon.hide()

    def _messenger(self) -> Messenger | None:
        if self._icon is None:
            self._icon = self._make()
        return self._icon


class Tray(QObject):
    """The icon among those of the programs that run, with a menu of its own."""

    opened = Signal()  # the icon was clicked
    followed = Signal()  # what it said was clicked
    new_wanted = Signal()
    quit_wanted = Signal()

    @classmethod
    def where_there_is_one(cls, parent: QObject) -> Tray | None:
        return cls(parent) if QSystemTrayIcon.isSystemTrayAvailable() else None

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._icon = QSystemTrayIcon(QApplication.windowIcon(), self)
        self._icon.setToolTip("Alcove")
        self._menu = QMenu()
        self._open = self._menu.addAction("", self.opened.emit)
        self._new = self._menu.addAction("", self.new_wanted.emit)
        self._menu.addSeparator()
        self._quit = self._menu.addAction("", self.quit_wanted.emit)
        self._icon.setContextMenu(self._menu)
        self._icon.messageClicked.connect(self.followed)
        self._icon.activated.connect(self._click)
        self.retranslate()

    def show(self) -> None:
        self._icon.show()

    def hide(self) -> None:
        self._icon.hide()

    def say(self, sentence: str) -> None:
        self._icon.showMessage("Alcove", sentence, self._icon.icon())

    def retranslate(self) -> None:
        self._open.setText(_("Show Alcove"))
        self._new.setText(_("New chat"))
        self._quit.setText(_("Quit"))

    def _click(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger and sys.platform != "darwin":  # there it opens the menu
            self.opened.emit()
