"""Which model a chat has, with which settings it is loaded, and the loading itself.

Invariant: what "automatic" means is decided once for a model and the settings wanted, and holds until the model is
unloaded: the loaded model itself changes the memory that is free, and a second answer would load it again. The prompt
is `prompts`' affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from desktop.core.chat import Chat, Message
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings, ModelInfo, load_settings
from desktop.core.remedies import Kind
from desktop.core.settings import BY_KEY, Value, resolve
from desktop.engine.client import Engine
from desktop.services.chats.chats import Chats
from desktop.services.chats.prompts import Ready, opening_for, template_for
from desktop.services.chats.stopping import Stop
from desktop.services.fit.fitting import Fitting, Subject
from desktop.services.guard import Guard, load_ended
from desktop.services.models.library import Library, Model
from desktop.services.preferences import Preferences

GUIDE_SETTINGS: Mapping[str, Value] = {
    "context": 0,  # as trained
    "temperature": 0.0,  # the same question gets the same answer
    "repeat_penalty": 1.0,  # it copies words from its page
    "max_tokens": 160,  # the longest answer it was taught has 120
}


Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Early:
    """A load that nobody has asked for yet; whoever does joins in."""

    wanted: tuple[Path, LoadSettings]  # before "automatic" was decided
    task: asyncio.Task[ModelInfo]
    listeners: list[Progress]

    @contextmanager
    def heard_by(self, progress: Progress | None) -> Iterator[None]:
        if progress is not None:
            self.listeners.append(progress)
        try:
            yield
        finally:
            if progress is not None:
                self.listeners.remove(progress)


class Loading:
    """Loads the models of chats."""

    def __init__(
        self,
        engine: Engine,
        chats: Chats,
        library: Library,
        preferences: Preferences,
        fitting: Fitting,
        guard: Guard,
    ) -> None:
        self._engine = engine
        self._chats = chats
        self._library = library
        self._preferences = preferences
        self._fitting = fitting
        self._guard = guard
        self._wanted: tuple[Path, LoadSettings] | None = None  # of what is loaded, before "automatic" was decided
        self._model: Model | None = None  # that is loaded
        self._early: _Early | None = None  # a load that `ahead` began

    async def load(self, chat_id: str, progress: Progress | None = None) -> ModelInfo:
        """Loads a chat's model; at once if it is loaded already. Raises `LoadError` where memory runs out, too."""
        chat = await self._chats.get(chat_id)
        model = self._library.named(chat.model)
        early = self._early
        if early is not None and not early.task.done() and early.wanted == (model.path, self._wish(chat, model)):
            with early.heard_by(progress):
                await asyncio.wait({early.task})
            if not early.task.cancelled():  # else whoever began it wants it no more, and it is begun again
                return early.task.result()
        await self.give_up()
        return await self._load(chat, model, progress)

    async def ahead(self, chat: Chat, model: Model, free: Callable[[], bool]) -> None:
        """Loads a model before it is asked for, if it fits and the engine is free. Raises what `load` does."""
        settings = await self.settings(chat, model)
        fits = self._fitting.quick(Subject.local(model), settings).verdict in (Verdict.FITS, Verdict.PARTLY)
        if not fits or self._early is not None or self._engine.busy or not free():
            return  # from here on whoever begins a reply finds this load, and joins it or ends it
        heard: list[Progress] = []

        def progress(part: float) -> None:
            for tell in heard:
                tell(part)

        loading = self._load(chat, model, progress)
        early = self._early = _Early((model.path, self._wish(chat, model)), asyncio.ensure_future(loading), heard)
        try:
            await asyncio.wait({early.task})
        finally:
            early.task.cancel()
            self._early = None
        if not early.task.cancelled():
            early.task.result()

    async def give_up(self, unless: Model | None = None) -> None:
        """Ends a load that `ahead` began, of another model than this."""
        early = self._early
        if early is not None and (unless is None or early.wanted[0] != unless.path):
            early.task.cancel()
            await asyncio.wait({early.task})

    async def _load(self, chat: Chat, model: Model, progress: Progress | None) -> ModelInfo:
        wanted, settings, before = self._wish(chat, model), await self.settings(chat, model), self._engine.pid
        stop = Stop()
        async with self._guard.watching(model.path, stop.press_for_memory, loading=True):
            info = await stop.unless(self._engine.load(model.path, settings, progress))
        if info is None:
            raise load_ended(model.name)
        self._wanted, self._model = (model.path, wanted), model
        if self._engine.pid != before:
            self._fitting.note(model, settings)
        return info

    def replied(self, reply: Message) -> None:
        """Lets the loaded model's memory and speed be learned from a reply it gave."""
        loaded = self._engine.loaded
        if loaded is not None and self._model is not None and loaded[0] == self._model.path:
            self._fitting.note(self._model, loaded[1], reply)

    async def ready(self, chat_id: str) -> Ready:
        """The chat with its model loaded. Raises what `load` does, and `TemplateError`."""
        info = await self.load(chat_id)
        chat = await self._chats.get(chat_id)
        return self._ready(chat, self._library.named(chat.model), info)

    def present(self, chat: Chat) -> Ready | None:
        """As `ready`, for a chat that need not be stored; None where its model is not loaded as the chat wants it."""
        model, loaded = self._library.named(chat.model), self._engine.loaded
        if loaded is None or self._wanted != (model.path, self._wish(chat, model)):
            return None
        return self._ready(chat, model, loaded[2])

    def _ready(self, chat: Chat, model: Model, info: ModelInfo) -> Ready:
        opening = opening_for(chat.opening, model)
        return Ready(chat, model, info, self.values(chat, model), template_for(opening, model), opening)

    async def settings(self, chat: Chat, model: Model) -> LoadSettings:
        """How the model is, or would be, loaded for the chat."""
        wanted, loaded = self._wish(chat, model), self._engine.loaded
        if loaded is not None and self._wanted == (model.path, wanted):
            return loaded[1]
        return await self._fitting.suited(model, wanted)

    def lighter(self, model: Model, now: LoadSettings) -> Iterator[LoadSettings]:
        """Settings that turn a verdict for the better, the least harm first; none where it fits anyway."""
        fit = self._fitting.quick(Subject.local(model), now)
        return (remedy.settings for remedy in fit.remedies if remedy.kind is not Kind.VARIANT)

    def _wish(self, chat: Chat, model: Model) -> LoadSettings:
        return load_settings(self.values(chat, model))

    def values(self, chat: Chat, model: Model) -> dict[str, Value]:
        """The settings in force. The guide has its own: a person's taste for bigger models would spoil it."""
        if model.built_in:
            machine = {key: value for key, value in self._preferences.values().items() if BY_KEY[key].reload}
            return resolve(chat.settings, GUIDE_SETTINGS, machine)
        return self._preferences.levels(model.name, chat.settings)
