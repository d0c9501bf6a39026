"""The headless root: every service made once, in order, and closed in the reverse order.

The window, the command line and the tests start here; nothing below knows who uses it. Reading it tells how the parts
fit together.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from desktop.core.errors import Notice
from desktop.core.settings import resolve
from desktop.engine.client import Engine
from desktop.services.chats.chats import Chats
from desktop.services.chats.drafts import Drafts
from desktop.services.chats.states import States
from desktop.services.chats.store import Store
from desktop.services.chats.talk import Talk
from desktop.services.chats.transcripts import Transcripts
from desktop.services.fit.advising import Advising
from desktop.services.fit.calibration import Calibration
from desktop.services.fit.fitting import Fitting
from desktop.services.fit.headers import Headers
from desktop.services.fit.tuning import Tuning
from desktop.services.guard import Guard
from desktop.services.help import Help
from desktop.services.machine import Machine
from desktop.services.models.library import Library
from desktop.services.online.hub import Hub
from desktop.services.online.network import Network
from desktop.services.online.switch import Switch
from desktop.services.online.tokens import Tokens
from desktop.services.online.updates import Updates
from desktop.services.online.web import Web
from desktop.services.paths import Paths, resources
from desktop.services.preferences import Preferences
from desktop.services.transfer.downloads import Downloads

PRIVATE = "alcove-private-"  # and the number of the process, so that what a dead one left can be told
KEPT_IN_BIN_S = 30 * 24 * 3600  # what was removed can be taken back for a month


@dataclass(frozen=True, slots=True)
class Assembly:
    """The services, put together. `notices` say what start-up found, for the person to read."""

    paths: Paths
    preferences: Preferences
    chats: Chats
    states: States
    transcripts: Transcripts
    drafts: Drafts
    library: Library
    machine: Machine
    help: Help
    engine: Engine
    talk: Talk
    fitting: Fitting
    advising: Advising
    guard: Guard
    network: Network
    tokens: Tokens
    hub: Hub
    updates: Updates
    downloads: Downloads
    notices: tuple[Notice, ...]

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, paths: Paths | None = None, chats_in: Paths | None = None, preferences: Preferences | None = None
    ) -> AsyncIterator[Assembly]:
        """All services over a data folder, the person's own by default. `chats_in` puts the chats elsewhere."""
        paths = paths or Paths.of_person()
        paths.create()
        async with AsyncExitStack() as closing:
            store = Store(chats_in or paths)
            await store.open()
            closing.push_async_callback(store.close)
            preferences = preferences or Preferences(paths.preferences)
            library = await Library.open(paths, resources())
            machine = await asyncio.to_thread(Machine.of_this_computer)
            engine, states = cls._engine(None if chats_in else paths.states, preferences, closing)
            chats = Chats(store, states.forget)
            await chats.recover()
            pages = Help(resources())
            network, tokens, web, hub = cls._outward(paths, preferences, closing)
            calibration = Calibration(paths.measured, f"{machine.cpu} x {machine.performance_cores}")
            fitting = Fitting(machine, engine, calibration, Headers(hub.read, paths.cache / "headers"))
            closing.push_async_callback(fitting.close)
            guard = Guard()
            talk = Talk(engine, chats, library, preferences, pages, fitting, guard)
            notices = tuple(n for n in (store.notice, preferences.notice, library.notice) if n)
            transcripts = Transcripts(chats)
            downloads = await Downloads.opened(paths.downloads, library, web)
            closing.push_async_callback(downloads.close)
            updates = Updates(web, preferences, paths.updates)
            drafts = Drafts(paths.drafts)
            closing.push_async_callback(drafts.close)
            yield cls(
                *(paths, preferences, chats, states, transcripts, drafts, library, machine, pages, engine, talk),
                *(fitting, Advising(hub, fitting, preferences), guard, network, tokens),
                *(hub, updates, downloads, notices),
            )

    @staticmethod
    def _engine(folder: Path | None, preferences: Preferences, closing: AsyncExitStack) -> tuple[Engine, States]:
        """The engine, and what of its work is kept on disk; without a folder, nothing."""
        budget = partial(_budget, preferences)
        engine = Engine(states=folder, budget=budget)
        closing.push_async_callback(engine.close)
        states = States(folder, engine, budget)
        closing.push_async_callback(states.close)
        return engine, states

    @staticmethod
    def _outward(paths: Paths, preferences: Preferences, closing: AsyncExitStack) -> tuple[Network, Tokens, Web, Hub]:
        """What reaches beyond this computer, behind one seal."""
        offline = resolve(preferences.values())["offline"] is True
        network = Network(paths.connections, offline, Switch(paths.preferences, offline))
        closing.callback(network.close)
        tokens = Tokens(paths.token)
        web = Web(network, tokens)
        closing.callback(web.close)
        hub = Hub(web, paths.cache / "hub", tokens)
        return network, tokens, web, hub

    @classmethod
    @asynccontextmanager
    async def private(cls) -> AsyncIterator[Assembly]:
        """As `opened`, but the chats live in a folder that is deleted at the end: for the command line."""
        _sweep(Path(tempfile.gettempdir()))
        folder = tempfile.mkdtemp(prefix=f"{PRIVATE}{os.getpid()}-")
        try:
            async with cls.opened(chats_in=Paths(Path(folder))) as assembly:
                yield assembly
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def tuning(self) -> Tuning:
        """What finds the best settings for a model; made when a person asks for it."""
        return Tuning(self.machine, self.fitting, self.preferences, self.engine, self.talk.unload)

    async def leave(self) -> None:
        """Before closing, where somebody waits to open anew: what was read goes to disk without us."""
        await self.states.close()
        await self.engine.leave()

    async def empty_bins(self) -> None:
        """Ends what has lain in the bins for a month: for a quiet moment after the start."""
        before = time.time() - KEPT_IN_BIN_S
        await self.chats.empty_bin(before)
        await self.states.sweep(self.chats.ids)
        await self.library.empty_bin(before)


def _budget(preferences: Preferences) -> int:
    """Bytes on disk for what was read of chats."""
    return int(str(resolve(preferences.values())["state_budget"])) * 10**9


def _sweep(temporary: Path) -> None:
    """Deletes the private chats of processes that were killed; other persons' the system does not let us delete."""
    for folder in temporary.glob(f"{PRIVATE}*-*"):
        number = folder.name.removeprefix(PRIVATE).split("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
