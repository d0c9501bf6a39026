"""Searching for models, by clicks and keys, against the Hub of the tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

from desktop.core.errors import NetworkError
from desktop.panes.models.empty import Empty
from desktop.panes.models.find.find_controller import FindController
from desktop.ui.bars import Bar
from desktop.ui.labels import Label
from tests.hub import HubServer
from tests.panes.models.find_page import FindPage, settled, until, visit

SHELF = [
    "Mistral-7B-Instruct-v0.1-GGUF",
    "zephyr-7B-beta-GGUF",
    "Llama-2-7b-Chat-GGUF",
    "TinyLlama-1.1B-Chat-v1.0-GGUF",
    "Mistral-7B-v0.1-GGUF",
]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    held = {
        "TheBloke/Mistral-7B-GGUF": {"m.Q4_K_M.gguf": b"GGUF" * 10},
        "TheBloke/Mistral-7B-OpenOrca-GGUF": {"m.Q4_K_M.gguf": b"GGUF" * 10},
        "TheBloke/zephyr-7B-GGUF": {"m.Q4_K_M.gguf": b"GGUF" * 10},
        "bartowski/Mistral-Nemo-GGUF": {"m.Q4_K_M.gguf": b"GGUF" * 10},
    }
    with HubServer(held) as server:
        first = server["TheBloke/Mistral-7B-GGUF"]
        first.downloads, first.likes, first.gated = 812_345, 523, "auto"
        first.gguf = {"total": 7_241_732_096, "architecture": "llama", "context_length": 32768}
        server["TheBloke/Mistral-7B-OpenOrca-GGUF"].likes = 9_000
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def searches(hub: HubServer) -> list[dict[str, list[str]]]:
    return [asked.query for asked in hub.received["hub"] if asked.path == "/api/models"]


def combo(page: FindPage, name: str) -> QComboBox:
    return next(box for box in page.view.findChildren(QComboBox) if box.accessibleName() == name)


def choose(box: QComboBox, text: str) -> None:
    """By keys, as the arrow keys do."""
    box.setFocus()
    while box.currentText() != text:
        QTest.keyClick(box, Qt.Key.Key_Down)


def test_the_shelf_needs_no_network(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        hub.close()
        await settled()
        assert page.names() == SHELF
        assert "figures are from the catalogue" in page.read()
        assert "figures from the catalogue" in page.heard(0)
        assert page.heard(0).endswith("Q5_K_M: fits")
        assert not combo(page, "Order").isEnabled()

    visit(look, tmp_path, doing)
    assert not hub.received["hub"]


def test_rows_come_while_one_types_and_say_what_they_are(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("mistral")
        assert "Searching…" in page.read()
        await until(lambda: page.names() == ["Mistral-7B-GGUF", "Mistral-7B-OpenOrca-GGUF"])
        heard = page.heard(0)
        for said in ("TheBloke", "7.2 billion parameters", "llama", "apache-2.0", "October 2023", "812,345 downloads"):
            assert said in heard
        assert "523 likes" in heard
        assert "asks for permission" in heard
        assert "asks for permission" not in page.heard(1)
        await settled()  # painting must not fail either

    visit(look, tmp_path, doing)
    assert len(searches(hub)) == 1  # the seven letters were one question
    assert searches(hub)[0]["author"] == ["TheBloke"]


def test_a_search_that_is_overtaken_never_shows(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        stall = hub.misbehave("/api/models", times=1, stall_after=0)
        page.type("mistral")
        await until(lambda: stall.used)
        page.view.results.field.selectAll()
        page.type("zephyr")
        await until(lambda: page.names() == ["zephyr-7B-GGUF"])
        hub.behave()
        assert len(searches(hub)) == 2
        await asyncio.sleep(0.2)
        assert page.names() == ["zephyr-7B-GGUF"]

    visit(look, tmp_path, doing)


def test_more_rows_come_when_the_end_is_seen(look: Any, tmp_path: Path, hub: HubServer) -> None:
    for number in range(45):
        hub[f"TheBloke/many-{number:02}-GGUF"] = {"m.Q4_K_M.gguf": b"GGUF"}

    async def doing(page: FindPage) -> None:
        page.type("many")
        await until(lambda: len(page.names()) == 20)
        page.list.setFocus()
        for count in (40, 45):
            page.list.verticalScrollBar().setValue(page.list.verticalScrollBar().maximum())
            await until(lambda count=count: len(page.names()) == count)
        assert len(set(page.names())) == 45

    visit(look, tmp_path, doing)


def test_everyones_models_and_another_order(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("mistral")
        await until(lambda: len(page.names()) == 2)
        choose(combo(page, "Whose models"), "Everyone")
        await until(lambda: "Mistral-Nemo-GGUF" in page.names())
        choose(combo(page, "Order"), "Most liked")
        await until(lambda: page.names()[:1] == ["Mistral-7B-OpenOrca-GGUF"])

    visit(look, tmp_path, doing)


def test_where_thebloke_has_nothing_everyone_is_offered(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("nemo")
        await until(lambda: "TheBloke has no model for these words." in page.read())
        page.press("Search among everyone's models")
        await until(lambda: page.names() == ["Mistral-Nemo-GGUF"])
        assert combo(page, "Whose models").currentText() == "Everyone"
        page.type("xyz")
        await until(lambda: "There is no model for these words." in page.read())
        QTest.keyClick(page.field, Qt.Key.Key_Escape)
        assert page.names() == SHELF

    visit(look, tmp_path, doing)


@pytest.mark.parametrize(
    ("pasted", "unfolded"),
    [
        ("TheBloke/zephyr-7B-GGUF", ""),
        ("https://huggingface.co/TheBloke/zephyr-7B-GGUF", ""),
        ("https://huggingface.co/TheBloke/zephyr-7B-GGUF/blob/main/m.Q4_K_M.gguf?download=true", "Q4_K_M"),
    ],
)
def test_an_address_goes_straight_to_its_repository(
    look: Any, tmp_path: Path, hub: HubServer, pasted: str, unfolded: str
) -> None:
    async def doing(page: FindPage) -> None:
        page.paste(pasted)
        assert page.view.currentWidget() is page.view.repository
        await until(lambda: page.labels() == ["Q4_K_M"])
        assert page.offer.looked_at == unfolded
        assert page.row("Q4_K_M").open == bool(unfolded)

    visit(look, tmp_path, doing)
    assert not searches(hub)


def test_an_id_that_is_typed_opens_with_enter(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("TheBloke/zephyr-7B-GGUF")
        assert page.view.currentWidget() is page.view.results
        QTest.keyClick(page.field, Qt.Key.Key_Return)
        await until(lambda: page.labels() == ["Q4_K_M"])

    visit(look, tmp_path, doing)


def test_an_address_pasted_over_a_text_of_its_length_opens(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("TheBloke/zephyr-7A-GGUF")
        assert "Press Enter to open “TheBloke/zephyr-7A-GGUF”." in page.read()
        assert page.view.currentWidget() is page.view.results
        page.paste("TheBloke/zephyr-7B-GGUF")
        await until(lambda: page.labels() == ["Q4_K_M"])

    visit(look, tmp_path, doing)


def test_keys_open_nothing_before_enter(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("TheBloke/zephyr-7B-GGUFx")
        QTest.keyClick(page.field, Qt.Key.Key_Backspace)
        assert page.view.currentWidget() is page.view.results
        QApplication.clipboard().setText("2")
        QTest.keyClick(page.field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        assert page.offer.repository.id == "TheBloke/zephyr-7B-GGUF2"  # pasted by its key

    visit(look, tmp_path, doing)


def test_a_file_elsewhere_can_be_downloaded_too(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.paste("https://models.example.org/some/zephyr.Q5_K_M.gguf")
        await settled()
        assert page.labels() == ["zephyr.Q5_K_M.gguf"]
        assert "This file is not on the Hub." in page.read()
        assert {"Download"} <= page.offered()
        assert "Only what fits" not in page.offered()

    visit(look, tmp_path, doing)


def test_a_hub_that_is_down_is_said_in_place_and_asked_again(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        fault = hub.misbehave("/api/models", status=503)
        page.type("mistral")
        await until(lambda: "has a problem of its own" in page.warned())
        assert page.names() == ["Mistral-7B-Instruct-v0.1-GGUF", "Mistral-7B-v0.1-GGUF"]  # what is known without it
        page.type(" nobody")
        await until(lambda: not page.controller.searching)
        assert page.names() == []
        for _letter in " nobody":
            QTest.keyClick(page.field, Qt.Key.Key_Backspace)
        await until(lambda: page.names() and not page.controller.searching)
        hub.behave(fault)
        page.press("Try again")
        await until(lambda: len(page.names()) == 2)
        assert not page.warned()

    visit(look, tmp_path, doing)


def test_what_was_found_before_is_shown_with_its_age(
    look: Any, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first(page: FindPage) -> None:
        page.type("mistral")
        await until(lambda: len(page.names()) == 2)

    async def later(page: FindPage) -> None:
        page.type("mistral")
        await until(lambda: len(page.names()) == 2)
        assert "This is what was found 3 hours ago." in page.read()
        assert page.warned()

    visit(look, tmp_path, first)
    hub.close()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3 * 3600)
    visit(look, tmp_path, later)


def test_offline_names_its_switch(look: Any, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")

    async def doing(page: FindPage) -> None:
        page.network.sealed = True
        page.type("mistral")
        await until(lambda: "Switch “Offline” off" in page.warned())
        assert "Try again" not in page.offered()  # it would change nothing

    visit(look, tmp_path, doing)


def test_an_error_goes_with_the_network_it_was_of(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        fault = hub.misbehave("/api/models", status=503)
        page.type("mistral")
        await until(lambda: "has a problem of its own" in page.warned())
        hub.behave(fault)
        page.view.reconnect()
        await until(lambda: "Mistral-7B-OpenOrca-GGUF" in page.names() and not page.warned())
        asked = len(hub.received["hub"])
        page.view.reconnect()  # nothing went wrong: nothing is asked
        await settled()
        assert len(hub.received["hub"]) == asked

    visit(look, tmp_path, doing)


def test_keys_lead_from_the_field_to_a_repository_and_back(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("mistral")
        await until(lambda: len(page.names()) == 2)
        QTest.keyClick(page.field, Qt.Key.Key_Down)
        QTest.keyClick(page.list, Qt.Key.Key_Down)
        QTest.keyClick(page.list, Qt.Key.Key_Return)
        await until(lambda: page.labels() == ["Q4_K_M"])
        assert page.offer.repository.name == "Mistral-7B-OpenOrca-GGUF"
        await until(lambda: QApplication.focusWidget() is page.row("Q4_K_M"))
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)  # again: it leads on, not back
        assert (page.view.currentWidget(), page.offer.looked_at) == (page.view.repository, "Q4_K_M")
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
        assert page.view.currentWidget() is page.view.results
        assert page.list.currentIndex().row() == 1

    visit(look, tmp_path, doing)


def test_every_control_has_a_name(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.paste("TheBloke/zephyr-7B-GGUF")
        await until(lambda: page.labels() == ["Q4_K_M"])
        page.offer.look_at("Q4_K_M")
        await settled()
        for widget in page.view.findChildren(QWidget):
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(page.view):
                named = widget.accessibleName() or getattr(widget, "text", str)()
                assert named, widget

    visit(look, tmp_path, doing)


def test_the_controller_is_no_widget() -> None:
    assert not issubclass(FindController, QWidget)


def test_an_error_moves_no_row_and_nothing_found_teaches(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        page.type("mistral")
        await until(lambda: len(page.names()) == 2)
        top = page.list.mapTo(page.view, QPoint(0, 0)).y()
        page.view.results.warn(NetworkError("It broke off."))
        await settled()
        assert page.list.mapTo(page.view, QPoint(0, 0)).y() == top
        bar = next(bar for bar in page.view.findChildren(Bar) if bar.isVisibleTo(page.view))
        assert bar.mapTo(page.view, QPoint(0, 0)).y() > top
        page.view.results.field.selectAll()
        page.type("zebra")
        assert page.names()  # those found before stay while others are looked for
        await until(lambda: not page.names() and not page.controller.searching)
        await settled()
        empty = page.view.findChild(Empty)
        assert empty.isVisibleTo(page.view)
        for label in empty.findChildren(Label):
            assert label.height() >= label.heightForWidth(label.width())
        choose(combo(page, "Whose models"), "Everyone")
        await until(lambda: "Try fewer words" in page.read())

    visit(look, tmp_path, doing)


def test_nothing_lies_above_another_where_the_text_is_large(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        look.use("light", 200)
        page.view.resize(664, 380)
        await settled()
        places = [
            (w.mapTo(page.view, QPoint(0, 0)).y(), w.height()) for w in (page.field, combo(page, "Order"), page.list)
        ]
        for (above, height), (below, _height) in pairwise(places):
            assert above + height <= below
        assert page.field.width() > page.view.width() / 2

    visit(look, tmp_path, doing)


def test_one_model_of_the_shelf_is_recommended(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        heard = [page.heard(at) for at in range(len(page.controller.rows))]
        assert [at for at, said in enumerate(heard) if "Recommended for this computer" in said] == [0]
        page.judge.available = 2_500_000_000
        page.controller.changed.emit()
        heard = [page.heard(at) for at in range(len(page.controller.rows))]
        (at,) = [at for at, said in enumerate(heard) if "Recommended for this computer" in said]
        assert "TinyLlama" in heard[at]

    visit(look, tmp_path, doing)


def test_who_comes_back_to_the_shelf_sees_what_is_recommended_now(look: Any, tmp_path: Path, hub: HubServer) -> None:
    async def doing(page: FindPage) -> None:
        assert "Recommended for this computer" in page.heard(0)
        page.judge.available = 2_500_000_000
        assert "Recommended for this computer" in page.heard(0)  # not while it is being read
        page.view.hide()
        page.view.show()
        assert "Recommended for this computer" not in page.heard(0)

    visit(look, tmp_path, doing)
