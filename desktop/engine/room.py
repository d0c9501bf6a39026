"""THE worker thread: llama.cpp runs here and nowhere else, one order at a time.

Invariant: orders are obeyed in the order they came; each ends in exactly one final answer, whatever happens; the thread
survives every Python error. Other threads only put orders in and raise the halt of a number. Reading and writing pipes
is `engine.host`'s.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from desktop.core.errors import N_, UserError
from desktop.core.generation import LoadProgress
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


class Room:
    """Takes numbered orders from any thread; `post` is called with answers from the room's own thread."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._inbox: SimpleQueue[tuple[int, Order]] = SimpleQueue()
        self._halt = Halt()
        self._lock = threading.Lock()
        self._current = 0
        self._stopped: set[int] = set()
        self._ahead = 0  # the last order to read ahead
        self._model: Model | None = None
        self._conversation: Conversation | None = None
        threading.Thread(target=self._live, name="room", daemon=True).start()  # ends with its process

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

    def _live(self) -> None:
        backend = Backend()
        while True:
            number, order = self._inbox.get()
            with self._lock:
                self._current = number
                self._halt.set(number in self._stopped)
                self._stopped = {n for n in self._stopped if n > number}
            try:
                self._obey(backend, number, order)
            except UserError as error:
                self._post(number, Failed.of(error))
            except Exception:  # noqa: BLE001 - one of the four places: a bug must not end the thread
                text = traceback.format_exc()
                os.write(2, text.encode("utf-8", "replace"))
                self._post(number, Crashed(text))

    def _obey(self, backend: Backend, number: int, order: Order) -> None:
        if isinstance(order, Load):
            self._post(number, self._load(backend, number, order))
            return
        if self._conversation is None:
            raise UserError(N_("No model is loaded. Choose one first."))
        if isinstance(order, Generate):
            self._conversation.generate(order.request, lambda event: self._post(number, event))
        elif isinstance(order, Prepare):
            self._post(number, self._conversation.prepare(order.request))
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
        self._conversation = Conversation(self._model)
        return Loaded(self._model.info)

    def _free(self) -> None:
        self._conversation = None
        if self._model is not None:
            self._model.close()
            self._model = None
