"""The page of downloads, by clicks and keys, over real downloads from a Hub on this computer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QProgressBar, QPushButton, QWidget

from desktop.core.errors import NetworkError, TransferError
from desktop.core.repos import RepoFile, Variant
from desktop.core.transfer import Download, State
from desktop.panes.models.downloads.download_row import Action, DownloadRow, Sparkline, amounts, said, title
from desktop.panes.models.downloads.downloads_view import DownloadsView, summary
from desktop.panes.models.downloads.transfers import Transfers
from desktop.services.models.library import Library
from desktop.services.online.network import Network
from desktop.services.online.tokens import Tokens
from desktop.services.online.web import Web
from desktop.services.paths import Paths
from desktop.services.transfer.downloads import Downloads
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton
from desktop.ui.labels import Label
from desktop.ui.loop import Tasks, run
from tests.hub import HubServer
from tests.models import tiny_model

REPO = "TheBloke/Tiny-GGUF"
GB = 10**9


class Page:
    """The page, its controller, and the downloads below, while a loop runs."""

    def __init__(self, qtbot: Any, look: Any, home: Path, hub: HubServer) -> None:
        self.qtbot, self.look, self.home, self.hub = qtbot, look, home, hub
        self.bugs: list[BaseException] = []
        self.heard: list[object] = []

    def play(self, scene: Callable[[Page], Awaitable[None]]) -> None:
        async def main() -> int:
            paths = Paths(self.home / "alcove")
            paths.create()
            self.library = await Library.open(paths, self.home)
            network = Network()
            web = Web(network, Tokens(self.home / "token"))
            self.downloads = await Downloads.opened(self.home / "downloads.json", self.library, web)
            tasks = Tasks(lambda _error: None, self.bugs.append)
            try:
                self._make(tasks)
                async with asyncio.timeout(30):
                    await scene(self)
            finally:
                self.view.close()
                await tasks.close()
                await self.downloads.close()
                web.close()
                network.close()
            return 0

        assert run(main()) == 0
        assert self.bugs == []

    def _make(self, tasks: Tasks) -> None:
        self.controller = Transfers(self.downloads, self.library, tasks.spawn)
        for signal in (self.controller.arrived, self.controller.chosen):
            signal.connect(self.heard.append)
        self.view = DownloadsView(self.look, self.controller)
        self.qtbot.addWidget(self.view)
        self.view.resize(900, 600)
        self.view.show()

    async def fetch(self, name: str = "tiny.Q4_0.gguf") -> Download:
        repository = self.hub[REPO]
        content = repository.files[name]
        variant = Variant("Q4_0", None, (RepoFile(name, content.size, content.sha256),))
        return await self.downloads.add(REPO, repository.head, variant)

    async def until(self, state: State) -> DownloadRow:
        while not (self.rows and self.rows[0].download.state is state):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return self.rows[0]

    @property
    def rows(self) -> list[DownloadRow]:
        return [row for row in self.view.findChildren(DownloadRow) if row.isVisibleTo(self.view)]

    def read(self) -> str:
        return "\n".join(w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view))


@pytest.fixture
def page(qtbot: Any, look: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    (tmp_path / "guide").mkdir()
    tiny_model(tmp_path / "guide" / "guide.gguf")
    model = tiny_model(tmp_path / "tiny.Q4_0.gguf", seed=7)
    with closing(HubServer({REPO: {"tiny.Q4_0.gguf": model}})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield Page(qtbot, look, tmp_path, hub)


def button(within: QWidget, label: str) -> QPushButton | IconButton:
    every = [*within.findChildren(QPushButton), *within.findChildren(IconButton)]
    shown = (b for b in every if b.isVisibleTo(within))
    return next(b for b in shown if label in (b.text(), b.accessibleName()))


def press(within: QWidget, label: str) -> None:
    QTest.mouseClick(button(within, label), Qt.MouseButton.LeftButton)


def test_what_arrives_is_ready_to_chat(page: Page) -> None:
    async def scene(page: Page) -> None:
        assert "Nothing is being downloaded" in page.read()
        await page.fetch()
        row = await page.until(State.DONE)
        assert "Nothing is being downloaded" not in page.read()
        assert "Verified, and in the library." in page.read()
        assert row.accessibleName().startswith("Tiny-GGUF · Q4_0 — ")
        press(row, "Chat with Tiny-GGUF · Q4_0")
        model = page.library.named("tiny.Q4_0")
        assert [heard for heard in page.heard if isinstance(heard, str)] == [model.id, "tiny.Q4_0"]
        press(page.view, "Clear finished")
        await asyncio.sleep(0.2)
        assert page.rows == []
        assert model.present

    page.play(scene)


def test_pause_and_resume_with_the_keyboard(page: Page) -> None:
    stall = page.hub.misbehave("tiny", on="cdn", times=1, stall_after=4_000)

    async def scene(page: Page) -> None:
        await page.fetch()
        row = await page.until(State.RUNNING)
        button(row, "Pause").setFocus()
        QTest.keyClick(button(row, "Pause"), Qt.Key.Key_Space)
        await page.until(State.PAUSED)
        assert "Paused. What has arrived is kept." in page.read()
        QTest.keyClick(button(row, "Resume"), Qt.Key.Key_Space)
        await page.until(State.DONE)
        assert row is page.rows[0]

    try:
        page.play(scene)
    finally:
        stall.released.set()


def test_a_server_that_fails_is_tried_again_and_says_when(page: Page) -> None:
    page.hub.misbehave("tiny", on="cdn", times=1, drop_after=3_000)

    async def scene(page: Page) -> None:
        await page.fetch()
        row = await page.until(State.WAITING)
        while row.download.problem is None:
            await asyncio.sleep(0.02)
            row = page.rows[0]
        assert "Trying again in" in page.read()
        await page.until(State.DONE)

    page.play(scene)


def test_cancelling_what_has_arrived_is_asked_about(page: Page) -> None:
    stall = page.hub.misbehave("tiny", on="cdn", times=1, stall_after=4_000)

    async def scene(page: Page) -> None:
        await page.fetch()
        row = await page.until(State.RUNNING)
        while not row.download.received:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for answer, left in (("Keep it", 1), ("Cancel the download", 0)):
            press(row, "Cancel")
            asking = page.view.findChild(QMessageBox)
            assert "is deleted" in asking.informativeText()
            press(asking, answer)
            await asyncio.sleep(0.3)
            assert len(page.downloads.all()) == left
        assert "Nothing is being downloaded" in page.read()

    try:
        page.play(scene)
    finally:
        stall.released.set()


def test_a_wrong_checksum_is_said_and_can_be_tried_again(page: Page) -> None:
    page.hub.misbehave("tiny", on="cdn", times=1, corrupt_at=5_000)

    async def scene(page: Page) -> None:
        await page.fetch()
        row = await page.until(State.FAILED)
        assert row.download.problem is not None
        assert str(row.download.problem) in page.read()
        press(row, "Try again")
        await page.until(State.DONE)

    page.play(scene)


def test_the_folder_is_shown(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or True)

    async def scene(page: Page) -> None:
        await page.fetch()
        row = await page.until(State.DONE)
        press(row, "Show in folder")
        model = page.library.named("tiny.Q4_0")
        assert [Path(url.toLocalFile()) for url in opened] == [model.path.parent]
        model.path.unlink()
        press(row, "Show in folder")
        assert "not there any more" in page.view.findChild(Bar).text
        press(row, "Chat with Tiny-GGUF · Q4_0")
        assert "not in the library any more" in page.view.findChild(Bar).text

    page.play(scene)


def download(state: State = State.RUNNING, **more: Any) -> Download:
    return Download("1", "TheBloke/Mistral-GGUF", "c", "Q4_K_M", (), int(4.4 * GB), int(1.1 * GB), state, **more)


def test_figures_in_words() -> None:
    running = download(speed=11.8e6, seconds_left=271)
    assert title(running) == "Mistral-GGUF · Q4_K_M"
    assert amounts(running) == "1.1 GB of 4.4 GB · 25 % · 11.8 MB/s · 4 min 31 s left"
    assert said(running) == ""
    lost = NetworkError("No network.")
    assert said(download(State.WAITING, problem=lost, retry_in=11.6)) == "No network. Trying again in 12 s."
    assert said(download(State.WAITING)) == "Waiting for those before it."
    assert said(download(State.FAILED, problem=TransferError("Broken."))) == "Broken."
    elsewhere = Download("1", "example.org", "", "a.gguf", (), 0, 0, State.DONE, url="https://example.org/a.gguf")
    assert title(elsewhere) == "a.gguf"
    assert "Nobody has published a checksum" in said(elsewhere)
    everything = [running, download(State.WAITING), download(State.PAUSED), download(State.DONE)]
    assert summary(everything).startswith("1 running · 1 waiting · 1 paused · ")
    assert summary([download(State.PAUSED)]).startswith("1 paused · ")  # it does not disappear from sight
    assert summary([download(State.DONE)]) == ""


def test_the_curve_stays_while_a_download_rests(page: Page) -> None:
    stall = page.hub.misbehave("tiny", on="cdn", times=1, stall_after=4_000)

    async def scene(page: Page) -> None:
        added = await page.fetch()
        row = await page.until(State.RUNNING)
        page.controller._speeds[added.id] = deque([3e6, 5e6])  # what two seconds would have brought
        button(row, "Pause").click()
        await page.until(State.PAUSED)
        assert list(page.controller.speeds(added.id)) == [3e6, 5e6, 0.0]
        page.controller.changed.emit()
        await asyncio.sleep(0.05)
        assert list(page.controller.speeds(added.id)) == [3e6, 5e6, 0.0]
        spark = row.findChild(Sparkline)
        assert spark.isVisibleTo(page.view)
        assert "5.0 MB/s at most" in spark.accessibleName()
        button(row, "Cancel").click()

    try:
        page.play(scene)
    finally:
        stall.released.set()


def test_what_failed_says_what_to_do(qtbot: Any, look: Any) -> None:
    row = DownloadRow(look, download(State.FAILED, problem=TransferError("Broken.")))
    qtbot.addWidget(row)
    row.resize(600, row.sizeHint().height())
    row.show()
    asked = []
    row.asked.connect(asked.append)
    press(row, "Try again")
    assert asked == [Action.RETRY]
    failed = row.grab().toImage()
    row.put(download(State.PAUSED))
    assert row.grab().toImage() != failed
    with pytest.raises(StopIteration):
        button(row, "Try again")


def test_a_row_without_a_size_only_moves(qtbot: Any, look: Any) -> None:
    row = DownloadRow(look, Download("1", "example.org", "", "a", (), 0, 5, State.RUNNING))
    qtbot.addWidget(row)
    bar = row.findChild(QProgressBar)
    assert (bar.minimum(), bar.maximum()) == (0, 0)
    row.put(download(), [1.0, 2.0, 3.0])
    assert bar.value() == 250
    assert row.findChild(Sparkline).isVisibleTo(row)
    row.show()
    assert not row.grab().isNull()


def test_a_row_is_named_without_figures_and_describes_them_now_and_then(qtbot: Any, look: Any) -> None:
    row = DownloadRow(look, download(State.RUNNING))
    qtbot.addWidget(row)
    first = row.accessibleDescription()
    row.put(replace(download(), received=2 * GB))
    assert row.accessibleName() == "Mistral-GGUF · Q4_K_M"
    assert row.accessibleDescription() == first == amounts(download(State.RUNNING))
    qtbot.wait(1050)
    row.put(replace(download(State.RUNNING), received=3 * GB))
    assert row.accessibleDescription().startswith("3.0 GB")
    row.put(download(State.PAUSED))  # what it says is told at once
    assert row.accessibleDescription() == amounts(download(State.PAUSED))


@pytest.mark.parametrize("size", [(900, 900), (620, 700)])
def test_a_row_is_no_higher_than_what_it_says(page: Page, size: tuple[int, int]) -> None:
    async def scene(page: Page) -> None:
        stall = page.hub.misbehave("tiny", on="cdn", times=1, stall_after=4_000)
        page.view.resize(*size)
        download = await page.fetch()
        await page.until(State.RUNNING)
        for act, state in ((None, State.RUNNING), (page.controller.pause, State.PAUSED)):
            if act is not None:
                act(download.id)
            row = await page.until(state)
            await asyncio.sleep(0.1)
            said = [w.mapTo(row, w.rect().bottomLeft()).y() for w in row.findChildren(QWidget) if w.isVisibleTo(row)]
            assert row.height() <= max(said) + 2 * theme.L, state  # the divider is drawn at its lower edge
            assert row.height() < page.look.px(150)
        stall.released.set()

    page.play(scene)
