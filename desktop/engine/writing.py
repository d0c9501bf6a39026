"""A reply is written: token by token, or several at once where the text goes on as it did before.

Invariant: what is said, and why it ends, is what tokens written one at a time would have made of it; after `close` the
KV cache holds the prompt and the reply but for its last token, as it would then. When a draft is worth a try is decided
by `core.lookup`; what may be shown of the text by `engine.tail`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from desktop.core.generation import Appended, GenerateEvent, Sampling, StopReason
from desktop.core.lookup import Costs, Draft, Lookup
from desktop.engine.cache import Cache
from desktop.engine.llama import Model
from desktop.engine.tail import Tail

_SOONEST = 8  # tokens written before there are drafts: many a reply is over by then
_INDEXING_S = 1e-6  # a token of the prompt; they may take a hundredth of the time that was written for


class Writing:
    """One reply, after its prompt was read. Must be closed."""

    def __init__(
        self, model: Model, cache: Cache, sampling: Sampling, before: Sequence[int], costs: Costs | None
    ) -> None:
        """`before` is what the reply goes on from; without `costs` every token is written by itself."""
        self.tokens: list[int] = []
        self.reason = StopReason.CANCELLED
        self.drafted = self.accepted = 0
        self._model, self._sampling, self._cache = model, sampling, cache
        self._tail = Tail(sampling.stop)
        self._costs = costs if model.cuttable and model.batch >= 2 else None
        self._lookup: Lookup | None = None
        self._draft: tuple[int, ...] = ()  # in the KV cache behind the latest token
        self._taken = 0  # tokens of it that were right
        self._proof: _Proof | None = None
        self._tried = 0  # tokens computed last, while their time is not known
        self._began = 0.0
        self._sampler = model.sampler(sampling, before)
        if sampling.temperature <= 0:  # the text must not depend on drafts then; else it depends on dice
            model.even()

    def close(self) -> None:
        self._sampler.close()
        try:
            self._settle()
        finally:
            self._model.even(False)

    def write(self, sampled: Callable[[], None], emit: Callable[[GenerateEvent], None]) -> str:
        """Generates until something ends the reply, telling of every token; returns all of the text."""
        shown: list[str] = []
        while True:
            token = self._sample()
            sampled()
            if self._model.ends(token):
                self.reason = StopReason.STOP
                break
            self.tokens.append(token)
            text = self._tail.push(self._model.piece(token))
            if text:
                shown.append(text)
                emit(Appended(text))
            reason = self._over()
            if reason is None and not self._go_on(token):
                reason = StopReason.CANCELLED if self._model.halt else StopReason.CONTEXT
            if reason is not None:
                self.reason = reason
                break
        rest = self._tail.flush(ended=self.reason is StopReason.STOP and not self._tail.stopped)
        if rest:
            emit(Appended(rest))
        return "".join(shown) + rest

    def _over(self) -> StopReason | None:
        if self._tail.stopped:
            return StopReason.STOP
        if len(self.tokens) == self._sampling.max_tokens:
            return StopReason.LENGTH
        if self._held >= self._model.context:
            return StopReason.CONTEXT
        return None

    @property
    def _held(self) -> int:
        """Tokens in the KV cache that are sure to stay."""
        return len(self._cache.tokens) - len(self._draft) + self._taken

    def _sample(self) -> int:
        token = self._sampler.sample(self._taken if self._draft else -1)
        if self._tried and self._costs is not None:
            times = self._costs.took(self._tried, perf_counter() - self._began)
            if self._lookup is not None and self._draft:
                self._lookup.won(0, times)
            self._tried = 0
        return token

    def _go_on(self, token: int) -> bool:
        """Has the KV cache hold the latest token of the reply; False if halted or full."""
        if self._lookup is not None:
            self._lookup.add(token)
        if self._taken < len(self._draft) and self._draft[self._taken] == token:
            self._taken += 1
            self.accepted += 1
            return True
        if not self._settle():
            return False
        draft = self._next()
        if draft.proof:
            return self._prove(token, draft.tokens)
        return self._compute(token, draft.tokens)

    def _next(self) -> Draft:
        """What to try behind the latest token."""
        if self._costs is None or self._proof is not None or len(self.tokens) < _SOONEST:
            return Draft()
        if self._lookup is None:
            if 100 * _INDEXING_S * len(self._cache.tokens) > self._costs.single * len(self.tokens):
                return Draft()
            self._lookup = Lookup(
                self._costs, [*self._cache.tokens, *self.tokens[-1:]], self._sampling.temperature <= 0
            )
        room = min(self._model.context - self._held, self._model.batch)
        if self._sampling.max_tokens > 0:
            room = min(room, self._sampling.max_tokens - len(self.tokens))
        return self._lookup.draft(room, self._held)

    def _compute(self, token: int, draft: tuple[int, ...] = ()) -> bool:
        self._began, self._tried = perf_counter(), 1 + len(draft)
        if not self._cache.compute((token, *draft), every=bool(draft)):
            return False
        self._draft, self._taken = draft, 0
        self.drafted += len(draft)
        if self._proof is not None:
            self._compare(token)
        return True

    def _settle(self) -> bool:
        """Drops what was wrong of the draft; False if halted, where all had to be read again for that."""
        if not self._draft:
            return True
        if self._lookup is not None:
            self._lookup.won(1 + self._taken, 0)
        return self._drop()

    def _drop(self) -> bool:
        """Takes what is not sure out of the KV cache; False if halted, as in `_settle`."""
        keep, held = self._held, self._cache.tokens
        sure = held[:keep]
        self._draft, self._taken = (), 0
        if keep == len(held):
            return True
        left = self._cache.cut(keep)
        return left == keep or self._cache.read(sure[left:], lambda _done, _total: None)

    def _prove(self, token: int, draft: tuple[int, ...]) -> bool:
        """Computes a draft for its logits' sake; then all goes on one at a time, and those are compared."""
        keep = len(self._cache.tokens)
        began = perf_counter()
        if not self._cache.compute((token, *draft), every=True):
            return False
        proof = _Proof((token, *draft), keep, [self._model.logits(row) for row in range(1 + len(draft))])
        if self._costs is not None and self._lookup is not None:
            self._lookup.won(0, self._costs.took(len(proof.tokens), perf_counter() - began))
        self._draft = (token, *draft)  # nothing of it is sure, and nothing is won
        if not self._drop():
            return False
        self._proof = proof
        return self._compute(token)

    def _compare(self, token: int) -> None:
        """Whether the token that was computed alone gave the same as in the draft; if all did, that is proved."""
        proof, costs = self._proof, self._costs
        if proof is None or costs is None:
            return
        if token != proof.tokens[proof.seen]:
            self._proof = None  # the text went another way: nothing is known
            return
        same = self._model.logits(-1) == proof.logits[proof.seen]
        proof.seen += 1
        if not same or proof.seen == len(proof.tokens):
            costs.proved(len(proof.tokens), proof.depth, same)
            self._proof = None
            if same and self._lookup is not None:
                self._lookup.won(costs.times(len(proof.tokens)), 0)  # that price is paid once for a model


class _Proof:
    """A draft whose logits are known, and how many of its tokens were computed alone since."""

    def __init__(self, tokens: tuple[int, ...], depth: int, logits: list[bytes]) -> None:
        self.tokens, self.depth, self.logits = tokens, depth, logits
        self.seen = 0
