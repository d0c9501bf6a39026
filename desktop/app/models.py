"""The models pane's parts: made when the pane is first shown, or when there is something for them to do.

Invariant: everything that reaches beyond this computer is made here only when a person looks for it, or when a download
was left running; the window's start pays for none of it. What the parts say to the rest of the window leaves through
the three signals below.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop.assembly import Assembly
from desktop.core.chat import Opening
from desktop.panes.chat.edges import ModelChoice
from desktop.panes.models.library.controller import ModelsController
from desktop.services.chats.prompts import opening_for
from desktop.services.models.library import Model
from desktop.ui import formats
from desktop.ui.loop import Tasks
from desktop.ui.theme import Theme
from desktop.ui.translation import _

if TYPE_CHECKING:
    from desktop.panes.models.downloads.transfers import Transfers
    from desktop.panes.models.find.find_view import FindView
    from desktop.panes.models.library.tuner import Tuner
    from desktop.panes.models.library.upkeep import Upkeep
    from desktop.panes.models.view import ModelsView


class Models(QObject):
    chosen = Signal(str)  # a model to chat with, "" for the guide
    changed = Signal()  # other models in the library
    began = Signal(str)  # a download is under way, by its id
    ended = Signal(object)  # a `Download` that was under way: whole, or not to go on by itself
    progressed = Signal(object)  # how much of what is being downloaded is here, 0..1; None where nothing is

    def __init__(self, look: Theme, alcove: Assembly, tasks: Tasks) -> None:
        super().__init__()
        self._look, self._alcove, self._tasks = look, alcove, tasks
        self._finder: FindView | None = None
        self._under_way: set[str] = set()
        self.library = ModelsController(alcove.library, alcove.preferences, tasks.spawn)
        self.library.chosen.connect(self.chosen)
        self.library.changed.connect(self.changed)

    def start(self) -> None:
        """Goes on with the downloads that ran when the program ended last."""
        if self._alcove.downloads.all():
            self.progressed.emit(self.transfers.share)
            self._alcove.downloads.start()

    @cached_property
    def view(self) -> ModelsView:
        from desktop.panes.models.view import ModelsView, Page

        self._tasks.spawn(self._alcove.fitting.prepare())  # what the processor and the memory can do
        view = ModelsView(
            *(self._look, self.library, {Page.FIND: self._find, Page.DOWNLOADS: self._downloads}),
            *(self._upkeep(), self._tuner()),
        )
        self.transfers.counted.connect(lambda *counts: view.count(Page.DOWNLOADS, *counts))
        view.count(Page.DOWNLOADS, self.transfers.running, self.transfers.paused)
        return view

    def reconnect(self) -> None:
        """The network was switched on or off."""
        if self._finder is not None:
            self._finder.reconnect()

    def search(self) -> bool:
        """Leads into the search for models, where its page is in front; says whether it is."""
        from desktop.panes.models.view import Page

        if self._finder is None or self.view.page != Page.FIND:
            return False
        self._finder.search()
        return True

    def _find(self) -> QWidget:
        from desktop.panes.models.find.find_controller import FindController
        from desktop.panes.models.find.find_view import FindView
        from desktop.panes.models.find.offer import Offer

        alcove, spawn = self._alcove, self._tasks.spawn
        offer = Offer(
            *(alcove.hub, alcove.fitting, alcove.advising, alcove.downloads),
            *(alcove.library, alcove.preferences, alcove.tokens),
            spawn,
            self,
        )
        offer.speeds = self.transfers.speeds
        offer.chosen.connect(self.chosen)
        self._finder = FindView(self._look, FindController(alcove.hub, offer, spawn, self))
        return self._finder

    def _downloads(self) -> QWidget:
        from desktop.panes.models.downloads.downloads_view import DownloadsView

        view = DownloadsView(self._look, self.transfers)
        view.find_wanted.connect(self.find)
        return view

    def find(self) -> None:
        """Brings the page forward on which models are looked for."""
        from desktop.panes.models.view import Page

        self.view.show_page(Page.FIND)

    def show_downloads(self) -> None:
        from desktop.panes.models.view import Page

        self.view.show_page(Page.DOWNLOADS)

    def choices(self) -> list[ModelChoice]:
        """What a chat can go on with, in the window's language."""
        return [_choice(model) for model in self._alcove.library.all()]

    def chat(self, model_id: str) -> None:
        """Chats with what has arrived, though it may not be on the list of downloads any more."""
        model = next((m for m in self._alcove.library.all() if m.id == model_id and m.present), None)
        if model is not None:
            self.chosen.emit(model.name)

    @property
    def shows_downloads(self) -> bool:
        """Whether their page is in front of the person."""
        from desktop.panes.models.view import Page

        return "view" in self.__dict__ and self.view.isVisible() and self.view.page is Page.DOWNLOADS

    def offer(self, repo: str, label: str) -> None:
        """Opens a variant of a repository on that page, which is in front."""
        if self._finder is not None:
            self._finder.open(repo, label)

    def _upkeep(self) -> Upkeep:
        from desktop.panes.models.library.upkeep import Upkeep

        alcove, transfers = self._alcove, self.transfers
        return Upkeep(
            *(self.library, alcove.library, alcove.fitting, self._tasks.spawn, alcove.talk.unload),
            transfers.busy,
            self,
        )

    def _tuner(self) -> Tuner:
        from desktop.panes.models.library.tuner import Tuner

        return Tuner(self.library, self._alcove.tuning(), self._tasks.spawn, self)

    @cached_property
    def transfers(self) -> Transfers:
        from desktop.panes.models.downloads.transfers import Transfers

        transfers = Transfers(self._alcove.downloads, self._alcove.library, self._tasks.spawn, self)
        transfers.chosen.connect(self.chosen)
        transfers.progressed.connect(self.progressed)
        transfers.arrived.connect(lambda _id: self.library.changed.emit())
        transfers.changed.connect(lambda: self._watch(transfers))
        return transfers

    def _watch(self, transfers: Transfers) -> None:
        """Tells of each download that goes on now, or that went on a moment ago and does not any more."""
        from desktop.panes.models.downloads.transfers import UNDER_WAY, State

        for download in transfers.all():
            if download.state in UNDER_WAY and download.id not in self._under_way:
                self._under_way.add(download.id)
                self.began.emit(download.id)
            elif download.state not in UNDER_WAY and download.id in self._under_way:
                self._under_way.discard(download.id)
                if download.state is not State.PAUSED or download.problem is not None:  # else by the person
                    self.ended.emit(download)


def _choice(model: Model) -> ModelChoice:
    if model.built_in:
        return ModelChoice("", _("Guide"), _("built in, knows Alcove only"))
    completes = opening_for(Opening(), model).completion
    return ModelChoice(model.name, model.name, f"{model.quantisation} · {formats.size(model.size)}", completes)
