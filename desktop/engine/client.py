"""The application's side of the engine: asyncio calls that outlive whatever happens to the engine process.

Invariant: one order is in the engine at a time, in the order of the calls; a cancelled call stops what it began;
the death of the process ends the call that waits with `EngineDied`, and the next load starts a new one. llama_cpp is
never imported here. Which model to load when, and what becomes of the text, is decided by the services above.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from types import TracebackType

from desktop.core.errors import N_, EngineDied, UserError
from desktop.core.generation import (
    GenerateEvent,
    GenerateRequest,
    LoadProgress,
    LoadSettings,
    ModelInfo,
    Piece,
)
from desktop.engine.files import read_header
from desktop.engine.frames import (
    Afford,
    Answer,
    Count,
    Counted,
    Crashed,
    Failed,
    Final,
    Forget,
    FrameError,
    Generate,
    Keep,
    List,
    Listed,
    Load,
    Loaded,
    Order,
    Prepare,
    Prepared,
    Stop,
)
from desktop.engine.process import Child, command

HOST_VERB = "engine-host"  # the hidden verb of `alcove` that is `engine.host.main`


class EngineFault(Exception):
    """A bug of ours in the engine process; it goes on. The text is the traceback there."""


class Engine:
    """One engine process at most, started by `load`. All methods are for one event loop."""

    def __init__(
        self,
        arguments: Sequence[str] | None = None,
        states: Path | None = None,
        budget: Callable[[], int] = lambda: 0,
    ) -> None:
        """`states`: the folder where what was read may be kept, of at most `budget()` bytes; None keeps nothing."""
        self._states, self._budget = states, budget
        self._arguments = list(arguments or command(HOST_VERB, "desktop.engine.host"))
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._child: Child | None = None
        self._loaded: tuple[Path, LoadSettings, ModelInfo] | None = None
        self._model: Path | None = None  # what the process holds or is loading
        self._deaths: Counter[Path] = Counter()
        self._current: _Exchange | None = None
        self._preparing = 0
        self.forgotten = 0  # how often something of what was read was dropped by `forget`

    @property
    def loaded(self) -> tuple[Path, LoadSettings, ModelInfo] | None:
        """The model that would answer now; None after a death, too."""
        return self._loaded if self._child is not None and self._child.alive else None

    @property
    def busy(self) -> bool:
        """Whether something is being loaded, counted or generated."""
        return self._turn.locked()

    @property
    def active(self) -> bool:
        """Whether it is `busy`, or reads ahead."""
        return self.busy or self._preparing > 0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.alive else None

    @property
    def log(self) -> str:
        """The last 64 KiB the engine process wrote, for a report."""
        return self._child.log if self._child is not None else ""

    def deaths(self, path: Path) -> int:
        """How often the engine died, not asked to, with this model since the application started."""
        return self._deaths[path]

    async def load(
        self, path: Path, settings: LoadSettings, progress: Callable[[float], None] | None = None
    ) -> ModelInfo:
        """Makes a model ready; at once if it is already. `progress` hears fractions.

        Raises `ModelFileError`, `LoadError` or `EngineDied`. Cancelling ends the process.
        """
        async with self._turn:
            self._bury()
            if self._loaded is not None and self._loaded[:2] == (path, settings):
                return self._loaded[2]
            await asyncio.to_thread(read_header, path)
            await self._end()
            child = self._child = Child(self._arguments)
            self._model = path
            try:
                info = await self._load(self._order(path, settings), progress)
                self._loaded = (path, settings, info)
            finally:
                if self._loaded is None:
                    child.kill()
                    await self._end()
            return info

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[GenerateEvent, None]:
        """The events of a reply, `Finished` last. Leaving early (`aclose`, a cancelled task) stops the engine.

        Raises `PromptTooLong`, `EngineDied`, or `UserError` where no model is loaded.
        """
        async with self._turn:
            with self._exchange(Generate(request)) as exchange:
                self._current = exchange
                try:
                    while not exchange.over:
                        yield await exchange.event()
                finally:
                    self._current = None

    async def stop(self) -> None:
        """Ends the reply being generated; its generator gives `Finished` with the reason `cancelled`."""
        if self._current is not None:
            self._current.stop()

    async def count(self, prompts: Sequence[tuple[Piece, ...]]) -> list[int]:
        """Tokens of each prompt, as `generate` would read them."""
        async with self._turn:
            with self._exchange(Count(tuple(prompts))) as exchange:
                answer = await exchange.answer()
        return list(answer.counts) if isinstance(answer, Counted) else []

    async def tokens(self, prompt: Sequence[Piece]) -> list[tuple[int, str]]:
        """Id and text of each token of a prompt."""
        async with self._turn:
            with self._exchange(List(tuple(prompt))) as exchange:
                answer = await exchange.answer()
        return list(answer.tokens) if isinstance(answer, Listed) else []

    async def prepare(self, request: GenerateRequest, draft: bool = False) -> Prepared | None:
        """Reads a prompt while nothing else is wanted: whatever is asked next ends it. None where that was at once.

        `draft`: it ends in words that a person may still take back; they are not put on disk.
        """
        if self.loaded is None or self.busy:
            return None
        self._preparing += 1
        try:
            with self._exchange(Prepare(request, draft)) as exchange:
                answer = await exchange.answer()
        finally:
            self._preparing -= 1
        return answer if isinstance(answer, Prepared) else None

    async def keep(self) -> None:
        """Puts on disk what was read, so that it need not be read again."""
        if self.loaded is None:
            return
        async with self._turn:
            with self._exchange(Keep()) as exchange:
                await exchange.answer()

    async def forget(self, chat: str) -> None:
        """Drops what was read of a chat that is no more, after what is under way; "" as in `Forget`."""
        async with self._turn:  # first: a process that ends is still putting things on disk
            self.forgotten += 1
            if self.loaded is None:
                return
            with self._exchange(Forget(chat)) as exchange:
                await exchange.answer()

    async def afford(self) -> None:
        """Tells the engine what it may keep on disk from now on."""
        if self.loaded is None:
            return
        async with self._turn:
            with self._exchange(Afford(*self._allowed())) as exchange:
                await exchange.answer()

    async def unload(self) -> None:
        """Ends the process, which gives all memory back. A reply being generated is stopped first."""
        await self.stop()
        async with self._turn:
            await self._end()

    async def close(self) -> None:
        """As `unload`, without waiting for anybody's turn: the application is closing."""
        await self._end()

    async def leave(self) -> None:
        """As `close`, without waiting for the process: it puts on disk what it has read and ends some seconds later."""
        child, self._child, self._loaded = self._child, None, None
        if child is not None:
            await child.leave()

    def _order(self, path: Path, settings: LoadSettings) -> Load:
        return Load(os.fspath(path), settings, *self._allowed())

    def _allowed(self) -> tuple[str, int]:
        """The folder for states and its budget, in bytes; "" and 0 where nothing may be kept."""
        budget = self._budget() if self._states else 0
        return (os.fspath(self._states), budget) if self._states and budget else ("", 0)

    async def _load(self, order: Load, progress: Callable[[float], None] | None) -> ModelInfo:
        with self._exchange(order) as exchange:
            while True:
                answer = await exchange.answer()
                if isinstance(answer, Loaded):
                    return answer.info
                if isinstance(answer, LoadProgress) and progress is not None:
                    progress(answer.fraction)

    def _exchange(self, order: Order) -> _Exchange:
        """An order to the living process. Raises what it died of, or that there is none."""
        child = self._child
        if child is None:
            raise UserError(N_("No model is loaded. Choose one first."))
        return _Exchange(child, next(self._numbers), order, self._mourn)

    def _bury(self) -> None:
        """Takes leave of a process that has died since the last call."""
        if self._child is not None and not self._child.alive:
            self._mourn(self._child)

    def _mourn(self, child: Child) -> EngineDied:
        """The error for a process that has ended; its model is charged with it once, unless we ended it ourselves."""
        if self._child is child:
            self._child = self._loaded = None
            if self._model is not None and not child.asked:
                self._deaths[self._model] += 1
        if child.asked:
            return EngineDied(N_("The engine was closed. Load a model to go on."))
        return child.death()

    async def _end(self) -> None:
        child, self._child, self._loaded = self._child, None, None
        if child is not None:
            await child.end()


class _Exchange:
    """One order and its answers. Left before the final answer, it stops the order."""

    def __init__(self, child: Child, number: int, order: Order, mourn: Callable[[Child], EngineDied]) -> None:
        self._child, self._number, self._order, self._mourn = child, number, order, mourn
        self.over = False

    def __enter__(self) -> _Exchange:
        self._answers = self._child.listen(self._number)
        try:
            self._child.send(self._number, self._order)
        except FrameError as error:
            self._child.forget(self._number)
            raise UserError(N_("This text is too long to be read at once. Shorten it.")) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._child.forget(self._number)
        self.stop()

    def stop(self) -> None:
        if not self.over:
            self._child.send(self._number, Stop())

    async def answer(self) -> Answer:
        """The next answer. Raises what ended the order, or the process."""
        answer = await self._answers.get()
        self.over = answer is None or isinstance(answer, Final)
        if answer is None:
            raise self._mourn(self._child)
        if isinstance(answer, Failed):
            raise answer.error()
        if isinstance(answer, Crashed):
            raise EngineFault(answer.traceback)
        return answer

    async def event(self) -> GenerateEvent:
        """The next answer, which is one of a reply's."""
        answer = await self.answer()
        if not isinstance(answer, GenerateEvent):
            raise EngineFault(f"{answer!r:.200} in a reply")
        return answer
