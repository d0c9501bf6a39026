"""The kept states of one loaded model: which of them begins as a prompt does, how it is put back, how one is written.

Invariant: a file that is damaged, foreign or gone is passed over with a line in the log, never an error; what is found
useless is removed. A chat may have several states: one that grows is appended to, and a branch begins a file of its
own that names the one whose beginning it shares. Files may be added and removed by others at any time. When to save
or restore is `engine.keeping`'s.
"""

from __future__ import annotations

import os
import shutil
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from desktop.core.fit import LOADED_AT_ONCE, SAVED_AT_ONCE
from desktop.core.prefix import shared
from desktop.engine import statefile, states
from desktop.engine.branches import MOST_BASES, State, forked, joined, replies_in
from desktop.engine.checkpoints import Checkpoint
from desktop.engine.llama import Model
from desktop.engine.statefile import Kind, Opening, Range, Record
from desktop.engine.tokens import Reply

_SLICE = SAVED_AT_ONCE  # bytes of state in one record
_MOST_BRANCHES = 8  # states of one chat, which share their beginnings
_MOST_WHOLE = 2  # the same where each state is written whole
_READERS = 2  # threads: reading and summing a slice takes twice as long as putting it back
_SPARE_DISK = 1 << 30  # bytes left free on the disk, for what people themselves want to keep


class Shelf:
    """States with one key in one folder, which may hold `budget` bytes of states."""

    def __init__(self, model: Model, folder: Path, budget: int, key: str) -> None:
        self._model, self._key = model, key
        self._folder, self._budget = folder, budget
        self._known: dict[Path, tuple[State | None, list[int | None]]] = {}  # with what its files had in bytes

    # -- what is there --------------------------------------------------------------------------------------------

    def states(self) -> list[State]:
        """All that can be used, the least recently used first."""
        sizes = {k.path: k.size for k in states.kept(self._folder) if k.key == self._key and k.whole}
        known: dict[Path, tuple[State | None, list[int | None]]] = {}
        for path in sizes:
            state, seen = self._known.get(path, (None, []))
            if seen != _sizes(path, state, sizes):
                state = self._understood(path)
            known[path] = state, _sizes(path, state, sizes)
        self._known = known
        return [state for state, _ in known.values() if state is not None]

    def best(self, tokens: Sequence[int]) -> tuple[State, int] | None:
        """The state of which most tokens can be put back, and how many."""
        wanted = array("i", tokens)
        found = [(state, state.usable(shared(state.tokens, wanted))) for state in self.states()]
        return max(found, key=lambda pair: pair[1], default=None)

    def covered(self, tokens: Sequence[int]) -> int:
        """How many of these tokens need not be written."""
        found = self.best(tokens)
        return found[1] if found is not None else 0

    def replies(self, chat: str) -> list[Reply]:
        """The replies of a chat, as they were generated, the oldest first."""
        return [reply for state in self.states() if state.chat == states.named(chat) for reply in state.replies]

    def _understood(self, path: Path, depth: int = 0) -> State | None:
        """A file as far as it is good; None, and it is removed, where nothing of it is."""
        try:
            records = list(statefile.read(path))
        except OSError as error:
            _say(f"{path.name} cannot be read: {error}")
            return None
        about = records[0].about if records else None
        base = None
        if about is not None and about.base and depth < MOST_BASES:
            base = self._understood(path.with_name(Path(about.base).name), depth + 1)
        state = joined(path, records, base) if about is not None and about.key == self._key else None
        if state is None and not depth:
            _say(f"{path.name} is no state of this model, or damaged: removed")
            states.drop(path)
        return state

    def forget(self, chat: str | None) -> None:
        """Removes a chat's states, or all, with whatever model they were made."""
        states.remove(self._folder, chat)

    # -- putting back ---------------------------------------------------------------------------------------------

    def restore(self, state: State, upto: int, held: int) -> tuple[list[int], list[Checkpoint]]:
        """Puts back the first `upto` tokens or a few more; the first `held` are there, and no others.

        Returns the tokens that are in the KV cache now, and the checkpoints of them.
        """
        states.touch(state.path, *state.bases)  # a state is older than what it goes on from
        kv, tokens = self._model.kv, list(state.tokens)
        try:
            if self._model.sliceable:
                wanted = [record for record in state.records if held <= record.start < upto]
                return tokens[: self._add_slices(state, wanted, held)], []
            buffer = bytearray(state.records[0].size)
            good = statefile.load(state.records[0], buffer)
            if not good:
                self._damaged(state.records[0])
            elif not self._model.halt:
                if kv.put(buffer, len(buffer)):
                    return tokens, list(self._loaded(state.checkpoints))
                self._refused(state)
        except (OSError, MemoryError) as error:
            _say(f"{state.path.name} cannot be read: {error}")
        kv.clear()
        return [], []

    def _loaded(self, records: Iterable[Record]) -> Iterable[Checkpoint]:
        for record in records:
            data = bytearray(record.size)
            if not self._model.halt and statefile.load(record, data):
                yield Checkpoint(record.end, data)

    def _add_slices(self, state: State, records: list[Record], held: int) -> int:
        """Puts slices after the `held` tokens, each while the next two are read and summed; returns what is held then.

        Gives way to what is asked meanwhile, with what is there by then.
        """
        largest = max((record.size for record in records), default=0)
        free = [bytearray(largest) for _ in range(LOADED_AT_ONCE)]
        coming: deque[tuple[Future[bool], bytearray]] = deque()
        waiting = iter(records)
        with self._model.kv.aside(), ThreadPoolExecutor(_READERS, "reader") as readers:
            for record in records:
                for after in islice(waiting, len(free)):
                    coming.append((readers.submit(statefile.load, after, free[-1]), free.pop()))
                loaded, buffer = coming.popleft()
                if not loaded.result():
                    self._damaged(record)
                    break
                if self._model.halt:
                    break
                if not self._model.kv.add(buffer, record.size):
                    self._refused(state)
                    break
                free.append(buffer)
                held = record.end
        return held

    def _refused(self, state: State) -> None:
        """A state as it was written that llama.cpp does not take: of no use here, and nobody's damage."""
        _say(f"{state.path.name} does not fit")
        self._known[state.path] = None, self._known[state.path][1][:1]

    def _damaged(self, record: Record) -> None:
        """What follows a damaged record is lost, what stands before it good."""
        _say(f"{record.path.name} is damaged from token {record.start} on")
        if record.start == 0:
            states.drop(record.path)
            return
        try:
            os.truncate(record.path, record.offset - 1)  # which makes this record one that was cut off
        except OSError:
            states.drop(record.path)

    # -- writing --------------------------------------------------------------------------------------------------

    def save(
        self,
        chat: str,
        tokens: Sequence[int],
        upto: int,
        replies: Sequence[Reply],
        checkpoints: Sequence[Checkpoint],
        stop: Callable[[], bool],
    ) -> int:
        """Writes what of the KV cache's tokens is not on disk yet, or as much as `stop` lets; returns the bytes.

        Only their first `upto`, where the state can be cut.
        """
        wanted = array("i", tokens)[:upto]
        each = self._model.kv.size() // len(tokens) + 1
        own = [state for state in self.states() if state.chat == states.named(chat)]
        grown = max((s for s in own if shared(s.tokens, wanted) == len(s.tokens)), key=_length, default=None)
        try:
            if self._model.sliceable:
                written = self._save_slices(chat, wanted, each, own, grown, replies, stop)
            else:
                written = self._save_whole(chat, wanted, own, grown, replies, checkpoints, stop)
            states.trim(self._folder, self._budget)  # what is told beside the state had not been reckoned with
            return written
        except (OSError, MemoryError) as error:
            _say(f"A state could not be kept: {error}")
            return 0

    def _save_slices(
        self,
        chat: str,
        tokens: array[int],
        each: int,
        own: list[State],
        grown: State | None,
        replies: Sequence[Reply],
        stop: Callable[[], bool],
    ) -> int:
        base, start = (grown, len(grown.tokens)) if grown else forked(own, tokens)
        spare = (base.path, *base.bases) if base else ()
        if not self._room((len(tokens) - start) * each, spare, own, grown):
            return 0
        path = grown.path if grown else states.new_path(self._folder, self._key, chat)
        with _growing(path, grown) as file:
            written = 0
            if not grown:
                written += statefile.open_with(file, Opening(self._key, base.path.name if base else "", start))
            step = max(1, _SLICE // each)
            ends = [*range(start + step, len(tokens), step), len(tokens)]
            told = set(base.replies if base else ())
            new = [reply for reply in replies_in(replies, tokens) if reply not in told]
            written += self._write_slices(file, tokens, start, ends, new, stop)
        states.touch(*dict.fromkeys((path, *spare)))
        return written

    def _write_slices(
        self,
        file: BinaryIO,
        tokens: array[int],
        start: int,
        ends: Iterable[int],
        replies: Sequence[Reply],
        stop: Callable[[], bool],
    ) -> int:
        """Slices up to each of `ends`; the replies go with the last."""
        buffer, written, ends = bytearray(), 0, list(ends)
        with self._model.kv.aside():
            for end in ends:
                if stop():
                    break
                self._model.kv.show(start, end)
                size = self._model.kv.size()
                if size > len(buffer):
                    buffer = bytearray(size)
                if self._model.kv.copy(buffer) != size:
                    break
                told = replies if end == ends[-1] else ()
                what = Range(Kind.SLICE, start, end, tokens[start:end], told)
                written += statefile.append(file, what, memoryview(buffer)[:size])
                start = end
        return written

    def _save_whole(
        self,
        chat: str,
        tokens: array[int],
        own: list[State],
        grown: State | None,
        replies: Sequence[Reply],
        checkpoints: Sequence[Checkpoint],
        stop: Callable[[], bool],
    ) -> int:
        size = self._model.kv.size()
        more = size + sum(len(c.data) for c in checkpoints) - (grown.end if grown else 0)
        if not self._room(max(0, more), (grown.path,) if grown else (), own, grown):
            return 0
        buffer = bytearray(size)
        if stop() or self._model.kv.copy(buffer) != size or stop():
            return 0
        path = grown.path if grown else states.new_path(self._folder, self._key, chat)
        unfinished = path.with_suffix(".part")
        states.drop(unfinished)  # of a process that was killed
        try:
            with open(unfinished, "xb", buffering=0, opener=_private) as file:
                written = statefile.open_with(file, Opening(self._key))
                what = Range(Kind.WHOLE, 0, len(tokens), tokens, replies_in(replies, tokens))
                written += statefile.append(file, what, memoryview(buffer))
                for held in checkpoints:
                    if stop():
                        return 0
                    what = Range(Kind.CHECKPOINT, held.at, held.at)
                    written += statefile.append(file, what, memoryview(held.data))
            os.replace(unfinished, path)
            states.touch(path)
        finally:
            states.drop(unfinished)
        return written

    def _room(self, size: int, spare: Sequence[Path], own: list[State], grown: State | None) -> bool:
        """Makes room for so many bytes; False where there is none within the budget or on the disk."""
        if size > self._budget:
            return False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < size + _SPARE_DISK:
            _say("A state was not kept: the disk is nearly full")
            return False
        most = (_MOST_BRANCHES if self._model.sliceable else _MOST_WHOLE) - (0 if grown else 1)
        while len(own) > most:
            needed = {*spare, *(path for state in own for path in state.bases)}
            old = next((state for state in own if state.path not in needed), None)
            if old is None:
                break
            states.drop(old.path)
            own = [state for state in own if state is not old]
        return states.trim(self._folder, self._budget - size, spare) <= self._budget - size


def _growing(path: Path, grown: State | None) -> BinaryIO:
    """A new file, or one to append to after its last good record. Raises `OSError`."""
    if grown is None:
        return open(path, "xb", buffering=0, opener=_private)
    file = path.open("r+b", buffering=0)
    file.truncate(grown.end)
    file.seek(grown.end)
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # what was read can be told from a state


def _sizes(path: Path, state: State | None, sizes: dict[Path, int]) -> list[int | None]:
    """What a state's files have in bytes; None for one that is gone."""
    return [sizes.get(file) for file in (path, *(state.bases if state else ()))]


def _length(state: State) -> int:
    return len(state.tokens)


def _say(line: str) -> None:
    os.write(2, f"states: {line}\n".encode("utf-8", "replace"))
