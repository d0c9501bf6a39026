"""The find page over the real Hub client, the real downloads and the real library; the Hub is the one of `tests.hub`.

Only what a computer has of memory is made up, and what llama.cpp would say: 3 MB more than the closed form.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QListView, QMessageBox, QWidget

from desktop.core import remedies
from desktop.core.errors import N_, UserError
from desktop.core.estimator import Estimator
from desktop.core.fit import Room, Source, Verdict, judge
from desktop.core.generation import LoadSettings
from desktop.core.repos import Listing, Variant
from desktop.core.shape import Shape
from desktop.core.speed import Basis, Speed
from desktop.panes.models.find.find_controller import FindController
from desktop.panes.models.find.find_view import FindView
from desktop.panes.models.find.offer import Offer
from desktop.panes.models.find.variants import VariantRow
from desktop.services.fit.advising import Advising
from desktop.services.fit.fitting import Fit, Subject
from desktop.services.models.library import Library
from desktop.services.online.hub import Hub
from desktop.services.online.network import Network
from desktop.services.online.tokens import Tokens
from desktop.services.online.web import Web
from desktop.services.paths import Paths
from desktop.services.preferences import Preferences
from desktop.services.transfer.downloads import Downloads
from desktop.ui.bars import Bar
from desktop.ui.labels import Label
from desktop.ui.loop import Tasks, run
from tests.models import tiny_model

MORE = 3_000_000  # bytes that the engine would say beside the closed form
OLD = N_("These files are old.")
BEST = N_("The best quality that leaves memory for other programs.")


class Judge:
    """As `services.fit.fitting.Fitting`, on a computer with `available` bytes that reads 20 GB/s."""

    def __init__(self, available: int) -> None:
        self.available = available
        self.asked: list[tuple[str, LoadSettings]] = []
        self.mute: UserError | None = None  # why the engine cannot be asked
        self.slow: asyncio.Event | None = None  # what is waited for before a header is here
        self.rough = False  # whether nothing but sizes is known
        self._said: set[tuple[str, LoadSettings]] = set()

    async def prepare(self) -> None:
        return

    def quick(self, subject: Subject, settings: LoadSettings) -> Fit:
        listing, variant = subject.listing, subject.variant
        assert listing is not None
        assert variant is not None
        about = listing.repository
        shape = Shape.guessed(
            variant.size, variant.quantisation, about.parameters, about.architecture, about.context_length
        )
        estimator, room = Estimator(shape), Room(self.available, 16_000_000_000)
        settings = replace(settings, context=min(settings.context, about.context_length or settings.context))
        exact = (subject.identity, settings) in self._said
        estimate = estimator(settings)
        if exact:
            estimate = replace(estimate, compute_bytes=estimate.compute_bytes + MORE, source=Source.PROBE)
        return Fit(
            estimate,
            judge(estimate, room),
            settings,
            self.available,
            remedies.largest_context(estimator, settings, room, about.context_length),
            0,
            about.context_length,
            Speed(20e9 / variant.size, Basis.BANDWIDTH),
            remedies.remedies(estimator, settings, room, []),
            exact,
            rough=self.rough,
            memory_bytes=16_000_000_000,
        )

    async def exact(self, subject: Subject, settings: LoadSettings, also: Sequence[LoadSettings] = ()) -> Fit:
        assert subject.variant is not None
        self.asked.append((subject.variant.label, settings))
        if self.mute is not None:
            raise self.mute
        if self.slow is not None:
            await self.slow.wait()
            self.rough = False
        await asyncio.sleep(0)
        self._said.update((subject.identity, one) for one in (settings, *also))
        return self.quick(subject, settings)

    def outdated(self, subject: Subject) -> str:
        return OLD if subject.listing is not None and "old" in subject.listing.repository.id else ""

    async def survey(self, listing: Listing) -> None:
        await asyncio.sleep(0)

    def recommended(self, listing: Listing, fits: Mapping[str, Fit]) -> tuple[Variant, str]:
        good = [v for v in listing.variants if fits[v.label].verdict is Verdict.FITS]
        return (good[-1] if good else listing.variants[0]), BEST


class FindPage:
    """Made inside the loop: `async with FindPage(...)`."""

    def __init__(self, look: Any, tmp_path: Path, tasks: Tasks, available: int = 8_000_000_000) -> None:
        self.look, self.tasks, self.judge = look, tasks, Judge(available)
        self.paths = Paths(tmp_path / "D'Angelò 김철수")
        self.chosen: list[str] = []

    async def __aenter__(self) -> FindPage:
        self.paths.create()
        resources = self.paths.home.parent / "resources"
        (resources / "guide").mkdir(parents=True, exist_ok=True)
        tiny_model(resources / "guide" / "guide.gguf")
        self.network = Network()
        self.tokens = Tokens(self.paths.home / "token")
        self.web = web = Web(self.network, self.tokens, patience_s=5)
        self.hub = Hub(web, self.paths.home / "hub", self.tokens)
        self.library = await Library.open(self.paths, resources)
        self.preferences = Preferences(self.paths.preferences)
        self.downloads = await Downloads.opened(self.paths.home / "downloads.json", self.library, web)
        offer = Offer(
            self.hub,
            self.judge,  # type: ignore[arg-type]
            Advising(self.hub, self.judge, self.preferences),  # type: ignore[arg-type]
            self.downloads,
            self.library,
            self.preferences,
            self.tokens,
            self.tasks.spawn,
        )
        offer.chosen.connect(self.chosen.append)
        self.controller, self.offer = FindController(self.hub, offer, self.tasks.spawn), offer
        self.view = FindView(self.look, self.controller)
        self.view.resize(760, 700)
        self.view.show()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.offer.leave()
        await self.tasks.close()
        await self.downloads.close()
        self.view.close()
        for made in (self.view, self.controller, self.offer):  # now, and not by a collector in some thread
            made.deleteLater()
        await settled()
        self.web.close()
        self.network.close()

    # -- the person ---------------------------------------------------------------------------------------------------

    @property
    def field(self) -> QWidget:
        return self.view.results.field

    def type(self, words: str) -> None:
        QTest.keyClicks(self.field, words)

    def paste(self, text: str) -> None:
        QApplication.clipboard().setText(text)
        self.view.results.field.selectAll()
        self.view.results.field.paste()

    @property
    def list(self) -> QListView:
        return self.view.results.list

    def names(self) -> list[str]:
        model = self.list.model()
        return [str(model.index(at, 0).data()) for at in range(model.rowCount())]

    def heard(self, at: int) -> str:
        """A row of the results, as it is read out."""
        return str(self.list.model().index(at, 0).data(Qt.ItemDataRole.AccessibleTextRole))

    def open(self, at: int) -> None:
        place = self.list.visualRect(self.list.model().index(at, 0)).center()
        QTest.mouseClick(self.list.viewport(), Qt.MouseButton.LeftButton, pos=place)

    async def go(self, repo: str) -> None:
        """To a repository, by its id pasted into the field."""
        self.paste(repo)
        offer = self.offer
        await until(lambda: offer.problem or (offer.listing is not None and offer.listing.commit))
        await settled()

    def click(self, label: str) -> None:
        """Unfolds a variant, or folds it."""
        QTest.mouseClick(self.row(label), Qt.MouseButton.LeftButton, pos=QPoint(20, 20))

    def rows(self) -> list[VariantRow]:
        """The variants that are shown, in their order."""
        found = [row for row in self.view.repository.findChildren(VariantRow) if row.isVisibleTo(self.view)]
        return sorted(found, key=lambda row: row.mapTo(self.view, QPoint(0, 0)).y())

    def row(self, label: str) -> VariantRow:
        return next(row for row in self.rows() if row.variant.label == label)

    def labels(self) -> list[str]:
        return [row.variant.label for row in self.rows()]

    def press(self, label: str) -> None:
        buttons = self.view.findChildren(QAbstractButton)
        button = next(b for b in buttons if label in (b.text(), b.accessibleName()) and b.isVisibleTo(self.view))
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))

    def offered(self) -> set[str]:
        return {b.text() for b in self.view.findChildren(QAbstractButton) if b.isVisibleTo(self.view)}

    def read(self) -> str:
        """All that is read on the page."""
        return "\n".join(w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view))

    def warned(self) -> str:
        return "\n".join(bar.text for bar in self.view.findChildren(Bar) if bar.isVisibleTo(self.view))

    def asking(self) -> QMessageBox | None:
        return next((box for box in self.view.findChildren(QMessageBox) if box.isVisible()), None)


async def settled() -> None:
    """Lets Qt lay out and paint. Nothing here may pump events: a coroutine would be entered twice."""
    for _turn in range(5):
        await asyncio.sleep(0.01)


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Waits for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what is waited for is what a person sees, which has no event
            await asyncio.sleep(0.01)


def visit(
    look: Any, tmp_path: Path, doing: Callable[[FindPage], Awaitable[None]], available: int = 8_000_000_000
) -> None:
    """Runs a visit to the page in Qt's loop; a bug in any task fails it."""
    bugs: list[BaseException] = []
    tasks = Tasks(lambda error: bugs.append(error), bugs.append)

    async def main() -> int:
        async with FindPage(look, tmp_path, tasks, available) as page:
            await doing(page)
        return 0

    assert run(main()) == 0
    gc.collect()
    assert not bugs
