"""The generation loop: has what is new of a prompt read, writes a reply token by token, and stops when told.

Invariant: whatever way a reply ended, the next one is possible. One reply at a time; the queue is `engine.room`, the
pipe `engine.host`, and what the KV cache holds `engine.cache`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from desktop.core.errors import N_, PromptTooLong, UserError
from desktop.core.generation import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    Piece,
    PromptProgress,
    StopReason,
    Timings,
    Usage,
)
from desktop.core.lookup import Costs
from desktop.engine.cache import Cache
from desktop.engine.frames import Prepared
from desktop.engine.keeping import Keeping
from desktop.engine.llama import Model
from desktop.engine.tokens import Tokeniser
from desktop.engine.writing import Writing

_UNSURE = 2  # tokens at the end of what is read ahead: they may join with the text that comes

Emit = Callable[[GenerateEvent], None]


class Conversation:
    """One model, what its KV cache holds, and the replies it remembers."""

    def __init__(self, model: Model, key: str = "") -> None:
        """`key` names model and settings on disk; without it nothing is kept there."""
        self._model = model
        self._tokeniser = Tokeniser(model)
        self._cache = Cache(model)
        self._costs = Costs()
        self._keeping = Keeping(model, self._cache, self._tokeniser, key)

    def count(self, pieces: Sequence[Piece]) -> int:
        """Tokens of a prompt."""
        return len(self._tokeniser.tokenise(pieces, self._keeping.seen()).tokens)

    def tokens(self, pieces: Sequence[Piece]) -> list[tuple[int, str]]:
        """Ids and texts of a prompt's tokens, as they would be read."""
        prompt = self._tokeniser.tokenise(pieces, self._keeping.seen())
        return [(token, self._model.shown(token)) for token in prompt.tokens]

    def generate(self, request: GenerateRequest, emit: Emit) -> None:
        """Emits the reply and at last `Finished`. Raises `UserError`; the next reply is possible then, too."""
        began = monotonic()
        self._keeping.recall(request.chat)
        prompt = self._tokeniser.tokenise(request.prompt, self._keeping.seen())
        self._refuse(prompt.tokens)
        cached = self._keeping.bring(prompt.tokens, request.chat)
        if cached is not None:
            self._keeping.asked()
        reply = _Reply(began, len(prompt.tokens), cached or 0)

        def read(done: int, total: int) -> None:
            emit(PromptProgress(done, total))

        if cached is not None and self._cache.read(prompt.tokens[cached:], read, marks=prompt.marks):
            reply.read_at = monotonic()
            shown = self._write(request, prompt.reply.tokens, reply, emit)
            self._tokeniser.remember(prompt.reply, shown, reply.tokens)
        emit(reply.finished())

    def prepare(self, request: GenerateRequest, draft: bool = False) -> Prepared:
        """Reads the beginning of a prompt that may be asked for next, as far as it is let. Raises `UserError`.

        What is new in a `draft` stays off the disk. Nothing happens where all was read already, or where something else
        is wanted by now.
        """
        self._keeping.recall(request.chat)
        prompt = self._tokeniser.tokenise(request.prompt, self._keeping.seen())
        tokens = prompt.tokens[:-_UNSURE]
        if not tokens or self._model.halt or self._cache.holds(tokens):
            held = len(tokens) if self._cache.holds(tokens) else 0
            self._keeping.stored(0 if draft else held)
            return Prepared(0, held, len(tokens))
        self._refuse(tokens)
        cached = self._keeping.bring(tokens, request.chat)
        if cached is None:
            return Prepared(0, 0, len(tokens))
        self._keeping.stored(0 if draft else len(tokens))
        self._cache.read(tokens[cached:], lambda _done, _total: None, ahead=True, marks=prompt.marks)
        held = len(self._cache.tokens)
        return Prepared(max(0, held - cached), held, len(tokens))

    def keep(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Puts on disk what was read, until told to stop; returns the bytes written."""
        return self._keeping.keep(stop)

    def settle(self, stop: Callable[[], bool]) -> None:
        """Puts on disk what is worth it, as nothing is asked; gives way as soon as something is."""
        self._keeping.settle(stop)

    def forget(self, chat: str) -> None:
        """Drops what was read of a chat."""
        self._keeping.forget(chat)

    def afford(self, folder: Path | None, budget: int) -> None:
        """What may be kept on disk from now on: where, and how many bytes."""
        self._keeping.afford(folder, budget)

    def _refuse(self, tokens: Sequence[int]) -> None:
        if not tokens:
            raise UserError(N_("There is nothing to go on from. Write something first."))
        if len(tokens) >= self._model.context:
            raise PromptTooLong(
                N_("This has {tokens} tokens, and the context holds {context}. Shorten it, or set a larger context."),
                tokens=len(tokens),
                context=self._model.context,
            )

    def _write(self, request: GenerateRequest, before: Sequence[int], reply: _Reply, emit: Emit) -> str:
        """Generates until something ends the reply; returns all of the text."""
        costs = self._costs if request.lookup else None
        writing = reply.writing = Writing(self._model, self._cache, request.sampling, before, costs)
        try:
            return writing.write(reply.sampled, emit)
        finally:
            writing.close()


class _Reply:
    """A reply: its tokens, and the moments its statistics are made of."""

    def __init__(self, began: float, prompt: int, cached: int) -> None:
        self.writing: Writing | None = None  # None until the prompt is read
        self.read_at = 0.0
        self._began = began
        self._prompt, self._cached = prompt, cached
        self._first = 0.0
        self._samples = 0

    @property
    def tokens(self) -> list[int]:
        return self.writing.tokens if self.writing is not None else []

    def sampled(self) -> None:
        self._samples += 1
        if self._samples == 1:
            self._first = monotonic()

    def finished(self) -> Finished:
        usage, writing = Usage(self._prompt, self._cached, len(self.tokens)), self.writing
        if writing is None or not self._samples:
            return Finished(StopReason.CANCELLED, usage, Timings())
        reading, passed = self.read_at - self._began, monotonic() - self._first
        timings = Timings(
            first_token_s=self._first - self._began,
            prompt_per_s=(self._prompt - self._cached) / max(reading, 1e-6),
            generation_per_s=(self._samples - 1) / max(passed, 1e-6),
        )
        return Finished(writing.reason, usage, timings, writing.drafted, writing.accepted)
