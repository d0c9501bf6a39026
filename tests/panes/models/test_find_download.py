"""Getting a variant, by clicks: download, pause, chat; what is asked before; the card and the gate of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMessageBox, QPushButton

from desktop.core.remedies import Kind, Remedy
from desktop.core.transfer import State
from desktop.panes.models.find.card import Card
from desktop.panes.models.find.variants import Headings
from desktop.ui.reading import Reading
from tests.hub import HubServer
from tests.models import tiny_model
from tests.panes.models.find_page import FindPage, settled, until, visit

GATED, PLAIN = "TheBloke/gated-GGUF", "TheBloke/plain-GGUF"
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"
CARD = b"""---
license: apache-2.0
---
<div><img src="https://i.example.org/EBdldam.jpg" alt="TheBlokeAI"></div>
<script>alert(1)</script>

# Plain
![](https://i.example.org/EBdldam.png)
This repo contains GGUF format model files for [Plain](https://huggingface.co/x/plain).
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    model = tiny_model(tmp_path / "tiny.gguf").read_bytes()
    held = {
        PLAIN: {"plain.Q4_K_M.gguf": model, "plain.Q8_0.gguf": model + bytes(4096), "README.md": CARD},
        GATED: {"gated.Q4_K_M.gguf": model},
    }
    with HubServer(held, tokens={TOKEN: [GATED]}) as server:
        server[GATED].gated = "manual"
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def test_download_pause_resume_and_chat(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        stall = hub.misbehave("plain.Q4_K_M.gguf", on="cdn", stall_after=20_000)
        page.click("Q4_K_M")
        page.offer.try_context(2048)
        page.offer.remedy(Remedy(Kind.MMAP, replace(page.offer.settings, mmap=False), "", 1))
        await settled()
        page.press("Download")
        await until(lambda: stall.used and {"Pause", "Cancel"} <= page.offered())
        assert "Download" not in page.offered()
        page.press("Pause")
        await until(lambda: "Resume" in page.offered())
        assert "paused" in page.row("Q4_K_M").accessibleName()
        assert "What has arrived is kept." in page.read()
        hub.behave()
        page.press("Resume")
        await until(lambda: "Chat with it" in page.offered())
        assert "in your library" in page.row("Q4_K_M").accessibleName()
        assert "Pause" not in page.offered()
        page.press("Chat with it")
        await until(lambda: page.chosen)
        assert page.chosen == [page.library.all()[1].name]
        assert page.preferences.values(page.chosen[0]) == {"context": 2048, "mmap": False}  # as it was tried

    visit(look, tmp_path, doing)


def test_the_focus_stays_where_the_person_is(look: Any, tmp_path: Path, hub: HubServer) -> None:
    def focused() -> str:
        widget = QApplication.focusWidget()
        return widget.text() if isinstance(widget, QPushButton) else type(widget).__name__

    async def doing(page: FindPage) -> None:
        page.view.activateWindow()
        await page.go(PLAIN)
        stall = hub.misbehave("plain.Q4_K_M.gguf", on="cdn", stall_after=20_000)
        page.click("Q4_K_M")
        await settled()
        button = next(b for b in page.view.findChildren(QPushButton) if b.text() == "Download")
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Return)
        await until(lambda: stall.used and focused() == "Pause")
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
        await until(lambda: focused() == "Resume")
        page.press("Cancel")
        await until(lambda: "Download" in page.offered())
        assert focused() == "Download"
        page.view.repository.table.detail.room.remedied.emit(
            Remedy(Kind.MMAP, replace(page.offer.settings, mmap=False), "", 1)
        )
        await settled()
        assert QApplication.focusWidget() is page.row("Q4_K_M")

    visit(look, tmp_path, doing)


def test_headings_are_one_stop_of_the_tab_key(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.view.activateWindow()
        await page.go(PLAIN)
        headings = page.view.findChild(Headings).findChildren(QAbstractButton)
        (stop,) = [button for button in headings if button.focusPolicy() & Qt.FocusPolicy.TabFocus]
        stop.setFocus()
        for key, label in ((Qt.Key.Key_Left, "Variant"), (Qt.Key.Key_Left, "Variant"), (Qt.Key.Key_Right, "Size")):
            QTest.keyClick(QApplication.focusWidget(), key)
            assert QApplication.focusWidget().text() == label
        assert page.labels() == ["Q4_K_M", "Q8_0"]
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
        await settled()
        assert page.labels() == ["Q8_0", "Q4_K_M"]
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
        assert QApplication.focusWidget() is page.row("Q8_0")

    visit(look, tmp_path, doing)


def test_a_download_goes_on_when_its_page_is_left(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        page.click("Q4_K_M")
        page.press("Download")
        page.press("Back to the models found")  # before its task has begun
        await until(lambda: [d.repo for d in page.downloads.all()] == [PLAIN])
        await page.go(PLAIN)
        page.click("Q8_0")
        listing = page.offer.listing
        assert listing is not None
        gone = replace(listing.repository, id="TheBloke/gone-GGUF")
        page.offer.listing = replace(listing, commit="", repository=gone)  # the catalogue's: the Hub is asked first
        page.press("Download")
        page.press("Back to the models found")
        await until(page.warned)

    visit(look, tmp_path, doing)


def test_a_download_given_up_leaves_nothing(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        hub.misbehave("plain.Q4_K_M.gguf", on="cdn", stall_after=20_000)
        page.click("Q4_K_M")
        page.press("Download")
        await until(lambda: "Cancel" in page.offered())
        page.press("Cancel")
        await until(lambda: "Download" in page.offered())
        await until(lambda: not [path for path in page.library.folder.rglob("*") if path.is_file()])
        hub.behave()

    visit(look, tmp_path, doing)


def test_what_is_too_large_is_asked_about_once(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        page.judge.available = 1000
        page.click("Q4_K_M")
        page.offer.try_context(1024)
        await settled()
        page.press("Download anyway…")
        asking = page.asking()
        assert asking is not None
        assert "although it is too large" in asking.text()
        asking.button(QMessageBox.StandardButton.Cancel).click()
        await settled()
        assert page.downloads.all() == []
        page.press("Download anyway…")
        asking = page.asking()
        assert asking is not None
        next(button for button in asking.buttons() if button.text() == "Download anyway").click()
        await until(lambda: any(download.state is State.DONE for download in page.downloads.all()))

    visit(look, tmp_path, doing)


def test_a_gated_repository_explains_and_takes_a_token(
    look: Any, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub[GATED].private = True

    async def doing(page: FindPage) -> None:
        await page.go(GATED)
        assert page.warned()  # one that nobody may see is like none
        hub[GATED].private = False
        page.press("Back to the models found")
        await page.go(GATED)
        assert not page.warned()
        assert "The owner of these files wants to be asked." in page.read()
        given: list[str] = []

        async def keep(token: str) -> None:  # the system's keyring is not ours to write to
            given.append(token)
            monkeypatch.setenv("HF_TOKEN", token)

        monkeypatch.setattr(page.tokens, "set", keep)
        field = next(f for f in page.view.findChildren(QLineEdit) if f.accessibleName() == "Token for the Hub")
        assert field.echoMode() is QLineEdit.EchoMode.Password
        QTest.keyClicks(field, TOKEN)
        QTest.keyClick(field, Qt.Key.Key_Return)
        await until(lambda: given == [TOKEN])
        await until(lambda: "The owner of these files" not in page.read() and page.labels() == ["Q4_K_M"])

    visit(look, tmp_path, doing)


def test_links_ask_before_they_leave(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        page.press("Repository page…")
        asking = page.asking()
        assert asking is not None
        assert asking.informativeText() == f"{hub.endpoint}/{PLAIN}"
        asking.reject()

    visit(look, tmp_path, doing)


def test_the_card_is_text_and_fetches_nothing(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        await page.go(PLAIN)
        await until(lambda: page.offer.card)
        reading = page.view.findChild(Card).findChild(Reading)
        shown = reading.toPlainText()
        assert "This repo contains GGUF format model files for" in shown
        assert "alert(1)" not in shown
        assert "<img" not in shown
        assert "license:" not in shown
        reading.anchorClicked.emit("https://huggingface.co/mistralai/x")
        asking = page.asking()
        assert asking is not None
        asking.reject()

    visit(look, tmp_path, doing)
    assert not [asked for asked in hub.received["hub"] if "EBdldam" in asked.path]
