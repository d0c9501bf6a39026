"""THE worker thread: llama.cpp runs here and nowhere else, one order at a time.

Invariant: orders are obeyed in the order they came; each ends in exactly one final answer, whatever happens; the thread
survives every Python error. Other threads only put orders in and raise the halt of a number. When nothing was asked for
a while, and at the end, what was read is put on disk, which gives way to any order. Reading and writing pipes is
`engine.host`'s.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from desktop.core.errors import N_, ModelFileError, UserError
from desktop.core.generation import LoadProgress
from desktop.engine import fingerprint, llama
from desktop.engine.conversation import Conversation
from desktop.engine.frames import (
    Afford,
    Afforded,
    Answer,
    Count,
    Counted,
    Crashed,
    Failed,
    Forget,
    Forgotten,
    Generate,
    Keep,
    Kept,
    List,
    Listed,
    Load,
    Loaded,
    Order,
    Prepare,
)
from desktop.engine.halt import Halt
from desktop.engine.llama import Backend, Model

Post = Callable[[int, Answer], None]
_QUIET_S = 5.0  # after so long without an order a person reads or is away, and does not notice the disk
_PAUSE_S = 0.5  # the same while only reading ahead interrupts: between two words


@dataclass(frozen=True, slots=True)
class Settle:
    """The room's own order: nothing is asked."""


@dataclass(frozen=True, slots=True)
class End:
    """The last order: put what was read on disk, until `until`."""

    until: float


class Room:
    """Takes numbered orders from any thread; `post` is called with answers from the room's own thread."""

    def __init__(self, post: Post) -> None:
        self._hear = post
        self._inbox: SimpleQueue[tuple[int, Order | End]] = SimpleQueue()
        self._halt = Halt()
        self._lock = threading.Lock()
        self._current = 0
        self._stopped: set[int] = set()
        self._ahead = 0  # the last order to read ahead
        self._model: Model | None = None
        self._conversation: Conversation | None = None
        self._asked_at = 0.0  # when the last order other than to read ahead was over; 0 if that was put on disk
        self._settled = True
        self._ending = False
        self._thread = threading.Thread(target=self._live, name="room", daemon=True)  # ends with its process
        self._thread.start()

    def submit(self, number: int, order: Order) -> None:
        """Puts an order in; numbers rise. What is only read ahead ends at once, as does what waits to be."""
        with self._lock:
            if self._ahead == self._current:
                self._halt.set()
            self._stopped.add(self._ahead)
            if isinstance(order, Prepare):
                self._ahead = number
        self._inbox.put((number, order))

    def stop(self, number: int) -> None:
        """Ends an order, now or as soon as its turn comes; one that is over is left alone."""
        with self._lock:
            if number == self._current:
                self._halt.set()
            elif number > self._current:
                self._stopped.add(number)

    def end(self, patience_s: float) -> None:
        """Ends what runs and what waits, and has what was read put on disk; waits for at most so many seconds."""
        with self._lock:
            self._ending = True
            self._halt.set()
        self._inbox.put((0, End(monotonic() + patience_s)))
        self._thread.join(patience_s)

    def _post(self, number: int, answer: Answer) -> None:
        if not self._ending:  # what did not end by itself has no answer
            self._hear(number, answer)

    def _live(self) -> None:
        backend = Backend()
        ended = False
        while not ended:
            number, order = self._next()
            ended = isinstance(order, End)
            with self._lock:
                self._current = number
                self._halt.set(number in self._stopped or (self._ending and not ended))
                self._stopped = {n for n in self._stopped if n > number}
            try:
                if isinstance(order, Settle | End):
                    self._put_away(order)
                elif not self._ending:
                    self._obey(backend, number, order)
                    self._settled = False
                    if not isinstance(order, Prepare):
                        self._asked_at = monotonic()
            except UserError as error:
                self._post(number, Failed.of(error))
            except Exception:  # noqa: BLE001 - one of the four places: a bug must not end the thread
                text = traceback.format_exc()
                os.write(2, text.encode("utf-8", "replace"))
                self._post(number, Crashed(text))

    def _next(self) -> tuple[int, Order | Settle | End]:
        overdue = self._asked_at and monotonic() - self._asked_at > _QUIET_S
        try:
            return self._inbox.get(timeout=None if self._settled else _PAUSE_S if overdue else _QUIET_S)
        except Empty:
            return self._current, Settle()

    def _put_away(self, order: Settle | End) -> None:
        self._settled, self._asked_at = True, 0.0
        if self._conversation is None:
            return
        if isinstance(order, End):
            self._conversation.keep(lambda: monotonic() > order.until)
        else:
            self._conversation.settle(lambda: not self._inbox.empty())

    def _obey(self, backend: Backend, number: int, order: Order) -> None:
        if isinstance(order, Load):
            self._post(number, self._load(backend, number, order))
            return
        if self._conversation is None:
            raise UserError(N_("No model is loaded. Choose one first."))
        if isinstance(order, Generate):
            self._conversation.generate(order.request, lambda event: self._post(number, event))
        elif isinstance(order, Prepare):
            self._post(number, self._conversation.prepare(order.request, order.draft))
        elif isinstance(order, Keep):
            self._post(number, Kept(self._conversation.keep()))
        elif isinstance(order, Forget):
            self._conversation.forget(order.chat)
            self._post(number, Forgotten())
        elif isinstance(order, Afford):
            self._conversation.afford(Path(order.states) if order.states else None, order.budget)
            self._post(number, Afforded())
        elif isinstance(order, Count):
            self._post(number, Counted(tuple(map(self._conversation.count, order.prompts))))
        elif isinstance(order, List):
            self._post(number, Listed(tuple(self._conversation.tokens(order.prompt))))

    def _load(self, backend: Backend, number: int, order: Load) -> Loaded:
        self._free()
        self._model = backend.load(
            Path(order.path), order.settings, self._halt, lambda part: self._post(number, LoadProgress(part))
        )
        if self._model is None:
            raise UserError(N_("Loading was stopped."))
        self._conversation = Conversation(self._model, _key(self._model, order))
        self._conversation.afford(Path(order.states) if order.states else None, order.budget)
        return Loaded(self._model.info)

    def _free(self) -> None:
        if self._conversation is not None:
            self._conversation.keep()
        self._conversation = None
        if self._model is not None:
            self._model.close()
            self._model = None


def _key(model: Model, order: Load) -> str:
    """Names model and settings on disk; "" where the file has gone meanwhile."""
    try:
        used = replace(order.settings, gpu_layers=model.info.gpu_layers)
        return fingerprint.key(Path(order.path), used, model.context, llama.build())
    except (OSError, ModelFileError):
        return ""
