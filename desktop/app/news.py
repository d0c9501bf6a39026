"""Tells of a newer Alcove, in a bar above the pane, where the person has asked for that.

Invariant: nothing is asked before the window has stood there for a while, nor while the switch is off; what is told
stays until it is closed, and is told once. Its button shows the page's address, and opens it in the browser if that is
wished: nothing is downloaded. When it is asked, and what is believed, is `services.online.updates`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from desktop.core.errors import N_
from desktop.core.settings import Value
from desktop.services.online.updates import DAY_S, Updates
from desktop.ui import loop, translation
from desktop.ui.window import MainWindow

FIRST_S = 30.0  # after the start, so that nothing of it is slower; no source
AGAIN_S = DAY_S / 24  # how often it is seen whether a day has passed, as computers sleep


class News:
    def __init__(self, window: MainWindow, updates: Updates, tasks: loop.Tasks) -> None:
        self._window, self._updates, self._tasks = window, updates, tasks
        self._watching: asyncio.Task[None] | None = None
        self._told = ""  # the version in the bar

    def use(self, settings: Mapping[str, Value], wait_s: float = FIRST_S) -> None:
        """What the person has set."""
        wanted = settings["updates"] is True
        if wanted and self._watching is None:
            self._watching = self._tasks.spawn(self._watch(wait_s))
        elif not wanted and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, wait_s: float) -> None:
        while True:
            await asyncio.sleep(wait_s)
            found = await self._updates.look()
            if found is not None and str(found.version) != self._told:
                self._told = str(found.version)
                self._tell(self._told, found.note(translation.language()), found.page)
            wait_s = AGAIN_S

    def _tell(self, version: str, note: str, page: str) -> None:
        bar = self._window.notify(
            N_("Alcove {version} has been published. {note}"), {"version": version, "note": note}, N_("Read more")
        )
        bar.acted.connect(lambda: self._open(version, page))
        bar.closed.connect(lambda: self._tasks.spawn(self._updates.dismiss(version)))

    def _open(self, version: str, page: str) -> None:
        from desktop.ui.links import ask_to_open

        ask_to_open(self._window, page)
        self._tasks.spawn(self._updates.dismiss(version))
