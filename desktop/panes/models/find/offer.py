"""One repository as it is offered on this computer: its variants, each with what it takes, and how to get one.

Invariant: every variant has a fit for the settings that are tried, from the closed form at once; the exact one takes
its place when it is known and still belongs to these settings. What answers late for a repository that was left is
dropped. Nothing is downloaded before the person asks for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.core import quants
from desktop.core.errors import GatedError, UserError
from desktop.core.fit import Verdict
from desktop.core.generation import LoadSettings, load_settings
from desktop.core.remedies import Remedy
from desktop.core.repos import Listing, Pasted, RepoFile, Repository, Variant
from desktop.core.settings import resolve
from desktop.core.transfer import Download, State
from desktop.panes.models.find.steps import contexts
from desktop.services.fit.advising import Advising
from desktop.services.fit.fitting import Fit, Fitting, Subject
from desktop.services.models.library import Library
from desktop.services.online.hub import Hub
from desktop.services.online.tokens import Place, Tokens
from desktop.services.preferences import Preferences
from desktop.services.transfer.downloads import Downloads

__all__ = ["Download", "Fit", "Listing", "LoadSettings", "Offer", "Repository", "State", "Variant", "Verdict"]

_AT_ONCE = 40  # variants that are judged without a break: about 20 ms
_SLIDING_MS = 350  # the context must stand still so long before llama.cpp is asked
Spawn = Callable[[Coroutine[Any, Any, Any], Callable[[UserError], None]], "asyncio.Task[None]"]  # `ui.loop.Tasks.spawn`


class Offer(QObject):
    changed = Signal()  # the repository, what it holds, or what went wrong with it
    judged = Signal()  # fits
    unfolded = Signal()  # another variant is looked at
    carded = Signal()  # the card is here
    prepared = Signal()  # this computer is measured
    moved = Signal()  # a download or the library changed
    chosen = Signal(str)  # a model of the library to chat with
    failed = Signal(object)  # a UserError of something the person did

    def __init__(
        self,
        hub: Hub,
        fitting: Fitting,
        advising: Advising,
        downloads: Downloads,
        library: Library,
        preferences: Preferences,
        tokens: Tokens,
        spawn: Spawn,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._hub, self._fitting, self._advising, self._downloads = hub, fitting, advising, downloads
        self._library, self._preferences, self._tokens, self._spawn = library, preferences, tokens, spawn
        self.repository = Repository("")
        self.listing: Listing | None = None
        self.problem: UserError | None = None
        self.card = ""
        self.speeds: Callable[[str], Sequence[float]] = lambda _id: ()  # of a download, one a second
        self.settings = LoadSettings()
        self.fits: dict[str, Fit] = {}
        self.recommended: tuple[str, str] = ("", "")  # a label, and the reason as a message id
        self.reading = False  # whether the header of the variant that is looked at is on its way
        self.unasked: UserError | None = None  # why the engine could not be asked about the variant that is looked at
        self.looked_at = ""  # the label of the variant that is unfolded
        self.url = ""  # where the file lies, if not on the Hub
        self._wanted, self._revision = "", "main"
        self._tried: set[str] = set()  # settings that the person changed here
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: asyncio.Task[None] | None = None
        self._unjudged: tuple[Variant, ...] = ()
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._go_on)
        self._judging = QTimer(self, singleShot=True, interval=0)
        self._judging.timeout.connect(self._judge)
        self._still = QTimer(self, singleShot=True, interval=_SLIDING_MS)
        self._still.timeout.connect(self._ask)
        downloads.listen(self._heard)

    # -- opening ------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Lets this computer be measured, once; until then less is known of speeds and graphics cards."""
        self._spawn(self._prepare(), lambda _error: None)

    def open(self, row: Repository, file: str = "", revision: str = "main") -> None:
        """Turns to a repository; what the catalogue knows of it is shown until the Hub has answered."""
        self.leave()
        self.repository, self._wanted, self._revision = row, file, revision
        self.settings = load_settings(resolve(self._preferences.values()))
        known = self._known(row)
        if known is not None:
            self._take(known)
        self.changed.emit()
        self._do(self._fetch(), self._fail)

    def open_pasted(self, target: Pasted) -> None:
        """Turns to what an address points at."""
        if target.url:
            self._open_url(target.url)
        else:
            self.open(Repository(target.repo), target.file or target.variant, target.revision)

    def _open_url(self, url: str) -> None:
        """A file of another host: nothing is known of it but its name before it is fetched."""
        self.leave()
        parts = urlsplit(url)
        host, name = parts.hostname or "", unquote(parts.path).rpartition("/")[2]
        variant = Variant(name, quants.from_file_name(name), (RepoFile(name, 0),))
        self.url, self.repository = url, Repository(host)
        self.listing = Listing(self.repository, "", (variant,))
        self.changed.emit()
        self.look_at(name)

    def best(self, row: Repository) -> tuple[Variant, Fit] | None:
        """The recommended variant of a starting point, and how it fits, with the settings a model is loaded with."""
        found = self._advising.variant(row.id)
        return (found.variant, found.fit) if found else None

    def advised(self) -> str:
        """The id of the starting point that this computer is advised to take; "" where none fits."""
        found = self._advising.model()
        return found.listing.repository.id if found else ""

    def leave(self) -> None:
        """Forgets the repository; what was asked for it is cancelled."""
        for timer in (self._still, self._judging, self._later):
            timer.stop()
        for task in self._tasks:
            task.cancel()
        self._tasks, self._asking = [], None
        self.repository, self.listing, self.problem, self.card = Repository(""), None, None, ""
        self.fits, self.recommended, self.looked_at = {}, ("", ""), ""
        self._tried, self.url, self.unasked, self.reading = set(), "", None, False

    def retry(self) -> None:
        """Asks the Hub again."""
        self.problem = None
        self.changed.emit()
        self._do(self._fetch(again=True), self._fail)

    @property
    def loading(self) -> bool:
        return self.listing is None and self.problem is None

    @property
    def outdated(self) -> str:
        """Why its files may answer badly, as a message id; "" where nothing speaks for it."""
        listing = self.listing
        if listing is None or self.url or not listing.variants:
            return ""
        variant = self._variant(self.looked_at or self.recommended[0]) or listing.variants[0]
        return self._fitting.outdated(Subject.remote(listing, variant))

    @property
    def age(self) -> float:
        """Seconds since the Hub said so, where it could not be asked again; 0 where it was."""
        return max(1.0, time.time() - self.listing.at) if self.listing and self.listing.stale else 0.0

    @property
    def page(self) -> str:
        """Where people read about it in the browser."""
        return self.url or self._hub.page(self.repository.id)

    @property
    def trained(self) -> int:
        """Tokens the model was trained on; 0 where it is not known yet."""
        return max((fit.trained_context for fit in self.fits.values()), default=0) or self.repository.context_length

    @property
    def needs_token(self) -> bool:
        """Whether its owner wants terms accepted, and no token is here to prove it."""
        return isinstance(self.problem, GatedError) or (self.repository.gated and self._tokens.place is Place.NONE)

    def give_token(self, token: str) -> None:
        """Keeps the person's token and asks the Hub again."""
        self._do(self._give(token), self.failed.emit)

    # -- judging ------------------------------------------------------------------------------------------------------

    def try_context(self, tokens: int) -> None:
        self.try_settings(replace(self.settings, context=tokens))

    def try_kv_type(self, kind: str) -> None:
        self.try_settings(replace(self.settings, kv_type=kind))

    def try_settings(self, settings: LoadSettings) -> None:
        """Judges every variant again, for these."""
        if settings == self.settings:
            return
        for key in ("context", "kv_type", "mmap", "repack", "gpu_layers"):
            if getattr(settings, key) != getattr(self.settings, key):
                self._tried.add(key)
        self.settings = settings
        self._judging.start()
        self._still.start()

    def remedy(self, remedy: Remedy) -> None:
        """Does what makes room: other settings, or a look at another variant."""
        self.try_settings(remedy.settings)
        if remedy.variant and remedy.variant != self.looked_at:
            self.look_at(remedy.variant)

    def look_at(self, label: str) -> None:
        """Unfolds a variant; "" folds all."""
        self.looked_at = label
        self.unfolded.emit()
        if label:
            self._ask()

    def _judge(self) -> None:
        """Judges all variants; where they are many, some now and the others when the window has had its turn."""
        self._unjudged = self.listing.variants if self.listing and not self.url else ()
        self._go_on()

    def _go_on(self) -> None:
        if self.listing is None or self.url:
            return
        now, self._unjudged = self._unjudged[:_AT_ONCE], self._unjudged[_AT_ONCE:]
        self.fits |= {variant.label: self._quick(variant) for variant in now}
        if self._unjudged:
            self._later.start()
            return
        if self._asking is None and len(self.fits) > _AT_ONCE:
            self._still.start()  # nothing was recommended when it was opened
        if self.fits:
            found, reason = self._fitting.recommended(self.listing, self.fits)
            self.recommended = (found.label, reason)
        self.judged.emit()

    def _quick(self, variant: Variant) -> Fit:
        assert self.listing is not None
        return self._fitting.quick(Subject.remote(self.listing, variant), self.settings)

    def _ask(self) -> None:
        """Has llama.cpp itself asked, for the variant that is looked at or else the recommended one."""
        if self._asking is not None:
            self._asking.cancel()
        variant = self._variant(self.looked_at or self.recommended[0])
        fit = self.fits.get(variant.label) if variant is not None else None
        if self.listing is None or variant is None or fit is None or fit.exact:
            self._read(False)
            return
        self.unasked = None
        self._asking = self._do(self._ask_exactly(self.listing, variant, self.settings), self._not_asked)
        self._read(True)

    def _read(self, reading: bool) -> None:
        if reading is not self.reading:
            self.reading = reading
            self.judged.emit()

    def _not_asked(self, error: UserError) -> None:
        self.unasked, self.reading = error, False
        self.judged.emit()

    async def _ask_exactly(self, listing: Listing, variant: Variant, settings: LoadSettings) -> None:
        """What cannot be found out stays as it was computed, and says so: `Fit.exact`."""
        steps = [replace(settings, context=context) for context in contexts(self.trained)]
        await self._fitting.exact(Subject.remote(listing, variant), settings, steps)
        self.reading = False
        self._judge_if(listing)  # the header that was fetched for it tells more of the others too
        await self._fitting.survey(listing)
        self._judge_if(listing)

    def _judge_if(self, listing: Listing) -> None:
        """Judges again, unless another repository has been opened meanwhile."""
        if self.repository.id == listing.repository.id:
            self._judge()

    # -- getting ------------------------------------------------------------------------------------------------------

    def download(self, label: str) -> None:
        """Fetches a variant, behind those on their way."""
        variant = self._variant(label)
        if variant is not None and self.listing is not None:  # not one of `_tasks`: it goes on when the page is left
            self._spawn(self._download(self.listing, variant, self.url), self.failed.emit)

    def transfer(self, label: str) -> Download | None:
        """The download of a variant, where there is one."""
        here = (self.repository.id, label, self.url)
        return next((d for d in self._downloads.all() if (d.repo, d.label, d.url) == here), None)

    def pause(self, label: str) -> None:
        self._with(label, self._downloads.pause)

    def resume(self, label: str) -> None:
        self._with(label, self._downloads.resume)

    def cancel(self, label: str) -> None:
        self._with(label, self._downloads.cancel)

    def model(self, label: str) -> str:
        """The name under which a variant lies in the library; "" where it does not."""
        variant = self._variant(label)
        if variant is None:
            return ""
        for model in self._library.all():
            origin = model.origin
            if origin and (origin.repo, origin.file) == (self.repository.id, variant.path) and model.present:
                return model.name
        return ""

    def chat(self, label: str) -> None:
        """Chats with a variant that is here, with the settings that were tried for it."""
        name = self.model(label)
        if name:
            self._do(self._chat(name), self.failed.emit)

    # -- work ---------------------------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, Any], fail: Callable[[UserError], None]) -> asyncio.Task[None]:
        task = self._spawn(work, fail)
        self._tasks = [running for running in self._tasks if not running.done()]
        self._tasks.append(task)
        return task

    def _with(self, label: str, action: Callable[[str], object]) -> None:
        found = self.transfer(label)
        if found is not None:
            action(found.id)

    def _known(self, row: Repository) -> Listing | None:
        """What the catalogue has of a repository."""
        return next((found for found in self._hub.starting_points() if found.repository.id == row.id), None)

    def _variant(self, label: str) -> Variant | None:
        held = self.listing.variants if self.listing else ()
        return next((variant for variant in held if variant.label == label), None)

    async def _prepare(self) -> None:
        await self._fitting.prepare()
        self._judge()
        self.prepared.emit()

    async def _fetch(self, *, again: bool = False) -> None:
        self._take(await self._hub.listing(self.repository.id, self._revision, again=again))
        self.changed.emit()
        listing = self.listing
        assert listing is not None
        with suppress(UserError):  # without its card a repository is still all there
            self.card = await self._hub.card(listing.repository.id, listing.commit)
        self.carded.emit()

    def _take(self, listing: Listing) -> None:
        first = self.listing is None
        if listing.commit:
            self._advising.saw(listing)
        self.fits = {}
        self.listing, self.problem, self.repository = listing, None, listing.repository
        self._judge()
        most = contexts(self.trained)[-1]
        if self.settings.context == 0 or self.settings.context > most:
            self.settings = replace(self.settings, context=most)
            self._judge()
        wanted = listing.variant(self._wanted) if self._wanted else None
        if wanted is not None:
            self.look_at(wanted.label)
        elif first or not listing.repository.catalogue:
            self._ask()

    def _fail(self, error: UserError) -> None:
        self.problem = error
        self.changed.emit()

    def _heard(self, *_what: object) -> None:
        self.moved.emit()

    async def _give(self, token: str) -> None:
        await self._tokens.set(token)
        self.retry()

    async def _download(self, listing: Listing, variant: Variant, url: str) -> None:
        if url:
            await self._downloads.add_url(url)
            return
        if not listing.commit:  # the catalogue knows no commit and no hashes
            listing = await self._hub.listing(listing.repository.id)
            variant = listing.variant(variant.path) or variant
        await self._downloads.add(listing.repository.id, listing.commit, variant)
        self.moved.emit()

    async def _chat(self, name: str) -> None:
        for key in sorted(self._tried):
            await self._preferences.set(key, getattr(self.settings, key), name)
        self.chosen.emit(name)
