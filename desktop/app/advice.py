"""What the chat pane is told of memory: how the chat's model goes with it, and a model of the shelf that would.

Invariant: the figures are those of the models pane, from the one estimator; nothing is fetched for them, though
llama.cpp is asked about a model that seems too large. Until they are there, nothing is said of the model. A suggestion
is made only to who has no model yet and may download one.
"""

from __future__ import annotations

from desktop.assembly import Assembly
from desktop.core.chat import Chat
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings, load_settings
from desktop.core.repos import Listing, Variant
from desktop.core.settings import resolve
from desktop.core.templates import is_base
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.fitness import Fitness, Suggestion
from desktop.panes.chat.view import ChatView
from desktop.services.fit.fitting import Subject
from desktop.ui.loop import Tasks

_MIDDLE = "Q4_K_M"  # TheBloke's "medium, balanced quality - recommended"


class Advice:
    """Follows which chat is shown, and which model it has."""

    def __init__(self, alcove: Assembly, tasks: Tasks, chat: ChatController, view: ChatView) -> None:
        self._alcove, self._tasks, self._chat, self._view = alcove, tasks, chat, view
        self._model = ""  # whose fit is shown, or being judged
        self._asked = 0  # how often it was asked: what comes of an earlier question is not shown
        chat.shown.connect(lambda *_shown: self._look())
        chat.head_changed.connect(lambda _chat: self._look())
        chat.models_changed.connect(lambda _models: self._look())

    def suggest(self) -> None:
        """A model for who has none; asked again where the library, or the way to the Hub, has changed."""
        self._view.welcome.suggest(self._suggestion())

    def _look(self) -> None:
        chat = self._chat.chat
        if chat.model != self._model:
            self._model = chat.model
            self._view.show_fit(None)
        self._asked += 1
        self._tasks.spawn(self._judge(chat, self._asked))

    async def _judge(self, chat: Chat, asked: int) -> None:
        alcove = self._alcove
        model = next((m for m in alcove.library.all() if m.name == chat.model and not m.built_in), None)
        if model is None:
            self._view.show_fit(None)
            return
        wanted = load_settings(alcove.preferences.levels(model.name, chat.settings))
        settings = await alcove.fitting.suited(model, wanted)
        if asked == self._asked:  # else another model, or other settings, have been chosen meanwhile
            fit = alcove.fitting.quick(Subject.local(model), settings)
            self._view.show_fit(Fitness(fit.verdict, fit.estimate.total_bytes, fit.available_bytes))

    def _suggestion(self) -> Suggestion | None:
        alcove = self._alcove
        if alcove.network.sealed or any(not model.built_in for model in alcove.library.all()):
            return None
        settings = load_settings(resolve(alcove.preferences.values()))
        for listing in alcove.hub.starting_points():
            found = None if is_base(listing.repository.name) else self._fitting(listing, settings)
            if found is not None:
                name = listing.repository.name.removesuffix("-GGUF").replace("-", " ")
                return Suggestion(name, found.size, listing.repository.id, found.label)
        return None

    def _fitting(self, listing: Listing, settings: LoadSettings) -> Variant | None:
        """What Find recommends, once it is known how fast memory is here; until then the usual one. None: too large."""
        fitting = self._alcove.fitting
        fits = {v.label: fitting.quick(Subject.remote(listing, v), settings) for v in listing.variants}
        best = listing.variant(_MIDDLE)
        if all(fit.speed for fit in fits.values()):
            best, _reason = fitting.recommended(listing, fits)
        return best if best is not None and fits[best.label].verdict is Verdict.FITS else None
