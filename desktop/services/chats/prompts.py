"""The prompt of a chat: which template speaks to its model, what fits the context, which help page the guide gets.

Invariant: what is rendered here is what the engine gets; "show exact prompt" and the reply come through the same
function. Nothing is stored or shown here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from desktop.core import prompt, window
from desktop.core.ahead import WAYS_ON, beginning
from desktop.core.chat import Chat, Message, Opening, Role, Turn
from desktop.core.errors import N_, PromptTooLong, TemplateError
from desktop.core.generation import ModelInfo, Piece, PieceKind, Sampling, sampling
from desktop.core.guide import REFUSAL_STARTS
from desktop.core.settings import Value
from desktop.core.templates import BY_NAME, ChatTemplate, is_base, recognise
from desktop.engine.client import Engine
from desktop.services.help import Help
from desktop.services.models.library import Model


@dataclass(frozen=True, slots=True)
class Ready:
    """A chat with its model loaded: all that rendering and generating need."""

    chat: Chat
    model: Model
    info: ModelInfo
    values: dict[str, Value]
    template: ChatTemplate
    opening: Opening

    @property
    def sampling(self) -> Sampling:
        chosen = sampling(self.values)
        return replace(chosen, stop=(*chosen.stop, *self.template.stop))


def template_for(opening: Opening, model: Model) -> ChatTemplate:
    """The person's choice, else the model's own, else the one its name speaks for."""
    if opening.template:
        return BY_NAME[opening.template]
    if model.template:
        return ChatTemplate("", model.template)
    found = recognise(model.title, model.name, model.path.name)
    if found is None and not opening.completion:
        raise TemplateError(
            N_("“{model}” does not say how it is spoken to. Choose a template in this chat's opening."),
            model=model.name,
        )
    return found or ChatTemplate("", "")


def opening_for(opening: Opening, model: Model) -> Opening:
    """The opening a chat begins with; a base model without any template goes on with the text instead of answering."""
    names = (model.title, model.name, model.path.name)
    if model.template or opening.template or opening.completion or not is_base(*names):
        return opening
    return replace(opening, completion=True)


class Prompts:
    """Renders and fits, asking the engine to count."""

    def __init__(self, engine: Engine, help_pages: Help) -> None:
        self._engine = engine
        self._help = help_pages

    async def fitted(self, ready: Ready, path: Sequence[Message]) -> tuple[tuple[Piece, ...], frozenset[str]]:
        """The prompt of a path, and the ids of messages that had to leave it."""
        if ready.model.built_in:
            return await self._guided(ready, path), frozenset()
        whole = await self._pieces(ready, ready.opening, path)
        context = ready.info.context
        free = window.reserve(context, ready.sampling.max_tokens)
        (total,) = await self._engine.count([whole])
        if total <= context - free or not path:
            return whole, frozenset()
        if ready.values["when_full"] == "stop":
            if total < context - window.LEAST_REPLY:
                return whole, frozenset()
            raise PromptTooLong(
                N_(
                    "The context of {context} tokens is full. Start a new chat, let the oldest messages leave, "
                    "or set a larger context."
                ),
                context=context,
            )
        return await self._shortened(ready, path, total, free)

    async def certain(self, ready: Ready, path: Sequence[Message], words: str) -> tuple[Piece, ...]:
        """What the prompt of the next question begins with, which itself begins with these words.

        Nothing for the guide: another page may come before each question.
        """
        if ready.model.built_in:
            return ()
        one, other = (Message("", None, Role.USER, words + way, 0.0) for way in WAYS_ON)
        fitted, left = await self.fitted(ready, [*path, one])
        kept = [message for message in path if message.id not in left]
        return beginning(fitted, await self._pieces(ready, ready.opening, [*kept, other]))

    async def _shortened(
        self, ready: Ready, path: Sequence[Message], total: int, free: int
    ) -> tuple[tuple[Piece, ...], frozenset[str]]:
        """Without the oldest turns. The template's own tokens are only known whole, so the rest is counted again."""
        context = ready.info.context
        while True:
            start = await self._first_kept(ready, path, total, free)
            kept = await self._pieces(ready, ready.opening, path[start:])
            (now,) = await self._engine.count([kept])
            if now + min(free, window.LEAST_REPLY) <= context or free >= context:
                return kept, frozenset(m.id for m in path[:start])
            free += now - context + window.LEAST_REPLY

    async def _first_kept(self, ready: Ready, path: Sequence[Message], total: int, free: int) -> int:
        opening = [ready.opening.instruction, *(t.text for t in ready.opening.turns)]
        texts = ["".join(opening), *(prompt.said(Turn(m.role, m.text)) for m in path)]
        counts = await self._engine.count([(Piece(PieceKind.TEXT, text),) for text in texts])
        wrapping = max(0, total - sum(counts)) // len(path) + 1  # the template's own tokens, spread over the turns
        tokens = [count + wrapping for count in counts[1:]]
        return window.first_kept([m.role for m in path], tokens, counts[0], ready.info.context, free)

    async def _guided(self, ready: Ready, path: Sequence[Message]) -> tuple[Piece, ...]:
        """The guide gets the help page nearest to the question before it, like any document, and nothing earlier.

        Measured (packaging/guide/README.md): with an earlier exchange before it, it answers foreign questions from the
        earlier page.
        """
        asked = [index for index, message in enumerate(path) if message.role is Role.USER]
        turns = path[asked[-1] :] if asked else path
        page, language = await asyncio.to_thread(self._help.nearest, turns[0].text if turns else "")
        room = ready.info.context - window.reserve(ready.info.context, ready.sampling.max_tokens)
        for opening in (Opening(page.document if page else ""), Opening()):
            pieces = await self._pieces(ready, opening, turns)
            if not page and len(turns) == 1:  # the model declines, but would guess the language from single words
                pieces = (*pieces, Piece(PieceKind.REPLY, REFUSAL_STARTS[language]))
            (count,) = await self._engine.count([pieces])
            if count <= room:
                return pieces
        raise PromptTooLong(
            N_("This is too long for the guide, which answers short questions. For texts choose a bigger model.")
        )

    async def _pieces(self, ready: Ready, opening: Opening, path: Sequence[Message]) -> tuple[Piece, ...]:
        info = ready.info
        vocabulary = prompt.Vocabulary(info.bos, info.eos, info.special_tokens)
        turns = [Turn(m.role, m.text) for m in path]
        return await asyncio.to_thread(prompt.pieces, ready.template, opening, turns, vocabulary, datetime.now())
