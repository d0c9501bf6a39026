"""The privacy part of the settings, by clicks and keys, over a real list of connections and a keyring in memory."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit, QPushButton

from desktop.core.errors import UserError
from desktop.panes.settings.connections import Connections
from desktop.panes.settings.controller import SettingsController
from desktop.panes.settings.privacy import PrivacyController
from desktop.panes.settings.view import SettingsView
from desktop.services.online.network import Connection, Network
from desktop.services.online.tokens import Tokens
from desktop.services.preferences import Preferences
from desktop.ui.bars import Bar
from desktop.ui.buttons import IconButton
from desktop.ui.forms import Row
from desktop.ui.labels import Label

SECRET = "hf_abcdefghijklmnopqrstuvwxyz0123456789"


class Memory(KeyringBackend):
    """A keyring at the edge, which may refuse."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


def at_once(work: Coroutine[Any, Any, Any], show: Callable[[UserError], None]) -> None:
    try:
        asyncio.run(work)
    except UserError as error:
        show(error)


class Pane:
    def __init__(self, qtbot: Any, look: Any, home: Path) -> None:
        self.network = Network(home / "connections.jsonl")
        self.tokens = Tokens(home / "token")
        self.settings = SettingsController(Preferences(home / "preferences.toml"), lambda: ["Mistral"], home, at_once)
        self.settings.window_changed.connect(self.obey)
        self.view = SettingsView(look, self.settings, PrivacyController(self.network, self.tokens, at_once))
        qtbot.addWidget(self.view)
        self.view.resize(800, 700)
        self.view.show()
        QApplication.processEvents()

    def obey(self, values: dict[str, Any]) -> None:
        self.network.sealed = bool(values["offline"])

    def press(self, label: str) -> None:
        buttons = [*self.view.findChildren(QPushButton), *self.view.findChildren(IconButton)]
        button = next(b for b in buttons if b.text() == label and b.isVisibleTo(self.view))
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        QApplication.processEvents()

    def unfold(self) -> None:
        self.press(next(b.text() for b in self.view.findChildren(IconButton) if b.text().startswith("Connections (")))

    def offered(self) -> set[str]:
        return {b.text() for b in self.view.findChildren(QPushButton) if b.isVisibleTo(self.view)}

    def read(self) -> str:
        return "\n".join(w.text() for w in self.view.findChildren(Label) if w.isVisibleTo(self.view))

    def rows(self) -> list[list[str]]:
        model = self.view.findChild(Connections).model()
        return [
            [model.index(row, column).data() for column in range(model.columnCount())]
            for row in range(model.rowCount())
        ]

    @property
    def token(self) -> QLineEdit:
        return next(f for f in self.view.findChildren(QLineEdit) if f.accessibleName() == "Hub token")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    before = keyring.get_keyring()
    made = Memory()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def pane(qtbot: Any, look: Any, tmp_path: Path, ring: Memory) -> Iterator[Pane]:
    made = Pane(qtbot, look, tmp_path)
    yield made
    made.network.close()


def reach(host: str) -> None:
    """Tries to connect to an address that nobody has."""
    with socket.socket() as trying:
        trying.settimeout(0.05)
        trying.connect((host, 443))


def test_one_switch_refuses_every_connection_and_lists_it(pane: Pane) -> None:
    row = next(r for r in pane.view.findChildren(Row) if r.field.row.key == "offline")
    switch = row.findChild(QCheckBox)
    assert switch.accessibleName() == "Offline"
    switch.setFocus()
    QTest.keyClick(switch, Qt.Key.Key_Space)
    with pane.network.purpose("Search"), pytest.raises(OSError, match="offline"):
        reach("192.0.2.1")  # RFC 5737: for documentation
    pane.unfold()
    assert [(row[1], row[2], row[3]) for row in pane.rows()] == [("192.0.2.1", "Refused: Search", "")]
    heard = pane.view.findChild(Connections).model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "192.0.2.1 — Refused: Search" in heard


def test_connections_are_listed_with_their_bytes(pane: Pane) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pane.network.purpose("Download"):
        with socket.create_connection(server.getsockname()) as made:
            pane.network.count(made.fileno(), 1_000, 2_000_000)
        port = server.getsockname()[1]
    pane.unfold()
    assert [row[1:] for row in pane.rows()] == [[f"127.0.0.1:{port}", "Download", "1 kB", "2.0 MB"]]
    pane.press("Clear the list")
    assert pane.rows() == []
    assert "Alcove has connected to no other computer." in pane.read()
    assert "Clear the list" not in pane.offered()


def test_what_the_command_line_connected_to_is_listed_and_the_loop_waits_for_no_disk(
    pane: Pane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []
    for name in ("connections", "forget"):
        work = getattr(Network, name)

        def noted(network: Network, work: Any = work) -> Any:
            threads.append(threading.current_thread() is not threading.main_thread())
            return work(network)

        monkeypatch.setattr(Network, name, noted)
    row = Connection(1.0, "huggingface.co", 443, "Download", id="x")
    (tmp_path / "connections.jsonl").write_text(json.dumps(asdict(row)) + "\n")
    pane.unfold()
    assert [row[1] for row in pane.rows()] == ["huggingface.co"]
    pane.press("Clear the list")
    assert (pane.rows(), (tmp_path / "connections.jsonl").read_bytes()) == ([], b"")
    assert len(threads) >= 3
    assert all(threads)


def test_a_token_is_kept_in_the_keyring_and_not_shown_again(pane: Pane, ring: Memory) -> None:
    assert pane.token.echoMode() is QLineEdit.EchoMode.Password
    assert "Forget" not in pane.offered()
    pane.token.setFocus()
    QTest.keyClicks(pane.token, SECRET)
    QTest.keyClick(pane.token, Qt.Key.Key_Return)
    assert list(ring.kept.values()) == [SECRET]
    assert pane.token.text() == ""
    assert "kept in this system's keyring" in pane.read()
    pane.press("Forget")
    assert ring.kept == {}
    assert "Forget" not in pane.offered()
    assert pane.tokens.get() == ""


def test_what_is_no_token_is_refused_with_a_sentence(pane: Pane, ring: Memory) -> None:
    pane.token.setFocus()
    QTest.keyClicks(pane.token, "my password")
    pane.press("Keep")
    assert "does not look like a token" in pane.view.findChild(Bar).text
    assert ring.kept == {}


def test_a_token_of_the_environment_is_only_told_of(pane: Pane, ring: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    pane.view.hide()
    pane.view.show()
    assert "HF_TOKEN is used" in pane.read()
    assert not pane.token.isVisibleTo(pane.view)
    assert "Forget" not in pane.offered()


def test_a_variable_that_holds_no_token_is_told_of(pane: Pane, ring: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "two words")
    pane.view.hide()
    pane.view.show()
    assert "HF_TOKEN holds something that is no token" in pane.read()
    assert pane.token.isVisibleTo(pane.view)


def test_for_a_model_there_is_no_privacy(pane: Pane) -> None:
    pane.settings.choose("Mistral")
    QApplication.processEvents()
    assert not pane.token.isVisibleTo(pane.view)


def test_the_tab_key_comes_to_the_token_after_the_settings(pane: Pane) -> None:
    for level in (None, "Mistral", None):  # each time the settings are made anew
        pane.settings.choose(level)
        QApplication.processEvents()
    forms, at = [], pane.token
    while (at := at.previousInFocusChain()) is not pane.token:
        forms.append(at)
    row = next(r for r in pane.view.findChildren(Row) if r.field.row.key == "language" and r.isVisibleTo(pane.view))
    reset = next(b for b in pane.view.findChildren(QPushButton) if b.text() == "Reset all")
    assert forms.index(row) < forms.index(reset)  # backwards from the token
