"""The generation loop: reads what is new of a prompt, writes a reply token by token, and stops when told.

Invariant: `_held` lists exactly the tokens in the KV cache, whatever way a reply ended; of a new prompt only what
differs from it is read. Every wait inside is short enough for a stop within 100 ms on a CPU. One reply at a time; the
queue is `engine.room`, the pipe `engine.host`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from desktop.core.errors import N_, PromptTooLong, UserError
from desktop.core.generation import (
    Appended,
    Finished,
    GenerateEvent,
    GenerateRequest,
    Piece,
    PromptProgress,
    Sampling,
    StopReason,
    Timings,
    Usage,
)
from desktop.engine.halt import Outcome
from desktop.engine.llama import Model
from desktop.engine.tail import Tail
from desktop.engine.tokens import Tokeniser

_FIRST_CHUNK = 16  # tokens read before anything is known of the speed
_OPERATION_S = 0.04  # the longest single operation of a graph: on a CPU a halt waits for one
_GPU_CHUNK_S = 0.25  # the longest chunk on a GPU, where a halt waits for all of it; shorter chunks cost speed

Emit = Callable[[GenerateEvent], None]


class Conversation:
    """One model, what its KV cache holds, and the replies it remembers."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._tokeniser = Tokeniser(model)
        self._held: list[int] = []
        self._speed = 0.0  # tokens read per second, as last measured

    def count(self, pieces: Sequence[Piece]) -> int:
        """Tokens of a prompt."""
        return len(self._tokeniser.tokenise(pieces).tokens)

    def tokens(self, pieces: Sequence[Piece]) -> list[tuple[int, str]]:
        """Ids and texts of a prompt's tokens, as they would be read."""
        return [(token, self._model.shown(token)) for token in self._tokeniser.tokenise(pieces).tokens]

    def generate(self, request: GenerateRequest, emit: Emit) -> None:
        """Emits the reply and at last `Finished`. Raises `UserError`; the next reply is possible then, too."""
        began = monotonic()
        prompt = self._tokeniser.tokenise(request.prompt)
        self._refuse(prompt.tokens)
        cached = self._reuse(prompt.tokens)
        reply = _Writing(began, len(prompt.tokens), cached)
        if self._read(prompt.tokens[cached:], emit):
            reply.read_at = monotonic()
            tail = Tail(request.sampling.stop)
            shown = self._write(request.sampling, prompt.reply.tokens, reply, tail, emit)
            self._tokeniser.remember(prompt.reply, shown, reply.tokens)
        emit(reply.finished())

    def _refuse(self, tokens: Sequence[int]) -> None:
        if not tokens:
            raise UserError(N_("There is nothing to go on from. Write something first."))
        if len(tokens) >= self._model.context:
            raise PromptTooLong(
                N_("This has {tokens} tokens, and the context holds {context}. Shorten it, or set a larger context."),
                tokens=len(tokens),
                context=self._model.context,
            )

    def _reuse(self, tokens: Sequence[int]) -> int:
        """Makes the KV cache a prefix of the prompt and returns its length; the last token is always read anew."""
        pairs = enumerate(zip(self._held, tokens, strict=False))
        same = next((i for i, (a, b) in pairs if a != b), min(len(self._held), len(tokens)))
        keep = min(same, len(tokens) - 1)
        if keep < len(self._held):
            keep = self._cut(keep)
        return keep

    def _cut(self, keep: int) -> int:
        """Drops what follows the first `keep` tokens, or all where only that is possible. Returns what is left."""
        if not (keep and self._model.cuttable and self._model.cut(keep)):
            self._model.clear()
            keep = 0
        del self._held[keep:]
        return keep

    def _read(self, tokens: Sequence[int], emit: Emit) -> bool:
        """Reads prompt tokens into the KV cache; False if halted."""
        done = 0
        while done < len(tokens):
            emit(PromptProgress(done, len(tokens)))
            chunk = tokens[done : done + self._chunk()]
            began = monotonic()
            if not self._compute(chunk):
                return False
            if len(chunk) >= _FIRST_CHUNK:
                self._speed = len(chunk) / max(monotonic() - began, 1e-6)
            done += len(chunk)
        emit(PromptProgress(done, len(tokens)))
        return True

    def _chunk(self) -> int:
        """Tokens to read at once, so that a stop is in time: no operation takes more than half a layer's time."""
        seconds = _GPU_CHUNK_S if self._model.on_gpu else _OPERATION_S * 2 * self._model.layers
        return min(max(int(self._speed * seconds), _FIRST_CHUNK), self._model.batch)

    def _compute(self, tokens: Sequence[int]) -> bool:
        """Decodes; False if halted or full, the KV cache being what `_held` says all the same."""
        if self._model.halt:
            return False
        outcome = None
        try:
            outcome = self._model.decode(tokens)
        finally:
            if outcome is not Outcome.DONE:
                self._cut(len(self._held))
        if outcome is Outcome.DONE:
            self._held += tokens
        return outcome is Outcome.DONE

    def _write(self, sampling: Sampling, before: Sequence[int], reply: _Writing, tail: Tail, emit: Emit) -> str:
        """Generates until something ends the reply; returns all of the text."""
        model, shown = self._model, []
        sampler = model.sampler(sampling, before)
        try:
            while True:
                token = sampler.sample()
                reply.sampled()
                if model.ends(token):
                    reply.reason = StopReason.STOP
                    break
                reply.tokens.append(token)
                text = tail.push(model.piece(token))
                if text:
                    shown.append(text)
                    emit(Appended(text))
                reason = self._over(sampling, reply, tail)
                if reason is None and not self._compute((token,)):
                    reason = StopReason.CANCELLED if model.halt else StopReason.CONTEXT
                if reason is not None:
                    reply.reason = reason
                    break
        finally:
            sampler.close()
        rest = tail.flush(ended=reply.reason is StopReason.STOP and not tail.stopped)
        if rest:
            emit(Appended(rest))
        return "".join(shown) + rest

    def _over(self, sampling: Sampling, reply: _Writing, tail: Tail) -> StopReason | None:
        if tail.stopped:
            return StopReason.STOP
        if len(reply.tokens) == sampling.max_tokens:
            return StopReason.LENGTH
        if len(self._held) >= self._model.context:
            return StopReason.CONTEXT
        return None


class _Writing:
    """A reply being written: its tokens, and the moments its statistics are made of."""

    def __init__(self, began: float, prompt: int, cached: int) -> None:
        self.tokens: list[int] = []
        self.reason = StopReason.CANCELLED
        self.read_at = 0.0
        self._began = began
        self._prompt, self._cached = prompt, cached
        self._first = 0.0
        self._samples = 0

    def sampled(self) -> None:
        self._samples += 1
        if self._samples == 1:
            self._first = monotonic()

    def finished(self) -> Finished:
        usage = Usage(self._prompt, self._cached, len(self.tokens))
        if not self._samples:
            return Finished(self.reason, usage, Timings())
        reading, writing = self.read_at - self._began, monotonic() - self._first
        timings = Timings(
            first_token_s=self._first - self._began,
            prompt_per_s=(self._prompt - self._cached) / max(reading, 1e-6),
            generation_per_s=(self._samples - 1) / max(writing, 1e-6),
        )
        return Finished(self.reason, usage, timings)
