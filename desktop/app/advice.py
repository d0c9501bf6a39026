"""What the chat pane is told of memory: how the chat's model goes with it, and a model that would and can be got.

Invariant: the figures are those of the models pane, from the one estimator; nothing is fetched for them, and llama.cpp
is not asked. Until they are there, nothing is said of the model. A suggestion is `services.fit.advising`'s; it is made
only to who has no model yet, and fetched only when the person asks for it. Who has one is offered to talk to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from desktop.assembly import Assembly
from desktop.core.chat import Chat
from desktop.core.errors import N_, HubError, LoadError
from desktop.core.fit import Verdict
from desktop.core.generation import load_settings
from desktop.core.transfer import State
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.fitness import Fitness, Suggestion
from desktop.panes.chat.view import ChatView
from desktop.services.fit.fitting import Subject
from desktop.services.models.library import Model
from desktop.ui.loop import Tasks

_OFFLINE = N_("Alcove is set to stay offline. Switch “Offline” off in the settings to download this model.")
_NO_MEMORY = N_("There is not enough free memory for this model now. Close other programs, or look at the choices.")
_GONE = N_("The Hub does not have this file any more. Look at the choices.")


class Advice:
    """Follows which chat is shown, and which model it has."""

    def __init__(self, alcove: Assembly, tasks: Tasks, chat: ChatController, view: ChatView) -> None:
        self._alcove, self._tasks, self._chat, self._view = alcove, tasks, chat, view
        self._model = ""  # whose fit is shown, or being judged
        self._shown: Suggestion | None = None
        self._asked = 0  # how often it was asked: what comes of an earlier question is not shown
        chat.shown.connect(lambda *_shown: self._look())
        chat.head_changed.connect(lambda _chat: self._look())
        chat.models_changed.connect(lambda _models: self._look())
        alcove.downloads.listen(self._heard)

    def suggest(self) -> None:
        """A model for who has none; asked again where the library, or the way to the Hub, has changed."""
        self._shown = self._suggestion()
        self._view.welcome.suggest(self._shown)

    def suggest_anew(self) -> None:
        """As at the start: memory may have become free since, and nobody has seen yet what is suggested."""
        shown = self._shown
        if shown is None or not (shown.coming or shown.here):
            self._alcove.advising.forget()
            self.suggest()

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
        settings = await alcove.fitting.suited(model, wanted, ask=False)
        if asked == self._asked:  # else another model, or other settings, have been chosen meanwhile
            fit = alcove.fitting.quick(Subject.local(model), settings)
            self._view.show_fit(Fitness(fit.verdict, fit.estimate.total_bytes, fit.available_bytes))

    def _suggestion(self) -> Suggestion | None:
        alcove = self._alcove
        models = alcove.library.all()
        if any(not model.built_in for model in models):
            return _newest(models)
        found = alcove.advising.model()
        if found is None:
            return None
        repo, variant = found.listing.repository, found.variant
        name = repo.name.removesuffix("-GGUF").replace("-", " ")
        refused = _OFFLINE if alcove.network.sealed else ""
        return Suggestion(name, variant.size, repo.id, variant.label, self._coming(repo.id, variant.label), refused)

    def _coming(self, repo: str, label: str) -> bool:
        downloads = (d for d in self._alcove.downloads.all() if (d.repo, d.label) == (repo, label))
        return any(download.state not in (State.DONE, State.FAILED) for download in downloads)

    def _heard(self) -> None:
        """A download moved, which happens ten times a second: only its beginning and end change anything here."""
        shown = self._shown
        if shown is not None and shown.coming != self._coming(shown.repo, shown.label):
            self.suggest()

    # -- getting it ---------------------------------------------------------------------------------------------------

    def get(self, wanted: Suggestion, then: Callable[[], object]) -> None:
        """Begins the download that was offered; `then` once it is in the queue. What hinders it is said in place."""
        self._view.welcome.wait()
        self._tasks.spawn(self._get(wanted, then), self._view.welcome.refuse)

    async def _get(self, wanted: Suggestion, then: Callable[[], object]) -> None:
        alcove = self._alcove
        found = alcove.advising.variant(wanted.repo)
        if found is None or found.variant.label != wanted.label or found.fit.verdict is Verdict.TOO_LARGE:
            raise LoadError(_NO_MEMORY)
        listing = await alcove.hub.listing(wanted.repo)
        variant = listing.variant(found.variant.path) or listing.variant(wanted.label)
        if variant is None:
            raise HubError(_GONE)
        await alcove.downloads.add(wanted.repo, listing.commit, variant)
        self.suggest()
        then()


def _newest(models: Sequence[Model]) -> Suggestion | None:
    """The model of the library that came last, of those that are larger than the guide."""
    guide = max((model.size for model in models if model.built_in), default=0)
    larger = [model for model in models if not model.built_in and model.size > guide]
    newest = max(larger, key=lambda model: model.added, default=None)
    return Suggestion(newest.name, newest.size, here=True) if newest else None
