"""The switch as another program turns it, over real files of preferences."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from desktop.engine.seal import Refused
from desktop.services.online.network import Network
from desktop.services.online.switch import Switch
from desktop.services.preferences import Preferences

ABROAD = ("203.0.113.7", 443)  # RFC 5737: nobody's


@pytest.fixture(autouse=True)
def at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.online.switch._PAUSE_S", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "preferences.toml"


def turn(file: Path, on: bool) -> None:
    """As a window of its own does it."""
    asyncio.run(Preferences(file).set("offline", on))


def test_a_turn_is_told_once(file: Path) -> None:
    switch = Switch(file, on=False)
    assert switch.turned() is None
    turn(file, on=True)
    assert (switch.turned(), switch.turned()) == (True, None)
    asyncio.run(Preferences(file).set("threads", 2))
    assert switch.turned() is None
    turn(file, on=False)
    assert (switch.turned(), switch.turned()) == (False, None)


@pytest.mark.parametrize("text", [b"[settings", b"\xff", b"settings = 5", b'[settings]\noffline = "yes"'])
def test_a_file_that_says_nothing_turns_nothing(file: Path, text: bytes) -> None:
    switch = Switch(file, on=False)
    file.write_bytes(text)
    assert switch.turned() is None


def test_it_is_looked_at_seldom(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.online.switch._PAUSE_S", 3600.0)
    switch = Switch(file, on=False)
    turn(file, on=True)
    assert switch.turned() is None


def test_a_running_program_is_sealed_by_another_one(file: Path) -> None:
    network, cuts = Network(switch=Switch(file, on=False)), []
    network.when_sealed(lambda: cuts.append(True))
    assert not network.sealed
    turn(file, on=True)
    with socket.socket() as one, pytest.raises(Refused):
        one.connect(ABROAD)
    assert (network.sealed, cuts) == (True, [True])  # what is open is ended, too
    turn(file, on=False)
    assert not network.sealed
    network.close()


def test_a_file_that_is_written_late_does_not_undo_this_programs_own_turn(file: Path) -> None:
    network = Network(switch=Switch(file, on=False))
    asyncio.run(Preferences(file).set("threads", 2))  # not looked at yet when the switch is thrown
    network.sealed = True
    assert network.sealed
    turn(file, on=True)
    assert network.sealed
    network.close()
