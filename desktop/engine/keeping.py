"""Never read twice: when what the KV cache holds goes to disk, and when a kept state comes back.

Invariant: nothing of a conversation without a name is written, and no words of a draft before they are asked; what is
about to leave the KV cache and would take more than a few tokens to read again is on disk before; a save gives way to
whatever is asked meanwhile. How states are written and found is `engine.shelf`'s.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from desktop.core.prefix import shared
from desktop.engine.branches import State
from desktop.engine.cache import Cache
from desktop.engine.llama import Model
from desktop.engine.shelf import Shelf
from desktop.engine.tokens import Tokeniser

SLIGHT = 8  # tokens that are read again without a thought: a word or two
_DISK_SPEED = 1e9  # bytes a second that a state is put back with at the least: a laptop's SSD
_SMALL, _LONG_S = 64 << 20, 1.0  # what cannot be appended to is written anew where so few bytes, or so long to read
_BRANCH_S = 5.0  # a branch that is left is worth a state of its own, where that is written whole, if so long to read


class Keeping:
    """Whose tokens the KV cache holds, and the states on disk; without a shelf nothing is kept."""

    def __init__(self, model: Model, cache: Cache, tokeniser: Tokeniser, key: str) -> None:
        self._model, self._cache, self._tokeniser = model, cache, tokeniser
        self._key = key
        self._shelf: Shelf | None = None
        self._chat = ""  # whose the tokens in the KV cache are
        self._lasting = sys.maxsize  # so many of them are of a stored text; what follows is a draft's
        self._cleared = False  # nothing may go to disk until a reply is asked for

    def recall(self, chat: str) -> None:
        """Remembers a chat's replies as they were generated, before its prompt is tokenised."""
        self._tokeniser.learn(chat, self._shelf.replies(chat) if self._shelf is not None and chat else ())

    def seen(self) -> Iterator[Sequence[int]]:
        """The tokens that were read: those in the KV cache, then those of states, the latest used first."""
        yield self._cache.tokens
        if self._shelf is not None:
            yield from (state.tokens for state in reversed(self._shelf.states()))

    def bring(self, tokens: list[int], chat: str) -> int | None:
        """Makes the KV cache the longest prefix of a prompt that need not be read, and returns its length.

        None if it was halted before that; then all is as it was.
        """
        held = self._cache.reach(tokens)
        found = self._worthwhile(tokens, held)
        lasting = 0 if found or (self._chat and not chat) else held
        unsaved = self._unsaved(lasting)
        turned = chat == self._chat and not self._model.sliceable  # a branch would be written whole
        if unsaved > SLIGHT and not (turned and self._cache.reading_s(unsaved) < _BRANCH_S):
            self._save(lambda: bool(self._model.halt))
        if self._model.halt:
            return None
        if found is not None:
            self._restore(*found)
        self._chat = chat
        held = self._cache.reuse(tokens)
        self._lasting = held if found is not None else min(self._lasting, held)
        return held

    def asked(self) -> None:
        """A reply is asked for what `bring` has brought: all of that, and what comes, is for good."""
        self._lasting, self._cleared = sys.maxsize, False

    def stored(self, count: int) -> None:
        """The first so many tokens of the KV cache, if they come to be there, are those of a stored text."""
        self._lasting = max(self._lasting, count)

    def keep(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Writes what is not on disk yet, until told to stop; returns the bytes."""
        return self._save(stop) if self._unsaved(0) > 0 else 0

    def settle(self, stop: Callable[[], bool]) -> None:
        """As `keep`, if it is worth it: nobody asked for it."""
        unsaved = self._unsaved(0)
        whole = len(self._cache.tokens) <= self._lasting
        if unsaved > SLIGHT and (
            self._model.sliceable
            or (whole and (self._model.kv.size() < _SMALL or self._cache.reading_s(unsaved) > _LONG_S))
        ):
            self._save(stop)

    def forget(self, chat: str) -> None:
        """Drops a chat's tokens and states; "" as in `frames.Forget`."""
        if not chat:
            self._cleared = True
        elif chat == self._chat:
            self._cache.cut(0)
        if chat:
            self._tokeniser.forget(chat)
        if self._shelf is not None:
            self._shelf.forget(chat or None)

    def afford(self, folder: Path | None, budget: int) -> None:
        """From now on so many bytes may be kept, none without a folder."""
        self._shelf = Shelf(self._model, folder, budget, self._key) if folder is not None and self._key else None

    def _worthwhile(self, tokens: list[int], held: int) -> tuple[State, int] | None:
        """The state to put back and how many tokens of it, if that is faster than reading them."""
        found = self._shelf.best(tokens) if self._shelf is not None else None
        if found is None or found[1] - held <= SLIGHT:
            return None
        state, upto = found
        wanted = [record for record in state.records if held < record.end and record.start < upto]
        size = sum(record.size for record in (*wanted, *state.checkpoints))
        return found if size / _DISK_SPEED < self._cache.reading_s(upto - held) else None

    def _restore(self, state: State, upto: int) -> None:
        """Puts a state back, after what of it is there already."""
        if self._shelf is None:
            return
        same = shared(array("i", self._cache.tokens), state.tokens) if self._model.sliceable else 0
        held = self._cache.cut(max((r.end for r in state.records if r.end <= same), default=0))
        self._cache.adopt(*self._shelf.restore(state, upto, held))

    def _unsaved(self, lasting: int) -> int:
        """Tokens in the KV cache that are neither on disk nor among the first `lasting`, which stay."""
        tokens = self._cache.tokens[: self._lasting]
        if self._shelf is None or not self._chat or self._cleared or not tokens:
            return 0
        return len(tokens) - max(lasting, self._shelf.covered(tokens))

    def _save(self, stop: Callable[[], bool]) -> int:
        if self._shelf is None:
            return 0
        if not self._model.sliceable and len(self._cache.tokens) > self._lasting:
            self._cache.cut(self._lasting)  # a state that cannot be cut is written whole
            if self._unsaved(0) <= 0:
                return 0
        replies, held = self._tokeniser.replies, self._cache.checkpoints.held
        return self._shelf.save(self._chat, self._cache.tokens, self._lasting, replies, held, stop)
